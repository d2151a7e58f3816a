"""Runs the distribution's PgBouncer in front of a test Postgres, on a free port, as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from local_stack.postgres import EmbeddedPostgres, find_free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pool_in_front(server: EmbeddedPostgres, mode: str, *, size: int = 20, **more: str) -> Generator[Pooler]:
    """Serve a pooler with `size` servers per database and `more` settings. Skips the test without PgBouncer."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="crm-pgbouncer-"))
    folder.chmod(0o777)
    (folder / "users.txt").write_text('"postgres" ""\n"hostile" ""\n"limited" ""\n')
    pooler = Pooler(find_free_port())
    (folder / "pgbouncer.ini").write_text(_configure(server.port, pooler.port, folder, mode, size, more))
    process = subprocess.Popen(
        [PROGRAM, "-q", str(folder / "pgbouncer.ini")],
        user=account and account.pw_uid, group=account and account.pw_gid, extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        pooler.wait(process)
        yield pooler
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


class Pooler:
    """A running pooler."""

    def __init__(self, port: int) -> None:
        self.port = port

    def dsn_of(self, target: str) -> str:
        """Return the address of a database through the pooler."""
        return make_conninfo(target, host="127.0.0.1", port=self.port)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the pooler listens."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("pgbouncer did not start")


def _configure(server_port: int, port: int, folder: Path, mode: str, size: int, more: dict[str, str]) -> str:
    settings = {
        "listen_addr": "127.0.0.1", "listen_port": str(port), "unix_socket_dir": "", "auth_type": "trust",
        "auth_file": f"{folder}/users.txt", "pool_mode": mode, "default_pool_size": str(size),
        "logfile": f"{folder}/log", "pidfile": f"{folder}/pid", "query_wait_timeout": "60",
    } | more  # fmt: skip
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    return f"[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\n{lines}\n"


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]
