"""What every row that a load may bring has."""

from django.db import models


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
