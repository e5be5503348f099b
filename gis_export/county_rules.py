"""The rules a county's county.yaml sets for its exports."""

from __future__ import annotations

from typing import Any

from county_configs.models import County

from .areas.coordinate_systems import STORAGE, coordinate_system
from .county_settings import GisExportSection
from .formats.registry import FORMATS, FileFormat
from .layers.catalogue import layer_names


def allowed_formats(county: County) -> list[str]:
    return [name for name in FORMATS if name in county.section(GisExportSection).allowed_formats]


def default_crs(county: County) -> str:
    """The coordinate system of an export whose format lets it be chosen: that of county.yaml, else the county's own."""
    return coordinate_system(county.section(GisExportSection).default_crs or county.crs).identifier


def formats_json(county: County) -> dict[str, Any]:
    """The formats the county exports, and what a file of each can hold."""
    return {
        "county_id": county.pk,
        "formats": [_format_json(FORMATS[name], county) for name in allowed_formats(county)],
    }


def _format_json(file_format: FileFormat, county: County) -> dict[str, Any]:
    return {
        "export_format": file_format.name,
        "extension": file_format.extension,
        "content_type": file_format.content_type,
        "several_layers_in_one_file": file_format.several_layers,
        "crs": STORAGE if file_format.degrees_only else default_crs(county),
        "crs_can_be_chosen": not file_format.degrees_only,
    }


def defaults_json(county: County) -> dict[str, Any]:
    """The county's defaults for what a request leaves out, and the limits of an export."""
    rules = county.section(GisExportSection)
    system = coordinate_system(default_crs(county))
    return {
        "county_id": county.pk,
        "layers": layer_names(county),
        "parameters": {
            **rules.default_parameters.model_dump(),
            "include_owner_info": False,
            "crs": system.identifier,
            "simplification_tolerance_m": rules.simplification_tolerance_m,
        },
        **system.as_json(),
        "largest_area_km2": rules.largest_area_km2,
    }
