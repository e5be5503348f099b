"""The county that a command line names, and the sentence about an unknown county."""

from django.core.management import CommandError
from django.db.models import QuerySet

from .models import County

MOST_LISTED = 20


def unknown_county(county_id: str, counties: QuerySet[County], choices: str, none: str = "none") -> str:
    """The sentence about an unknown county, with the counties to choose from.

    choices: the words before their list. none: the words in place of an empty list.
    """
    ids = ", ".join(counties.values_list("pk", flat=True)[:MOST_LISTED]) or none
    return f"Unknown county {county_id!r}. {choices}: {ids}."


def county_named(county_id: str) -> County:
    """The county of this id. Raises CommandError when there is none."""
    county = County.objects.filter(pk=county_id).first()
    if county is None:
        raise CommandError(unknown_county(county_id, County.objects.all(), "Known", "none; run load_counties first"))
    return county
