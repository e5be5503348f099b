"""The keys of a county's `county.yaml`. Unknown keys are refused, so that a misspelling is noticed.

A plugin defines its own section of the file, and its kind of job adds the section (`add_section`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError, create_model
from pyproj import CRS
from pyproj.exceptions import CRSError

from terrafusion.errors import ConfigurationError

from .safe_yaml import faults_with_lines, read_yaml

logger = logging.getLogger(__name__)


def known_crs(value: str) -> str:
    """The value, for a field that names a projected coordinate reference system. Raises ValueError for another."""
    try:
        crs = CRS.from_user_input(value)
    except CRSError as error:
        raise ValueError(f"{value!r} is not a coordinate reference system; write EPSG:2927") from error
    if not crs.is_projected:
        raise ValueError(f"{value} is not projected; distances and areas need a projected one")
    return value


def _known_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not a time zone; write America/Los_Angeles")
    return value


class Section(BaseModel):
    """A part of `county.yaml`. Every field has a default, because a county may leave the whole section out.

    key: the section's key in the file; empty for a part of another section.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: ClassVar[str] = ""


SectionType = TypeVar("SectionType", bound=Section)


class SalesSection(Section):
    """The validity codes of arm's-length sales, which are used as comparables and in ratio studies."""

    key: ClassVar[str] = "sales"

    valid_codes: tuple[str, ...] = ("", "valid")


class CountyFile(Section):
    """The whole of `county.yaml`."""

    county_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    name: str
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    fips: Annotated[str, Field(pattern=r"^\d{5}$")]
    crs: Annotated[str, AfterValidator(known_crs)]
    time_zone: Annotated[str, AfterValidator(_known_time_zone)]
    legacy_system: Literal["PACS"] | None = None
    max_running_jobs: PositiveInt = 2
    sales: SalesSection = SalesSection()


_sections: dict[str, type[Section]] = {}


def add_section(section: type[Section]) -> None:
    """Adds a plugin's section to `county.yaml`. Raises ValueError for a key that is taken."""
    if not section.key:
        raise ValueError(f"{section.__name__} names no key of county.yaml.")
    if section.key in _sections or section.key in CountyFile.model_fields:
        raise ValueError(f"Two sections of county.yaml have the key {section.key}; the second is {section.__name__}.")
    _sections[section.key] = section
    county_file_model.cache_clear()


@cache
def county_file_model() -> type[CountyFile]:
    """`county.yaml` with the sections of every plugin."""
    fields: dict[str, Any] = {key: (section, section()) for key, section in _sections.items()}
    return create_model("CountyFile", __base__=CountyFile, __doc__=CountyFile.__doc__, **fields)


def faults_in(error: ValidationError) -> str:
    """Every fault of a configuration file, with its place in the file."""
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())


def read_county_file(path: Path) -> CountyFile:
    """The validated county.yaml. Raises ConfigurationError naming file, key and what is allowed."""
    raw, root = read_yaml(path)
    try:
        county = county_file_model().model_validate(raw)
    except ValidationError as error:
        faults = faults_with_lines(error, root, f"{path.parent.name}/{path.name}")
        raise ConfigurationError("; ".join(faults)) from error
    if county.county_id != path.parent.name:
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}: county_id is {county.county_id!r}, "
            f"but the folder is {path.parent.name!r}; they must agree."
        )
    return county


def read_stored_section(section: type[SectionType], stored: Mapping[str, Any], county_id: str) -> SectionType:
    """A section as `load_counties` stored it, perhaps with another release of the software.

    A key unknown to this release is left out and logged, because the other release has checked it. For a value that
    this release does not understand, ConfigurationError is raised: it may be a limit that the county has set, so a
    default must not replace it.
    """
    content = deepcopy(stored.get(section.key, {}))
    try:
        return section.model_validate(content)
    except ValidationError as error:
        unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
    for *path, key in unknown:
        holder = reduce(getitem, path, content)
        del holder[key]
        logger.warning("County %s: %s.%s of another release is left out.", county_id, section.key, key)
    try:
        return section.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(
            f"The stored settings of county {county_id} do not fit this release; run manage.py load_counties. "
            f"{section.key}: {faults_in(error)}"
        ) from error
