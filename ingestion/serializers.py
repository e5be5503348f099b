"""What a request for a load may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from rest_framework import serializers

from county_configs.models import County
from ingestion.transforms.mapper import Mapping, read_mapping
from terrafusion.errors import ConfigurationError
from terrafusion.jobs.request import JobRequestSerializer
from terrafusion.web.api import StrictSerializer

from .connectors.legacy.typed_values import LAST, BadWatermark, check_watermark
from .corrections import REJECTS, NoCorrections, run_with_corrections
from .legacy import alias_of
from .models import SourceFile

UPLOAD = "upload:"


class IngestionParametersSerializer(StrictSerializer):
    """dataset: which part of the mapping. variables: for its queries. since: a moment, or `last`."""

    dataset = serializers.CharField(required=False, max_length=64)
    variables = serializers.DictField(child=serializers.CharField(max_length=100), required=False)
    since = serializers.CharField(required=False, max_length=40)
    dry_run = serializers.BooleanField(required=False, default=False)
    accept_drift = serializers.BooleanField(required=False, default=False)

    def validate_since(self, since: str) -> str:
        if since != LAST:
            try:
                check_watermark(since)
            except BadWatermark as error:
                raise serializers.ValidationError(f"{error}.") from error
        return since


class IngestionRequestSerializer(JobRequestSerializer):
    """`source`: a legacy database of the county's mapping (`pacs`), or a file handed in (`upload:12`)."""

    source = serializers.CharField(max_length=200)  # type: ignore[assignment] # the contract's own word
    parameters = IngestionParametersSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        county, source = attrs["county_id"], attrs["source"]
        parameters = dict(attrs.get("parameters") or {"dry_run": False, "accept_drift": False})
        if source.startswith(REJECTS):
            try:
                run_with_corrections(county, source)
            except NoCorrections as error:
                raise serializers.ValidationError({"source": [str(error)]}) from error
            return attrs | {"parameters": parameters}
        try:
            mapping = read_mapping(mapping_path(county))
        except ConfigurationError as error:
            raise serializers.ValidationError({"county_id": [str(error)]}) from error
        if source.startswith(UPLOAD):
            source_file(county, source)
            try:
                mapping.of_file(parameters.get("dataset"))
            except ConfigurationError as error:
                raise serializers.ValidationError({"parameters": {"dataset": [str(error)]}}) from error
        else:
            _check_database(county, source, mapping, parameters)
        return attrs | {"parameters": parameters}


def _check_database(county: County, source: str, mapping: Mapping, parameters: dict[str, Any]) -> None:
    known = mapping.sources()
    if source not in known:
        raise serializers.ValidationError(
            {"source": [f"Unknown source {source!r}. Allowed: {', '.join([*known, 'upload:<number>'])}."]}
        )
    if alias_of(county, source) not in connections:
        raise serializers.ValidationError({"source": [f"The legacy database {source!r} is not configured here."]})
    if (dataset := parameters.get("dataset")) and dataset not in mapping.of_source(source):
        allowed = ", ".join(mapping.of_source(source))
        raise serializers.ValidationError({"parameters": {"dataset": [f"Unknown {dataset!r}. Allowed: {allowed}."]}})


def mapping_path(county: County) -> Path:
    return Path(settings.COUNTY_CONFIGS_DIR) / county.pk / "mappings.yaml"


def source_file(county: County, source: str) -> SourceFile:
    """The county's own file. Another county's is as if it did not exist."""
    number = source.removeprefix(UPLOAD)
    file = (
        SourceFile.objects.filter(county=county, pk=int(number)).first()
        if number.isdecimal() and len(number) < 18
        else None
    )
    if file is None:
        raise serializers.ValidationError({"source": [f"Unknown file {source!r} in county {county.pk}."]})
    return file
