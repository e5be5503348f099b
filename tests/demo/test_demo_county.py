"""The command: what it writes, when it writes nothing, what it refuses."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from terrafusion.demo.county import build_demo_county
from terrafusion.demo.writer import NotTheDemoCounty, write_demo_county
from terrafusion.roll.models import AssessedValue, LayerFeature, Owner, Property, Sale
from tests.factories import a_county


def demo_county(**options):
    out = StringIO()
    call_command("demo_county", parcels=300, stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_the_demo_county_is_written_once_and_replaced_only_by_another(django_assert_max_num_queries):
    assert "written" in demo_county(seed=1)
    first = set(Property.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(12):
        assert "up to date" in demo_county(seed=1)
    assert set(Property.objects.values_list("pk", flat=True)) == first

    assert "written" in demo_county(seed=2)
    assert Property.objects.count() == 300
    assert first.isdisjoint(Property.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_the_roll_holds_what_was_built():
    demo_county(seed=1)
    demo = build_demo_county(300, 1)
    units = Property.objects.filter(property_type="condominium")
    parents = Property.objects.filter(parcel_number__in=units.values("parent_parcel_number"))

    assert units.count() == 21
    assert not units.filter(geometry__isnull=False).exists()
    assert parents.exists()
    assert not parents.filter(geometry__isnull=True).exists()
    assert Sale.objects.count() == len(demo.sales)
    assert Sale.objects.filter(is_valid=True).count() == demo.sales.is_valid.sum()
    assert not Sale.objects.filter(is_valid=True, parcel_count__gt=1).exists()
    assert AssessedValue.objects.count() == Owner.objects.count() == 3 * 300
    assert AssessedValue.objects.filter(tax_year=2026, status="certified").count() == 0
    assert LayerFeature.objects.filter(layer="county_boundary").get().feature_id == "demo"


@pytest.mark.django_db
def test_a_real_county_is_refused():
    benton = a_county("benton")

    with pytest.raises(NotTheDemoCounty, match="benton"):
        write_demo_county(build_demo_county(100, 1), benton)
    assert not Property.objects.exists()


@pytest.mark.parametrize("options", [{"parcels": 99}, {"parcels": 200_001}, {"seed": -1}])
def test_impossible_numbers_are_refused_with_the_allowed_range(options):
    with pytest.raises(CommandError, match=r"between 100 and 200000|zero or more"):
        call_command("demo_county", **options)
