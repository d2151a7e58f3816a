"""An embedded Postgres on 127.0.0.1, for local runs and tests; works as root and as a normal user."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

import psycopg

from local_stack.postgres.programs import PostgresError, find_account, find_programs
from local_stack.private_files import PRIVATE_FILE, UnsafeFolderError, make_private_folder, write_private

Server = subprocess.Popen[bytes]
Launch = Callable[[], Server]
START_SECONDS = 30
_SETTINGS = ("fsync=off", "max_connections=200", "shared_buffers=128MB", "max_prepared_transactions=4", "timezone=UTC")
# a random password of 192 bits needs no stretching, which costs milliseconds per connection; since version 16
_CHEAP_PASSWORDS = "scram_iterations=1"


@dataclass
class EmbeddedPostgres:
    """A server with its data in `folder`, on `port` (0 picks a free one). `durable` survives a power cut.

    Its superuser is `postgres`, with a random password in the folder, which only its owner can enter. `passwordless`,
    for tests, lets every user of the machine in. `starter` calls the function that starts the server's process.
    """

    folder: Path
    port: int = 0
    durable: bool = False
    passwordless: bool = False
    starter: Callable[[Launch], Server] = field(default=lambda launch: launch(), repr=False)
    _server: Server | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the server, creating its data folder at first use; raises PostgresError."""
        self.port = self.port or find_free_port()
        self._make_folder()
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        elif not self.passwordless and not self._password_file.exists():
            raise PostgresError(
                f"The database in {self.folder} is of an earlier version of this stack, without passwords. It holds "
                "sample data only; create it again: make clean-run"
            )
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options += [setting for setting in _SETTINGS if not (self.durable and setting == "fsync=off")]
        options += [_CHEAP_PASSWORDS] if self._major_version >= 16 else []
        self._launch([each for option in options for each in ("-c", option)])
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server, if it runs; the pid file alone does not show that: a killed server leaves it."""
        if (self._data / "postmaster.pid").exists() and self._is_running():
            self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-t", "20", "-w", "stop")
        self._reap()

    def kill(self) -> None:
        """Stop the server as a power cut would."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while (self._data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._reap()

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database, as the superuser."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"
        return address if self.passwordless else f"{address} password={self._password_file.read_text()}"

    @property
    def psql(self) -> str:
        """Return the path of the server's psql."""
        return str(self._programs / "bin" / "psql")

    def client_environment(self) -> dict[str, str]:
        """Return the environment with which libpq's programs log in as the superuser."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres",
                "PGPASSWORD": self._password_file.read_text()}  # fmt: skip

    def ensure_database(self, name: str) -> None:
        """Create a database unless it exists."""
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

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _major_version(self) -> int:
        return int((self._data / "PG_VERSION").read_text().split(".")[0])

    @cached_property
    def _account(self) -> pwd.struct_passwd | None:
        return find_account()

    @cached_property
    def _programs(self) -> Path:
        return find_programs()

    def _make_folder(self) -> None:
        try:
            make_private_folder(self.folder, owner=self._account.pw_uid if self._account else None)
        except UnsafeFolderError as unsafe:
            raise PostgresError(str(unsafe)) from None

    def _make_data(self) -> None:
        draft = self.folder / "data.draft"  # an interrupted initdb leaves a PG_VERSION
        shutil.rmtree(draft, ignore_errors=True)
        how = ["-A", "trust"]
        if not self.passwordless:
            write_private(self._password_file, secrets.token_urlsafe(24))
            if self._account:
                os.chown(self._password_file, self._account.pw_uid, -1, follow_symlinks=False)
            how = ["-A", "scram-sha-256", f"--pwfile={self._password_file}", f"--set={_CHEAP_PASSWORDS}"]
        self._run("initdb", "-D", str(draft), "-U", "postgres", *how, "-E", "UTF8", "--locale=C.UTF-8")
        draft.rename(self._data)

    def _launch(self, options: list[str]) -> None:
        log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
        with os.fdopen(log, "wb") as output:
            command = [str(self._programs / "bin" / "postgres"), "-D", str(self._data), *options]
            self._server = self.starter(lambda: self._start(command, output, start_new_session=True))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._server is None or self._server.poll() is not None or time.monotonic() > deadline:
                raise PostgresError(f"postgres failed: {self._last_words(None)}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() in {"ready", "standby"}  # as pg_ctl does
        return False

    def _is_running(self) -> bool:
        with self._start(
            [str(self._programs / "bin" / "pg_ctl"), "-D", str(self._data), "status"], subprocess.DEVNULL
        ) as status:
            return status.wait() == 0

    def _reap(self) -> None:
        if self._server is not None:
            self._server.wait(20)
            self._server = None

    def _start(self, command: list[str], output: int | IO[bytes], *, start_new_session: bool = False) -> Server:
        account = self._account
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=start_new_session,
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / "bin" / program), *arguments]
        with self._start(command, subprocess.PIPE) as running:
            try:
                output, _ = running.communicate()
            except BaseException:
                running.kill()
                raise
        if running.returncode != 0:
            raise PostgresError(f"{program} failed: {self._last_words(output)}")

    def _last_words(self, output: bytes | None) -> str:
        log = self.folder / "log"
        text = output.decode(errors="replace") if output else log.read_text(errors="replace") if log.exists() else ""
        return " ".join(text.strip().splitlines()[-3:]) or "it left no message; is the disk full?"


def find_free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
