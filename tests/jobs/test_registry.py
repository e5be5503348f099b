"""What a plugin says of its kind of job is checked when it is said."""

from dataclasses import replace

import pytest

from accounts import roles
from county_configs import county_file
from county_configs.county_file import Section
from terrafusion.jobs import registry
from terrafusion.jobs.registry import BadKind, KindMetrics, kind_named, register
from valuation.county_settings import ComparableSalesSection


@pytest.fixture(autouse=True)
def nothing_stays_registered(monkeypatch):
    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    monkeypatch.setattr(county_file, "_sections", dict(county_file._sections))
    monkeypatch.setattr(roles, "_plugins", list(roles._plugins))
    monkeypatch.setattr(roles, "ROLES", dict(roles.ROLES))
    yield
    county_file.county_file_model.cache_clear()


def a_kind(**changes):
    return replace(kind_named("valuation"), **({"name": "appraisal", "sections": ()} | changes))


def test_a_kind_registered_twice_is_an_error():
    register(a_kind())

    with pytest.raises(BadKind, match="'appraisal' is registered twice"):
        register(a_kind())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"own_fields": ("property_key",)}, "own_fields names 'property_key', which ValuationJob has not"),
        ({"list_fields": ("colour",)}, "list_fields names 'colour', which ValuationJob has not"),
        ({"metrics": KindMetrics("appraisal", (1.0,), "colour")}, "metrics.label names 'colour'"),
        ({"executed_by": "king"}, "executed_by is 'king'; the roles are viewer, analyst"),
        ({"sections": (ComparableSalesSection,)}, "have the key comparable_sales"),
        ({"sections": (type("KeylessSection", (Section,), {}),)}, "KeylessSection names no key"),
    ],
)
def test_a_kind_that_contradicts_itself_is_refused_by_name(changes, named):
    with pytest.raises(BadKind, match=named):
        register(a_kind(**changes))

    assert "appraisal" not in {kind.name for kind in registry.registered_kinds()}


def test_a_role_and_those_above_it_may_start_what_it_may():
    register(a_kind(executed_by="supervisor"))

    may_start = [role for role, codenames in roles.ROLES.items() if "execute_appraisal" in codenames]
    assert may_start == ["supervisor", "administrator"]
    assert all("view_appraisal_results" in codenames for codenames in roles.ROLES.values())
