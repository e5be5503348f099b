"""Opening a county's file as a source of its kind: text, sheet, Parquet or a layer of shapes."""

from __future__ import annotations

from pathlib import Path

from ingestion.transforms.mapper import FileOptions

from .layers.vector_files import GEODATABASE, LAYER_KINDS, VectorFile
from .opening import Content, is_named, members_of
from .source import Source, UnreadableSource
from .tables import ParquetFile
from .texts.text_files import TextFile
from .workbooks.sheets import Sheet

TEXT_KINDS = (".csv", ".tsv", ".txt", ".tab", ".asc")
ALLOWED = (*TEXT_KINDS, ".xlsx", ".parquet", *LAYER_KINDS, ".zip (of one of these)", ".gz (of text)")


def check_kind(name: str) -> None:
    """Raises UnreadableSource, naming the kinds that are allowed, when files of this kind are not read."""
    content = Content(Path(name))
    packed = Path(name).suffix.lower() == ".gz"
    tables = () if packed else (".xlsx", ".parquet", ".zip")
    if content.kind not in (*TEXT_KINDS, *LAYER_KINDS, *tables):
        raise UnreadableSource(f"{Path(name).name}: files of this kind are not read. Allowed: {', '.join(ALLOWED)}.")


def open_file(path: Path, options: FileOptions | None = None) -> Source:
    """The source in the file. Raises UnreadableSource before any of the file is read, if its kind is not allowed."""
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
        content = _chosen_member(path, options)
    if content.kind in TEXT_KINDS:
        return TextFile(content, options)
    if content.kind == ".xlsx":
        return Sheet(content, options)
    if content.kind == ".parquet":
        return ParquetFile(content)
    return VectorFile(content, options)


def _chosen_member(path: Path, options: FileOptions) -> Content:
    """The file of a zip that the mapping names, or the only one.

    Where the mapping names none, a layer of shapes is taken rather than the tables that describe it.
    """
    kinds = (*TEXT_KINDS, ".xlsx", ".parquet", *LAYER_KINDS)
    readable = [member for member in members_of(path) if Path(member).suffix.lower() in kinds]
    named = [member for member in readable if options.layer is not None and is_named(member, options.layer)]
    shapes = [member for member in readable if Path(member).suffix.lower() in (".shp", GEODATABASE)]
    candidates = named or shapes or readable
    candidates = [member for member in candidates if options.layer == member] or candidates
    if len(candidates) != 1:
        raise UnreadableSource(
            f"{path.name} holds {len(candidates)} files that could be meant: {', '.join(candidates[:10]) or 'none'}. "
            "Name one with file: {layer: ...} in the mapping."
        )
    return Content(path, candidates[0])
