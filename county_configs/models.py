"""The county, to which every permission, job and parcel belongs."""

from __future__ import annotations

from typing import cast

from django.core.validators import RegexValidator
from django.db import models
from django.utils.functional import cached_property

from .county_file import CountyFile, Section, SectionType, read_stored_section

COUNTY_ID = RegexValidator(r"^[A-Za-z0-9_-]{1,64}\Z", "Letters, digits, hyphen and underscore, at most 64.")


class County(models.Model):
    """A county served by this installation. Rows come from the `county_configs` folders."""

    county_id = models.CharField(max_length=64, primary_key=True, validators=[COUNTY_ID])
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=2)
    fips = models.CharField("FIPS", max_length=5)
    crs = models.CharField("coordinate reference system", max_length=32)
    time_zone = models.CharField(max_length=64)
    max_running_jobs = models.PositiveSmallIntegerField(default=2)
    settings_json = models.JSONField(default=dict, help_text="county.yaml as it was when last loaded by load_counties.")

    class Meta:
        db_table = "counties"
        ordering = ("county_id",)
        verbose_name_plural = "counties"
        # The permissions for plugins follow from their kinds of job; see accounts/roles.py.
        permissions = [
            ("review_sales", "Can confirm or overrule a sale's validity"),
            ("review_jobs", "Can review, cancel and retry jobs in the admin"),
            ("approve_values", "Can accept or override value estimates"),
            ("view_owner_names", "Can see owner names"),
            ("manage_county", "Can change the county's settings and users"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.state}"

    @cached_property
    def _read_sections(self) -> dict[type[Section], Section]:
        return {}

    def section(self, section: type[SectionType]) -> SectionType:
        """The section of county.yaml. Raises ConfigurationError if this release cannot read it."""
        if section not in self._read_sections:
            self._read_sections[section] = read_stored_section(section, self.settings_json, self.pk)
        return cast(SectionType, self._read_sections[section])

    @classmethod
    def from_county_file(cls, file: CountyFile) -> County:
        """A row, not saved, with the contents of the file."""
        return cls(
            county_id=file.county_id,
            name=file.name,
            state=file.state,
            fips=file.fips,
            crs=file.crs,
            time_zone=file.time_zone,
            max_running_jobs=file.max_running_jobs,
            settings_json=file.model_dump(mode="json"),
        )
