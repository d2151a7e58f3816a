"""The passwords and keys of a stack: random, made at its first start, in a file that only its owner reads."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local_stack.private_files import write_private

ADMIN = "admin"  # the login of Airflow's administrator
_FILE = "credentials.json"


def _make_password() -> str:
    return secrets.token_urlsafe(24)


def _make_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Credentials:
    """What a stack and its users log in with. The names are those of the file."""

    airflow_admin: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    exporter: str = field(default_factory=_make_password, repr=False)
    warehouse: str = field(default_factory=_make_password, repr=False)
    airflow_database: str = field(default_factory=_make_password, repr=False)
    fernet_key: str = field(default_factory=_make_key, repr=False)
    jwt_secret: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)
    api_secret: str = field(default_factory=_make_password, repr=False)
    redis: str = field(default_factory=_make_password, repr=False)

    @property
    def login(self) -> dict[str, str]:
        """Return what Airflow's login takes."""
        return {"username": ADMIN, "password": self.airflow_admin}

    @classmethod
    def read(cls, folder: Path) -> Credentials:
        """Return those of a folder; raises OSError when there are none."""
        return cls(**json.loads(credentials_file(folder).read_text(encoding="utf-8")))

    @classmethod
    def ensure(cls, folder: Path) -> tuple[Credentials, bool]:
        """Return those of a folder, and whether they were made now."""
        file = credentials_file(folder)
        new = not file.exists()
        found = cls() if new else cls.read(folder)  # one of an earlier version lacks what was made just now
        write_private(file, json.dumps(asdict(found), indent=1))
        return found, new


def credentials_file(folder: Path) -> Path:
    """Return the path of the file."""
    return folder / _FILE
