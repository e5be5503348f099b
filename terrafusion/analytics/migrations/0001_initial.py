
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('jobs', '0003_contract_columns'),
    ]

    operations = [
        migrations.CreateModel(
            name='SnapshotJob',
            fields=[
                ('job', models.OneToOneField(db_column='job_id', db_comment='The row in jobs.', on_delete=django.db.models.deletion.CASCADE, parent_link=True, primary_key=True, serialize=False, to='jobs.job')),
                ('snapshot_id', models.CharField(blank=True, db_comment='The snapshot it took; empty until completed.', max_length=64)),
                ('rows', models.JSONField(db_comment='How many rows the snapshot has, by table.', null=True)),
            ],
            options={
                'db_table': 'analytics_snapshot_jobs',
            },
            bases=('jobs.job',),
        ),
    ]
