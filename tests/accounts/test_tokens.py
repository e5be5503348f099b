"""Login, refresh, logout, me, by real tokens."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from tests.factories import PASSWORD, a_county, a_user
from tests.openapi import DocumentedClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(db):
    return a_user("clerk", a_county("benton"), role="viewer")


@pytest.fixture
def api():
    return DocumentedClient()


def login(api, prefix="/api/v1/auth"):
    return api.post(f"{prefix}/login", {"username": "clerk", "password": PASSWORD}, format="json")


def me(api, token):
    return api.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("prefix", ["/api/v1/auth", "/auth"])
def test_login_gives_tokens_and_what_the_user_may_do(api, user, prefix):
    answer = login(api, prefix).json()

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    (county,) = answer["user"]["counties"]
    assert county["county_id"] == "benton"
    assert "view_county" in county["permissions"]
    assert "execute_valuation" not in county["permissions"]
    assert me(api, answer["access"]).json() == answer["user"]


def test_a_wrong_password_and_an_unknown_user_look_alike(api, user):
    wrong = api.post("/auth/login", {"username": "clerk", "password": "x"}, format="json")
    unknown = api.post("/auth/login", {"username": "ghost", "password": "x"}, format="json")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert wrong["Content-Type"] == "application/problem+json"


def test_a_refresh_token_works_once(api, user):
    first = login(api).json()["refresh"]

    second = api.post("/auth/refresh", {"refresh": first}, format="json")
    again = api.post("/auth/refresh", {"refresh": first}, format="json")

    assert (second.status_code, again.status_code) == (200, 401)
    assert second.json()["refresh"] != first


def test_logout_ends_the_refresh_token(api, user):
    refresh = login(api).json()["refresh"]

    assert api.post("/auth/logout", {"refresh": refresh}, format="json").status_code == 204
    assert api.post("/auth/logout", {"refresh": refresh}, format="json").status_code == 204
    assert api.post("/auth/refresh", {"refresh": refresh}, format="json").status_code == 401


def test_a_changed_password_ends_every_token(api, user):
    tokens = login(api).json()
    user.set_password("another-long-phrase")
    user.save()

    assert me(api, tokens["access"]).status_code == 401
    assert api.post("/auth/refresh", {"refresh": tokens["refresh"]}, format="json").status_code == 401


def test_a_deactivated_user_is_out_at_the_next_request(api, user):
    token = login(api).json()["access"]
    user.is_active = False
    user.save()

    assert me(api, token).status_code == 401
    assert login(api).status_code == 401


def test_the_jwt_key_is_not_the_secret_key():
    assert settings.SIMPLE_JWT["SIGNING_KEY"] != settings.SECRET_KEY
    assert len(settings.SIMPLE_JWT["SIGNING_KEY"]) >= 32


def test_forged_tokens_are_refused(api, user):
    genuine = login(api).json()
    key = settings.SIMPLE_JWT["SIGNING_KEY"]
    claims = jwt.decode(genuine["access"], key, algorithms=["HS256"], audience="terrafusion")
    now = timezone.now()
    forged = {
        "another key": jwt.encode(claims, "x" * 40, "HS256"),
        "the secret key": jwt.encode(claims, settings.SECRET_KEY, "HS256"),
        "no signature": jwt.encode(claims, None, "none"),
        "expired": jwt.encode(claims | {"exp": now - timedelta(seconds=1)}, key, "HS256"),
        "not yet": jwt.encode(claims | {"nbf": now + timedelta(hours=1)}, key, "HS256"),
        "another audience": jwt.encode(claims | {"aud": "elsewhere"}, key, "HS256"),
        "another issuer": jwt.encode(claims | {"iss": "elsewhere"}, key, "HS256"),
        "a refresh token": genuine["refresh"],
        "nonsense": "a.b.c",
    }

    assert me(api, genuine["access"]).status_code == 200
    for what, token in forged.items():
        assert me(api, token).status_code == 401, what
