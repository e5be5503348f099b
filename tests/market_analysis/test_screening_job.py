"""Sales screening through the API: suggestions, decisions, and what a screening may clear."""

import csv
import io

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.test import Client
from shapely import box

from market_analysis import keeping
from market_analysis.roll_answers import polygons_of, related_sales
from market_analysis.selection import Selection
from terrafusion.analytics.writing import snapshot_county
from terrafusion.roll.models import LayerFeature, Sale, SaleReview
from tests.factories import LayerFeatureFactory, SaleReviewFactory, a_county, a_user, client_of
from tests.valuation.roll import a_market

from .asking import download, later, run

pytestmark = pytest.mark.django_db


def test_the_screen_finds_what_is_planted(analyst, demo):
    """Deeds within families at 5 to 70 % of value, and deeds of two parcels; the county's codes are not looked at."""
    job = run(analyst, "sales_screening", include_invalid=True)

    flagged = set(SaleReview.objects.values_list("sale__sale_id", flat=True))
    codes = dict(Sale.objects.values_list("sale_id", "validity_code"))

    def share(code):
        of_code = [sale_id for sale_id, each in codes.items() if each == code]
        return sum(sale_id in flagged for sale_id in of_code) / len(of_code)

    assert share("multi_parcel") == 1.0
    assert share("family") > 0.6
    assert share("valid") < 0.1
    summary = job["result"]["result_summary"]
    assert summary["sales_flagged"] == len(flagged)
    assert all(1 <= len(review.suggested_reasons) <= 3 for review in SaleReview.objects.all())


def test_related_names_are_a_reason_and_no_name_leaves_the_roll(analyst, demo):
    sale = Sale.objects.valid().of_one_parcel().first()
    Sale.objects.update(grantor="", grantee="")
    Sale.objects.filter(pk=sale.pk).update(grantor="CANARYSON, JOHN", grantee="Mary Canaryson")
    job = run(analyst, "sales_screening")

    reasons = SaleReview.objects.get(sale=sale).suggested_reasons
    assert {"code": "related_names", "text": "Seller and buyer share a surname."} in reasons
    stored = pq.read_table(io.BytesIO(download(analyst, job["result"]["result_data_location"])))
    assert "CANARY" not in (str(stored.to_pylist()) + str(job) + str(reasons)).upper()


def test_words_of_companies_are_no_surnames_and_a_family_trust_is_told_as_one(analyst, demo):
    chosen = list(Sale.objects.valid().of_one_parcel().order_by("pk")[:3])
    Sale.objects.update(grantor="", grantee="")
    names = [
        ("NORTH RIDGE LLC", "NORTH POINT, L.L.C."),
        ("CANARYSON, JOHN", "THE CANARYSON FAMILY TRUST"),
        ("CANARY HOMES INC", "CANARY HOMES, LLC"),
    ]
    for sale, (grantor, grantee) in zip(chosen, names, strict=True):
        Sale.objects.filter(pk=sale.pk).update(grantor=grantor, grantee=grantee)

    job = run(analyst, "sales_screening", include_invalid=True)

    by_name = {"related_names", "family_trust_or_estate", "same_company"}
    found = {
        review.sale_id: {reason["code"] for reason in review.suggested_reasons} & by_name
        for review in SaleReview.objects.all()
    }
    assert [found.get(sale.pk, set()) for sale in chosen] == [set(), {"family_trust_or_estate"}, {"same_company"}]
    counted = job["result"]["result_summary"]["reasons"]
    assert {code: counted.get(code, 0) for code in by_name} == {
        "related_names": 0, "family_trust_or_estate": 1, "same_company": 1,
    }  # fmt: skip


def test_the_precision_of_each_reason_is_told_where_the_countys_own_codes_are_known(analyst, demo):
    summary = run(analyst, "sales_screening", include_invalid=True)["result"]["result_summary"]

    valid = set(Sale.objects.filter(is_valid=True).values_list("pk", flat=True))
    told = summary["precision_of_reasons"]
    assert set(told) == set(summary["reasons"])
    assert told["multi_parcel"]["precision_percent"] == 100.0
    for code, found in told.items():
        flagged = [
            review.sale_id
            for review in SaleReview.objects.all()
            if code in {reason["code"] for reason in review.suggested_reasons}
        ]
        set_aside = sum(sale not in valid for sale in flagged)
        assert (found["sales_flagged"], found["set_aside_by_code"]) == (len(flagged), set_aside)
        assert found["precision_percent"] == round(100 * set_aside / len(flagged), 1)

    blind = run(analyst, "sales_screening")["result"]["result_summary"]
    assert blind["precision_of_reasons"] is None
    assert "include_invalid" in blind["precision_note"]


def test_what_a_load_retired_counts_no_more(db):
    county = a_county("king")
    a_market(county, sales=3)
    Sale.objects.update(grantor="SMITH, JOHN", grantee="SMITH, MARY")
    for number in range(2):
        shape = box(number, 0, number + 1, 1)
        LayerFeatureFactory(county=county, layer="zip_areas", feature_id=f"9810{number}", geometry=shape)
    LayerFeature.objects.filter(feature_id="98101").update(retired_at=later())
    gone = Sale.objects.first()
    Sale.objects.filter(pk=gone.pk).update(retired_at=later())

    assert set(related_sales(county, Selection())) == set(Sale.objects.current().values_list("pk", flat=True))
    assert gone.pk not in related_sales(county, Selection())
    assert set(polygons_of(county, "zip_code", None)[0]) == {"98100"}


