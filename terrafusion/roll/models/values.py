"""Assessed values, the rolls they were certified on, and the estimates of market value."""

from django.db import models
from django.db.models import F, Q

from county_configs.models import County

from ..querysets import AssessedValueQuerySet
from .loaded import Loaded
from .properties import Property


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

    objects = AssessedValueQuerySet.as_manager()

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
