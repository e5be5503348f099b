import django.db.models.deletion
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_contract_columns'),
        ('market_analysis', '0001_initial'),
    ]

    operations = [
        DescribeColumn(
            model_name='marketanalysisjob',
            name='analysis_type',
            field=models.CharField(db_comment='Which analysis, for example price_trend_by_zip.', max_length=64),
        ),
        DescribeColumn(
            model_name='marketanalysisjob',
            name='job',
            field=models.OneToOneField(db_column='job_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job'),
        ),
        DescribeColumn(
            model_name='marketanalysisjob',
            name='result_data_location',
            field=models.CharField(blank=True, db_comment='URL path of the Parquet file with all points.', max_length=300),
        ),
        DescribeColumn(
            model_name='marketanalysisjob',
            name='result_summary',
            field=models.JSONField(db_column='result_summary_json', db_comment="The key finding, the number of data points and the analysis's own numbers.", null=True),
        ),
        DescribeColumn(
            model_name='marketanalysisjob',
            name='trends',
            field=models.JSONField(db_column='trends_json', db_comment='Prices and number of sales by period.', null=True),
        ),
        migrations.AddIndex(
            model_name='marketanalysisjob',
            index=models.Index(fields=['analysis_type'], name='market_analysis_job_type'),
        ),
    ]
