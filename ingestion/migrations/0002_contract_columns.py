import django.db.models.deletion
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('ingestion', '0001_initial'),
        ('jobs', '0002_scheduled_slot'),
    ]

    operations = [
        DescribeColumn(
            model_name='ingestionjob',
            name='job',
            field=models.OneToOneField(db_column='job_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job'),
        ),
        DescribeColumn(
            model_name='ingestionjob',
            name='result',
            field=models.JSONField(db_column='result_json', db_comment='Control totals, counts of rows and digests.', null=True),
        ),
        DescribeColumn(
            model_name='ingestionjob',
            name='source',
            field=models.CharField(db_comment="A legacy database of the county's mapping, or a file handed in.", max_length=200),
        ),
    ]
