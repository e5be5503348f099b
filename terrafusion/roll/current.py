"""Which rows are on the roll today. A load retires what its source no longer holds, and deletes nothing."""

from __future__ import annotations

from typing import Self

from django.db import models


class CurrentQuerySet(models.QuerySet):
    """Rows that a load may retire: those of every model with `retired_at`."""

    def current(self) -> Self:
        """On the roll today: not retired by a later load."""
        return self.filter(retired_at__isnull=True)


def current_sql(alias: str) -> str:
    """The same condition for a statement written by hand, on the table of this alias."""
    return f"{alias}.retired_at IS NULL"
