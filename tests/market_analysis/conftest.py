"""Counties of the market analysis jobs, and who asks for them."""

import pytest

from tests.factories import a_county, a_user, client_of
from tests.valuation.roll import a_market

from .roll import the_demo_county


@pytest.fixture
def demo(db):
    return the_demo_county()


@pytest.fixture
def analyst(demo):
    return client_of(a_user("analyst", demo, role="analyst"))


@pytest.fixture
def clerk(db):
    """Of a county with a handful of sales: quicker to make than the demo county."""
    county = a_county("benton")
    a_market(county, sales=12)
    return client_of(a_user("clerk", county, role="analyst"))
