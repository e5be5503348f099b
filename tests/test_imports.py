"""Imports are as the contracts in pyproject.toml and the picture in docs/architecture.md say."""

import subprocess
import sys

import grimp
import pytest
from django.conf import settings

from scripts import import_diagram

ROOT = settings.BASE_DIR


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(*import_diagram.PACKAGES, cache_dir=None, exclude_type_checking_imports=True)


def circles(graph):
    """Modules that import each other in a circle, as sets: Tarjan's strongly connected components."""
    order, lowest, path, found = {}, {}, [], []

    def visit(module):
        order[module] = lowest[module] = len(order)
        path.append(module)
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            if imported not in order:
                visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == order[module]:
            members = path[path.index(module) :]
            del path[-len(members) :]
            if len(members) > 1:
                found.append(set(members))

    for module in sorted(graph.modules):
        if module not in order:
            visit(module)
    return found


def test_no_module_imports_itself_through_others(graph):
    assert circles(graph) == []


def test_a_circle_is_noticed(graph):
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")):
        graph.add_import(importer=importer, imported=imported)

    assert circles(graph) == [{"b", "c"}]


def test_the_contracts_hold():
    answer = subprocess.run(
        [sys.executable, "-m", "importlinter.cli", "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout


def test_the_picture_is_as_the_imports_are():
    assert import_diagram.PICTURE.read_text() == import_diagram.svg(import_diagram.arrows_of_imports())


def test_an_arrow_is_left_out_where_a_longer_way_leads():
    arrows = {"plugin": {"jobs", "county"}, "jobs": {"county"}, "county": set()}

    assert import_diagram.without_detours(arrows) == {"plugin": {"jobs"}, "jobs": {"county"}, "county": set()}
