"""A small county with every kind of row an export meets."""

from datetime import date

import shapely

from terrafusion.roll.models import AssessedValue, Property
from tests.factories import (
    TAX_YEAR,
    AssessedValueFactory,
    LayerFeatureFactory,
    OwnerFactory,
    PropertyFactory,
    SaleParcelFactory,
)

WEST, SOUTH, SIDE = -119.30, 46.20, 0.001
HOLE, MULTI, HOSTILE, CONDOMINIUM = 7, 8, 9, 10
COLUMNS, ROWS = 6, 5


def key(number):
    """The property_id of a parcel of this roll."""
    return f"P{number:03d}"


def square(column, row, side=SIDE):
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(west, south, west + side, south + side)


def a_parcel(county, number, geometry, **fields):
    """A parcel that is a place on the map, not saved."""
    described = {
        "property_id": key(number),
        "parcel_number": f"1-{number:04d}",
        "situs_address": f"{number} Orchard Way",
        "situs_city": "Prosser",
        "zip_code": "99350",
        "tax_code_area": "1210",
        "legal_description": f"LOT {number}, ORCHARD PLAT",
        "acres": "1.2345",
        "lot_sqft": 53_775,
        "living_area_sqft": 1_000 + number,
        "year_built": 1990,
        "quality": 4.5,
        "waterfront": number % 2 == 0,
        "longitude": None,
        "latitude": None,
    } | fields
    return PropertyFactory.build(county=county, geometry=geometry, **described)


def shapes():
    """30 squares that share their edges; one has a hole, one is two squares."""
    grid = [square(column, row) for row in range(ROWS) for column in range(COLUMNS)]
    grid[HOLE] = grid[HOLE].difference(grid[HOLE].centroid.buffer(SIDE / 5, quad_segs=2))
    grid[MULTI] = shapely.union_all([grid[MULTI], square(20, 20)])
    return grid


def an_exported_county(county):
    """Parcels, a condominium of two units, values, an owner, sales, zoning and the county boundary."""
    rows = [a_parcel(county, number, shape) for number, shape in enumerate(shapes())]
    rows[HOSTILE].situs_address = '=HYPERLINK("http://x")'
    rows[HOSTILE].legal_description = "Ünïcode <&> 日本 " + "long " * 80
    units = [
        a_parcel(county, 100 + unit, None, parent_parcel_number=f"1-{CONDOMINIUM:04d}", property_type="condominium")
        for unit in range(2)
    ]
    lost = a_parcel(county, 200, None)
    Property.objects.bulk_create([*rows, *units, lost])
    by_id = {row.property_id: row for row in Property.objects.in_county(county)}
    AssessedValue.objects.bulk_create(
        AssessedValueFactory.build(
            roll_property=by_id[key(number)],
            tax_year=year,
            supplement=supplement,
            market_land=land,
            market_improvement=200_000,
        )
        for number, year, supplement, land in (
            *((each, TAX_YEAR, 0, 100_000 + each) for each in range(30)),
            (5, TAX_YEAR, 1, 500_000),
            (5, TAX_YEAR - 1, 0, 1),
            (100, TAX_YEAR, 0, 30_000),
            (101, TAX_YEAR, 0, 40_000),
        )
    )
    OwnerFactory(roll_property=by_id[key(3)], name="Ada Orchard", mailing_address="PO Box 3")
    OwnerFactory(roll_property=by_id[key(4)], name="Hidden Person", confidential=True)
    for number in (3, 4, 100):
        SaleParcelFactory(
            roll_property=by_id[key(number)],
            sale__sale_id=f"S{number}",
            sale__sale_date=date(2025, 6, number % 28 + 1),
            sale__sale_price=300_000 + number,
            sale__grantor="Old Seller",
            sale__grantee="New Buyer",
        )
    west, east = square(0, 0, 3 * SIDE), shapely.box(WEST + 3 * SIDE, SOUTH, WEST + 0.03, SOUTH + 0.03)
    layers = (
        ("zoning", "R1", west, {"density": 4, "overlay": True, "max_height_ft": 35.5, "note": "quiet"}),
        ("zoning", "C1", east, {"density": 9, "max_height_ft": 60}),
        ("county_boundary", "1", shapely.box(WEST - 0.1, SOUTH - 0.1, WEST + 0.1, SOUTH + 0.1), {}),
        ("zip_areas", "99350", shapely.box(WEST - 0.1, SOUTH - 0.1, WEST + 0.1, SOUTH + 0.1), {}),
    )
    for layer, feature_id, shape, attributes in layers:
        LayerFeatureFactory(county=county, layer=layer, feature_id=feature_id, geometry=shape, attributes=attributes)
    return by_id
