"""Writes the JSON Schemas of county.yaml and mappings.yaml, with which editors complete and check these files."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from county_configs.county_file import county_file_model
from ingestion.transforms.mapper import Dataset, Mapping


def schemas() -> dict[str, str]:
    """The texts of the schemas, by file name."""
    mapping = Mapping.model_json_schema(by_alias=True)
    definitions = mapping.pop("$defs")
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mappings.yaml",
        "anyOf": [mapping, Dataset.model_json_schema(by_alias=True, ref_template="#/$defs/{model}") | {"$defs": {}}],
        "$defs": definitions,
    }
    return {
        "mappings.schema.json": json.dumps(whole, indent=1, sort_keys=True) + "\n",
        "county.schema.json": json.dumps(county_file_model().model_json_schema(), indent=1, sort_keys=True) + "\n",
    }


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        folder = settings.COUNTY_CONFIGS_DIR / "schemas"
        folder.mkdir(exist_ok=True)
        for name, text in schemas().items():
            (folder / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote schemas/{name}")
