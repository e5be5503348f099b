"""The geometry field and `.intersecting`, equal to shapely on whichever database the suite runs on."""

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terrafusion.roll.models import LayerFeature
from tests.factories import LayerFeatureFactory, a_county

pytestmark = pytest.mark.django_db

# Small whole numbers, so that shapes touch at edges and corners often.
number = st.integers(0, 6)
point = st.tuples(number, number)
geometry = st.one_of(
    st.none(),
    point.map(shapely.Point),
    st.tuples(number, number, st.integers(1, 4), st.integers(1, 4)).map(
        lambda box: shapely.box(box[0], box[1], box[0] + box[2], box[1] + box[3])
    ),
    st.lists(point, min_size=2, max_size=4, unique=True).map(shapely.LineString),
    st.lists(point, min_size=3, max_size=5, unique=True).map(lambda at: shapely.convex_hull(shapely.MultiPoint(at))),
)
area = st.one_of(
    geometry.filter(lambda each: each is not None),
    st.lists(point, min_size=4, max_size=5, unique=True).map(shapely.Polygon),  # may cross itself
)


def features(county, geometries):
    return LayerFeature.objects.bulk_create(
        LayerFeatureFactory.build(county=county, feature_id=str(number), geometry=shape)
        for number, shape in enumerate(geometries)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometries=st.lists(geometry, min_size=1, max_size=12), area=area)
def test_intersecting_is_what_shapely_says(db, geometries, area):
    LayerFeature.objects.all().delete()
    features(a_county("demo"), geometries)
    # What a self-crossing outline covers, without the lines a repair leaves over (terrafusion/roll/shapes.py).
    repaired = area if area.is_valid else shapely.make_valid(area, method="structure", keep_collapsed=False)

    found = {int(row.feature_id) for row in LayerFeature.objects.intersecting(area)}

    expected = {i for i, each in enumerate(geometries) if each is not None and shapely.intersects(each, repaired)}
    assert found == expected


def test_a_shared_corner_counts():
    features(a_county("demo"), [shapely.box(0, 0, 1, 1), shapely.box(1.001, 1.001, 2, 2)])

    found = LayerFeature.objects.intersecting(shapely.box(1, 1, 1.0005, 1.0005))

    assert [row.feature_id for row in found] == ["0"]


def test_an_empty_area_finds_nothing():
    features(a_county("demo"), [shapely.box(0, 0, 1, 1)])

    assert not LayerFeature.objects.intersecting(shapely.Polygon()).exists()


def test_a_geometry_comes_back_as_it_went_in():
    shape = shapely.Polygon([(-119.3, 46.2), (-119.2, 46.2), (-119.25, 46.31234567890123)])
    features(a_county("demo"), [shape])

    row = LayerFeature.objects.get()

    assert row.geometry.equals_exact(shape, 0)
    assert (row.west, row.north) == (-119.3, 46.31234567890123)


def test_the_answer_can_be_filtered_further():
    county = a_county("demo")
    features(county, [shapely.box(0, 0, 1, 1)] * 3)

    found = LayerFeature.objects.filter(feature_id__in=["1", "2"]).intersecting(shapely.Point(0.5, 0.5))

    assert found.filter(county=county).exclude(feature_id="2").count() == 1
