"""The version stands once, in terrafusion/__init__.py; whoever tells it takes it from there."""

import re
import tomllib

from django.conf import settings

from terrafusion import __version__
from tests.openapi import the_document

ROOT = settings.BASE_DIR
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", re.MULTILINE)


def numbers(version):
    return tuple(int(part) for part in version.split(".")[:3])


def test_the_openapi_document_tells_the_version():
    assert the_document()["info"]["version"] == __version__


def test_the_packages_metadata_take_the_version_from_the_package():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert metadata["project"]["dynamic"] == ["version"]
    assert metadata["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "terrafusion.__version__"}


def test_the_changelog_lists_the_releases_newest_first():
    releases = RELEASE.findall((ROOT / "CHANGELOG.md").read_text())

    assert releases == sorted(releases, key=lambda release: numbers(release[0]), reverse=True)
    assert [day for _, day in releases] == sorted((day for _, day in releases), reverse=True)


def test_the_version_is_the_newest_release_or_on_the_way_to_the_next_one():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = RELEASE.search(changelog)[1]

    if __version__.endswith(".dev0"):
        assert numbers(__version__) > numbers(newest)
        assert "## Unreleased" in changelog
    else:
        assert __version__ == newest
