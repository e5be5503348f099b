"""The database itself keeps the values of a certified roll as they are, whoever writes and by whatever way.

A roll is certified by its row in CertifiedRoll. SQLite loses the triggers of a table that a later migration rebuilds;
tests/ingestion/test_certified_roll.py would fail then, and that migration must make them again.
"""

from django.db import migrations

SENTENCE = "A certified roll cannot be changed; send a correction as a later supplement."


def certified(row):
    return f"""EXISTS (
    SELECT 1 FROM roll_certifiedroll c JOIN properties_operational p ON p.county_id = c.county_id
     WHERE p.id = {row}.roll_property_id AND c.tax_year = {row}.tax_year AND {row}.supplement <= c.supplement)"""


VALUES = (("update", "OLD"), ("update", "NEW"), ("delete", "OLD"), ("insert", "NEW"))
NAMES = [f"certified_value_{event}_{row}".lower() for event, row in VALUES]
ROLL_NAMES = ["certified_roll_update", "certified_roll_delete"]


def create_on_sqlite(schema_editor):
    refuse = f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;"
    for name, (event, row) in zip(NAMES, VALUES):
        schema_editor.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON roll_assessedvalue WHEN {certified(row)} {refuse}", params=None
        )
    for name in ROLL_NAMES:
        event = name.rsplit("_", 1)[1]
        schema_editor.execute(f"CREATE TRIGGER {name} BEFORE {event} ON roll_certifiedroll {refuse}", params=None)


def create_on_postgresql(schema_editor):
    refuse = f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation';"
    for function, body in (
        ("keep_certified_old", f"IF {certified('OLD')} THEN {refuse} END IF; RETURN OLD;"),
        ("keep_certified_new", f"IF {certified('NEW')} THEN {refuse} END IF; RETURN NEW;"),
        ("keep_certified_update", f"IF {certified('OLD')} OR {certified('NEW')} THEN {refuse} END IF; RETURN NEW;"),
        ("keep_certified_roll", f"{refuse}"),
        ("keep_certified_table", f"IF EXISTS (SELECT 1 FROM roll_certifiedroll) THEN {refuse} END IF; RETURN NULL;"),
    ):
        schema_editor.execute(
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$", params=None
        )
    for event, function in (
        ("DELETE", "keep_certified_old"), ("INSERT", "keep_certified_new"), ("UPDATE", "keep_certified_update"),
    ):
        schema_editor.execute(
            f"CREATE TRIGGER certified_value_{event.lower()} BEFORE {event} ON roll_assessedvalue "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()", params=None
        )
    for table in ("roll_assessedvalue", "roll_certifiedroll"):
        schema_editor.execute(
            f"CREATE TRIGGER certified_truncate BEFORE TRUNCATE ON {table} "
            "EXECUTE FUNCTION keep_certified_table()", params=None
        )
    for name in ROLL_NAMES:
        event = name.rsplit("_", 1)[1]
        schema_editor.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON roll_certifiedroll "
            "FOR EACH ROW EXECUTE FUNCTION keep_certified_roll()", params=None
        )


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        create_on_postgresql(schema_editor)
    else:
        create_on_sqlite(schema_editor)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in ("old", "new", "update", "roll", "table"):
            schema_editor.execute(f"DROP FUNCTION keep_certified_{name}() CASCADE", params=None)
    else:
        for name in [*NAMES, *ROLL_NAMES]:
            schema_editor.execute(f"DROP TRIGGER {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("roll", "0002_loads")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
