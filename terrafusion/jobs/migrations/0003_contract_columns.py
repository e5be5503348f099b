import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('county_configs', '0001_initial'),
        ('jobs', '0002_scheduled_slot'),
    ]

    operations = [
        DescribeColumn(
            model_name='job',
            name='completed_at',
            field=models.DateTimeField(db_comment='When the job ended, however it ended.', null=True),
        ),
        DescribeColumn(
            model_name='job',
            name='county',
            field=models.ForeignKey(db_comment='The county the job is for.', on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='county_configs.county'),
        ),
        DescribeColumn(
            model_name='job',
            name='created_at',
            field=models.DateTimeField(db_comment='When the request was accepted.', default=django.utils.timezone.now),
        ),
        DescribeColumn(
            model_name='job',
            name='id',
            field=models.UUIDField(db_column='job_id', db_comment="The job; its kind's own table links to it.", default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
        ),
        DescribeColumn(
            model_name='job',
            name='message',
            field=models.TextField(blank=True, db_comment='What happened, in a sentence for whoever asked.'),
        ),
        DescribeColumn(
            model_name='job',
            name='parameters',
            field=models.JSONField(db_column='parameters_json', db_comment='What the request asked for, with the defaults of its day.', default=dict),
        ),
        DescribeColumn(
            model_name='job',
            name='processing_seconds',
            field=models.FloatField(help_text='Of the last run that ended.', null=True),
        ),
        DescribeColumn(
            model_name='job',
            name='started_at',
            field=models.DateTimeField(db_comment='When the last run started; null before the first.', null=True),
        ),
        DescribeColumn(
            model_name='job',
            name='status',
            field=models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled')], db_comment='PENDING, RUNNING, COMPLETED, FAILED or CANCELLED.', db_index=True, default='PENDING', max_length=16),
        ),
        DescribeColumn(
            model_name='job',
            name='updated_at',
            field=models.DateTimeField(db_comment='When the row last changed.', default=django.utils.timezone.now),
        ),
    ]
