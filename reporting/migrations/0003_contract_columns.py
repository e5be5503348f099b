import django.db.models.deletion
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_contract_columns'),
        ('reporting', '0002_whole_kilobytes'),
    ]

    operations = [
        DescribeColumn(
            model_name='reportjob',
            name='job',
            field=models.OneToOneField(db_column='report_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job'),
        ),
        DescribeColumn(
            model_name='reportjob',
            name='report_type',
            field=models.CharField(db_comment='Which report, for example sales_ratio_study.', max_length=32),
        ),
        DescribeColumn(
            model_name='reportjob',
            name='result_location',
            field=models.CharField(blank=True, db_comment='URL path of the finished report.', max_length=300),
        ),
        DescribeColumn(
            model_name='reportjob',
            name='result_metadata',
            field=models.JSONField(db_column='result_metadata_json', db_comment='Its format, size in KB, pages, sources and headline numbers.', null=True),
        ),
        migrations.AddIndex(
            model_name='reportjob',
            index=models.Index(fields=['report_type'], name='report_job_type'),
        ),
    ]
