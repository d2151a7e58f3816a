"""Users of the page, logged in with a role of Airflow's SimpleAuthManager or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import delete, update

ROOT = Path(__file__).resolve().parents[2]

WRITING = {"Sec-Fetch-Site": "same-origin", "X-CRM-Export": "1"}


@dataclass
class Person:
    """A user of the page; without a role, the user is not logged in."""

    client: TestClient
    role: str | None
    name: str = "olga"

    def get(self, path: str, **query: Any) -> Response:
        """Get a path below the page."""
        return self.client.get(f"/crm-export/{path}", params=query, headers=self.headers())

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Response:
        """Send JSON as the page does."""
        sent = self.headers() | WRITING | more.pop("headers", {})
        sent = {name: value for name, value in sent.items() if value}
        return self.client.request(method, f"/crm-export/{path}", json=body, headers=sent, **more)

    def put(self, path: str, body: Any) -> Response:
        """PUT JSON to a path."""
        return self.send("PUT", path, body)

    def post(self, path: str, body: Any) -> Response:
        """POST JSON to a path."""
        return self.send("POST", path, body)

    def headers(self) -> dict[str, str]:
        """Return the headers that identify the user."""
        if self.role is None:
            return {}
        user = SimpleAuthManagerUser(username=self.name, role=self.role)
        return {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}


def know_dags() -> None:
    """Load the present DAGs of our folder into Airflow, unpaused and without runs."""
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    with create_session() as session:
        session.execute(delete(DagRun))  # runs of other tests, in the same database
        session.execute(update(DagModel).values(is_paused=False))


def define_postgres(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Define the connection postgres_default."""
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps({"conn_type": "postgres", **fields}))


def act(person: Person, kind: str, *errors: int, **more: Any) -> Response:
    """Request an action on errors."""
    return person.post("api/actions", {"kind": kind, "selection": {"errors": list(errors)}} | more)


def code(answer: Response) -> tuple[int, str]:
    """Return the status and the code of a rejection."""
    return answer.status_code, answer.json()["error"]["code"]
