"""Opening a file a county gives us: plain, gzipped, or the one member of a zip, within limits.

A file may come from anybody. Sizes are counted while unpacking, never believed; no name of an archive becomes a path.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ingestion.transforms.mapper import FileOptions
from terrafusion.errors import TerraFusionError
from terrafusion.full_disk import raise_if_disk_is_full

from .source import UnreadableSource

LARGEST_UNPACKED = 8 * 1024**3  # bytes
LARGEST_RATIO = 250  # unpacked to packed; text of blank padding reaches 200
RATIO_FROM = 10_000_000  # bytes unpacked before the ratio is looked at
MOST_MEMBERS = 200
MOST_IN_GEODATABASES = 20_000  # a File Geodatabase is a folder of some files for each of its tables
ARCHIVES = (".zip", ".gz", ".7z", ".rar", ".tar", ".bz2", ".xz", ".tgz", ".zst")
_ENCRYPTED = 0x1
_SYMLINK = 0o120000


@dataclass(frozen=True)
class Content:
    """The bytes of one file, wherever they are packed. member: its name inside a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    @property
    def kind(self) -> str:
        """The suffix that tells what it is, without packing."""
        inner = Path(self.member) if self.member else self.path
        return Path(inner.stem).suffix.lower() if inner.suffix.lower() == ".gz" else inner.suffix.lower()

    def digest(self) -> str:
        """SHA-256 of the file as it was given; of a folder, of the names and digests of its files."""
        if self.path.is_dir():
            parts = [
                f"{each.name} {Content(each).digest()}\n" for each in sorted(self.path.iterdir()) if each.is_file()
            ]
            return hashlib.sha256("".join(parts).encode()).hexdigest()
        with _readable(self.path), self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked. Raises UnreadableSource, also in the middle of reading."""
        with _readable(self.path):
            packed = self.path.stat().st_size
            if self.member is not None:
                with checked_zip(self.path) as archive, archive.open(self.member) as inner:
                    yield io.BufferedReader(_Counted(inner, packed, self.path.name))
            elif self.path.suffix.lower() == ".gz":
                with gzip.open(self.path, "rb") as unpacked:
                    yield io.BufferedReader(_Counted(unpacked, packed, self.path.name))
            else:
                with self.path.open("rb") as stream:
                    yield stream


@contextmanager
def library_faults(told: str) -> Iterator[None]:
    """Whatever a library raises over a damaged file, as one sentence. A full disk and our own errors pass.

    A reader of a file format has no closed list of errors: damaged bytes raise what they happen to meet.
    """
    try:
        yield
    except TerraFusionError:
        raise
    except Exception as error:
        raise_if_disk_is_full(error)
        raise UnreadableSource(f"{told}.") from error


@dataclass(frozen=True)
class FileSource:
    """What the sources that are files have in common."""

    content: Content
    options: FileOptions = field(default_factory=FileOptions)

    @property
    def name(self) -> str:
        return self.content.name

    def digest(self) -> str:
        return self.content.digest()


class _Counted(io.RawIOBase):
    """Unpacked bytes, counted as they come: a small file must not become a full disk or a full memory."""

    def __init__(self, stream: Any, packed: int, name: str) -> None:
        self._stream, self._packed, self._name, self._unpacked = stream, max(packed, 1), name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._unpacked += len(data)
        if self._unpacked > LARGEST_UNPACKED:
            raise UnreadableSource(f"{self._name} unpacks to more than {LARGEST_UNPACKED:,} bytes.")
        if self._unpacked > RATIO_FROM and self._unpacked > LARGEST_RATIO * self._packed:
            raise UnreadableSource(f"{self._name} unpacks to more than {LARGEST_RATIO} times its size.")
        return len(data)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """The faults of a file in a sentence that names no folder."""
    try:
        if not path.is_file():
            raise UnreadableSource(f"There is no file {path.name}.")
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableSource(
            f"{path.name} is not a whole {'gzip' if path.suffix.lower() == '.gz' else 'zip'} file."
        ) from error
    except (zipfile.BadZipFile, lzma.LZMAError, NotImplementedError, RuntimeError) as error:
        raise UnreadableSource(f"{path.name} is not a zip file that can be read: {error}.") from error
    except OSError as error:
        raise_if_disk_is_full(error)
        raise UnreadableSource(f"{path.name} cannot be read: {error.strerror or error}.") from error


@contextmanager
def checked_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, after its table of contents was found harmless. Raises UnreadableSource."""
    with _readable(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        loose = sum(geodatabase_of(each.filename) is None for each in members)
        if loose > MOST_MEMBERS or len(members) > MOST_IN_GEODATABASES:
            raise UnreadableSource(f"{path.name} holds {len(members):,} files; at most {MOST_MEMBERS} are allowed.")
        names = [each.filename.lower() for each in members]
        if len(set(names)) < len(names):
            raise UnreadableSource(f"{path.name} holds two files of the same name.")
        if sum(each.file_size for each in members) > LARGEST_UNPACKED:
            raise UnreadableSource(f"{path.name} unpacks to more than {LARGEST_UNPACKED:,} bytes.")
        for each in members:
            _check_member(path.name, each)
        yield archive


def _check_member(archive: str, member: zipfile.ZipInfo) -> None:
    name, parts = member.filename, member.filename.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\x00" in member.orig_filename:
        raise UnreadableSource(f"{archive} holds a file whose name leaves its folder.")
    if member.external_attr >> 16 & 0o170000 == _SYMLINK:
        raise UnreadableSource(f"{archive} holds a link instead of a file.")
    if member.flag_bits & _ENCRYPTED:
        raise UnreadableSource(f"{archive} is protected by a password; unpack it first.")
    if name.lower().endswith(ARCHIVES):
        raise UnreadableSource(f"{archive} holds another archive; unpack it first.")
    if member.file_size > RATIO_FROM and member.file_size > LARGEST_RATIO * max(member.compress_size, 1):
        raise UnreadableSource(f"{archive} unpacks to more than {LARGEST_RATIO} times its size.")


def members_of(path: Path) -> list[str]:
    """Names of the files in a zip, a File Geodatabase being one; folders and operating-system litter aside."""
    with checked_zip(path) as archive:
        names = [each.filename for each in archive.infolist() if not each.is_dir() and not _is_litter(each.filename)]
    return list(dict.fromkeys(geodatabase_of(each) or each for each in names))


def _is_litter(name: str) -> bool:
    """What macOS and Windows leave in folders: `._parcels.shp` is no shapefile."""
    last = PurePosixPath(name).name.lower()
    return name.startswith("__MACOSX/") or last.startswith("._") or last in (".ds_store", "thumbs.db", "desktop.ini")


def geodatabase_of(name: str) -> str | None:
    """The folder `….gdb` that this member of a zip stands in."""
    folder = PurePosixPath(name).parent
    return str(folder) if folder.suffix.lower() == ".gdb" else None


def is_named(member: str, wanted: str) -> bool:
    """Whether a mapping's `layer` means this member: by its whole name, its file name or its stem, in any case."""
    path = PurePosixPath(member)
    return wanted.lower() in {member.lower(), path.name.lower(), path.stem.lower()}
