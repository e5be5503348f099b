"""Counties and people for the tests; tests/valuation/roll.py has the houses."""

from django.conf import settings
from guardian.shortcuts import assign_perm

from accounts.models import User
from accounts.roles import ROLES
from county_configs.county_file import read_county_file
from county_configs.models import County
from tests.openapi import DocumentedClient

PASSWORD = "a-long-pass-phrase"


def a_county(county_id, **fields):
    """The county as its folder describes it, with fields changed."""
    county = County.from_county_file(read_county_file(settings.COUNTY_CONFIGS_DIR / county_id / "county.yaml"))
    for name, value in fields.items():
        setattr(county, name, value)
    county.save()
    return county


def a_user(name, county, *codenames, role=None, **fields):
    """A user who holds the permissions, or those of the role, on the county."""
    user = User.objects.create_user(name, password=PASSWORD, **fields)
    for codename in (*codenames, *(ROLES[role] if role else ())):
        assign_perm(f"county_configs.{codename}", user, county)
    return user


def client_of(user):
    """Signed in as the user; every answer is held against the OpenAPI document."""
    client = DocumentedClient()
    client.force_authenticate(user)
    return client
