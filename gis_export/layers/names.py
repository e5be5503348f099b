"""Layer names as they appear in a file name, a zip or a URL. They come from data and may hold any character.

Titles and attributes hold a name unchanged. The functions here make the forms needed where some characters have a
meaning of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .fields import all_different

# Characters of the layers in a file name. With a county_id of 64 characters the file name stays below its limit of 200.
LONGEST_NAME = 80
LONGEST_STEM = 100
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\Z", re.IGNORECASE)  # Windows cannot open a file of such a name
_FOR_PROGRAMS = re.compile(r"[a-z0-9_]+\Z")
_TABLE_NAME = re.compile(r"(?!gpkg|sqlite_|rtree_)\w", re.IGNORECASE)
_URL_CHARACTER = re.compile(r"[A-Za-z0-9_-]")


def title_of(name: str) -> str:
    """The title people read: the name itself, or in words where it is written for programs, such as `zip_areas`."""
    return name.replace("_", " ").capitalize() if _FOR_PROGRAMS.match(name) else name


def file_stem(name: str) -> str:
    """The name in plain characters, safe as a file name without its extension."""
    stem = re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_") or "layer"
    return f"{stem}_" if _DEVICES.match(stem) else stem


def file_stems(names: Sequence[str]) -> dict[str, str]:
    """A file stem for each layer. No two are alike, upper and lower case aside."""
    return all_different({name: file_stem(name) for name in names}, set(), LONGEST_STEM)


def table_names(names: Sequence[str]) -> dict[str, str]:
    """A table name for each layer of a GeoPackage: the layer's own name where GDAL and SQLite accept it."""
    wanted = {name: name if _TABLE_NAME.match(name) else file_stem(name) for name in names}
    return all_different(wanted, {"layer_styles"}, LONGEST_STEM)


def layers_in_name(names: Sequence[str]) -> str:
    """The layers joined by _, for the name of the one file that holds them; cut when the result is too long."""
    joined = "_".join(map(file_stem, names))
    return joined if len(joined) <= LONGEST_NAME else f"{joined[:LONGEST_NAME].rstrip('_')}_and_more"


def url_segment(name: str) -> str:
    """The name as one segment of a URL: plain characters stay, of others each byte is written as ~ and two hex digits.

    Percent-encoding cannot be used: servers turn %2F into a slash before they look for a route.
    """
    return "".join(
        character if _URL_CHARACTER.match(character) else "".join(f"~{byte:02X}" for byte in character.encode())
        for character in name
    )
