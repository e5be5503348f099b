"""What the pages look like: nothing reaches into the margins, whatever the roll holds. Rendered, not read."""

import io

import numpy as np
import pypdfium2
import pytest

from terrafusion.roll.models import Owner, Property, Sale
from tests.factories import OwnerFactory, a_user, client_of

from .roll import TAX_YEAR, an_assessed_market

pytestmark = pytest.mark.django_db
MARGIN_CM = 0.9
LONG = 'A <b>very</b> & "long" name, #let x = 1; $y$ @z [w] \u00e9\u4e2d\U0001f600\x0b\u200e ' * 4


@pytest.fixture
def nasty_roll(county):
    """Every text as long as its column, full of what HTML, typst and spreadsheets take for code."""
    houses = an_assessed_market(county, sales=30)
    for at, house in enumerate(houses):
        house.parcel_number = f"{at:03d}-{'9' * 60}"
        house.situs_address = LONG[:200]
        house.neighborhood = f"<script>alert({at % 3})</script>"[:32]
        house.tax_code_area = "W" * 32
        house.use_code = "11" + "X" * 30
        house.property_class = "=cmd|' /C calc'!A0"
        house.legal_description = LONG * 5
    names = ("parcel_number", "situs_address", "neighborhood", "tax_code_area", "use_code", "property_class")
    Property.objects.bulk_update(houses, [*names, "legal_description"])
    Owner.objects.bulk_create(OwnerFactory.build(roll_property=house, name=LONG[:200]) for house in houses)
    Sale.objects.update(instrument="Statutory Warranty Deed " + "M" * 40)
    return houses


ASKED = {
    "sales_ratio_study": {
        "stratify_by": ["neighborhood", "property_class", "value_decile", "use_code"],
        "replicates": 100,
    },
    "assessment_roll": {"include_owner_names": True},
    "dor_ratio_report": {"as_of": f"{TAX_YEAR}-04-30"},
    "value_change": {},
    "property_record_card": {"property_id": "7000", "include_owner_names": True},
}


def margins_are_blank(pdf):
    """Pages with ink nearer to the paper's edge than MARGIN_CM."""
    spoiled = []
    scale, points = 1.0, MARGIN_CM / 2.54 * 72
    for number, page in enumerate(pdf, start=1):
        picture = page.render(scale=scale, grayscale=True).to_numpy().squeeze()
        edge = round(points * scale)
        frame = np.ones(picture.shape, dtype=bool)
        frame[edge:-edge, edge:-edge] = False
        if (picture[frame] < 250).any():
            spoiled.append(number)
    return spoiled


@pytest.mark.parametrize("report_type", ASKED)
def test_no_page_is_clipped(report, content, county, nasty_roll, report_type):
    supervisor = client_of(a_user("supervisor", county, role="supervisor"))

    job = report(report_type, by=supervisor, **ASKED[report_type])

    assert job["status"] == "COMPLETED", job["message"]
    pdf = pypdfium2.PdfDocument(io.BytesIO(content(job, by=supervisor)))
    assert not margins_are_blank(pdf)
    if report_type == "property_record_card":
        assert len(pdf) == 1


def test_a_page_clipped_on_purpose_is_noticed(report, content, county):
    """The eye of the tests above."""
    an_assessed_market(county, sales=5)
    pdf = pypdfium2.PdfDocument(io.BytesIO(content(report("sales_ratio_study", replicates=100))))
    page = pdf[0]
    page.set_cropbox(0, 0, page.get_width() / 2, page.get_height() / 2)

    assert margins_are_blank(pdf)[0] == 1


def test_text_of_the_roll_is_never_markup(report, content, county, nasty_roll):
    asked = ASKED["sales_ratio_study"]
    page = content(report("sales_ratio_study", format="html", **asked)).decode()

    assert "<script" not in page
    assert "&lt;script&gt;alert(0)" in page
