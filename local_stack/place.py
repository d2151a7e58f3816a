"""The folder of a stack's state, and the lock of the stack that runs in it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from local_stack.credentials import Credentials, credentials_file
from local_stack.ports import Ports, StackError
from local_stack.private_files import make_private_folder, shared_folder, write_private

ROOT = Path(__file__).resolve().parent.parent
CLAIM_SECONDS = 1.0  # a command that only checks holds the lock for a moment


@dataclass(frozen=True)
class Place:
    """The folders of a stack. `.local` in the checkout, unless CRM_EXPORT_STATE names another folder."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Place:
        """Return the default place, or the one that CRM_EXPORT_STATE names."""
        return cls(Path(os.environ.get("CRM_EXPORT_STATE") or ROOT / ".local").absolute())

    @property
    def postgres(self) -> Path:
        """Return the folder of the database; for root outside the checkout, which the server's user may not reach."""
        if os.geteuid() != 0:
            return self.folder / "postgres"
        name = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]
        return shared_folder() / f"postgres-{name}"

    @property
    def sandbox(self) -> Path:
        """Return the folder of the sandbox."""
        return self.folder / "sandbox"

    @property
    def sandbox_ready(self) -> Path:
        """Return the file with the sandbox's addresses."""
        return self.sandbox / "ready.json"

    @property
    def airflow(self) -> Path:
        """Return AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def redis(self) -> Path:
        """Return the folder of Redis."""
        return self.folder / "redis"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs of the stack's processes."""
        return self.folder / "logs"

    @property
    def dags_test(self) -> Path:
        """Return the metadata database of `airflow dags test`."""
        return self.folder / "dags-test.db"

    @property
    def ca_bundle(self) -> Path:
        """Return the file with the certificate authorities that Airflow trusts."""
        return self.folder / "ca-bundle.crt"

    @property
    def note(self) -> Path:
        """Return the file that names the ports of the running stack."""
        return self.folder / "stack.json"

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"

    def make(self) -> None:
        """Make the folders, closed to other users; an existing folder that CRM_EXPORT_STATE names keeps its mode."""
        if self.folder == ROOT / ".local" or not self.folder.exists():
            make_private_folder(self.folder)
        for folder in (self.sandbox, self.airflow, self.logs):
            make_private_folder(folder)

    def claim(self) -> IO[str]:
        """Return the open lock of the place; raises StackError when a stack is up here."""
        lock = self._lock.open("a")
        deadline = time.monotonic() + CLAIM_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    lock.close()
                    raise StackError(self._say_up()) from None
                time.sleep(0.05)
            else:
                return lock

    @contextlib.contextmanager
    def keep_idle(self) -> Generator[None]:
        """Keep stacks from starting here until the end of the block; raises StackError when one is up."""
        if not self.folder.is_dir():
            yield
            return
        with self.claim():
            yield

    def note_running(self, ports: Ports) -> None:
        """Save the ports of the running stack for the other commands."""
        write_private(self.note, json.dumps(asdict(ports)))

    def running_ports(self) -> Ports:
        """Return the ports of the running stack; raises StackError when none is up."""
        try:
            if self._is_claimed():
                return Ports(**json.loads(self.note.read_text()))
        except (OSError, ValueError, TypeError):
            pass  # none is up, or one is about to start
        raise StackError("No stack is up here. Start one in another terminal: make run")

    def credentials(self) -> Credentials:
        """Return the passwords and keys of the stack; raises StackError when it never started."""
        try:
            return Credentials.read(self.folder)
        except OSError:
            raise StackError("No stack was started here yet. Start one: make run") from None

    def forget(self) -> None:
        """Delete all state of the stack except its database."""
        for folder in (self.sandbox, self.airflow, self.redis, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.dags_test, self.ca_bundle, credentials_file(self.folder), self.note, self._lock,
                     self.folder / "airflow.log"):  # fmt: skip
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the folder holds other files
            self.folder.rmdir()

    def _is_claimed(self) -> bool:
        with self._lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def _say_up(self) -> str:
        with contextlib.suppress(StackError):
            ports = self.running_ports()
            return (
                f"A stack is up here: http://127.0.0.1:{ports.ui} (login admin; the password is in "
                f"{credentials_file(self.folder)}). Stop it first, with Ctrl-C in its terminal."
            )
        return "A stack is starting or stopping here. Wait a moment, or stop it with Ctrl-C in its terminal."
