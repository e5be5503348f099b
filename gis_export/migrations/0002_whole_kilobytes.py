from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Ceil


def round_up(apps, schema_editor):
    jobs = apps.get_model("gis_export", "GisExportJob").objects.using(schema_editor.connection.alias)
    jobs.filter(result_file_size_kb__isnull=False).update(result_file_size_kb=Ceil(F("result_file_size_kb")))


class Migration(migrations.Migration):
    dependencies = [("gis_export", "0001_initial")]

    operations = [
        migrations.RunPython(round_up, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="gisexportjob",
            name="result_file_size_kb",
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
