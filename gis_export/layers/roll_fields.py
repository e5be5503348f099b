"""The documented schema of the roll's layers: the name, meaning, unit and SQL of every column.

In the SQL, `p` is the property, `v` its assessed value, `u` the condominium units on it, `s` the sale and `f` a feature
of a loaded layer.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from terrafusion.roll.models import AssessedValue, LayerFeature, Property, Sale
from terrafusion.roll.sale_fitness import LeftOut

from .fields import Field

Parameters = tuple[Any, ...]  # of an expression in SQL

_MODELS = {"p": Property, "v": AssessedValue, "s": Sale, "f": LayerFeature}


def _measured(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields, with texts no wider than their column on the roll, which makes every Shapefile smaller."""
    return tuple(replace(field, width=min(_length(field), field.width)) for field in fields)


def _length(field: Field) -> int:
    alias, _, column = field.sql.partition(".")
    if field.type != "text" or alias not in _MODELS:
        return field.width
    return getattr(_MODELS[alias]._meta.get_field(column), "max_length", None) or field.width


IDENTITY = (
    Field("property_id", "prop_id", "text", "Key of the record in the source system.", sql="p.property_id"),
    Field("parcel_number", "parcel_num", "text", "Parcel number as the county prints it.", sql="p.parcel_number"),
)
SITUS = (
    Field("situs_address", "situs_addr", "text", "Where the property stands.", sql="p.situs_address"),
    Field("situs_city", "situs_city", "text", "City of the situs.", sql="p.situs_city"),
    Field("zip_code", "zip_code", "text", "ZIP code of the situs.", sql="p.zip_code"),
)
CLASSES = (
    Field("property_type", "prop_type", "text", "Kind of property.", sql="p.property_type"),
    Field("property_class", "prop_class", "text", "Class on the roll.", sql="p.property_class"),
    Field("use_code", "use_code", "text", "Land use code.", sql="p.use_code"),
    Field("neighborhood", "nbhd", "text", "The assessor's market area.", sql="p.neighborhood"),
    Field("tax_code_area", "tca", "text", "Tax code area.", sql="p.tax_code_area"),
)
LAND = (
    Field("legal_description", "legal_desc", "text", "Legal description.", sql="p.legal_description"),
    Field("acres", "acres", "decimal", "Area of the land.", "acre", "p.acres"),
    Field("lot_sqft", "lot_sqft", "integer", "Area of the land.", "square foot", "p.lot_sqft"),
)
DWELLING = (
    Field("living_area_sqft", "liv_sqft", "integer", "Living area.", "square foot", "p.living_area_sqft"),
    Field("basement_sqft", "bsmt_sqft", "integer", "Basement.", "square foot", "p.basement_sqft"),
    Field("garage_sqft", "gar_sqft", "integer", "Garage.", "square foot", "p.garage_sqft"),
    Field("year_built", "year_built", "integer", "Year built.", "year", "p.year_built"),
    Field("effective_year", "eff_year", "integer", "Effective year.", "year", "p.effective_year"),
    Field("quality", "quality", "decimal", "Quality, on the county's own scale.", sql="p.quality"),
    Field("condition", "condition", "decimal", "Condition, on the county's own scale.", sql="p.condition"),
    Field("bedrooms", "bedrooms", "integer", "Bedrooms.", sql="p.bedrooms"),
    Field("baths", "baths", "decimal", "Baths; a half bath is 0.5.", sql="p.baths"),
    Field("stories", "stories", "decimal", "Stories.", sql="p.stories"),
    Field("view", "view", "integer", "View; 0 is none.", sql="p.view"),
    Field("waterfront", "waterfront", "boolean", "On the water.", sql="p.waterfront"),
)
UNITS = Field(
    "unit_count", "unit_count", "integer", "Condominium units standing on the parcel.", sql="COALESCE(u.units, 0)"
)

PARCEL = _measured((*IDENTITY, *SITUS, *CLASSES, *LAND, *DWELLING, UNITS))
PARCEL_BASIC = _measured((*IDENTITY, *SITUS, *CLASSES))

_DOLLARS = (
    ("market_land", "mkt_land", "Market value of the land"),
    ("market_improvement", "mkt_impr", "Market value of the improvements"),
    ("market_total", "mkt_total", "Market value of land and improvements"),
    ("new_construction", "new_constr", "New construction"),
    ("exempt_value", "exempt_val", "Exempt value"),
    ("taxable_value", "taxabl_val", "Taxable value"),
)
VALUE_COLUMNS = tuple(name for name, _, _ in _DOLLARS)
TAX_YEAR = Field("tax_year", "tax_year", "integer", "Tax year of the values.", "year", "v.tax_year")

