"""The tables others read: what the database itself says of the contract's columns, and what it can find fast."""

import pytest
from django.apps import apps
from django.db import connection

pytestmark = pytest.mark.django_db

COLUMNS = {
    "jobs": "job_id county_id status message parameters_json created_at updated_at started_at completed_at",
    "valuation_jobs": "job_id property_id scope_json market_value supporting_data_json",
    "report_jobs": "report_id report_type result_location result_metadata_json",
    "market_analysis_jobs": "job_id analysis_type result_summary_json trends_json result_data_location",
    "gis_export_jobs": "job_id export_format area_of_interest_json layers_json result_file_location result_file_size_kb"
    " result_record_count result_details_json",
    "ingestion_jobs": "job_id source result_json",
}
INDEXED = {
    "valuation_jobs": "property_id",
    "report_jobs": "report_type",
    "market_analysis_jobs": "analysis_type",
    "gis_export_jobs": "export_format",
}


def columns_of(table):
    (model,) = (model for model in apps.get_models() if model._meta.db_table == table)
    return {field.column: field.db_comment for field in model._meta.local_concrete_fields}


def test_every_column_of_the_contract_is_described():
    for table, names in COLUMNS.items():
        assert set(names.split()) <= set(columns_of(table))
        assert all(columns_of(table)[name] for name in names.split()), table
    roll = columns_of("properties_operational")
    assert [name for name, comment in roll.items() if not comment] == ["id"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no comments.")
def test_the_database_holds_the_descriptions():
    statement = """SELECT a.attname, d.description FROM pg_description d
                     JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
                    WHERE d.objoid = %s::regclass AND d.classoid = 'pg_class'::regclass AND d.objsubid > 0"""
    for table in (*COLUMNS, "properties_operational"):
        with connection.cursor() as cursor:
            cursor.execute(statement, [table])
            found = dict(cursor.fetchall())
        assert found == {name: comment for name, comment in columns_of(table).items() if comment}, table


def test_each_kinds_own_field_has_an_index():
    for table, column in INDEXED.items():
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, table)
        assert [column] in [constraint["columns"] for constraint in constraints.values() if constraint["index"]], table


def test_a_file_size_is_a_whole_number_in_the_table_too():
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, "gis_export_jobs")
        (size,) = (each for each in described if each.name == "result_file_size_kb")
        kind = connection.introspection.get_field_type(size.type_code, size)
    assert kind in ("BigIntegerField", "PositiveBigIntegerField")
