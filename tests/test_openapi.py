"""The OpenAPI document itself: whole, without a guess, and with every refusal described."""

import pytest
from django.core.management import call_command

from terrafusion.jobs.registry import registered_kinds
from terrafusion.web.problems import CONTENT_TYPE
from tests.factories import a_county
from tests.jobs.examples import EXAMPLES
from tests.openapi import the_document, validator

OPERATIONS = {
    found["operationId"]: (method, path, found)
    for path, operations in the_document()["paths"].items()
    for method, found in operations.items()
}


def test_the_document_is_made_without_a_warning_and_is_valid(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_refusal_is_a_problem(name):
    _, _, found = OPERATIONS[name]
    refusals = {code: told for code, told in found["responses"].items() if code >= "400"}

    assert {"400", "500", "503"} <= set(refusals)
    for code, told in refusals.items():
        assert told["content"] == {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}, code
        assert told["description"], code


def refusals(name):
    return {int(code) for code in OPERATIONS[name][2]["responses"] if code >= "400"}


@pytest.mark.parametrize("kind", [kind.name for kind in registered_kinds()])
def test_each_call_of_a_job_names_the_refusals_it_can_give(kind):
    always = {400, 401, 406, 500, 503}
    of_a_job = always | {403, 404}

    assert refusals(f"{kind}_run") == always | {403, 413, 415, 422}
    assert refusals(f"{kind}_jobs") == always
    assert refusals(f"{kind}_status") == refusals(f"{kind}_results") == refusals(f"{kind}_log") == of_a_job
    assert refusals(f"{kind}_cancel") == refusals(f"{kind}_retry") == of_a_job | {409}
    assert refusals(f"{kind}_artifact") == of_a_job | {410, 416}


@pytest.mark.parametrize("kind", [kind.name for kind in registered_kinds()])
def test_each_call_of_a_job_names_the_answers_it_can_give(kind):
    def answers(name):
        return [int(code) for code in OPERATIONS[f"{kind}_{name}"][2]["responses"] if code < "400"]

    assert answers("run") == [200, 202]
    assert answers("status") == [200, 304]
    assert answers("cancel") == answers("retry") == [202]
    assert answers("artifact") == [200, 206]


def test_reports_have_a_report_id_and_other_jobs_a_job_id():
    schemas = the_document()["components"]["schemas"]
    for kind in registered_kinds():
        required = schemas[kind.model.__name__]["required"]
        assert {"job_id", "report_id"} & set(required) == {kind.identifier}


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("valuation_jobs", {"property_id": "string"}),
        ("reporting_jobs", {"report_type": "string"}),
        ("market_analysis_jobs", {"analysis_type": "string"}),
        ("gis_export_jobs", {"export_format": "string"}),
        ("ingestion_jobs", {"source": "string"}),
    ],
)
def test_the_filters_of_a_list_of_jobs_are_told_with_their_types(name, filters):
    told = {parameter["name"]: parameter["schema"] for parameter in OPERATIONS[name][2]["parameters"]}

    assert {each: told[each]["type"] for each in filters} == filters
    assert told["created_after"] == told["created_before"] == {"type": "string", "format": "date-time"}
    assert set(told["status"]["enum"]) == {"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"}
    assert {"county_id", "cursor", "page_size"} <= set(told)


def test_the_filters_of_the_roll_are_told_with_their_types():
    def told(name):
        return {parameter["name"]: parameter["schema"] for parameter in OPERATIONS[name][2]["parameters"]}

    properties, sales = told("properties_list"), told("sales_list")
    assert properties["updated_since"]["format"] == sales["updated_since"]["format"] == "date-time"
    assert {"q", "county_id", "property_id", "neighborhood", "zip_code"} <= set(properties)
    assert sales["sold_since"]["format"] == sales["sold_before"]["format"] == "date"
    assert sales["is_valid"]["type"] == "boolean"
    assert {"bbox", "bbox-crs", "limit", "crs", "after", "datetime", "f"} <= set(told("ogc_items"))
    assert told("district_lookup")["lon"]["type"] == "number"


def test_no_result_is_an_object_of_which_nothing_is_told():
    """A field without a fixed shape is meant to be one: what a layer or a county's own file brings."""
    free = {
        f"{name}.{field}"
        for name, schema in the_document()["components"]["schemas"].items()
        for field, shape in schema.get("properties", {}).items()
        if shape.get("type") == "object" and shape.get("additionalProperties", {}) == {}
    }

    assert free == {"District.attributes", "Feature.properties"}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [kind.name for kind in registered_kinds()])
def test_a_request_that_works_is_one_the_document_describes(kind):
    body = EXAMPLES[kind](a_county("benton"))
    shape = OPERATIONS[f"{kind}_run"][2]["requestBody"]["content"]["application/json"]["schema"]

    validator(shape).validate(body)


@pytest.mark.parametrize(
    ("area", "is_one"),
    [
        ({"type": "bbox", "coordinates": [-120.5, 46.0, -120.0, 46.5]}, True),
        ({"type": "bbox", "coordinates": [-120.5, 46.0, -120.0]}, False),
        ({"type": "wkt", "wkt": "POLYGON ((0 0, 0 1, 1 1, 0 0))"}, True),
        ({"type": "county_boundary"}, True),
        ({"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}, True),
        ({"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 1], [1, 1], [0, 0]]]]}, True),
        ({"type": "Polygon", "coordinates": [[[[0, 0], [0, 1], [1, 1], [0, 0]]]]}, False),
        ({"type": "circle", "radius": 1}, False),
    ],
)
def test_the_shapes_of_an_area_of_interest_are_described(area, is_one):
    body = {"county_id": "benton", "export_format": "KML", "area_of_interest": area}
    shape = OPERATIONS["gis_export_run"][2]["requestBody"]["content"]["application/json"]["schema"]

    assert validator(shape).is_valid(body) is is_one


@pytest.mark.parametrize(
    ("report_type", "parameters", "is_one"),
    [
        ("assessment_roll", {"year": 2026, "property_class": "11", "include_owner_names": True}, True),
        ("assessment_roll", {"replicates": 500}, False),  # of another report
        ("comparables_grid", {"property_id": "1"}, True),
        ("comparables_grid", {}, False),
        ("horoscope", {}, False),
    ],
)
def test_the_parameters_of_a_report_are_those_of_its_type(report_type, parameters, is_one):
    body = {"county_id": "benton", "report_type": report_type, "parameters": parameters}
    shape = OPERATIONS["reporting_run"][2]["requestBody"]["content"]["application/json"]["schema"]

    assert validator(shape).is_valid(body) is is_one
