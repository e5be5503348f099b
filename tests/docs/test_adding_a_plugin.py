"""docs/adding_a_plugin.md, followed to the letter in a folder of its own."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from .documents import ADDING_A_PLUGIN, ROOT

_FILE = re.compile(r"^`(inventory/\w+\.py)`\n\n```python\n(.*?)^```$", re.M | re.S)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
AFTER_IT = """
import json
from accounts.permissions import may
from accounts.models import User
from county_configs.models import County
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse
from inventory.county_settings import InventorySection
from inventory.models import InventoryJob

demo = County.objects.get(pk="demo")
print(json.dumps({
    "permissions": sorted(Permission.objects.filter(codename__contains="inventory", content_type__model="county")
                          .values_list("codename", flat=True)),
    "started_by": [name for name in ("viewer", "analyst", "appraiser")
                   if may(User.objects.get(username=f"demo_{name}"), "execute_inventory", demo)],
    "in_the_admin": admin.site.is_registered(InventoryJob),
    "address": reverse("inventory-run"),
    "unnamed_class": demo.section(InventorySection).unnamed_class,
}))
"""


class Newcomer:
    """Somebody who types what the document shows, in one shell."""

    def __init__(self, folder):
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "TERRAFUSION_VAR": str(folder / "var"),
            "TERRAFUSION_COUNTY_CONFIGS": str(folder / "county_configs"),
            "PYTHONPATH": str(folder),
        }

    def type(self, line):
        """What the command prints; fails where it fails."""
        if line.startswith("export "):
            name, value = line.removeprefix("export ").split("=")
            self.environment[name] = value
            return ""
        program, *words = shlex.split(line)
        start = {"manage.py": [sys.executable, "manage.py"], "pytest": [sys.executable, "-m", "pytest"]}[program]
        done = subprocess.run(
            [*start, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout


@pytest.mark.timeout(900)
def test_a_plugin_is_its_folder_and_one_line_of_settings(tmp_path):
    text = ADDING_A_PLUGIN.read_text(encoding="utf-8")
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "__init__.py").touch()
    for name, content in _FILE.findall(text):
        (tmp_path / name).write_text(content, encoding="utf-8")
    shutil.copytree(ROOT / "county_configs", tmp_path / "county_configs", ignore=shutil.ignore_patterns("*.py"))
    (tmp_path / "var").mkdir()
    newcomer = Newcomer(tmp_path)

    typed = []
    for language, content in _BLOCK.findall(text):
        if language == "sh":
            typed += [(line, newcomer.type(line)) for line in content.splitlines()]
        elif language == "yaml":
            with (tmp_path / "county_configs" / "demo" / "county.yaml").open("a") as file:
                file.write(content)
    answers = dict(typed)

    assert (tmp_path / "inventory" / "migrations" / "0001_initial.py").exists()
    (tests,) = (answer for line, answer in answers.items() if line.startswith("pytest"))
    assert int(re.search(r"(\d+) passed", tests)[1]) > 30
    assert json.loads(newcomer.type(f"manage.py shell -v 0 -c {shlex.quote(AFTER_IT)}")) == {
        "permissions": ["execute_inventory", "view_inventory_results", "view_inventory_status"],
        "started_by": ["analyst", "appraiser"],
        "in_the_admin": True,
        "unnamed_class": "unclassified",
        "address": "/plugins/v1/inventory/run",
    }
