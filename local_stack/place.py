"""Where the stack keeps its state, and at which ports it serves."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class StackError(Exception):
    """The stack cannot do what was asked; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Ports:
    """The ports of the stack, all on 127.0.0.1."""

    ui: int = 8080
    postgres: int = 15432
    sandbox_http: int = 18080
    sandbox_https: int = 18443

    @classmethod
    def from_environment(cls) -> Ports:
        """Return the usual ports, changed by CRM_EXPORT_UI_PORT and its like."""
        return cls(
            **{name: _read_port(f"CRM_EXPORT_{name.upper()}_PORT", usual) for name, usual in asdict(cls()).items()}
        )

    def check_free(self) -> None:
        """Raise StackError naming a port that another program uses."""
        for name, port in asdict(self).items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    variable = f"CRM_EXPORT_{name.upper()}_PORT"
                    raise StackError(
                        f"Port {port} ({name.replace('_', ' ')}) is used by another program. Stop that program (or a "
                        f"stack that is still up), or choose another port: {variable}={port + 1} make run"
                    ) from None


@dataclass(frozen=True)
class Place:
    """The folders of a stack. `.local` in the checkout, unless CRM_EXPORT_STATE names another folder."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Place:
        """Return the usual place or the one that CRM_EXPORT_STATE names."""
        return cls(Path(os.environ.get("CRM_EXPORT_STATE") or ROOT / ".local"))

    @property
    def postgres(self) -> Path:
        """Return the folder of the database; as root outside the checkout, which another user may not reach."""
        if os.geteuid() != 0:
            return self.folder / "postgres"
        name = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]
        return Path("/var/tmp") / f"crm-export-{name}"  # noqa: S108 - owned by the database's user, mode 0700

    @property
    def sandbox(self) -> Path:
        """Return the folder of the sandbox."""
        return self.folder / "sandbox"

    @property
    def airflow(self) -> Path:
        """Return AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def dags_test(self) -> Path:
        """Return the metadata database of `airflow dags test`."""
        return self.folder / "dags-test.db"

    @property
    def ca_bundle(self) -> Path:
        """Return the file of the certificate authorities that Airflow trusts."""
        return self.folder / "ca-bundle.crt"

    @property
    def _note(self) -> Path:
        return self.folder / "stack.json"

    def note_running(self, ports: Ports) -> None:
        """Keep the ports of the running stack for the other commands."""
        self._note.write_text(json.dumps(asdict(ports) | {"pid": os.getpid()}))

    def forget_running(self) -> None:
        """Forget the running stack."""
        self._note.unlink(missing_ok=True)

    def check_idle(self) -> None:
        """Raise StackError when a stack that runs uses these folders."""
        try:
            self.running_ports()
        except StackError:
            return
        raise StackError("A stack is up here. Stop it first, with Ctrl-C in its terminal.")

    def running_ports(self) -> Ports:
        """Return the ports of the running stack; raises StackError when none is up."""
        try:
            noted = json.loads(self._note.read_text())
            os.kill(noted.pop("pid"), 0)
            return Ports(**noted)
        except (OSError, ValueError, KeyError):
            raise StackError("No stack is up here. Start one in another terminal: make run") from None


def _read_port(variable: str, usual: int) -> int:
    text = os.environ.get(variable, str(usual))
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StackError(f"{variable}={text} is not a port number (1 to 65535).")
    return int(text)
