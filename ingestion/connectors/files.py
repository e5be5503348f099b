"""Opening a county's file as a source, by what it is: text, sheet, Parquet or a layer of shapes."""

from __future__ import annotations

from pathlib import Path

from ingestion.transforms.mapper import FileOptions

from .opening import Content, is_named, members_of
from .sheets import Sheet
from .source import Source, UnreadableSource
from .tables import ParquetFile
from .text_files import TextFile
from .vector_files import GEODATABASE, LAYER_KINDS, VectorFile

TEXT_KINDS = (".csv", ".tsv", ".txt", ".tab", ".asc")
ALLOWED = (*TEXT_KINDS, ".xlsx", ".parquet", *LAYER_KINDS, ".zip (of one of these)", ".gz (of text)")


def check_kind(name: str) -> None:
    """Raises UnreadableSource, naming what is allowed, when files of this kind are not read."""
    content = Content(Path(name))
    packed = Path(name).suffix.lower() == ".gz"
    tables = () if packed else (".xlsx", ".parquet", ".zip")
    if content.kind not in (*TEXT_KINDS, *LAYER_KINDS, *tables):
        raise UnreadableSource(f"{Path(name).name}: files of this kind are not read. Allowed: {', '.join(ALLOWED)}.")


def open_file(path: Path, options: FileOptions | None = None) -> Source:
    """The source in the file. Raises UnreadableSource, naming what is allowed, before anything of it is used."""
    options = options or FileOptions()
    text = str(path)
    if "://" in text or text.lower().replace("\\", "/").lstrip("./").startswith("vsi") or "/vsi" in text.lower():
        raise UnreadableSource("A source is a file on this machine; addresses and virtual paths are refused.")
    is_geodatabase = path.suffix.lower() == GEODATABASE and path.is_dir() and not path.is_symlink()
    if not path.is_file() and not is_geodatabase:
        raise UnreadableSource(f"There is no file {path.name}.")
    check_kind(path.name)
    content = Content(path)
    if content.kind == ".zip":
        content = _member_meant(path, options)
    if content.kind in TEXT_KINDS:
        return TextFile(content, options)
    if content.kind == ".xlsx":
        return Sheet(content, options)
    if content.kind == ".parquet":
        return ParquetFile(content)
    return VectorFile(content, options)


def _member_meant(path: Path, options: FileOptions) -> Content:
    """The file of a zip that the mapping names, or the only one; a layer of shapes before tables that describe it."""
    members = members_of(path)
    tables = [each for each in members if Path(each).suffix.lower() in (*TEXT_KINDS, ".xlsx", ".parquet", *LAYER_KINDS)]
    named = [each for each in tables if options.layer is not None and is_named(each, options.layer)]
    shapes = [each for each in tables if Path(each).suffix.lower() in (".shp", GEODATABASE)]
    found = named or shapes or tables
    exact = [each for each in found if options.layer == each]
    meant = exact or found
    if len(meant) != 1:
        raise UnreadableSource(
            f"{path.name} holds {len(meant)} files that could be meant: {', '.join(meant[:10]) or 'none'}. "
            "Name one with file: {layer: ...} in the mapping."
        )
    return Content(path, meant[0])
