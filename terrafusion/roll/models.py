"""The assessment roll: properties, what stands on them, who owns them, sales and assessed values.

Dollars are integers. Surrogate keys; a county's own keys are unique within the county.
"""

from typing import Any

from django.db import models
from django.db.models import F, Q

from county_configs.models import County

from .geometry import EDGES, Located, LocatedQuerySet, SpatialIndex
from .last_load import LastLoad as LastLoad
from .querysets import PropertyQuerySet, SaleParcelQuerySet, SaleQuerySet, TimeIndexQuerySet, parcel_number_key
from .sale_fitness import INVALID, VALID


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


class Loaded(models.Model):
    """A row that a load may bring. lineage: by data set of the mapping, the run that last changed it and the line."""

    lineage = models.JSONField(
        default=dict,
        editable=False,
        help_text='{"data set": [run, line]}',
        db_comment="By data set, the load that last changed the row and the line of its source.",
    )

    class Meta:
        abstract = True


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


class Sale(Loaded):
    """One deed. It may convey several properties (SaleParcel)."""

    county = models.ForeignKey(County, models.PROTECT, related_name="sales")
    sale_id = models.CharField(max_length=64, help_text="The record's key in the source system.")
    sale_date = models.DateField()
    sale_price = models.BigIntegerField(help_text="Dollars, as recorded.")
    instrument = models.CharField(max_length=64, blank=True)
    validity_code = models.CharField(max_length=32, blank=True, help_text="As the county codes it.")
    is_valid = models.BooleanField(default=True, help_text="Arm's length by the county's code table.")
    parcel_count = models.PositiveSmallIntegerField(
        default=1, help_text="Parcels the deed conveys, on this roll or not."
    )
    grantor = models.CharField(max_length=200, blank=True)
    grantee = models.CharField(max_length=200, blank=True)
    properties = models.ManyToManyField(Property, through="SaleParcel", related_name="sales")
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SaleQuerySet.as_manager()

    class Meta:
        db_table = "sales_operational"
        constraints = [
            models.UniqueConstraint(fields=["county", "sale_id"], name="one_sale_id_a_county"),
            models.CheckConstraint(condition=Q(sale_price__gte=0), name="sale_price_not_negative"),
        ]
        indexes = [
            models.Index(fields=["county", "sale_date"], name="sale_date"),
            models.Index(fields=["county", "updated_at", "id"], name="sale_updated"),
        ]

    def __str__(self) -> str:
        return f"Sale {self.sale_id}"


class SaleParcel(models.Model):
    """A property conveyed by a sale."""

    sale = models.ForeignKey(Sale, models.CASCADE, related_name="parcels")
    roll_property = models.ForeignKey(Property, models.CASCADE, related_name="sale_parcels")

    objects = SaleParcelQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sale", "roll_property"], name="a_parcel_once_a_sale")]

    def __str__(self) -> str:
        return f"{self.sale_id} / {self.roll_property_id}"


class AssessedValue(Loaded):
    """The value on the roll in a tax year. A later supplement supersedes an earlier one."""

    class Status(models.TextChoices):
        PRELIMINARY = "preliminary", "Preliminary"
        CERTIFIED = "certified", "Certified"

    roll_property = models.ForeignKey(Property, models.CASCADE, related_name="assessed_values")
    tax_year = models.PositiveSmallIntegerField()
    supplement = models.PositiveSmallIntegerField(default=0)
    market_land = models.BigIntegerField()
    market_improvement = models.BigIntegerField()
    market_total = models.BigIntegerField()
    assessed_value = models.BigIntegerField(
        null=True, blank=True, help_text="After current use and caps, before exemptions."
    )
    current_use_value = models.BigIntegerField(null=True, blank=True)
    new_construction = models.BigIntegerField(default=0)
    exempt_value = models.BigIntegerField(default=0)
    taxable_value = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PRELIMINARY)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["roll_property", "tax_year", "supplement"],
                name="one_value_a_year_and_supplement",
            ),
            models.CheckConstraint(
                condition=Q(market_total=F("market_land") + F("market_improvement")),
                name="land_and_improvement_make_the_total",
            ),
        ]
        indexes = [models.Index(fields=["tax_year", "roll_property"], name="assessed_value_year")]

    def __str__(self) -> str:
        return f"{self.tax_year}/{self.supplement}"


class CertifiedRoll(models.Model):
    """A tax year's roll up to a supplement, signed and closed: the database refuses every change to its values.

    A correction is a later supplement. The triggers are in migrations/0003_certified_values.py.
    """

    county = models.ForeignKey(County, models.PROTECT, related_name="certified_rolls")
    tax_year = models.PositiveSmallIntegerField()
    supplement = models.PositiveSmallIntegerField()
    values_certified = models.PositiveIntegerField()
    control_totals = models.JSONField(help_text="Of the signed load: source against roll.")
    certified_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    certified_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "tax_year", "supplement"], name="a_roll_is_certified_once")
        ]

    def __str__(self) -> str:
        return f"{self.county_id} {self.tax_year}/{self.supplement}"


class LayerFeature(Loaded, Located):
    """A feature of any other layer: zoning, neighborhoods, ZIP areas, the county boundary."""

    county = models.ForeignKey(County, models.PROTECT, related_name="layer_features")
    layer = models.CharField(max_length=64)
    feature_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "layer", "feature_id"], name="one_feature_id_a_layer")]
        indexes = [SpatialIndex(fields=EDGES, name="layer_feature_geometry")]

    def __str__(self) -> str:
        return f"{self.layer} {self.feature_id}"


class ValueEstimate(models.Model):
    """What valuation gives the other parts: an estimate, its grid, and the appraiser's decision on it."""

    class Decision(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        OVERRIDDEN = "overridden", "Overridden"

    roll_property = models.ForeignKey(Property, models.CASCADE, related_name="value_estimates")
    job = models.ForeignKey("jobs.Job", models.PROTECT, related_name="value_estimates")
    valuation_date = models.DateField()
    market_value = models.BigIntegerField(help_text="Dollars.")
    market_value_low = models.BigIntegerField()
    market_value_high = models.BigIntegerField()
    confidence = models.CharField(max_length=16)
    grid = models.JSONField(help_text="Comparables, adjustments, weights and how they were found.")
    decision = models.CharField(max_length=16, choices=Decision, default=Decision.PROPOSED)
    decided_value = models.BigIntegerField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "roll_property"], name="one_estimate_a_job")]
        indexes = [models.Index(fields=["roll_property", "valuation_date"], name="estimate_date")]

    def __str__(self) -> str:
        return f"${self.market_value:,} as of {self.valuation_date}"


class TimeIndex(models.Model):
    """One point of a price index: the price level of an area in a period, 1.0 in the base period."""

    county = models.ForeignKey(County, models.PROTECT, related_name="time_indexes")
    series = models.CharField(max_length=100, help_text="Method and area, for example hedonic/county.")
    period_start = models.DateField()
    level = models.FloatField()
    standard_error = models.FloatField(null=True, blank=True)
    sales_volume = models.PositiveIntegerField()
    job = models.ForeignKey("jobs.Job", models.PROTECT, null=True, blank=True, related_name="time_indexes")

    objects = TimeIndexQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "time indexes"
        constraints = [models.UniqueConstraint(fields=["county", "series", "period_start"], name="one_level_a_period")]

    def __str__(self) -> str:
        return f"{self.series} {self.period_start}"


class SaleReview(models.Model):
    """A decision on whether a sale is arm's length. It outlives reloads of the sale."""

    class Decision(models.TextChoices):
        UNDECIDED = "undecided", "Undecided"
        VALID = VALID, "Valid"
        INVALID = INVALID, "Invalid"

    sale = models.OneToOneField(Sale, models.CASCADE, related_name="review")
    decision = models.CharField(max_length=16, choices=Decision, default=Decision.UNDECIDED)
    suggested_reasons = models.JSONField(default=list, blank=True)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.sale_id}: {self.decision}"
