"""The passwords and keys of a stack: random, made at its first start, in a file that only its owner can read."""

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
    """The credentials of a stack and its users, under the names that the file uses."""

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
        """Return the body of Airflow's login request."""
        return {"username": ADMIN, "password": self.airflow_admin}

    @classmethod
    def read(cls, folder: Path) -> Credentials:
        """Return the credentials of a folder; raises OSError when there are none."""
        return cls(**json.loads(credentials_file(folder).read_text(encoding="utf-8")))

    @classmethod
    def ensure(cls, folder: Path) -> tuple[Credentials, bool]:
        """Return the credentials of a folder, and whether they are new."""
        file = credentials_file(folder)
        new = not file.exists()
        found = cls() if new else cls.read(folder)  # a file of an earlier version lacks new keys, which are made here
        write_private(file, json.dumps(asdict(found), indent=1))
        return found, new


def credentials_file(folder: Path) -> Path:
    """Return the path of the file."""
    return folder / _FILE
