"""The county's users file, applied."""

import json
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.permissions import counties_for, counties_of, may
from accounts.roles import ROLES
from tests.factories import a_county, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db):
    return a_county("benton")


@pytest.fixture
def apply(county, tmp_path, settings, capsys):
    def run(*users, text=None):
        folder = tmp_path / "benton" / "rbac"
        folder.mkdir(parents=True, exist_ok=True)
        body = text or json.dumps({"county_id": "benton", "users": users})
        (folder / "benton_users.json").write_text(body)
        settings.COUNTY_CONFIGS_DIR = tmp_path
        call_command("sync_rbac", "benton")
        return capsys.readouterr().out

    return run


def test_a_role_gives_exactly_its_permissions(apply, county):
    apply({"username": "ann", "roles": ["appraiser"]})
    ann = User.objects.get(username="ann")

    held = {codename for codename in ROLES["administrator"] if may(ann, codename, county)}

    assert held == ROLES["appraiser"]
    assert not ann.has_usable_password()


def test_what_the_file_no_longer_says_is_withdrawn(apply, county):
    apply({"username": "ann", "roles": ["administrator"]})
    apply({"username": "ann", "roles": ["viewer"]})
    ann = User.objects.get(username="ann")

    assert may(ann, "view_county", county)
    assert not may(ann, "manage_county", county)
    apply()
    assert not counties_of(ann).exists()


def test_who_reviews_jobs_may_enter_the_admin(apply):
    apply({"username": "ann", "roles": ["supervisor"]}, {"username": "bob", "roles": ["appraiser"]})

    assert User.objects.get(username="ann").is_staff
    assert not User.objects.get(username="bob").is_staff


def test_applying_twice_changes_nothing(apply):
    apply({"username": "ann", "roles": ["viewer"]})

    assert "0 users created, 0 roles granted, 0 withdrawn" in apply({"username": "ann", "roles": ["viewer"]})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "line 1"),
        ('{"county_id": "king", "users": []}', "county_id"),
        ('{"county_id": "benton", "users": [{"username": "a", "roles": ["king"]}]}', "users.0.roles.0"),
        ('{"county_id": "benton", "users": [], "colour": 1}', "colour"),
        ('{"county_id": "benton", "users": [{"username": "a", "roles": []}, {"username": "a", "roles": []}]}', "twice"),
    ],
)
def test_a_fault_in_the_file_is_named_and_nothing_changes(apply, text, named):
    with pytest.raises(CommandError, match=named):
        apply(text=text)
    assert not User.objects.exists()


def test_an_unknown_county_is_named(db):
    with pytest.raises(CommandError, match="atlantis"):
        call_command("sync_rbac", "atlantis")


@pytest.mark.parametrize("county_id", ["benton", "king", "demo"])
def test_the_committed_files_apply(county_id):
    a_county(county_id)
    call_command("sync_rbac", county_id)

    assert counties_for(User.objects.get(username=f"{county_id}_viewer"), "view_county").get().pk == county_id


def test_an_inactive_user_holds_nothing(county):
    assert not may(a_user("gone", county, role="administrator", is_active=False), "view_county", county)


def test_roles_include_one_another():
    roles = list(ROLES.values())
    assert all(lower < higher for lower, higher in pairwise(roles))