# The values of one record of the roll
VALUES = _measured(
    (
        TAX_YEAR,
        Field("supplement", "supplement", "integer", "Supplement of the roll; 0 is the original.", sql="v.supplement"),
        *(Field(name, short, "integer", f"{means}.", "US dollar", f"v.{name}") for name, short, means in _DOLLARS),
        Field("roll_status", "rollstatus", "text", "Preliminary or certified.", sql="v.status"),
    )
)
# The values of a polygon: those of the parcel and the condominium units on it, added up
VALUES_OF_POLYGON = (
    Field("tax_year", "tax_year", "integer", "Tax year of the values.", "year", "COALESCE(v.tax_year, u.tax_year)"),
    *(
        Field(
            name, short, "integer", f"{means}, of the parcel and the units on it together.", "US dollar",
            f"CASE WHEN v.{name} IS NULL AND u.{name} IS NULL THEN NULL"
            f" ELSE COALESCE(v.{name}, 0) + COALESCE(u.{name}, 0) END",
        )
        for name, short, means in _DOLLARS
    ),
)  # fmt: skip

SALE = _measured(
    (
        Field("sale_id", "sale_id", "text", "Key of the sale in the source system.", sql="s.sale_id"),
        Field("sale_date", "sale_date", "date", "Date of the sale.", sql="s.sale_date"),
        Field("sale_price", "sale_price", "integer", "As recorded.", "US dollar", "s.sale_price"),
        Field("instrument", "instrument", "text", "Kind of deed.", sql="s.instrument"),
        Field("validity_code", "valid_code", "text", "Validity as the county codes it.", sql="s.validity_code"),
        Field("is_valid", "is_valid", "boolean", "Arm's length by the county's code table.", sql="s.is_valid"),
        Field("parcel_count", "parcels_n", "integer", "Parcels the deed conveys.", sql="s.parcel_count"),
    )
)

COMPARABLE = (
    Field("role", "role", "text", "subject, or comparable."),
    Field("rank", "rank", "integer", "Place of the comparable in the grid; 0 is the subject."),
    Field("property_id", "prop_id", "text", "Key of the record in the source system."),
    Field("parcel_number", "parcel_num", "text", "Parcel number as the county prints it."),
    Field("situs_address", "situs_addr", "text", "Where the property stands."),
    Field("valuation_date", "val_date", "date", "Date the value is estimated as of."),
    Field("market_value", "mkt_value", "integer", "Estimate for the subject.", "US dollar"),
    Field("sale_id", "sale_id", "text", "Key of the comparable's sale."),
    Field("sale_date", "sale_date", "date", "Date of the comparable's sale."),
    Field("sale_price", "sale_price", "integer", "Price of the comparable's sale.", "US dollar"),
    Field("adjusted_sale_price", "adj_price", "integer", "That price after adjustment.", "US dollar"),
    Field("weight", "weight", "decimal", "Weight in the estimate; all together are 1."),
    Field("distance_miles", "dist_miles", "decimal", "Distance from the subject.", "mile"),
)

AREA = _measured(
    (
        Field("feature_id", "feature_id", "text", "Key of the feature in its layer.", sql="f.feature_id"),
        Field("name", "name", "text", "Name of the feature.", sql="f.name"),
    )
)

APPRECIATION = (
    Field("area_layer", "area_layer", "text", "Layer the area comes from."),
    Field("feature_id", "feature_id", "text", "Key of the area in its layer."),
    Field("name", "name", "text", "Name of the area."),
    Field("series", "series", "text", "Price index: its method and area."),
    Field("period_start", "from_date", "date", "First period of the index."),
    Field("period_end", "to_date", "date", "Last period of the index."),
    Field("appreciation", "apprec", "decimal", "Change of the price level between them.", "percent"),
    Field("annual_appreciation", "apprec_yr", "decimal", "The same as a yearly rate, compounded.", "percent"),
    Field("sales_volume", "sales_vol", "integer", "Sales behind the index.", "sale"),
)


def left_out_field(reason: str, parameters: Parameters) -> Field:
    """Why a sale is left out. reason: the SQL of the code, with its parameters."""
    codes = f"{', '.join(LeftOut.values[:-1])} or {LeftOut.values[-1]}"
    meaning = f"Why the sale does not speak for the property: {codes}; empty where it may."
    width = max(len(code) for code in LeftOut.values)
    return Field("left_out", "left_out", "text", meaning, sql=reason, parameters=parameters, width=width)


def party_fields(grantor: str, of_grantor: Parameters, grantee: str, of_grantee: Parameters) -> tuple[Field, ...]:
    """The parties of a sale: personal data, only for users with view_owner_names."""
    return (
        Field("grantor", "grantor", "text", "Seller.", sql=grantor, parameters=of_grantor),
        Field("grantee", "grantee", "text", "Buyer.", sql=grantee, parameters=of_grantee),
    )


def owner_fields(names: str, of_names: Parameters, address: str, of_address: Parameters) -> tuple[Field, ...]:
    """The owners: personal data, only for users with view_owner_names. Confidential owners are never named."""
    largest = "Of the owner with the largest share."
    return (
        Field("owner_names", "owner_name", "text", "Owners, by falling share.", sql=names, parameters=of_names),
        Field("owner_mailing_address", "owner_addr", "text", largest, sql=address, parameters=of_address),
    )
