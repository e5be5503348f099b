"""Properties, what stands on them and who owns them."""

from typing import Any

from django.db import models
from django.db.models import Q

from county_configs.models import County

from ..current import CurrentQuerySet
from ..geometry import EDGES, Located, SpatialIndex
from ..querysets import OwnerQuerySet, PropertyQuerySet, parcel_number_key
from .loaded import Loaded


class PropertyType(models.TextChoices):
    SINGLE_FAMILY = "single_family", "Single-family"
    CONDOMINIUM = "condominium", "Condominium unit"
    MULTI_FAMILY = "multi_family", "Multi-family"
    MANUFACTURED_HOME = "manufactured_home", "Manufactured home"
    COMMERCIAL = "commercial", "Commercial"
    INDUSTRIAL = "industrial", "Industrial"
    AGRICULTURAL = "agricultural", "Agricultural"
    VACANT_LAND = "vacant_land", "Vacant land"
    OTHER = "other", "Other"


class Property(Loaded, Located):
    """One record of the roll: a parcel, or a condominium unit standing on one."""

    county = models.ForeignKey(
        County, models.PROTECT, related_name="properties", db_comment="The county on whose roll it is."
    )
    property_id = models.CharField(
        max_length=64,
        help_text="The record's key in the source system.",
        db_comment="The record's key in the source system; unique in its county.",
    )
    parcel_number = models.CharField(max_length=64, db_comment="The parcel identifier as the county prints it.")
    parcel_number_key = models.CharField(
        max_length=64,
        editable=False,
        db_index=True,
        db_comment="The parcel number as it is searched: letters and digits alone, upper case.",
    )
    parent_parcel_number = models.CharField(
        max_length=64,
        blank=True,
        help_text="The parcel a condominium unit stands on.",
        db_comment="The parcel a condominium unit stands on.",
    )
    situs_address = models.CharField(max_length=200, blank=True, db_comment="Where the property stands.")
    situs_city = models.CharField(max_length=100, blank=True, db_comment="City of the situs address.")
    zip_code = models.CharField("ZIP code", max_length=10, blank=True, db_comment="ZIP code of the situs address.")
    property_type = models.CharField(
        max_length=32,
        choices=PropertyType,
        default=PropertyType.OTHER,
        db_comment="Kind of property, the same words in every county.",
    )
    property_class = models.CharField(max_length=32, blank=True, db_comment="Class by the county's own code.")
    use_code = models.CharField(max_length=32, blank=True, db_comment="Use by the county's own code.")
    neighborhood = models.CharField(max_length=32, blank=True, db_comment="The assessor's market area.")
    tax_code_area = models.CharField(max_length=32, blank=True, db_comment="The area with one set of levies.")
    legal_description = models.TextField(blank=True, db_comment="Legal description of the land.")
    acres = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True, db_comment="Land area in acres."
    )
    lot_sqft = models.PositiveBigIntegerField(
        "lot (sq ft)", null=True, blank=True, db_comment="Land area in square feet."
    )

    # The main dwelling
    living_area_sqft = models.PositiveIntegerField(
        "living area (sq ft)",
        null=True,
        blank=True,
        db_comment="Finished living area of the main dwelling, in square feet.",
    )
    basement_sqft = models.PositiveIntegerField(
        "basement (sq ft)", null=True, blank=True, db_comment="Basement area of the main dwelling, in square feet."
    )
    garage_sqft = models.PositiveIntegerField(
        "garage (sq ft)", null=True, blank=True, db_comment="Garage area of the main dwelling, in square feet."
    )
    year_built = models.PositiveSmallIntegerField(null=True, blank=True, db_comment="Year the main dwelling was built.")
    effective_year = models.PositiveSmallIntegerField(
        null=True, blank=True, db_comment="Year of construction its condition speaks for."
    )
    quality = models.FloatField(
        null=True,
        blank=True,
        help_text="The county's own scale.",
        db_comment="Quality of construction on the county's own scale.",
    )
    condition = models.FloatField(
        null=True, blank=True, help_text="The county's own scale.", db_comment="Condition on the county's own scale."
    )
    bedrooms = models.PositiveSmallIntegerField(null=True, blank=True, db_comment="Number of bedrooms.")
    baths = models.FloatField(null=True, blank=True, db_comment="Number of bathrooms; a half bath counts 0.5.")
    stories = models.FloatField(null=True, blank=True, db_comment="Number of stories.")
    view = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="0 = none.",
        db_comment="Quality of the view on the county's own scale; 0 = none.",
    )
    waterfront = models.BooleanField(null=True, blank=True, db_comment="Whether it fronts water.")

    longitude = models.FloatField(null=True, blank=True, db_comment="Degrees east, of a point on the property.")
    latitude = models.FloatField(null=True, blank=True, db_comment="Degrees north, of a point on the property.")
    attributes = models.JSONField(
        default=dict,
        blank=True,
        help_text="What has no column.",
        db_comment="What the county keeps and has no column here.",
    )
    retired_at = models.DateTimeField(
        null=True, blank=True, db_comment="When a load first no longer held the property; null while it is on the roll."
    )
    created_at = models.DateTimeField(auto_now_add=True, db_comment="When the row was first loaded.")
    updated_at = models.DateTimeField(auto_now=True, db_comment="When the row last changed.")

    objects = PropertyQuerySet.as_manager()

    class Meta:
        db_table = "properties_operational"
        verbose_name_plural = "properties"
        constraints = [models.UniqueConstraint(fields=["county", "property_id"], name="one_property_id_a_county")]
        indexes = [
            models.Index(fields=["county", "neighborhood"], name="property_neighborhood"),
            models.Index(fields=["county", "parcel_number"], name="property_parcel_number"),
            models.Index(fields=["county", "updated_at", "id"], name="property_updated"),
            SpatialIndex(fields=EDGES, name="property_geometry"),
        ]

    def __str__(self) -> str:
        return self.parcel_number

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the search key; `bulk_create` callers set it with `parcel_number_key()`."""
        self.parcel_number_key = parcel_number_key(self.parcel_number)
        super().save(*args, **kwargs)

    def clean_fields(self, exclude: Any = None) -> None:
        self.parcel_number_key = parcel_number_key(self.parcel_number)
        super().clean_fields(exclude=exclude)


class Improvement(Loaded):
    """One building or structure on the land."""

    roll_property = models.ForeignKey(Property, models.CASCADE, related_name="improvements")
    improvement_number = models.CharField(max_length=32)
    improvement_type = models.CharField(max_length=64)
    year_built = models.PositiveSmallIntegerField(null=True, blank=True)
    effective_year = models.PositiveSmallIntegerField(null=True, blank=True)
    area_sqft = models.PositiveIntegerField("area (sq ft)", null=True, blank=True)
    quality = models.FloatField(null=True, blank=True)
    condition = models.FloatField(null=True, blank=True)
    value = models.BigIntegerField(null=True, blank=True, help_text="Dollars.")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = CurrentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["roll_property", "improvement_number"], name="one_improvement_number")
        ]

    def __str__(self) -> str:
        return f"{self.improvement_type} {self.improvement_number}"


class Owner(Loaded):
    """An owner's share of a property in a tax year. Names are personal data: `view_owner_names`."""

    roll_property = models.ForeignKey(Property, models.CASCADE, related_name="owners")
    tax_year = models.PositiveSmallIntegerField()
    owner_id = models.CharField(
        max_length=64, blank=True, default="", help_text="The record's key in the source system."
    )
    name = models.CharField(max_length=200)
    share = models.DecimalField(max_digits=9, decimal_places=6, default=1, help_text="1 = the whole property.")
    mailing_address = models.TextField(blank=True)
    confidential = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = OwnerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["roll_property", "tax_year", "owner_id"],
                condition=Q(owner_id__gt=""),
                name="one_owner_id_a_year",
            )
        ]
        indexes = [models.Index(fields=["roll_property", "tax_year"], name="owner_year")]

    def __str__(self) -> str:
        return f"Owner {self.pk}"  # never the name: this text reaches logs and titles
