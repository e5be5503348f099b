"""Opening a file a county gives us, within limits: a plain file, a gzipped one, or one member of a zip.

A file may come from anybody. Its size is counted while it is unpacked, because an archive may state a wrong one, and no
name in an archive becomes a path.
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
LARGEST_RATIO = 250  # of unpacked to packed size; text with blank padding reaches 200
RATIO_FROM = 10_000_000  # unpacked bytes from which on the ratio is checked
MOST_MEMBERS = 200
MOST_IN_GEODATABASES = 20_000  # a File Geodatabase is a folder with several files for each of its tables
ARCHIVES = (".zip", ".gz", ".7z", ".rar", ".tar", ".bz2", ".xz", ".tgz", ".zst")
_ENCRYPTED = 0x1
_SYMLINK = 0o120000


@dataclass(frozen=True)
class Content:
    """The bytes of one file, packed or not. member: its name inside a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    @property
    def kind(self) -> str:
        """The suffix of the file without that of its packing: `.csv` for parcels.csv.gz."""
        inner = Path(self.member) if self.member else self.path
        return Path(inner.stem).suffix.lower() if inner.suffix.lower() == ".gz" else inner.suffix.lower()

    def digest(self) -> str:
        """The SHA-256 of the file as it was given; for a folder, that of the names and digests of its files."""
        if self.path.is_dir():
            files = sorted(path for path in self.path.iterdir() if path.is_file())
            parts = [f"{file.name} {Content(file).digest()}\n" for file in files]
            return hashlib.sha256("".join(parts).encode()).hexdigest()
        with _readable(self.path), self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked. Raises UnreadableSource, at once or while the bytes are read."""
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
def library_faults(sentence: str) -> Iterator[None]:
    """Turns any error of a library into an UnreadableSource with this sentence. A full disk and our own errors pass.

    A reader of a file format has no fixed list of errors: damaged bytes may raise any.
    """
    try:
        yield
    except TerraFusionError:
        raise
    except Exception as error:
        raise_if_disk_is_full(error)
        raise UnreadableSource(f"{sentence}.") from error


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
    """Unpacked bytes, counted while they are read: a small file must not fill the disk or the memory."""

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
    """Turns the faults of a file into an UnreadableSource whose sentence names no folder."""
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
    """The archive, once its table of contents is known to be harmless. Raises UnreadableSource."""
    with _readable(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        loose = sum(geodatabase_of(member.filename) is None for member in members)
        if loose > MOST_MEMBERS or len(members) > MOST_IN_GEODATABASES:
            raise UnreadableSource(f"{path.name} holds {len(members):,} files; at most {MOST_MEMBERS} are allowed.")
        names = [member.filename.lower() for member in members]
        if len(set(names)) < len(names):
            raise UnreadableSource(f"{path.name} holds two files of the same name.")
        if sum(member.file_size for member in members) > LARGEST_UNPACKED:
            raise UnreadableSource(f"{path.name} unpacks to more than {LARGEST_UNPACKED:,} bytes.")
        for member in members:
            _check_member(path.name, member)
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
    """The names of the files in a zip, without folders and without what operating systems leave behind.

    A File Geodatabase counts as one file.
    """
    with checked_zip(path) as archive:
        names = [
            member.filename for member in archive.infolist() if not member.is_dir() and not _is_litter(member.filename)
        ]
    return list(dict.fromkeys(geodatabase_of(name) or name for name in names))


def _is_litter(name: str) -> bool:
    """Whether macOS or Windows left the file in its folder: `._parcels.shp` is no shapefile."""
    last = PurePosixPath(name).name.lower()
    return name.startswith("__MACOSX/") or last.startswith("._") or last in (".ds_store", "thumbs.db", "desktop.ini")


def geodatabase_of(name: str) -> str | None:
    """The folder `….gdb` that holds this member of a zip; None for any other member."""
    folder = PurePosixPath(name).parent
    return str(folder) if folder.suffix.lower() == ".gdb" else None


def is_named(member: str, wanted: str) -> bool:
    """Whether a mapping's `layer` is this member's path, file name or stem, upper and lower case aside."""
    path = PurePosixPath(member)
    return wanted.lower() in {member.lower(), path.name.lower(), path.stem.lower()}