def test_a_decision_is_kept_over_a_new_screening_and_a_reload_and_counts(tmp_path):
    county = a_county("king")
    client = client_of(a_user("analyst", county, role="analyst"))
    rows = [_king_row(number, 300_000 + 1000 * number) for number in range(40)]
    rows[7]["price"] = 30_000
    _load(tmp_path, rows)
    run(client, "sales_screening", "king")
    review = SaleReview.objects.get(sale__sale_id="7")
    assert review.suggested_reasons[0]["code"] in ("price_low", "price_per_sqft_low")

    boss = a_user("boss", county, role="supervisor", is_staff=True)
    browser = Client()
    browser.force_login(boss)
    page = f"/admin/roll/salereview/{review.pk}/change/"
    assert "% of the median" in browser.get(page).content.decode()
    browser.post(page, {"sale": review.sale_id, "decision": "invalid", "reason": "Gift within a family"})
    rows[7]["sqft_living"] = 1_000
    _load(tmp_path, rows)
    snapshot_county(county, later())
    job = run(client, "sales_screening", "king")

    kept = SaleReview.objects.get(sale__sale_id="7")
    assert (kept.decision, kept.reason, kept.decided_by) == ("invalid", "Gift within a family", boss)
    assert kept.decided_at is not None
    assert job["status"] == "COMPLETED"
    trend = run(client, "trend_analysis", "king")
    assert trend["result"]["result_summary"]["data_points_analyzed"] == 39


def test_an_open_suggestion_goes_when_the_sale_is_no_longer_suspicious(db):
    county = a_county("benton")
    a_market(county, sales=40)
    client = client_of(a_user("analyst", county, role="analyst"))
    sale = Sale.objects.order_by("pk")[3]
    price = sale.sale_price
    Sale.objects.filter(pk=sale.pk).update(sale_price=9_000)
    run(client, "sales_screening", "benton")
    assert SaleReview.objects.filter(sale=sale).exists()

    Sale.objects.filter(pk=sale.pk).update(sale_price=price)
    snapshot_county(county, later())
    run(client, "sales_screening", "benton")

    assert not SaleReview.objects.filter(sale=sale).exists()


def test_a_suggestion_on_a_sale_the_screening_did_not_look_at_stays(db):
    county = a_county("benton")
    a_market(county, sales=40)
    client = client_of(a_user("analyst", county, role="analyst"))
    sale = Sale.objects.order_by("pk")[3]
    Sale.objects.filter(pk=sale.pk).update(sale_price=9_000, is_valid=False)
    run(client, "sales_screening", "benton", include_invalid=True)
    assert SaleReview.objects.filter(sale=sale).exists()

    run(client, "sales_screening", "benton")

    assert SaleReview.objects.filter(sale=sale).exists(), "the county's code set it aside; nobody looked"


def test_a_decision_made_while_suggestions_are_cleared_is_kept(db, monkeypatch):
    county = a_county("benton")
    a_market(county, sales=40)
    client = client_of(a_user("analyst", county, role="analyst"))
    sale = Sale.objects.order_by("pk")[3]
    SaleReviewFactory(sale=sale, suggested_reasons=[{"code": "price_low", "text": "It was."}])

    def decided_meanwhile(keys):
        SaleReview.objects.filter(sale=sale).update(decision=SaleReview.Decision.VALID)
        return [keys] if keys else []

    monkeypatch.setattr(keeping, "_batches", decided_meanwhile)
    run(client, "sales_screening", "benton")

    assert SaleReview.objects.get(sale=sale).decision == SaleReview.Decision.VALID


def test_staff_decide_many_at_once_but_only_in_their_county(analyst, demo):
    run(analyst, "sales_screening", include_invalid=True)
    boss = a_user("boss", demo, role="supervisor", is_staff=True)
    viewer = a_user("viewer", demo, role="viewer", is_staff=True)
    keys = list(SaleReview.objects.values_list("pk", flat=True)[:5])
    body = {"action": "mark_valid", "_selected_action": keys}
    for person, decided in ((viewer, 0), (boss, 5)):
        browser = Client()
        browser.force_login(person)
        browser.post("/admin/roll/salereview/", body)

        assert SaleReview.objects.filter(decision="valid", decided_by=person).count() == decided


def _king_row(number, price):
    return {
        "sale_row": number, "id": 7_000_000_000 + number, "date": f"201409{1 + number % 28:02}T000000", "price": price,
        "bedrooms": 3, "bathrooms": 2, "sqft_living": 1800, "sqft_lot": 6000, "floors": 1, "waterfront": 0, "view": 0,
        "condition": 3, "grade": 7, "sqft_basement": 0, "yr_built": 1960, "yr_renovated": 0, "zipcode": "98103",
        "lat": 47.66 + number / 10_000, "long": -122.34,
    }  # fmt: skip


def _load(folder, rows):
    path = folder / "king.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    call_command("bulk_load", "king", source=path, stdout=io.StringIO())
