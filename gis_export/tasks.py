"""The work of a GIS export: choose the layers and features, write them in the format, and describe the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from terrafusion.jobs.outcome import Outcome, OutputFile
from terrafusion.roll.tax_years import TaxYear

from .areas.area_of_interest import AreaOfInterest, read_area
from .areas.coordinate_systems import STORAGE, CoordinateSystem, coordinate_system
from .areas.county_area import boundary_of, extent_of
from .formats.about import About
from .formats.packaging import about_zip, extension_of, write_files, zip_with_about
from .formats.registry import FORMATS, FileFormat
from .layers.catalogue import make_layer
from .layers.layer import LayerRequest
from .layers.names import layers_in_name
from .layers.roll_layers import as_of
from .map.tiles import MAP_FORMAT, MAP_SUFFIX
from .models import GisExportJob
from .reading.selection import Selection
from .reading.source import LayerSource

MAP_UP_TO = 10_000  # the most features with which an export gets a map although none was requested


def export_layers(job: GisExportJob) -> Outcome:
    """Writes the requested layers to one file, or one zip, in the requested format."""
    export = Export(job)
    files = export.write()
    return Outcome(result=export.result(files[0]), files=files)


class Export:
    """The export of one job: reads the layers and writes the files."""

    def __init__(self, job: GisExportJob) -> None:
        self.job = job
        self.format: FileFormat = FORMATS[job.export_format]
        self.system: CoordinateSystem = coordinate_system(job.parameters["crs"])
        self.area: AreaOfInterest = read_area(job.area_of_interest)
        self.as_of = as_of(job.county)
        self.tax_year = job.parameters.get("tax_year") or TaxYear.latest(job.county)
        self.sources = self._sources()

    def _sources(self) -> list[LayerSource]:
        request = LayerRequest(
            self.job.county,
            self.tax_year,
            self.job.parameters["include_assessment_data"],
            self.job.parameters["include_owner_info"],
            self.job.parameters.get("property_id"),
            self.job.submitted_by,
        )
        selection = Selection(
            touching=self.area.polygon,
            clip_to=(self.area.polygon or boundary_of(self.job.county)) if self.job.parameters["clip"] else None,
            system=self.system,
            multi=self.format.multi,
            tolerance_m=self.job.parameters["simplification_tolerance_m"],
        )
        return [LayerSource(make_layer(name, request), selection, self._report) for name in self.job.layers]

    def _report(self, features: int) -> None:
        """Reports a progress that approaches 99 %: the number of features is not known before they are written."""
        done = sum(source.features for source in self.sources)
        self.job.report(99 - round(99 / (1 + done / 100_000)), 100, f"{done:,} features written.")

    # --- Files ---

    def write(self) -> Sequence[OutputFile]:
        folder = self.job.workspace
        names = layers_in_name(self.job.layers)
        extension = extension_of(self.format, len(self.job.layers))
        stem = self.friendly_stem(names)
        delivered = self._delivered(folder, names, extension, stem)
        return [*delivered, *self._map(folder, names, stem)]

    def _delivered(self, folder: Path, names: str, extension: str, stem: str) -> list[OutputFile]:
        """The requested file first, then its description where the file does not hold it."""
        written = write_files(self.format, self.sources, folder, stem, self.as_of or "1970-01-01T00:00:00Z")
        target = folder / f"{self.job.pk}_{names}.{extension}"
        if written.is_dir():
            zip_with_about(written, target, self.about(stem))
            return [self._output(target, f"{stem}.{extension}", _content_type(self.format, extension))]
        written.rename(target)
        description = folder / f"{self.job.pk}_{names}_about.zip"
        about_zip(target, f"{stem}.{extension}", description, self.about(stem))
        return [
            self._output(target, f"{stem}.{extension}", self.format.content_type),
            self._output(description, f"{stem}_about.zip", "application/zip"),
        ]

    def _map(self, folder: Path, names: str, stem: str) -> list[OutputFile]:
        """The vector tiles for the map page, unless the export is such a file itself."""
        features = sum(self.counts().values())
        wanted = self.job.parameters.get("map")
        if self.format.name == MAP_FORMAT or not features or not (features <= MAP_UP_TO if wanted is None else wanted):
            return []
        path = folder / f"{self.job.pk}_{names}{MAP_SUFFIX}"
        tiles = FORMATS[MAP_FORMAT]
        drawn = replace(self.sources[0].selection, system=coordinate_system(STORAGE), multi=tiles.multi)
        tiles.write(path, [LayerSource(source.layer, drawn) for source in self.sources], self.as_of)
        return [self._output(path, f"{stem}{MAP_SUFFIX}", tiles.content_type)]

    def _output(self, path: Path, friendly_name: str, content_type: str) -> OutputFile:
        return OutputFile(path, path.name, friendly_name, content_type)

    def friendly_stem(self, names: str) -> str:
        """For example 53005_benton_parcels_2026_20260115_epsg2927, with the date in the time zone of the county."""
        county = self.job.county
        day = self.job.created_at.astimezone(ZoneInfo(county.time_zone))
        year = self.tax_year or day.year
        return f"{county.fips}_{county.pk}_{names}_{year}_{day:%Y%m%d}_epsg{self.system.code}"

    def about(self, title: str) -> About:
        around = self.area.polygon or extent_of(self.job.county)
        return About(
            title=title,
            county=self.job.county.name,
            fips=self.job.county.fips,
            format_name=self.format.name,
            layers=[source.layer for source in self.sources],
            counts=self.counts(),
            system=self.system,
            as_of=self.as_of,
            tax_year=self.tax_year,
            extent=None if around is None else around.bounds,
            request_digest=self.job.input_digest,
            holds_owner_names=self.job.holds_owner_names,
            short_names=self.format.short_names,
        )

    # --- The result and the description ---

    def counts(self) -> dict[str, int]:
        return {source.layer.name: source.features for source in self.sources}

    def result(self, delivered: OutputFile) -> dict[str, Any]:
        counts = self.counts()
        return {
            "result_file_location": self.job.artifact_address(delivered.name),
            "result_file_size_kb": delivered.size_kb,
            "result_record_count": sum(counts.values()),
            "record_counts": counts,
            "without_geometry": {
                source.layer.name: source.layer.missing_geometry
                for source in self.sources
                if source.layer.missing_geometry
            },
            "texts_cut": sum(source.texts_cut for source in self.sources),
            "area_of_interest_repaired": self.area.repaired,
            "tax_year": self.tax_year,
            "as_of": self.as_of or None,
            **self.system.as_json(),
        }


def _content_type(file_format: FileFormat, extension: str) -> str:
    return "application/zip" if extension.endswith("zip") else file_format.content_type
