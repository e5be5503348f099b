"""The two places where snapshots are stored: a folder of a file system, and a bucket of an S3 server.

Both hold the folders of a county, and small texts that a reader sees whole or not at all. `snapshots` decides what a
text means and when a folder is removed.
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
    """A request to the bucket failed; the sentence says why, and names no key."""

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
        """Removes the folder with all its contents."""

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
        """Writes a temporary file, flushes it and renames it."""
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
    """A prefix of a bucket on S3, or on a server with the same interface (MinIO, Ceph).

    The job that uses it makes it, never a process that forks later, because the client has threads. The client reads
    its keys itself, from AWS_ACCESS_KEY_ID and the other usual places, so none is in our settings or sentences.
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
        """Reads a text. The client asks for its size first, so a text that is replaced must keep its length."""
        with self._requesting():
            try:
                with self._client.open_input_stream(self._key(path)) as stream:
                    return bytes(stream.read()).decode().strip()
            except FileNotFoundError:
                return None

    def write(self, path: str, text: str) -> None:
        """Writes with one PUT; S3 shows an object only when it is complete."""
        with self._requesting(), self._client.open_output_stream(self._key(path)) as stream:
            stream.write(text.encode())

    def folders(self, county_id: str) -> list[str]:
        from pyarrow.fs import FileSelector, FileType

        with self._requesting():
            entries = self._client.get_file_info(FileSelector(self._key(county_id), allow_not_found=True))
        return [entry.base_name for entry in entries if entry.type == FileType.Directory]

    def remove_folder(self, path: str) -> None:
        with self._requesting():
            self._client.delete_dir(self._key(path))

    @contextmanager
    def one_writer(self, county_id: str) -> Iterator[None]:
        """Locks the row of the county, in the database that all hosts share, until the transaction ends.

        A conditional PUT would protect one object only, and a purge needs the pointer to stay while it deletes others.
        With no_key, jobs and loads that only refer to the county go on. On SQLite the transaction is the lock.
        """
        with transaction.atomic():
            list(County.objects.select_for_update(no_key=True).filter(pk=county_id))
            yield

    def upload(self, folder: Path, path: str) -> None:
        """Uploads the files alone: the copy of pyarrow adds an empty object for every folder, over and over."""

        def send(file: Path) -> None:
            key = self._key(f"{path}/{file.relative_to(folder).as_posix()}")
            with file.open("rb") as source, self._client.open_output_stream(key) as target:
                shutil.copyfileobj(source, target, 1 << 20)

        files = [file for file in folder.rglob("*") if file.is_file()]
        with self._requesting(), ThreadPoolExecutor(4) as pool:
            list(pool.map(send, files))

    def download(self, path: str, folder: Path) -> None:
        """Downloads to a temporary name and renames it, so that a folder with its final name is whole."""
        from pyarrow.fs import LocalFileSystem, copy_files

        arriving = folder.with_name(f"{ARRIVING}{folder.name}")
        with self._requesting():
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
    def _requesting(self) -> Iterator[None]:
        """Turns errors of the client into StoreUnavailable. Errors of the local disk, which have a number, pass."""
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
    error = re.search(r"AWS Error ([A-Z_]+)", raw)
    code = error[1] if error else ""
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
