"""Names of layers where they enter a file name, a zip or a URL. Data gives them, so any character may stand in them.

A title, a table or an attribute holds the name as it is; what is made here stands only where its characters would act.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .fields import all_different

# Characters of the layers in a file name: with a county_id of 64 the whole of it stays below 200, the longest kept.
LONGEST_NAME = 80
LONGEST_STEM = 100
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\Z", re.IGNORECASE)  # Windows opens no file of such a name
_FOR_PROGRAMS = re.compile(r"[a-z0-9_]+\Z")
_OF_A_TABLE = re.compile(r"(?!gpkg|sqlite_|rtree_)\w", re.IGNORECASE)
_OF_A_URL = re.compile(r"[A-Za-z0-9_-]")


def title_of(name: str) -> str:
    """What people read: the name as it is, or in words where it is written for programs."""
    return name.replace("_", " ").capitalize() if _FOR_PROGRAMS.match(name) else name


def file_stem(name: str) -> str:
    """The name in plain characters: no path, no extension, no device."""
    stem = re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_") or "layer"
    return f"{stem}_" if _DEVICES.match(stem) else stem


def file_stems(names: Sequence[str]) -> dict[str, str]:
    """A stem for each layer; no two are alike, upper and lower case aside."""
    return all_different({name: file_stem(name) for name in names}, set(), LONGEST_STEM)


def table_names(names: Sequence[str]) -> dict[str, str]:
    """A table for each layer of a GeoPackage: its own name, where GDAL and SQLite take it for a table's."""
    own = {name: name if _OF_A_TABLE.match(name) else file_stem(name) for name in names}
    return all_different(own, {"layer_styles"}, LONGEST_STEM)


def layers_in_name(names: Sequence[str]) -> str:
    """The layers joined by _, for the name of the one file that holds them; cut when there are very many."""
    joined = "_".join(map(file_stem, names))
    return joined if len(joined) <= LONGEST_NAME else f"{joined[:LONGEST_NAME].rstrip('_')}_and_more"


def url_segment(name: str) -> str:
    """The name as one segment of a URL, the same in every client: plain characters stand, others are ~ and their bytes.

    Per cent signs would not do: servers turn %2F into a slash before they look for a route.
    """
    return "".join(
        character if _OF_A_URL.match(character) else "".join(f"~{byte:02X}" for byte in character.encode())
        for character in name
    )
