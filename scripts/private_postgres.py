"""Runs a command beside a private PostgreSQL 15 with PostGIS, which is removed when the command ends.

    python scripts/private_postgres.py run -- COMMAND...
    python scripts/private_postgres.py stop|start        inside COMMAND: an outage of that server

It uses Debian's packages: the installed ones if there are any; otherwise apt installs them (as root), or they are
downloaded and unpacked into a folder of ours (as any other user). COMMAND gets the variables DATABASE_URL and
TERRAFUSION_PRIVATE_POSTGRES. If PostgreSQL cannot be had, COMMAND runs without it and gets the reason in
TERRAFUSION_POSTGIS_SKIPPED; with TERRAFUSION_REQUIRE_POSTGIS=1 that is a failure instead.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "15"
PACKAGES = (f"postgresql-{VERSION}", f"postgresql-{VERSION}-postgis-3")
NEEDED = (f"usr/lib/postgresql/{VERSION}/bin/postgres", f"usr/share/postgresql/{VERSION}/extension/postgis.control")
INITDB = ("-U", "terrafusion", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
# No data need survive a crash of the machine. Commits must survive `stop`, so synchronous_commit stays on.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


class NoMeans(Exception):
    """PostgreSQL cannot be had here; the message says why."""


@dataclass(frozen=True)
class Server:
    """An installation of PostgreSQL. root: the folder that holds its files, which is "/" for the system's own."""

    root: Path

    def is_complete(self) -> bool:
        return all((self.root / path).exists() for path in NEEDED)

    @property
    def bin(self) -> Path:
        return self.root / "usr/lib/postgresql" / VERSION / "bin"

    def environment(self) -> dict[str, str]:
        """The variables by which its programs find their libraries if they were unpacked elsewhere."""
        if self.root == Path("/"):
            return {}
        usr = self.root / "usr/lib"
        folders = [usr, *usr.glob("*-linux-gnu*"), *usr.glob("*-linux-gnu*/*")]
        folders += (self.root / "lib").glob("*-linux-gnu*")
        return {
            "LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders if folder.is_dir()),
            "PROJ_DATA": str(self.root / "usr/share/proj"),
        }


def find_or_install() -> Server:
    """The system's PostgreSQL, or one that we install or unpack. Raises NoMeans."""
    ours = Server(_debs_folder() / "root")
    system = Server(Path("/"))
    if "--ignore-system" not in sys.argv and system.is_complete():
        return system
    if ours.is_complete():
        return ours
    if shutil.which("apt-get") is None:
        raise NoMeans("PostgreSQL 15 with PostGIS is not installed and there is no apt-get to install it.")
    if os.geteuid() == 0 and "--ignore-system" not in sys.argv:
        _install_as_root()
        return system
    _unpack(ours.root)
    return ours


def _install_as_root() -> None:
    # Debian would otherwise create and start a cluster of its own.
    common = Path("/etc/postgresql-common/createcluster.conf")
    if not common.exists():
        common.parent.mkdir(parents=True, exist_ok=True)
        common.write_text("create_main_cluster = false\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _apt(["apt-get", "update", "-qq"], environment)
    _apt(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES], environment)


