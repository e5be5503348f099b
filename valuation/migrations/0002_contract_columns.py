import django.db.models.deletion
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_contract_columns'),
        ('valuation', '0001_initial'),
    ]

    operations = [
        DescribeColumn(
            model_name='valuationjob',
            name='job',
            field=models.OneToOneField(db_column='job_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job'),
        ),
        DescribeColumn(
            model_name='valuationjob',
            name='market_value',
            field=models.BigIntegerField(db_comment='Estimated market value in dollars; of a single property.', help_text='Dollars; of a single property.', null=True),
        ),
        DescribeColumn(
            model_name='valuationjob',
            name='property_id',
            field=models.CharField(db_comment="The property to value, by the county's key; null for a scope.", max_length=64, null=True),
        ),
        DescribeColumn(
            model_name='valuationjob',
            name='scope',
            field=models.JSONField(db_column='scope_json', db_comment='The properties to value; null for a single one.', null=True),
        ),
        DescribeColumn(
            model_name='valuationjob',
            name='supporting_data',
            field=models.JSONField(db_column='supporting_data_json', db_comment='The range, the confidence and the comparables, or the summary of a scope.', null=True),
        ),
        migrations.AddIndex(
            model_name='valuationjob',
            index=models.Index(fields=['property_id'], name='valuation_job_property'),
        ),
    ]
