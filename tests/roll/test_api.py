import pytest
from django.utils import timezone

from terrafusion.roll.models import Property, Sale
from tests.factories import OwnerFactory, a_county, a_user, client_of
from tests.valuation.roll import a_market, a_subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def viewer(county):
    return client_of(a_user("viewer", county, role="viewer"))


def path_of(roll_property):
    return f"/api/v1/properties/{roll_property.county_id}/{roll_property.property_id}"


def numbers(answer):
    return {row["property_id"] for row in answer.json()["results"]}


def test_a_parcel_number_is_found_without_its_dashes_and_spaces(viewer, county):
    a_subject(county, 12)

    for text in ("1-00012-000", "100012000", " 1 00012 000", "1-00012"):
        assert numbers(viewer.get("/api/v1/properties", {"q": text})) == {"12"}, text


def test_a_situs_address_is_found(viewer, county):
    a_subject(county, 12)

    assert numbers(viewer.get("/api/v1/properties", {"q": "112 orchard"})) == {"12"}


def test_a_list_pages_through_everything_once(viewer, county):
    a_market(county, sales=45)
    seen, path = [], "/api/v1/properties?page_size=20"
    while path:
        page = viewer.get(path).json()
        seen += [row["property_id"] for row in page["results"]]
        path = page["next"]

    assert len(seen) == len(set(seen)) == 45


def test_a_load_of_one_moment_is_paged_to_its_end_and_back(viewer, county):
    Property.objects.bulk_create(
        Property(county=county, property_id=str(n), parcel_number=str(n), parcel_number_key=str(n)) for n in range(1300)
    )
    Property.objects.update(updated_at="2026-01-01T00:00:00Z")
    forwards, path = [], "/api/v1/properties?page_size=100"
    while path and len(forwards) <= 13:
        last, page = path, viewer.get(path).json()
        forwards.append([row["property_id"] for row in page["results"]])
        path = page["next"]
    backwards, path = [], last
    while path and len(backwards) <= 13:
        page = viewer.get(path).json()
        backwards.append([row["property_id"] for row in page["results"]])
        path = page["previous"]

    assert [key for page in forwards for key in page] == [str(n) for n in range(1300)]
    assert backwards == forwards[::-1]


def test_a_list_takes_the_same_queries_for_one_row_as_for_many(viewer, county, django_assert_max_num_queries):
    a_market(county, sales=40)

    for path in ("properties", "sales"):
        with django_assert_max_num_queries(4):
            assert len(viewer.get(f"/api/v1/{path}?page_size=40").json()["results"]) == 40


def test_a_filter_value_that_cannot_be_is_named(viewer, county):
    answer = viewer.get("/api/v1/properties", {"property_type": "castle"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "property_type"


def test_names_are_shown_only_with_the_permission(viewer, county):
    a_market(county, sales=1)
    Sale.objects.update(grantor="ZZQX-SELLER", grantee="ZZQX-BUYER")
    house = Property.objects.get()
    OwnerFactory(roll_property=house, name="ZZQX-OWNER")
    supervisor = client_of(a_user("supervisor", county, role="supervisor"))
    paths = ("/api/v1/sales", f"/api/v1/sales/benton/{Sale.objects.get().sale_id}", path_of(house))

    for path in paths:
        assert b"ZZQX" not in viewer.get(path).content
    assert b"ZZQX-SELLER" in supervisor.get(paths[1]).content
    assert b"ZZQX-OWNER" in supervisor.get(paths[2]).content


def test_a_confidential_owner_is_named_neither_as_owner_nor_on_a_deed(county):
    a_market(county, sales=2)
    Sale.objects.update(grantor="ZZQX-SELLER", grantee="ZZQX-BUYER")
    hidden, other = Property.objects.order_by("pk")
    OwnerFactory(roll_property=hidden, name="ZZQX-JUDGE", confidential=True)
    supervisor = client_of(a_user("supervisor", county, role="supervisor"))

    assert b"ZZQX" not in supervisor.get(path_of(hidden)).content
    deed = supervisor.get(f"/api/v1/sales/benton/{hidden.sales.get().sale_id}").json()
    assert (deed["grantor"], deed["grantee"]) == ("CONFIDENTIAL", "CONFIDENTIAL")
    assert supervisor.get(f"/api/v1/sales/benton/{other.sales.get().sale_id}").json()["grantor"] == "ZZQX-SELLER"


def test_a_former_owner_is_no_longer_named_as_one(county):
    house = a_subject(county)
    OwnerFactory(roll_property=house, name="ZZQX-FORMER", retired_at=timezone.now())
    OwnerFactory(roll_property=house, name="ZZQX-OWNER")
    supervisor = client_of(a_user("supervisor", county, role="supervisor"))

    owners = supervisor.get(path_of(house)).json()["owners"]

    assert [owner["name"] for owner in owners] == ["ZZQX-OWNER"]


def test_a_former_owner_who_is_confidential_still_hides_the_parties_of_a_deed(county):
    a_market(county, sales=1)
    Sale.objects.update(grantor="ZZQX-JUDGE", grantee="ZZQX-BUYER")
    house = Property.objects.get()
    OwnerFactory(roll_property=house, name="ZZQX-JUDGE", confidential=True, retired_at=timezone.now())
    supervisor = client_of(a_user("supervisor", county, role="supervisor"))

    deed = supervisor.get(f"/api/v1/sales/benton/{house.sales.get().sale_id}").json()

    assert (deed["grantor"], deed["grantee"]) == ("CONFIDENTIAL", "CONFIDENTIAL")


def test_updated_since_gives_what_changed(viewer, county):
    a_market(county, sales=3)
    changed = a_subject(county)

    answer = viewer.get("/api/v1/properties", {"updated_since": changed.updated_at.isoformat()})

    assert numbers(answer) == {changed.property_id}


@pytest.mark.parametrize("path", ["counties", "properties", "sales", "valuation/jobs"])
def test_a_cursor_that_is_none_is_a_400_that_names_it(viewer, path):
    answer = viewer.get(f"/api/v1/{path}?cursor=nonsense")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "cursor"
