import django.db.models.deletion
import terrafusion.roll.geometry
from django.db import migrations, models

from terrafusion.migration_operations import DescribeColumn


class Migration(migrations.Migration):

    dependencies = [
        ('county_configs', '0001_initial'),
        ('roll', '0003_certified_values'),
    ]

    operations = [
        DescribeColumn(
            model_name='assessedvalue',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
        DescribeColumn(
            model_name='improvement',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='east',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Eastern edge of the geometry, in degrees.', edge='east', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='geometry',
            field=terrafusion.roll.geometry.GeometryField(blank=True, db_comment='Shape in longitude and latitude, EPSG:4326.', null=True),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='north',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Northern edge of the geometry, in degrees.', edge='north', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='south',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Southern edge of the geometry, in degrees.', edge='south', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='layerfeature',
            name='west',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Western edge of the geometry, in degrees.', edge='west', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='owner',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
        DescribeColumn(
            model_name='property',
            name='acres',
            field=models.DecimalField(blank=True, db_comment='Land area in acres.', decimal_places=4, max_digits=14, null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='attributes',
            field=models.JSONField(blank=True, db_comment='What the county keeps and has no column here.', default=dict, help_text='What has no column.'),
        ),
        DescribeColumn(
            model_name='property',
            name='basement_sqft',
            field=models.PositiveIntegerField(blank=True, db_comment='Basement area of the main dwelling, in square feet.', null=True, verbose_name='basement (sq ft)'),
        ),
        DescribeColumn(
            model_name='property',
            name='baths',
            field=models.FloatField(blank=True, db_comment='Number of bathrooms; a half bath counts 0.5.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='bedrooms',
            field=models.PositiveSmallIntegerField(blank=True, db_comment='Number of bedrooms.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='condition',
            field=models.FloatField(blank=True, db_comment="Condition on the county's own scale.", help_text="The county's own scale.", null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='county',
            field=models.ForeignKey(db_comment='The county on whose roll it is.', on_delete=django.db.models.deletion.PROTECT, related_name='properties', to='county_configs.county'),
        ),
        DescribeColumn(
            model_name='property',
            name='created_at',
            field=models.DateTimeField(auto_now_add=True, db_comment='When the row was first loaded.'),
        ),
        DescribeColumn(
            model_name='property',
            name='east',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Eastern edge of the geometry, in degrees.', edge='east', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='effective_year',
            field=models.PositiveSmallIntegerField(blank=True, db_comment='Year of construction its condition speaks for.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='garage_sqft',
            field=models.PositiveIntegerField(blank=True, db_comment='Garage area of the main dwelling, in square feet.', null=True, verbose_name='garage (sq ft)'),
        ),
        DescribeColumn(
            model_name='property',
            name='geometry',
            field=terrafusion.roll.geometry.GeometryField(blank=True, db_comment='Shape in longitude and latitude, EPSG:4326.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='latitude',
            field=models.FloatField(blank=True, db_comment='Degrees north, of a point on the property.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='legal_description',
            field=models.TextField(blank=True, db_comment='Legal description of the land.'),
        ),
        DescribeColumn(
            model_name='property',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
        DescribeColumn(
            model_name='property',
            name='living_area_sqft',
            field=models.PositiveIntegerField(blank=True, db_comment='Finished living area of the main dwelling, in square feet.', null=True, verbose_name='living area (sq ft)'),
        ),
        DescribeColumn(
            model_name='property',
            name='longitude',
            field=models.FloatField(blank=True, db_comment='Degrees east, of a point on the property.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='lot_sqft',
            field=models.PositiveBigIntegerField(blank=True, db_comment='Land area in square feet.', null=True, verbose_name='lot (sq ft)'),
        ),
        DescribeColumn(
            model_name='property',
            name='neighborhood',
            field=models.CharField(blank=True, db_comment="The assessor's market area.", max_length=32),
        ),
        DescribeColumn(
            model_name='property',
            name='north',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Northern edge of the geometry, in degrees.', edge='north', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='parcel_number',
            field=models.CharField(db_comment='The parcel identifier as the county prints it.', max_length=64),
        ),
        DescribeColumn(
            model_name='property',
            name='parcel_number_key',
            field=models.CharField(db_comment='The parcel number as it is searched: letters and digits alone, upper case.', db_index=True, editable=False, max_length=64),
        ),
        DescribeColumn(
            model_name='property',
            name='parent_parcel_number',
            field=models.CharField(blank=True, db_comment='The parcel a condominium unit stands on.', help_text='The parcel a condominium unit stands on.', max_length=64),
        ),
        DescribeColumn(
            model_name='property',
            name='property_class',
            field=models.CharField(blank=True, db_comment="Class by the county's own code.", max_length=32),
        ),
        DescribeColumn(
            model_name='property',
            name='property_id',
            field=models.CharField(db_comment="The record's key in the source system; unique in its county.", help_text="The record's key in the source system.", max_length=64),
        ),
        DescribeColumn(
            model_name='property',
            name='property_type',
            field=models.CharField(choices=[('single_family', 'Single-family'), ('condominium', 'Condominium unit'), ('multi_family', 'Multi-family'), ('manufactured_home', 'Manufactured home'), ('commercial', 'Commercial'), ('industrial', 'Industrial'), ('agricultural', 'Agricultural'), ('vacant_land', 'Vacant land'), ('other', 'Other')], db_comment='Kind of property, the same words in every county.', default='other', max_length=32),
        ),
        DescribeColumn(
            model_name='property',
            name='quality',
            field=models.FloatField(blank=True, db_comment="Quality of construction on the county's own scale.", help_text="The county's own scale.", null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='retired_at',
            field=models.DateTimeField(blank=True, db_comment='When a load first no longer held the property; null while it is on the roll.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='situs_address',
            field=models.CharField(blank=True, db_comment='Where the property stands.', max_length=200),
        ),
        DescribeColumn(
            model_name='property',
            name='situs_city',
            field=models.CharField(blank=True, db_comment='City of the situs address.', max_length=100),
        ),
        DescribeColumn(
            model_name='property',
            name='south',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Southern edge of the geometry, in degrees.', edge='south', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='stories',
            field=models.FloatField(blank=True, db_comment='Number of stories.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='tax_code_area',
            field=models.CharField(blank=True, db_comment='The area with one set of levies.', max_length=32),
        ),
        DescribeColumn(
            model_name='property',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, db_comment='When the row last changed.'),
        ),
        DescribeColumn(
            model_name='property',
            name='use_code',
            field=models.CharField(blank=True, db_comment="Use by the county's own code.", max_length=32),
        ),
        DescribeColumn(
            model_name='property',
            name='view',
            field=models.PositiveSmallIntegerField(blank=True, db_comment="Quality of the view on the county's own scale; 0 = none.", help_text='0 = none.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='waterfront',
            field=models.BooleanField(blank=True, db_comment='Whether it fronts water.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='west',
            field=terrafusion.roll.geometry.EdgeField(db_comment='Western edge of the geometry, in degrees.', edge='west', editable=False, null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='year_built',
            field=models.PositiveSmallIntegerField(blank=True, db_comment='Year the main dwelling was built.', null=True),
        ),
        DescribeColumn(
            model_name='property',
            name='zip_code',
            field=models.CharField(blank=True, db_comment='ZIP code of the situs address.', max_length=10, verbose_name='ZIP code'),
        ),
        DescribeColumn(
            model_name='sale',
            name='lineage',
            field=models.JSONField(db_comment='By data set, the load that last changed the row and the line of its source.', default=dict, editable=False, help_text='{"data set": [run, line]}'),
        ),
    ]
