"""The database itself keeps certified values as they are, whoever writes and by whatever way."""

from django.db import migrations

SENTENCE = "A certified roll cannot be changed; send a correction as a later supplement."

SQLITE = f"""
CREATE TRIGGER certified_value_kept BEFORE UPDATE ON roll_assessedvalue WHEN OLD.status = 'certified'
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
CREATE TRIGGER certified_value_not_deleted BEFORE DELETE ON roll_assessedvalue WHEN OLD.status = 'certified'
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
CREATE TRIGGER certified_roll_takes_no_value BEFORE INSERT ON roll_assessedvalue WHEN EXISTS (
    SELECT 1 FROM roll_certifiedroll c JOIN properties_operational p ON p.county_id = c.county_id
     WHERE p.id = NEW.roll_property_id AND c.tax_year = NEW.tax_year AND NEW.supplement <= c.supplement)
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
CREATE TRIGGER certified_roll_takes_no_moved_value
BEFORE UPDATE OF roll_property_id, tax_year, supplement, status ON roll_assessedvalue WHEN EXISTS (
    SELECT 1 FROM roll_certifiedroll c JOIN properties_operational p ON p.county_id = c.county_id
     WHERE p.id = NEW.roll_property_id AND c.tax_year = NEW.tax_year AND NEW.supplement <= c.supplement)
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
CREATE TRIGGER certified_roll_kept BEFORE UPDATE ON roll_certifiedroll
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
CREATE TRIGGER certified_roll_not_deleted BEFORE DELETE ON roll_certifiedroll
BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END;
"""
TRIGGERS = (
    "certified_value_kept", "certified_value_not_deleted", "certified_roll_takes_no_value",
    "certified_roll_takes_no_moved_value", "certified_roll_kept", "certified_roll_not_deleted",
)

POSTGRESQL = f"""
CREATE FUNCTION refuse_change_of_certified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE FUNCTION refuse_value_in_certified_roll() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM roll_certifiedroll c JOIN properties_operational p ON p.county_id = c.county_id
                WHERE p.id = NEW.roll_property_id AND c.tax_year = NEW.tax_year AND NEW.supplement <= c.supplement)
    THEN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_truncation_of_certified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM roll_certifiedroll)
    THEN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER certified_value_kept BEFORE UPDATE ON roll_assessedvalue FOR EACH ROW
    WHEN (OLD.status = 'certified') EXECUTE FUNCTION refuse_change_of_certified();
CREATE TRIGGER certified_value_not_deleted BEFORE DELETE ON roll_assessedvalue FOR EACH ROW
    WHEN (OLD.status = 'certified') EXECUTE FUNCTION refuse_change_of_certified();
CREATE TRIGGER certified_roll_takes_no_value BEFORE INSERT ON roll_assessedvalue FOR EACH ROW
    EXECUTE FUNCTION refuse_value_in_certified_roll();
CREATE TRIGGER certified_roll_takes_no_moved_value
    BEFORE UPDATE OF roll_property_id, tax_year, supplement, status ON roll_assessedvalue FOR EACH ROW
    EXECUTE FUNCTION refuse_value_in_certified_roll();
CREATE TRIGGER certified_roll_kept BEFORE UPDATE ON roll_certifiedroll FOR EACH ROW
    EXECUTE FUNCTION refuse_change_of_certified();
CREATE TRIGGER certified_roll_not_deleted BEFORE DELETE ON roll_certifiedroll FOR EACH ROW
    EXECUTE FUNCTION refuse_change_of_certified();
CREATE TRIGGER certified_value_not_truncated BEFORE TRUNCATE ON roll_assessedvalue
    EXECUTE FUNCTION refuse_truncation_of_certified();
CREATE TRIGGER certified_roll_not_truncated BEFORE TRUNCATE ON roll_certifiedroll
    EXECUTE FUNCTION refuse_truncation_of_certified();
"""
POSTGRESQL_UNDO = """
DROP FUNCTION refuse_change_of_certified() CASCADE;
DROP FUNCTION refuse_value_in_certified_roll() CASCADE;
DROP FUNCTION refuse_truncation_of_certified() CASCADE;
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL, params=None)
    else:
        for statement in SQLITE.split("END;"):
            if statement.strip():
                schema_editor.execute(statement + "END;", params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_UNDO, params=None)
    else:
        for name in TRIGGERS:
            schema_editor.execute(f"DROP TRIGGER {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("roll", "0002_loads")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
