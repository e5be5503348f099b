"""The faults in a county's folder, each with its file, its line, and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from accounts.roles import ROLES
from county_configs.county_file import CountyFile, read_county_file
from county_configs.safe_yaml import faults_with_lines, line_of, read_yaml
from ingestion.connectors.legacy.catalogue import Catalogue, LiveTables, faults_of_query, live_faults
from ingestion.legacy import fault_of_alias, pacs
from ingestion.transforms.columns import roll_field
from ingestion.transforms.mapper import Dataset, Mapping, read_mapping
from ingestion.transforms.near_names import did_you_mean
from ingestion.transforms.validators import BadValue, convert
from terrafusion.errors import ConfigurationError, TerraFusionError

CATALOGUES = {"PACS": pacs.catalogue}


def faults_of_county(folder: Path, alias: str | None = None) -> list[str]:
    """The faults of all files in the folder.

    alias: the legacy database against whose live catalogue the queries are checked. Without one, they are checked
    against the known names of the county's legacy system.
    """
    faults: list[str] = []
    county: CountyFile | None = None
    try:
        county = read_county_file(folder / "county.yaml")
    except ConfigurationError as error:
        faults += str(error).split("; ")
    mapping = folder / "mappings.yaml"
    if mapping.exists():
        faults += faults_of_mapping(mapping, county, alias)
    else:
        faults.append(f"{folder.name}/mappings.yaml is missing; `manage.py new_county` proposes one.")
    return faults + faults_of_roles(folder)


def not_checked(folder: Path, alias: str | None = None) -> list[str]:
    """What `faults_of_county` cannot check, in sentences. alias: as there."""
    try:
        if read_yaml(folder / "mappings.yaml")[0] is None:
            return [f"{folder.name}/mappings.yaml maps nothing yet: all of it is still a comment."]
        mapping = read_mapping(folder / "mappings.yaml")
        county = read_county_file(folder / "county.yaml")
    except TerraFusionError:
        return []  # `faults_of_county` reports it
    open_ends = []
    if sources := mapping.sources():
        own = f"{folder.name.lower().replace('-', '_')}_{sources[0]}"
        against = f"against a list of {county.legacy_system}'s names" if county.legacy_system else "against nothing"
        if alias is None:
            open_ends.append(
                f"Names of tables and columns were checked {against}, not on the county's own server: "
                f"set {own.upper()}_URL and add --live {own}."
            )
        open_ends.append(f"Codes and values: manage.py bulk_load {folder.name} --source {sources[0]} --dry-run.")
    if files := [name for name, dataset in mapping.datasets.items() if dataset.query is None]:
        open_ends.append(
            f"Columns, codes and values of files ({', '.join(files)}): manage.py bulk_load {folder.name} "
            "--source FILE --dry-run."
        )
    return open_ends


def faults_of_mapping(path: Path, county: CountyFile | None, alias: str | None = None) -> list[str]:
    name = f"{path.parent.name}/{path.name}"
    try:
        raw, root = read_yaml(path)
        if raw is None:
            return []  # the file of a new county, which has only comments
        mapping = Mapping.model_validate(raw)
    except ConfigurationError as error:
        return [str(error)]
    except ValidationError as error:
        return faults_with_lines(error, root, name)
    faults = []
    if alias is not None and (fault := fault_of_alias(alias)):
        return [f"{name}: {fault}"]
    live = LiveTables(alias) if alias is not None else None
    known = _known_catalogue(county)
    for dataset_name, dataset in mapping.datasets.items():
        faults += _codes(dataset, name, root, dataset_name)
        if dataset.query is None:
            continue
        try:
            query_faults = live_faults(dataset, live) if live else faults_of_query(dataset, known) if known else []
        except TerraFusionError as error:
            return [*faults, f"{name}: {str(error).rstrip('.')}."]
        for place, fault in query_faults:
            line = line_of(root, ["datasets", dataset_name, *_steps(place)])
            faults.append(f"{name}:{line}: {dataset_name}.{place}: {fault}")
        faults += _personal(dataset, name, root, dataset_name)
        faults += _undefined(dataset, mapping, name, root, dataset_name)
    return faults


def _steps(place: str) -> list[str | int]:
    target, _, name = place.partition(".")
    if target == "query":
        return [int(step) if step.isdigit() else step for step in place.split(".")]
    return [target, name] if name else [target]


def _known_catalogue(county: CountyFile | None) -> Catalogue | None:
    system = county.legacy_system if county else None
    return CATALOGUES[system]() if system else None


def _codes(dataset: Dataset, name: str, root: yaml.Node | None, dataset_name: str) -> list[str]:
    """Values written in the mapping, for codes or as constants, that the field of the roll cannot hold."""
    faults = []
    for target, fields in dataset.targets().items():
        for field, mapping in fields.items():
            plain = mapping.model_copy(update={"codes": {}, "other_codes": None, "default": None, "unknown": []})
            values = [("codes", code, text) for code, text in mapping.codes.items()]
            values += [(key, "", getattr(mapping, key)) for key in ("other_codes", "default", "value")]
            for key, code, text in values:
                if not text or mapping.type == "geometry" or (key == "default" and text in mapping.codes):
                    continue
                try:
                    convert(text, plain, roll_field(target, field))
                except BadValue as error:
                    line = line_of(root, ["datasets", dataset_name, target, field, key, *([code] if code else [])])
                    near = did_you_mean(text, roll_field(target, field).choices)
                    place = f"{dataset_name}.{target}.{field}.{key}" + (f".{code}" if code else "")
                    faults.append(f"{name}:{line}: {place}: {text!r} is {error}{near}.")
    return faults


def _personal(dataset: Any, name: str, root: yaml.Node | None, dataset_name: str) -> list[str]:
    """Columns that are never loaded: birth dates, driving licences, e-mail addresses."""
    return [
        f"{name}:{line_of(root, ['datasets', dataset_name, target, field])}: {dataset_name}.{target}.{field}: "
        f"{column} is personal data that is never loaded."
        for target, fields in dataset.targets().items()
        for field, field_mapping in fields.items()
        for column in field_mapping.source_columns
        if column.split(".")[-1].lower() in pacs.NEVER_READ
    ]


def _undefined(dataset: Any, mapping: Mapping, name: str, root: yaml.Node | None, dataset_name: str) -> list[str]:
    """Variables that a query uses and the mapping does not define."""
    faults = []
    for number, condition in enumerate(dataset.database_query.where):
        for value in (condition.equals, condition.not_equals, condition.at_least, condition.at_most):
            if isinstance(value, str) and value.startswith("$") and value[1:] not in mapping.variables:
                line = line_of(root, ["datasets", dataset_name, "query", "where", number])
                near = did_you_mean(value[1:], mapping.variables)
                faults.append(f"{name}:{line}: {dataset_name}.query.where: nothing defines {value}{near}.")
    return faults


def faults_of_roles(folder: Path) -> list[str]:
    path = folder / "rbac" / f"{folder.name}_users.json"
    name = f"{folder.name}/rbac/{path.name}"
    if not path.exists():
        return [f"{name} is missing; nobody may see the county."]
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return [f"{name}:{error.lineno}: {error.msg}."]
    except UnicodeDecodeError:
        return [f"{name} is not UTF-8."]
    if not isinstance(raw, dict) or not isinstance(raw.get("users"), list):
        return [f'{name}: write {{"county_id": "{folder.name}", "users": []}}.']
    faults = []
    if raw.get("county_id") != folder.name:
        faults.append(f"{name}: county_id is {raw.get('county_id')!r}, but the folder is {folder.name!r}.")
    lines = path.read_text(encoding="utf-8").splitlines()
    for user in raw["users"]:
        for role in user.get("roles", []) if isinstance(user, dict) else []:
            if role not in ROLES:
                number = next((at for at, line in enumerate(lines, 1) if f'"{role}"' in line), 1)
                faults.append(f"{name}:{number}: unknown role {role!r}{did_you_mean(role, ROLES)}.")
    return faults
