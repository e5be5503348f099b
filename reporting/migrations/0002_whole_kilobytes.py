import math

from django.db import migrations


def round_up(apps, schema_editor):
    jobs = apps.get_model("reporting", "ReportJob").objects.using(schema_editor.connection.alias)
    for job in jobs.filter(result_metadata__has_key="file_size_kb").only("result_metadata").iterator():
        metadata = job.result_metadata | {"file_size_kb": math.ceil(job.result_metadata["file_size_kb"])}
        jobs.filter(pk=job.pk).update(result_metadata=metadata)


class Migration(migrations.Migration):
    dependencies = [("reporting", "0001_initial")]

    operations = [migrations.RunPython(round_up, migrations.RunPython.noop)]
