"""The folder of a new county: county.yaml, mappings.yaml, the roles of its users, and a README."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .proposals import NAMES, Proposal

SCHEMA = "# yaml-language-server: $schema=../schemas/{}.schema.json\n"
# The postal code and main time zone of each state, by the first two digits of its FIPS code.
STATES: dict[str, tuple[str, str]] = {
    code: (state, f"America/{zone}")
    for zone, states in {
        "New_York": (
            "09CT 10DE 11DC 12FL 13GA 23ME 24MD 25MA 26MI 33NH 34NJ 36NY 37NC 39OH 42PA 44RI 45SC 50VT 51VA 54WV"
        ),
        "Chicago": "01AL 05AR 17IL 19IA 20KS 22LA 27MN 28MS 29MO 31NE 38ND 40OK 46SD 47TN 48TX 55WI",
        "Denver": "08CO 30MT 35NM 49UT 56WY", "Phoenix": "04AZ", "Boise": "16ID", "Anchorage": "02AK",
        "Los_Angeles": "06CA 32NV 41OR 53WA", "Indiana/Indianapolis": "18IN", "Kentucky/Louisville": "21KY",
    }.items()
    for entry in states.split()
    for code, state in [(entry[:2], entry[2:])]
} | {"15": ("HI", "Pacific/Honolulu")}  # fmt: skip
CRS = {"WA": "EPSG:2927"}  # Washington South, US survey feet
ANYWHERE = "EPSG:5070"  # NAD83 / Conus Albers, metres


@dataclass(frozen=True)
class NewCounty:
    county_id: str
    name: str
    fips: str
    legacy_system: str | None = None

    @property
    def state(self) -> str:
        return STATES[self.fips[:2]][0]

    def county_yaml(self) -> str:
        crs = CRS.get(self.state, ANYWHERE)
        note = (
            ""
            if self.state in CRS
            else "         # metres, good for any state; better: the state plane zone of the county"
        )
        system = f"legacy_system: {self.legacy_system}\n" if self.legacy_system else ""
        return (
            SCHEMA.format("county")
            + f"county_id: {self.county_id}\nname: {json.dumps(self.name)}\nstate: {self.state}\n"
            f'fips: "{self.fips}"          # quoted: a bare number loses a leading zero\n'
            f"crs: {crs}{note}\ntime_zone: {STATES[self.fips[:2]][1]}\n{system}max_running_jobs: 2\n"
        )

    def roles_json(self) -> str:
        users = [{"username": f"{self.county_id}_admin", "roles": ["administrator"]}]
        return json.dumps({"county_id": self.county_id, "users": users}, indent=2) + "\n"

    def readme(self) -> str:
        return (
            f"# {self.name}, {self.state}\n\n"
            "1. Read `mappings.yaml` line by line: every proposal with a confidence below 1 is a guess.\n"
            f"2. `manage.py check_county {self.county_id}` names file and line of what is wrong.\n"
            f"3. `manage.py load_counties`, then `manage.py bulk_load {self.county_id} --source ... --dry-run`.\n"
            f"4. `manage.py sync_rbac {self.county_id}` gives the users of `rbac/` their roles.\n"
            "5. Load, compare the control totals in the admin, sign them off.\n"
        )


def default_id(name: str) -> str:
    """The county_id that follows from a name: `yakima` for Yakima County."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower().replace(" county", "").replace(" parish", "")).strip("_")
    return plain[:64] or "county"


def mapping_yaml(proposals: list[Proposal]) -> str:
    """The text of a mapping file. Certain proposals are its mapping; the others are comments for a person to decide."""
    lines = [SCHEMA.format("mappings").rstrip(), "# Proposed from the source's columns. Check every line."]
    targets = writable(proposals)
    for target in NAMES:
        of_target = [proposal for proposal in proposals if proposal.target == target]
        if not of_target:
            continue
        prefix = "" if target in targets else "# "
        if prefix:
            lines.append(f"# {target}: not enough was recognised to load them")
        lines.append(f"{prefix}{target}:")
        lines += [f"{prefix}{'' if proposal.is_certain else '# '}  {proposal.as_yaml()}" for proposal in of_target]
    return "\n".join(lines) + "\n"


_NEEDED = {
    "properties": {"property_id", "parcel_number"},
    "assessed_values": {"tax_year", "market_land", "market_improvement", "market_total", "taxable_value"},
    "sales": {"sale_id", "sale_date", "sale_price"},
}


def writable(proposals: list[Proposal]) -> set[str]:
    """The targets whose required fields were all recognised with certainty; none without the properties."""
    certain = {(proposal.target, proposal.field) for proposal in proposals if proposal.is_certain}
    targets = {target for target, fields in _NEEDED.items() if all((target, name) in certain for name in fields)}
    return targets if "properties" in targets else set()


def write_folder(folder: Path, county: NewCounty, mapping: str) -> list[Path]:
    """Writes the folder and gives its files. Raises FileExistsError if it exists: nothing is overwritten."""
    if folder.exists():
        raise FileExistsError(folder.name)
    files = {
        folder / "county.yaml": county.county_yaml(),
        folder / "mappings.yaml": mapping,
        folder / "rbac" / f"{county.county_id}_users.json": county.roles_json(),
        folder / "README.md": county.readme(),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
