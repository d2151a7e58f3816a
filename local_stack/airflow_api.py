"""A client of Airflow's public REST API, with the calls that the stack needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from local_stack.ports import StackError

TIMEOUT = 30  # seconds
WARM_UP_SECONDS = 180
FINISHED = frozenset({"success", "failed"})


@dataclass
class AirflowApi:
    """The API of an Airflow at an address, with its login."""

    url: str
    login: dict[str, str] = field(repr=False)
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Ignore the environment's proxies: the API is on this machine."""
        self._session.trust_env = False

    def wait_until_up(self, seconds: float, check: Callable[[], None]) -> None:
        """Wait until the API answers and log in; `check` raises when waiting is pointless."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            check()
            try:
                answer = self._session.post(f"{self.url}/auth/token", json=self.login, timeout=5)
                if answer.ok:
                    self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                    return
            except requests.RequestException:
                pass  # not up yet
            time.sleep(0.3)
        raise StackError(
            f"Airflow did not answer at {self.url} within {seconds:.0f} seconds; its logs are in .local/logs."
        )

    def warm_up(self) -> None:
        """Make the API server start its execution API; on a busy machine a task's first call would time out."""
        self._session.get(f"{self.url}/execution/health", timeout=WARM_UP_SECONDS)

    def ensure_connection(self, connection: dict[str, Any]) -> None:
        """Create a connection, or update it to these values."""
        if self._call("POST", "/connections", connection, allowed=(409,)).status_code == 409:
            self._call("PATCH", f"/connections/{connection['connection_id']}", connection)

    def ensure_variable(self, key: str, value: str) -> None:
        """Create a Variable unless it exists: a value that somebody has set is kept."""
        self._call("POST", "/variables", {"key": key, "value": value}, allowed=(409,))

    def variables(self) -> dict[str, str]:
        """Return every Variable with its value."""
        listed = self._call("GET", "/variables?limit=1000").json()["variables"]
        return {each["key"]: each["value"] or "" for each in listed}

    def set_variable(self, key: str, value: str) -> None:
        """Set a Variable."""
        self._call("PATCH", f"/variables/{key}", {"key": key, "value": value})

    def new_token(self) -> str:
        """Return the token of a new session, for a browser."""
        answer = self._session.post(f"{self.url}/auth/token", json=self.login, timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def wait_for_dag(self, dag_id: str, seconds: float, check: Callable[[], None] = lambda: None) -> None:
        """Wait until a DAG exists; `check` raises when waiting is pointless."""
        deadline = time.monotonic() + seconds
        while self._call("GET", f"/dags/{dag_id}", allowed=(404,)).status_code == 404:
            check()
            if time.monotonic() > deadline:
                errors = self._call("GET", "/importErrors").json()["import_errors"]
                message = " ".join(str(error["stack_trace"]).strip().splitlines()[-1] for error in errors)
                raise StackError(f"DAG {dag_id} did not appear within {seconds:.0f} seconds. {message}".strip())
            time.sleep(0.5)

    def unpause(self, dag_id: str, *, paused: bool = False) -> None:
        """Unpause a DAG, or pause it."""
        self._call("PATCH", f"/dags/{dag_id}", {"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Trigger a run and return its id."""
        body = {"logical_date": datetime.now(UTC).isoformat(), "conf": conf or {}}
        return str(self._call("POST", f"/dags/{dag_id}/dagRuns", body).json()["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}").json()["state"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, newest first."""
        answer = self._call("GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=50").json()
        return list(answer["dag_runs"])

    def is_run_due(self, dag_id: str) -> bool:
        """Return whether the scheduler is about to start a run of a DAG."""
        after = self._call("GET", f"/dags/{dag_id}").json()["next_dagrun_run_after"]
        return bool(after) and datetime.fromisoformat(after) <= datetime.now(UTC)

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Return the state of every task of a run."""
        answer = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=500").json()
        return {each["task_id"]: each["state"] for each in answer["task_instances"]}

    def task_hosts(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the host on which each task of a run last started."""
        answer = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=500").json()
        return {each["task_id"]: each["hostname"] or "" for each in answer["task_instances"]}

    def asset_events(self) -> list[dict[str, Any]]:
        """Return the events of all assets, newest first."""
        answer = self._call("GET", "/assets/events?order_by=-timestamp&limit=100").json()
        return list(answer["asset_events"])

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return the log of a task as text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}?full_content=true"
        return self._call("GET", path, accept="application/x-ndjson").text

    def clear(self, dag_id: str, run_id: str, task_ids: list[str]) -> None:
        """Clear tasks of a run with their downstream, as the UI does."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": task_ids, "include_downstream": True,
                "only_failed": False, "reset_dag_runs": True}  # fmt: skip
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", body)

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        allowed: tuple[int, ...] = (),
        accept: str = "application/json",
    ) -> requests.Response:
        answer = self._session.request(
            method, f"{self.url}/api/v2{path}", json=body, headers={"Accept": accept}, timeout=TIMEOUT
        )
        if not answer.ok and answer.status_code not in allowed:
            raise StackError(f"Airflow rejected {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer
