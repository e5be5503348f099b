"""Sales, the properties they conveyed, the decisions on them, and the price indexes made of them."""

from django.db import models
from django.db.models import Q

from county_configs.models import County

from ..querysets import SaleParcelQuerySet, SaleQuerySet, TimeIndexQuerySet
from ..sale_fitness import INVALID, VALID
from .loaded import Loaded
from .properties import Property


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
