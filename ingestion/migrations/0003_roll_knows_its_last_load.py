from django.db import migrations
from django.db.models import Max


def tell_the_roll(apps, schema_editor):
    """When each county's roll was last loaded, which only the runs of ingestion knew until now."""
    database = schema_editor.connection.alias
    runs = apps.get_model("ingestion", "IngestionRun").objects.using(database)
    moments = runs.filter(status="loaded", finished_at__isnull=False).order_by().values_list("county_id").annotate(Max("finished_at"))
    last_loads = apps.get_model("roll", "LastLoad").objects.using(database)
    for county_id, loaded_at in moments:
        last_loads.update_or_create(county_id=county_id, defaults={"loaded_at": loaded_at})


class Migration(migrations.Migration):

    dependencies = [
        ("ingestion", "0002_contract_columns"),
        ("roll", "0005_last_load"),
    ]

    operations = [migrations.RunPython(tell_the_roll, migrations.RunPython.noop)]
