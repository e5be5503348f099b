"""The API against its own OpenAPI document: whatever is sent, no server error, and every refusal a problem."""

import pytest
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings

from accounts.models import User
from tests.factories import a_county, a_user, client_of
from tests.valuation.roll import a_market

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def fuzzer(db):
    county = a_county("benton")
    a_market(county, sales=3)
    a_user("fuzzer", county, role="administrator")
    return client_of(User.objects.get(username="fuzzer"))


@pytest.mark.django_db
@schema.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_nothing_sent_makes_a_server_error(case, fuzzer):
    wire = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {name: value for name, value in wire.headers.items() if name.lower() != "content-length"}

    answer = fuzzer.generic(
        wire.method,
        wire.path_url,
        wire.body or "",
        content_type=headers.pop("Content-Type", "application/json"),
        headers=headers,
    )

    assert answer.status_code < 500, wire.path_url
    if answer.status_code >= 400:
        assert answer["Content-Type"].startswith("application/problem+json"), wire.path_url
