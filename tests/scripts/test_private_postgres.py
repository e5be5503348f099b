import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "private_postgres.py"


def run(tmp_path, **variables):
    """The script where neither PostgreSQL nor apt can be found; the command prints what it was told."""
    say = "import os; print(os.environ.get('TERRAFUSION_POSTGIS_SKIPPED')); raise SystemExit(7)"
    environment = {"PATH": str(tmp_path), "TERRAFUSION_VAR": str(tmp_path)} | variables
    command = [sys.executable, str(SCRIPT), "--ignore-system", "run", "--", sys.executable, "-c", say]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_the_means_the_command_runs_and_is_told_why(tmp_path):
    answer = run(tmp_path)

    assert "there is no apt-get" in answer.stdout
    assert "its tests are skipped" in answer.stderr
    assert answer.returncode == 7, "the command's own exit code"


def test_without_the_means_and_required_it_fails_and_runs_nothing(tmp_path):
    answer = run(tmp_path, TERRAFUSION_REQUIRE_POSTGIS="1")

    assert answer.returncode == 1
    assert "is required and cannot be had" in answer.stderr
    assert answer.stdout == ""
    assert os.listdir(tmp_path) == []