def _unpack(root: Path) -> None:
    """Downloads the packages and their dependencies, and unpacks them, by apt lists of our own. It needs no rights."""
    folder = root.parent
    lists, debs = folder / "lists", folder / "debs"
    for needed in (lists / "partial", debs / "partial", root):
        needed.mkdir(parents=True, exist_ok=True)
    own_lists = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={folder}/cache", "-o", "APT::Sandbox::User="]
    _apt(["apt-get", "update", "-qq", *own_lists])
    plan = _apt(
        ["apt-get", "install", "-s", "--no-install-recommends", "-o", "Debug::NoLocking=1", *own_lists, *PACKAGES]
    )
    # Installed packages may be missing from a private root, so the two are always unpacked.
    names = {*re.findall(r"^Inst (\S+)", plan, re.MULTILINE), *PACKAGES, f"postgresql-client-{VERSION}"}
    _apt(["apt-get", "download", "-qq", *own_lists, *sorted(names)], cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        _apt(["dpkg", "-x", str(deb), str(root)])
    # An alternatives link that the package's own installation script would set.
    control = root / f"usr/share/postgresql/{VERSION}/extension/postgis.control"
    control.unlink(missing_ok=True)
    control.symlink_to("postgis-3.control")


def _apt(command: Sequence[str], environment: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    answer = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if answer.returncode:
        last = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1:]
        raise NoMeans(f"{command[0]} {command[1]} failed: {' '.join(last)}")
    return answer.stdout


def _debs_folder() -> Path:
    return Path(os.environ.get("TERRAFUSION_VAR", "var")).resolve() / "postgres-debs"


def free_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def private_cluster(server: Server) -> Iterator[dict[str, str]]:
    """A running cluster in a temporary folder; gives the variables by which a command finds it."""
    account = _unprivileged_account()
    folder = Path(tempfile.mkdtemp(prefix="terrafusion-pg-"))
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    cluster = Cluster(server, account, folder)
    port = free_port()
    try:
        cluster.run("initdb", "-D", folder / "data", *INITDB)
        options = {"port": port, "listen_addresses": "'127.0.0.1'", "unix_socket_directories": f"'{folder}'"}
        with (folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = {value}\n" for name, value in (options | SETTINGS).items())
        cluster.start()
        ask = ("psql", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "terrafusion", "-v", "ON_ERROR_STOP=1", "-c")
        # In template1, so that every database the tests create has it.
        cluster.run(*ask, "CREATE EXTENSION postgis", "template1")
        cluster.run(*ask, "CREATE DATABASE terrafusion", "template1")
        yield {
            "DATABASE_URL": f"postgres://terrafusion@127.0.0.1:{port}/terrafusion",
            "TERRAFUSION_PRIVATE_POSTGRES": str(folder),
        }
    finally:
        cluster.stop(must=False)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Cluster:
    """A cluster in `folder`; its programs run as an unprivileged user when we are root."""

    server: Server
    account: pwd.struct_passwd | None
    folder: Path

    def start(self) -> None:
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "60", "start")

    def stop(self, must: bool = True) -> None:
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop", must=must)

    def run(self, program: str, *arguments: object, must: bool = True) -> None:
        become: dict[str, Any] = {"user": self.account.pw_uid, "group": self.account.pw_gid} if self.account else {}
        with (self.folder / "commands.log").open("ab") as log:  # a pipe would be held open by the server
            answer = subprocess.run(
                [str(self.server.bin / program), *map(str, arguments)],
                env=os.environ | self.server.environment() | {"HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                **become,
            )
        if must and answer.returncode:
            last = (self.folder / "commands.log").read_text(errors="replace").strip().splitlines()[-3:]
            raise NoMeans(f"{program} failed: {' / '.join(last)}")


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def run(command: Sequence[str]) -> int:
    """Runs the command beside a private cluster, and gives its exit code."""
    try:
        with private_cluster(find_or_install()) as variables:
            return _call(command, variables)
    except NoMeans as reason:
        if os.environ.get("TERRAFUSION_REQUIRE_POSTGIS") == "1":
            print(f"PostgreSQL with PostGIS is required and cannot be had: {reason}", file=sys.stderr)
            return 1
        print(f"Going on without PostgreSQL; its tests are skipped. {reason}", file=sys.stderr)
        return _call(command, {"TERRAFUSION_POSTGIS_SKIPPED": str(reason)})


def _call(command: Sequence[str], variables: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=os.environ | variables)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal interrupts the command too: wait until it ends, then tidy up
            continue


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--ignore-system"]
    if arguments in (["stop"], ["start"]) and (folder := os.environ.get("TERRAFUSION_PRIVATE_POSTGRES")):
        getattr(Cluster(find_or_install(), _unprivileged_account(), Path(folder)), arguments[0])()
        return 0
    if arguments[:2] != ["run", "--"] or len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is removed
    return run(arguments[2:])


if __name__ == "__main__":
    sys.exit(main())
