
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('county_configs', '0001_initial'),
        ('roll', '0004_contract_columns'),
    ]

    operations = [
        migrations.CreateModel(
            name='LastLoad',
            fields=[
                ('county', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='last_load', serialize=False, to='county_configs.county')),
                ('loaded_at', models.DateTimeField()),
            ],
        ),
    ]
