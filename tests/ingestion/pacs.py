"""A PACS-shaped database, invented: every one of the five rules, and the odd rows the schema sheet warns of.

The totals a right load must come to are summed here, row by row, apart from any query.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ingestion.legacy.pacs import catalogue

TAX_YEAR = 2026
CODES = ["11", "11", "11", "11", "12", "14", "15", "59", "83", "91", "91"]
HOODS = ["1010", "1020", "1030", "2010", "3040"]
AREAS = ["1210", "1241", "1311"]
STREETS = ["CLEARWATER", "GAGE", "KEENE", "CANAL", "COLUMBIA CENTER"]


@dataclass
class Expected:
    """What is right about the roll of the tax year, supplement by supplement the latest."""

    parcels: int = 0
    improvements: int = 0
    owners: int = 0
    sales: int = 0
    deed_rows: int = 0
    land: int = 0
    improvement: int = 0
    market: int = 0
    assessed: int = 0
    taxable: int = 0
    sale_dollars: int = 0
    by_area: dict = field(default_factory=lambda: defaultdict(int))
    improvement_values: int = 0


class Pacs:
    """Rows by table, then written at once."""

    def __init__(self, parcels, seed=1):
        self.random = random.Random(seed)
        self.rows = defaultdict(list)
        self.expected = Expected()
        self.tables = catalogue()
        self._add("pacs_system", appr_yr=TAX_YEAR, tax_yr=TAX_YEAR, future_yr=TAX_YEAR + 1)
        for number, area in enumerate(AREAS, 1):
            self._add("tax_area", tax_area_id=number, tax_area_number=area)
        for number in range(1, parcels + 1):
            self._parcel(number)
        self._deeds(parcels)

    def _add(self, table, **cells):
        """A row; texts padded as CHAR columns are."""
        kinds = self.tables[table]
        unknown = set(cells) - set(kinds)
        assert not unknown, f"{table} has no {unknown}"
        row = []
        for name, kind in kinds.items():
            value = cells.get(name)
            if isinstance(value, str) and kind.startswith("char("):
                value = value.ljust(int(kind[5:-1]))
            row.append(value)
        self.rows[table].append(row)

    def _parcel(self, number):
        chance = self.random
        prop_id = 10_000 + number
        kind = "P" if number % 50 == 7 else "MH" if number % 23 == 5 else "R"
        geo = f"1{number:014d}"
        geo_id = f"{geo[0]}-{geo[1:5]}-{geo[5:8]}-{geo[8:12]}-{geo[12:]}" if number % 3 else geo
        self._add("property", prop_id=prop_id, prop_type_cd=kind, geo_id=geo_id, simple_geo_id=geo, zoning="R-1")
        inactive = number % 40 == 9
        udi_child = number % 60 == 11
        corrected = number % 9 == 4
        for year in (TAX_YEAR - 1, TAX_YEAR, 0):  # 0 is the future layer
            supplements = (0, 3) if corrected and year == TAX_YEAR else (0,)
            for supplement in supplements:
                current = supplement == supplements[-1]
                self._version(number, prop_id, year, supplement, current, chance, kind, inactive, udi_child)
            self._add("prop_supp_assoc", prop_id=prop_id, owner_tax_yr=year, sup_num=supplements[-1])
            self._add(
                "property_profile", prop_val_yr=year, prop_id=prop_id, living_area=1000 + number % 2000,
                actual_year_built=0 if number % 11 == 0 else 1950 + number % 70, yr_blt=1950 + number % 70,
                eff_yr_blt=1955 + number % 70, class_cd="AVG", condition_cd="A", land_total_acres=0.25,
            )  # fmt: skip
        self._add(
            "situs", prop_id=prop_id, situs_id=1, primary_situs="Y", situs_num=str(100 + number),
            situs_street_prefx="W", situs_street=STREETS[number % 5], situs_street_sufix="AVE",
            situs_city="KENNEWICK", situs_zip="99336",
            situs_display=f"{100 + number} W {STREETS[number % 5]} AVE\r\nKENNEWICK",
        )  # fmt: skip
        self._add("situs", prop_id=prop_id, situs_id=2, primary_situs="N", situs_num="1", situs_street="OLD")

    def _version(self, number, prop_id, year, supplement, current, chance, kind, inactive, udi_child):
        use = CODES[number % len(CODES)]
        land = 40_000 + chance.randrange(200_000)
        farm = use == "83"
        ag_market, ag_use = (land, land // 4) if farm else (0, 0)
        home_land = 0 if farm else land
        building = 0 if use in ("91", "83") else 100_000 + chance.randrange(500_000)
        market = land + building
        appraised = market - (ag_market - ag_use)
        area_id = 1 + number % len(AREAS)
        self._add(
            "property_val", prop_val_yr=year, sup_num=supplement, prop_id=prop_id, market=market,
            appraised_val=appraised, assessed_val=appraised, land_hstd_val=home_land, land_non_hstd_val=0,
            imprv_hstd_val=building // 2, imprv_non_hstd_val=building - building // 2, ag_market=ag_market,
            ag_use_val=ag_use, ag_loss=ag_market - ag_use, ag_hs_market=0, ag_hs_use_val=0, timber_market=0,
            timber_use=0, timber_hs_market=0, timber_hs_use_val=0, new_val_hs=0, new_val_nhs=0,
            hood_cd=HOODS[number % 5], property_use_cd=use, legal_desc=f"LOT {number}\tBLOCK 2",
            legal_desc_2="", legal_acreage=0.25, cycle=3,
            prop_inactive_dt=datetime(2020, 1, 1) if inactive else None, udi_parent="T" if number % 60 == 10 else None,
            udi_parent_prop_id=prop_id - 1 if udi_child else None, sup_action="M" if supplement else None,
            recalc_dt=datetime(2026, 1, 2) + timedelta(seconds=number),
        )  # fmt: skip
        counts = year == TAX_YEAR and current and kind != "P" and not inactive and not udi_child
        self._owners(number, prop_id, year, supplement, appraised, area_id, counts)
        self._buildings(number, prop_id, year, supplement, building, counts)
        if counts:
            self._count(land, building, market, appraised, AREAS[area_id - 1])

    def _count(self, land, building, market, assessed, area):
        expected = self.expected
        expected.parcels += 1
        expected.land += land
        expected.improvement += building
        expected.market += market
        expected.assessed += assessed
        expected.taxable += assessed
        expected.by_area[area] += market

    def _owners(self, number, prop_id, year, supplement, appraised, area_id, counts):
        shares = (50, 50) if number % 7 == 3 else (100,)
        for place, share in enumerate(shares):
            owner_id = 500_000 + 2 * number + place
            self._add(
                "owner", owner_tax_yr=year, sup_num=supplement, prop_id=prop_id, owner_id=owner_id, pct_ownership=share
            )
            part = appraised // 2 if place else appraised - (appraised // 2) * (len(shares) - 1)
            self._add(
                "wash_prop_owner_val", year=year, sup_num=supplement, prop_id=prop_id, owner_id=owner_id,
                taxable_classified=0, taxable_non_classified=part, market=part,
            )  # fmt: skip
            if year == TAX_YEAR and supplement == 0:
                self._add(
                    "account", acct_id=owner_id, file_as_name=f"OWNER {owner_id}",
                    confidential_flag="T" if number % 31 == 0 else "F",
                )  # fmt: skip
                self._add(
                    "address", acct_id=owner_id, addr_type_cd="H", primary_addr="Y", addr_line1=f"{number} MAIN ST",
                    addr_city="RICHLAND", addr_state="WA", zip="99352",
                )  # fmt: skip
            self.expected.owners += counts
        self._add("property_tax_area", year=year, sup_num=supplement, prop_id=prop_id, tax_area_id=area_id)

    def _buildings(self, number, prop_id, year, supplement, building, counts):
        if not building:
            return
        frozen = [9_000_000 + number] if number % 10 == 2 else []
        for sale_id in (0, *frozen):
            keys = {"prop_val_yr": year, "sup_num": supplement, "sale_id": sale_id, "prop_id": prop_id, "imprv_id": 1}
            self._add(
                "imprv", **keys, imprv_type_cd="R", primary_imprv="Y", imprv_val=building, stories=1 + number % 2,
                actual_year_built=1950 + number % 70, effective_yr_blt=1955 + number % 70,
            )  # fmt: skip
            for at, (code, area) in enumerate((("MA", 1000 + number % 2000), ("ATTGAR", 400), ("BSMT", 500)), 1):
                self._add("imprv_detail", **keys, imprv_det_id=at, imprv_det_type_cd=code, imprv_det_area=area)
            for at, (attribute, text, unit) in enumerate(((15, "3", None), (45, None, 2)), 1):
                self._add(
                    "imprv_attr", **keys, imprv_det_id=1, imprv_attr_id=at, i_attr_val_id=attribute, i_attr_val_cd=text,
                    i_attr_unit=unit,
                )  # fmt: skip
        if counts:
            self.expected.improvements += 1
            self.expected.improvement_values += building

    def _deeds(self, parcels):
        chance = self.random
        for deed in range(1, parcels // 4 + 1):
            deed_id = 9_000_000 + deed
            first = 1 + chance.randrange(parcels)
            several = [first, 1 + first % parcels] if deed % 12 == 5 else [first]
            price = 0 if deed % 10 == 1 else 10 if deed % 25 == 2 else 150_000 + chance.randrange(400_000)
            day = datetime(2020, 1, 1) + timedelta(days=deed % 2000)
            self._add(
                "chg_of_owner", chg_of_owner_id=deed_id, deed_dt=day, excise_number=deed, grantor_cv=f"SELLER {deed}",
                grantee_cv=f"BUYER {deed}", consideration="10.00 & OTHER", comment="line one\r\nline two",
            )  # fmt: skip
            if deed % 17 == 6:
                continue  # a change of owner without a sale
            self._add(
                "sale", chg_of_owner_id=deed_id, sl_dt=None if deed % 8 == 3 else day, sl_price=price,
                sl_county_ratio_cd="100" if price > 1000 else "200" if deed % 3 else None, sl_ratio_type_cd=None,
            )  # fmt: skip
            self.expected.sales += 1
            self.expected.sale_dollars += price
            for place, number in enumerate(several):
                self._add(
                    "chg_of_owner_prop_assoc", chg_of_owner_id=deed_id, prop_id=10_000 + number, seq_num=0,
                    sup_tax_yr=TAX_YEAR, bprimary=int(place == 0),
                )  # fmt: skip
                self.expected.deed_rows += 1

    # --- Into a database ---

    def write(self, connection, only=None):
        quote = connection.ops.quote_name
        with connection.cursor() as cursor:
            for table, kinds in self.tables.items():
                if only is not None and table not in only:
                    continue
                columns = ", ".join(f"{quote(name)} {_kind(kind, connection)}" for name, kind in kinds.items())
                cursor.execute(f"CREATE TABLE {quote(table)} ({columns})")
                self._fill(cursor, connection, table, kinds)
            for table, columns in INDEXES.items():
                names = ", ".join(map(quote, columns))
                cursor.execute(f"CREATE INDEX {quote(f'pacs_{table}_key')} ON {quote(table)} ({names})")
            # As any server in use has: without statistics SQLite reads every parcel anew for each one of a page.
            cursor.execute("ANALYZE")
        return self.expected

    def _fill(self, cursor, connection, table, kinds):
        rows = self.rows[table]
        names = ", ".join(map(connection.ops.quote_name, kinds))
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(kinds))
        cursor.executemany(
            f"INSERT INTO {connection.ops.quote_name(table)} ({names}) VALUES ({marks})",
            [[each.isoformat(sep=" ") if isinstance(each, (date, datetime)) else each for each in row] for row in rows],
        )


INDEXES = {
    "prop_supp_assoc": ["owner_tax_yr", "prop_id"],
    "property": ["prop_id"],
    "property_val": ["prop_val_yr", "sup_num", "prop_id"],
    "property_profile": ["prop_val_yr", "prop_id"],
    "property_tax_area": ["year", "sup_num", "prop_id"],
    "situs": ["prop_id"],
    "imprv": ["prop_val_yr", "sale_id", "prop_id", "imprv_id"],
    "imprv_detail": ["prop_val_yr", "sale_id", "prop_id"],
    "imprv_attr": ["prop_val_yr", "sale_id", "prop_id"],
    "owner": ["owner_tax_yr", "prop_id", "owner_id"],
    "wash_prop_owner_val": ["year", "prop_id"],
    "account": ["acct_id"],
    "address": ["acct_id"],
    "chg_of_owner": ["chg_of_owner_id"],
    "sale": ["chg_of_owner_id"],
    "chg_of_owner_prop_assoc": ["chg_of_owner_id", "prop_id"],
}


def _kind(kind, connection):
    return "timestamp" if kind == "datetime" and connection.vendor == "postgresql" else kind
