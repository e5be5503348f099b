"""The files that describe an export: fields.csv, ISO 19115 metadata, README.txt, styles and SHA256SUMS."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from terrafusion.csv_files import CsvWriter

from ..areas.coordinate_systems import CoordinateSystem, operation
from ..layers.layer import ExportLayer
from ..layers.names import file_stems
from .qgis_style import qml

DISCLAIMER = (
    "Parcel outlines serve assessment. They are not a survey; distances and areas taken from them have no legal force."
)
_GMD, _GCO = "http://www.isotc211.org/2005/gmd", "http://www.isotc211.org/2005/gco"
_CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"


@dataclass(frozen=True)
class About:
    """What the describing files say of an export.

    as_of: the last change or load of the roll, UTC. counts: the number of features by layer name.
    extent: west, south, east and north in degrees. request_digest: identifies the request that made the export.
    """

    title: str
    county: str
    fips: str
    format_name: str
    layers: Sequence[ExportLayer]
    counts: Mapping[str, int]
    system: CoordinateSystem
    as_of: str
    tax_year: int | None
    extent: tuple[float, float, float, float] | None
    request_digest: str
    holds_owner_names: bool
    short_names: bool = False


def fields_csv(about: About) -> str:
    """Every column of every layer: its names, type, unit and meaning."""
    text = io.StringIO()
    writer = CsvWriter(text)
    writer.writerow(("layer", "name", "short_name", "type", "unit", "description"))
    for layer in about.layers:
        for field in layer.fields:
            writer.writerow((layer.name, field.name, field.short_name, field.type, field.unit, field.description))
    return text.getvalue()


def readme(about: About) -> str:
    counts = "\n".join(
        f"  {layer.name}: {about.counts.get(layer.name, 0):,} features ({layer.title})" for layer in about.layers
    )
    short = (
        "\nColumns have the short names of fields.csv: a Shapefile allows ten characters.\n"
        if about.short_names
        else ""
    )
    private = "\nHolds owner names: personal data, not for publication.\n" if about.holds_owner_names else ""
    return f"""{about.title}

County: {about.county} (FIPS {about.fips})
Format: {about.format_name}
Layers:
{counts}
Coordinates: {about.system.identifier}, {about.system.name}, in {about.system.unit}; x (or longitude) first
Tax year of the values: {about.tax_year or "none"}
As of: {about.as_of or "unknown"} (the last change or load of the roll, UTC)
Request: {about.request_digest}
{short}{private}
fields.csv explains every column and gives its unit; metadata.xml describes the export by ISO 19115;
SHA256SUMS lets you check that every file arrived whole: sha256sum -c SHA256SUMS

{DISCLAIMER}
"""


def sha256_sums(files: Mapping[str, str]) -> str:
    """The text of a file that sha256sum can check. files: the digest by file name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))


def about_texts(about: About) -> dict[str, str]:
    """The describing files by name, without SHA256SUMS, which also covers the data files."""
    stems = file_stems([layer.name for layer in about.layers])  # QGIS looks for the style beside the file
    styles = {f"{stems[layer.name]}.qml": qml(layer, short_names=about.short_names) for layer in about.layers}
    return {"README.txt": readme(about), "fields.csv": fields_csv(about), "metadata.xml": iso_metadata(about)} | styles


# --- ISO 19115 in its XML form, ISO 19139 ---


def iso_metadata(about: About) -> str:
    """What a catalogue of data sets asks for: who made the export, what it holds, when, where, in which coordinates."""
    Xml.register_namespace("gmd", _GMD)
    Xml.register_namespace("gco", _GCO)
    root = Xml.Element(f"{{{_GMD}}}MD_Metadata")
    _text(root, "fileIdentifier", about.request_digest)
    _text(root, "language", "eng")
    _code(_under(root, "hierarchyLevel"), "MD_ScopeCode", "dataset")
    _contact(_under(root, "contact"), about)
    stamp = _under(root, "dateStamp")
    Xml.SubElement(stamp, f"{{{_GCO}}}DateTime").text = about.as_of.rstrip("Z") or "1970-01-01T00:00:00"
    _text(root, "metadataStandardName", "ISO 19115:2003")
    reference = _under(root, "referenceSystemInfo", "MD_ReferenceSystem", "referenceSystemIdentifier", "RS_Identifier")
    _text(reference, "code", str(about.system.code))
    _text(reference, "codeSpace", "EPSG")
    _identification(_under(root, "identificationInfo", "MD_DataIdentification"), about)
    quality = _under(root, "dataQualityInfo", "DQ_DataQuality")
    _code(_under(quality, "scope", "DQ_Scope", "level"), "MD_ScopeCode", "dataset")
    moved = f"Coordinate operation from EPSG:4326: {operation(about.system, *_middle(about))}."
    _text(_under(quality, "lineage", "LI_Lineage"), "statement", f"Exported from the assessment roll. {moved}")
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _middle(about: About) -> tuple[float, float]:
    """The middle of the export in degrees; longitude 0 and latitude 0 when nothing in it has a place."""
    west, south, east, north = about.extent or (0, 0, 0, 0)
    return (west + east) / 2, (south + north) / 2


def _identification(parent: Xml.Element, about: About) -> None:
    citation = _under(parent, "citation", "CI_Citation")
    _text(citation, "title", about.title)
    date = _under(citation, "date", "CI_Date")
    Xml.SubElement(_under(date, "date"), f"{{{_GCO}}}Date").text = about.as_of[:10] or "1970-01-01"
    _code(_under(date, "dateType"), "CI_DateTypeCode", "revision")
    contents = ", ".join(f"{layer.title} ({about.counts.get(layer.name, 0)} features)" for layer in about.layers)
    _text(parent, "abstract", f"{contents} of {about.county}. {DISCLAIMER}")
    _contact(_under(parent, "pointOfContact"), about)
    limits = _under(parent, "resourceConstraints", "MD_LegalConstraints")
    limitation = "Holds personal data; not for publication." if about.holds_owner_names else DISCLAIMER
    _text(limits, "useLimitation", limitation)
    _text(parent, "language", "eng")
    Xml.SubElement(_under(parent, "topicCategory"), f"{{{_GMD}}}MD_TopicCategoryCode").text = "planningCadastre"
    if about.extent is not None:
        box = _under(parent, "extent", "EX_Extent", "geographicElement", "EX_GeographicBoundingBox")
        west, south, east, north = about.extent
        for name, value in (
            ("westBoundLongitude", west),
            ("eastBoundLongitude", east),
            ("southBoundLatitude", south),
            ("northBoundLatitude", north),
        ):
            Xml.SubElement(_under(box, name), f"{{{_GCO}}}Decimal").text = f"{value:.7f}"


def _contact(parent: Xml.Element, about: About) -> None:
    party = _under(parent, "CI_ResponsibleParty")
    _text(party, "organisationName", f"Assessor of {about.county}")
    _code(_under(party, "role"), "CI_RoleCode", "owner")


def _under(parent: Xml.Element, *names: str) -> Xml.Element:
    """The innermost of new elements of these names, each inside the one before."""
    for name in names:
        parent = Xml.SubElement(parent, f"{{{_GMD}}}{name}")
    return parent


def _text(parent: Xml.Element, name: str, value: str) -> None:
    Xml.SubElement(_under(parent, name), f"{{{_GCO}}}CharacterString").text = value


def _code(parent: Xml.Element, name: str, value: str) -> None:
    attributes = {"codeList": f"{_CODES}#{name}", "codeListValue": value}
    Xml.SubElement(parent, f"{{{_GMD}}}{name}", attributes).text = value
