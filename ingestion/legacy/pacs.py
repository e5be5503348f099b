"""Names and types of the PACS tables that a load reads, so that a mapping can be checked without the database.

They are facts about the interface, gathered from public texts; no statement of the vendor is copied. Before a load
reads anything, it looks every name up in the catalogue of the county's own server. Types are those of ANSI SQL; CHAR
columns are padded with blanks. `tests/ingestion/pacs.py` builds a test database from this list.
"""

from __future__ import annotations

import re

PREFIX = "prop_val_yr numeric(4), sup_num int, sale_id int, prop_id int, imprv_id int"

_TABLES: dict[str, str] = {
    "pacs_system": "appr_yr numeric(4), tax_yr numeric(4), future_yr numeric(4)",
    "property": (
        "prop_id int, prop_type_cd char(5), geo_id varchar(50), simple_geo_id varchar(50), ref_id1 varchar(50), "
        "ref_id2 varchar(50), state_cd char(5), zoning varchar(50), utilities varchar(50), topography varchar(50), "
        "road_access varchar(50), dba_name varchar(50), prop_create_dt datetime, col_owner_id int"
    ),
    "prop_supp_assoc": "prop_id int, owner_tax_yr numeric(4), sup_num int",
    "property_val": (
        "prop_val_yr numeric(4), sup_num int, prop_id int, market numeric(14), appraised_val numeric(14), "
        "assessed_val numeric(14), land_hstd_val numeric(14), land_non_hstd_val numeric(14), "
        "imprv_hstd_val numeric(14), imprv_non_hstd_val numeric(14), ag_market numeric(14), ag_use_val numeric(14), "
        "ag_loss numeric(14), ag_hs_market numeric(14), ag_hs_use_val numeric(14), timber_market numeric(14), "
        "timber_use numeric(14), timber_loss numeric(14), timber_hs_market numeric(14), "
        "timber_hs_use_val numeric(14), new_val_hs numeric(14), new_val_nhs numeric(14), new_val_p numeric(14), "
        "appr_method char(5), hood_cd varchar(10), abs_subdv_cd varchar(10), block varchar(50), "
        "tract_or_lot varchar(50), rgn_cd varchar(5), subset_cd varchar(5), cycle int, property_use_cd varchar(10), "
        "secondary_use_cd varchar(10), sub_type varchar(5), legal_desc varchar(255), legal_desc_2 varchar(255), "
        "legal_acreage numeric(14,4), eff_size_acres numeric(14,4), map_id varchar(20), mapsco varchar(20), "
        "gis_real_coord_x numeric(17,9), gis_real_coord_y numeric(17,9), prop_inactive_dt datetime, "
        "udi_parent char(1), udi_parent_prop_id int, udi_status char(5), sup_cd char(10), sup_action char(1), "
        "last_appraisal_dt datetime, last_appraisal_yr numeric(4), recalc_dt datetime"
    ),
    "property_profile": (
        "prop_val_yr numeric(4), prop_id int, yr_blt numeric(4), actual_year_built numeric(4), eff_yr_blt numeric(4), "
        "living_area numeric(14), class_cd varchar(10), condition_cd char(5), percent_complete numeric(5,2), "
        "imprv_type_cd char(5), num_imprv int, land_sqft numeric(18,2), land_acres numeric(18,4), "
        "land_total_sqft numeric(18,2), land_total_acres numeric(18,4), neighborhood varchar(10), "
        "abs_subdv varchar(10), region varchar(10), subset varchar(10), state_cd varchar(10), zoning varchar(50), "
        "property_use_cd varchar(10), school_id int, city_id int, heat_ac_code varchar(75), actual_age int"
    ),
    "situs": (
        "prop_id int, situs_id int, primary_situs char(1), situs_num varchar(15), situs_street_prefx varchar(10), "
        "situs_street varchar(50), situs_street_sufix varchar(10), situs_unit varchar(5), situs_city varchar(30), "
        "situs_state char(2), situs_zip varchar(10), situs_display varchar(200)"
    ),
    "wash_prop_owner_val": (
        "year numeric(4), sup_num int, prop_id int, owner_id int, appraised numeric(14), market numeric(14), "
        "appraised_classified numeric(14), appraised_non_classified numeric(14), taxable_classified numeric(14), "
        "taxable_non_classified numeric(14), new_val_hs numeric(14), new_val_nhs numeric(14), "
        "snr_frz_imprv_hs numeric(14), snr_frz_land_hs numeric(14)"
    ),
    "wash_prop_owner_tax_area_assoc": "year numeric(4), sup_num int, prop_id int, owner_id int, tax_area_id int",
    "tax_area": "tax_area_id int, tax_area_number varchar(23)",
    "property_tax_area": "year numeric(4), sup_num int, prop_id int, tax_area_id int",
    "neighborhood": (
        "hood_cd varchar(10), hood_yr numeric(4), hood_name varchar(100), hood_land_pct numeric(5,2), "
        "hood_imprv_pct numeric(5,2), inactive int, cycle int"
    ),
    "imprv": (
        f"{PREFIX}, imprv_type_cd char(5), imprv_state_cd char(5), primary_imprv char(1), imprv_desc varchar(50), "
        "imprv_val numeric(14), calc_val numeric(14), flat_val numeric(14), effective_yr_blt numeric(4), "
        "actual_year_built numeric(4), stories numeric(5,2), living_area_up numeric(14), num_imprv int, "
        "percent_complete numeric(5,2)"
    ),
    "imprv_detail": (
        f"{PREFIX}, imprv_det_id int, imprv_det_type_cd char(10), imprv_det_class_cd char(10), condition_cd char(5), "
        "imprv_det_area numeric(18,1), calc_area numeric(18,1), yr_built numeric(4), depreciation_yr numeric(4), "
        "num_units int, num_stories int, imprv_det_val numeric(18)"
    ),
    "imprv_attr": (
        f"{PREFIX}, imprv_det_id int, imprv_attr_id int, i_attr_val_id int, i_attr_val_cd varchar(75), "
        "i_attr_unit numeric(14,2), imprv_attr_val numeric(14)"
    ),
    "land_detail": (
        "prop_val_yr numeric(4), sup_num int, sale_id int, prop_id int, land_seg_id int, land_type_cd char(10), "
        "state_cd char(5), size_acres numeric(18,4), size_square_feet numeric(18,2), land_seg_mkt_val numeric(14), "
        "ag_apply char(1), ag_val numeric(14), primary_use_cd varchar(10)"
    ),
    "owner": (
        "owner_tax_yr numeric(4), sup_num int, prop_id int, owner_id int, pct_ownership numeric(13,10), "
        "type_of_int char(5), hs_prop char(1)"
    ),
    "account": (
        "acct_id int, file_as_name varchar(70), first_name varchar(30), last_name varchar(30), "
        "confidential_flag char(1), web_suppression char(1)"
    ),
    "address": (
        "acct_id int, addr_type_cd char(5), primary_addr char(1), addr_line1 varchar(60), addr_line2 varchar(60), "
        "addr_line3 varchar(60), addr_city varchar(50), addr_state varchar(50), zip varchar(5), cass varchar(4), "
        "country_cd char(5), is_international int"
    ),
    "chg_of_owner": (
        "chg_of_owner_id int, deed_type_cd char(10), deed_num varchar(50), deed_book_id char(20), "
        "deed_book_page char(20), deed_dt datetime, coo_sl_dt datetime, recorded_dt datetime, "
        "consideration char(20), excise_number int, grantor_cv varchar(30), grantee_cv varchar(30), "
        "comment varchar(500)"
    ),
    "chg_of_owner_prop_assoc": (
        "chg_of_owner_id int, prop_id int, seq_num int, sup_tax_yr numeric(4), bprimary int"
    ),
    "sale": (
        "chg_of_owner_id int, sl_dt datetime, sl_price numeric(14), adjusted_sl_price numeric(14), "
        "sl_county_ratio_cd varchar(10), sl_ratio_type_cd char(5), sl_ratio_cd_reason varchar(100), "
        "sl_type_cd char(5), sl_financing_cd char(5), wac_cd varchar(32), land_only_sale int, "
        "confidential_sale char(1), "
        "pers_prop_val numeric(14), sl_living_area numeric(14), sl_yr_blt numeric(4)"
    ),
    "property_sub_type": "property_sub_cd varchar(5), state_assessed_utility int, local_assessed_utility int",
}  # fmt: skip


def catalogue() -> dict[str, dict[str, str]]:
    """The type of each column of each table."""
    return {table: dict(_columns(text)) for table, text in _TABLES.items()}


def _columns(text: str) -> list[tuple[str, str]]:
    # A comma within parentheses belongs to a type.
    columns = re.split(r",\s*(?![^(]*\))", text)
    return [(name, kind) for name, _, kind in (column.partition(" ") for column in columns)]


# Personal data that a mapping must never read: birth dates, driving licences, e-mail addresses.
NEVER_READ = {"birth_dt", "dl_num", "email_addr", "over_65_last_yr", "over_65_deferral_date"}
