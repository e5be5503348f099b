"""From layers to the one file that is delivered, and the zip that describes it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from terrafusion.digests import file_digest

from ..layers.names import file_stems
from ..reading.source import LayerSource
from .about import About, about_texts, sha256_sums
from .registry import FileFormat
from .zip_files import add_file, add_text


def extension_of(file_format: FileFormat, layers: int) -> str:
    """The delivered file's extension. Several layers in a format that holds only one are zipped."""
    return file_format.extension if file_format.several_layers or layers == 1 else "zip"


def write_files(file_format: FileFormat, sources: Sequence[LayerSource], folder: Path, stem: str, as_of: str) -> Path:
    """Writes the layers into the folder, and gives the one file, or the folder whose files are to be zipped."""
    if not file_format.several_layers and len(sources) > 1:
        stems = file_stems([source.layer.name for source in sources])
        for source in sources:
            file = _fresh(folder / "files") / f"{stems[source.layer.name]}.{file_format.extension}"
            file_format.write(file, [source], as_of)
        return folder / "files"
    if file_format.name == "FileGDB":
        path = _fresh(folder / "files") / f"{stem}.gdb"
    elif file_format.is_zipped:
        path = folder / "files"
    else:
        path = folder / f"data.{file_format.extension}"
    file_format.write(path, sources, as_of)
    return path if path.is_file() else folder / "files"


def _fresh(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def zip_with_about(folder: Path, target: Path, about: About) -> None:
    """The files of the folder and the files that describe them, in one zip."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for file in files:
            name = str(file.relative_to(folder))
            digests[name] = file_digest(file)
            add_file(archive, file, name)
        _add_about(archive, about, digests, beside=[file for file in files if file.suffix == ".shp"])


def about_zip(data: Path, data_name: str, target: Path, about: About) -> None:
    """Zips only the describing files; the data file is delivered beside the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_about(archive, about, {data_name: file_digest(data)}, beside=[])


def _add_about(archive: zipfile.ZipFile, about: About, digests: dict[str, str], beside: Sequence[Path]) -> None:
    """Adds the describing files. beside: files that get a copy of the metadata under their own name."""
    texts = about_texts(about)
    for file in beside:
        texts[f"{file.name}.xml"] = texts["metadata.xml"]  # QGIS and ArcGIS look for it there
    for name, text in sorted(texts.items()):
        add_text(archive, name, text)
        digests[name] = hashlib.sha256(text.encode()).hexdigest()
    add_text(archive, "SHA256SUMS", sha256_sums(digests))
