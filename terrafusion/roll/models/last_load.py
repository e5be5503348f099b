"""The row that says when a county's roll was last loaded: loads.py writes and reads it."""

from __future__ import annotations

from django.db import models

from county_configs.models import County


class LastLoad(models.Model):
    county = models.OneToOneField(County, models.PROTECT, primary_key=True, related_name="last_load")
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.county_id}, loaded {self.loaded_at:%Y-%m-%d %H:%M} UTC"
