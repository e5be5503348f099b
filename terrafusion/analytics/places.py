"""The two places snapshots stand in: a folder of a file system, and a bucket of an S3 server.

Both know folders by county and small texts that are there whole or not at all. What a text means, and when a
folder goes, is said once, in `snapshots`.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.settings.storage import BucketAddress

ARRIVING = "arriving-"  # before the name of a folder that is being downloaded


class StoreUnavailable(TerraFusionError):
    """The bucket did not do what was asked; the sentence says why, and names no key."""

    failure_reason = "storage"


class Place(Protocol):
    """Paths begin with the county: 'benton/CURRENT', 'benton/snap-1'."""

    def read(self, path: str) -> str | None:
        """A text; None when there is none."""

    def write(self, path: str, text: str) -> None:
        """Replaces a text at once: a reader gets the old one or the new one."""

    def folders(self, county_id: str) -> list[str]:
        """Names of the county's folders."""

    def remove_folder(self, path: str) -> None:
        """With all that is in it."""

    def one_writer(self, county_id: str) -> AbstractContextManager[None]:
        """Inside, nobody else changes what is current in the county. Readers need no lock."""


class Folder:
    """A folder of this machine, or of a file system that machines share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> str | None:
        try:
            return (self.root / path).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None

    def write(self, path: str, text: str) -> None:
        """Written aside, flushed and renamed."""
        final = self.root / path
        temporary = final.with_name(f"{final.name}.{secrets.token_hex(3)}")
        temporary.write_text(text, encoding="utf-8")
        flush(temporary)
        os.replace(temporary, final)
        flush(final.parent)

    def folders(self, county_id: str) -> list[str]:
        return [path.name for path in (self.root / county_id).glob("*") if path.is_dir()]

    def remove_folder(self, path: str) -> None:
        shutil.rmtree(self.root / path)

    @contextmanager
    def one_writer(self, county_id: str) -> Iterator[None]:
        (self.root / county_id).mkdir(parents=True, exist_ok=True)
        with open(self.root / county_id / ".lock", "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


class Bucket:
    """A prefix of a bucket on S3, or on a server that speaks its language (MinIO, Ceph).

    Made by the job that uses it, never before a fork: the client has threads. Its keys are read by the client
    itself, from AWS_ACCESS_KEY_ID and the other usual places, so none is in our settings or sentences.
    """

    def __init__(self, address: BucketAddress) -> None:
        self.address = address

    @cached_property
    def _client(self) -> Any:
        from pyarrow.fs import S3FileSystem

        scheme, _, server = settings.S3_ENDPOINT.rpartition("://")
        return S3FileSystem(
            region=settings.S3_REGION,
            scheme=scheme or "https",
            endpoint_override=server.rstrip("/") or None,
            tls_ca_file_path=settings.S3_CA_BUNDLE or None,
            connect_timeout=5,
            request_timeout=15,
            allow_delayed_open=True,  # a small object is then one PUT
        )

    def read(self, path: str) -> str | None:
        """The client asks for the size and then for that many bytes: texts that get replaced are of one length."""
        with self._asked():
            try:
                with self._client.open_input_stream(self._key(path)) as stream:
                    return bytes(stream.read()).decode().strip()
            except FileNotFoundError:
                return None

    def write(self, path: str, text: str) -> None:
        """One PUT, and S3 shows an object only when it has all of it."""
        with self._asked(), self._client.open_output_stream(self._key(path)) as stream:
            stream.write(text.encode())

    def folders(self, county_id: str) -> list[str]:
        from pyarrow.fs import FileSelector, FileType

        with self._asked():
            found = self._client.get_file_info(FileSelector(self._key(county_id), allow_not_found=True))
        return [each.base_name for each in found if each.type == FileType.Directory]

    def remove_folder(self, path: str) -> None:
        with self._asked():
            self._client.delete_dir(self._key(path))

    @contextmanager
    def one_writer(self, county_id: str) -> Iterator[None]:
        """The county's row, locked in the database all hosts share until the transaction ends.

        Not a conditional PUT: one covers one object, and the purge needs the pointer to stay while it deletes
        others. no_key: jobs and loads that only refer to the county go on. On SQLite the transaction is lock enough.
        """
        with transaction.atomic():
            list(County.objects.select_for_update(no_key=True).filter(pk=county_id))
            yield

    def upload(self, folder: Path, path: str) -> None:
        """Its files alone: pyarrow's own copy adds an empty object for each folder, over and over."""

        def send(file: Path) -> None:
            key = self._key(f"{path}/{file.relative_to(folder).as_posix()}")
            with file.open("rb") as source, self._client.open_output_stream(key) as target:
                shutil.copyfileobj(source, target, 1 << 20)

        files = [file for file in folder.rglob("*") if file.is_file()]
        with self._asked(), ThreadPoolExecutor(4) as pool:
            list(pool.map(send, files))

    def download(self, path: str, folder: Path) -> None:
        """To a name of its own first: a folder under its final name is whole."""
        from pyarrow.fs import LocalFileSystem, copy_files

        arriving = folder.with_name(f"{ARRIVING}{folder.name}")
        with self._asked():
            copy_files(
                self._key(path),
                str(arriving),
                source_filesystem=self._client,
                destination_filesystem=LocalFileSystem(),
            )
        flush_tree(arriving)
        os.replace(arriving, folder)
        flush(folder.parent)

    def _key(self, path: str) -> str:
        return f"{self.address.place}/{path}"

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turns the client's errors into one sentence. Those of this machine's disk, which have a number, stay."""
        try:
            yield
        except OSError as error:
            if error.errno is not None and not isinstance(error, FileNotFoundError):
                raise
            raise StoreUnavailable(_sentence(self.address, str(error))) from error


_KEY_REFUSED = {
    "ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID",
    "MISSING_AUTHENTICATION_TOKEN", "INCOMPLETE_SIGNATURE", "EXPIRED_TOKEN", "UNRECOGNIZED_CLIENT",
}  # fmt: skip


def _sentence(address: BucketAddress, raw: str) -> str:
    found = re.search(r"AWS Error ([A-Z_]+)", raw)
    code = found[1] if found else ""
    store = f"The analytics store {address}"
    if code == "NETWORK_CONNECTION":
        return f"{store} cannot be reached; check AWS_ENDPOINT_URL and the network."
    if code in _KEY_REFUSED:
        return f"{store} refuses the access key ({code}); check AWS_ACCESS_KEY_ID, its secret and its rights."
    if code == "NO_SUCH_BUCKET" or raw.startswith("Bucket"):
        return f"{store} does not exist: there is no bucket of that name."
    return f"{store} failed ({code or 'an object is missing'})."


def flush_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        flush(path)
    flush(folder)


def flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
