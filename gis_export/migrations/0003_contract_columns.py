import django.db.models.deletion
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('gis_export', '0002_whole_kilobytes'),
        ('jobs', '0002_scheduled_slot'),
    ]

    operations = [
        DescribeColumn(
            model_name='gisexportjob',
            name='area_of_interest',
            field=models.JSONField(db_column='area_of_interest_json', db_comment='The area asked for; null for the whole county.', null=True),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='export_format',
            field=models.CharField(db_comment='The file format, for example GeoJSON.', max_length=32),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='job',
            field=models.OneToOneField(db_column='job_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job'),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='layers',
            field=models.JSONField(db_column='layers_json', db_comment='Names of the layers asked for.', default=list),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='result_details',
            field=models.JSONField(db_column='result_details_json', db_comment='Counts by layer, coordinate system, tax year and date of the data.', default=dict),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='result_file_location',
            field=models.CharField(blank=True, db_comment='URL path of the finished file.', max_length=300),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='result_file_size_kb',
            field=models.PositiveBigIntegerField(db_comment='KB of 1,024 bytes, rounded up.', null=True),
        ),
        DescribeColumn(
            model_name='gisexportjob',
            name='result_record_count',
            field=models.PositiveBigIntegerField(db_comment='Features in the file, over all layers.', null=True),
        ),
        migrations.AddIndex(
            model_name='gisexportjob',
            index=models.Index(fields=['export_format'], name='gis_export_job_format'),
        ),
    ]
