"""The county a command is about, and the sentence that refuses a county id nobody knows."""

from django.core.management import CommandError
from django.db.models import QuerySet

from .models import County

MOST_LISTED = 20


def unknown_county(county_id: str, counties: QuerySet[County], choices: str, none: str = "none") -> str:
    """The sentence with the counties to choose from. choices: what they are called; none: said when there are none."""
    ids = ", ".join(counties.values_list("pk", flat=True)[:MOST_LISTED]) or none
    return f"Unknown county {county_id!r}. {choices}: {ids}."


def county_named(county_id: str) -> County:
    """The county of a command's argument. Raises CommandError when there is none of that id."""
    county = County.objects.filter(pk=county_id).first()
    if county is None:
        raise CommandError(unknown_county(county_id, County.objects.all(), "Known", "none; run load_counties first"))
    return county
