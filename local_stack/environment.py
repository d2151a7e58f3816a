"""The environment in which the stack's Airflow runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import certifi

from local_stack.credentials import ADMIN, Credentials
from local_stack.place import ROOT, Place
from local_stack.ports import Ports
from local_stack.postgres.databases import AIRFLOW, METADATA_DATABASE
from local_stack.private_files import write_private
from local_stack.processes.host_names import CALLABLE

WORKER_SLOTS = 2  # tasks that a worker runs concurrently
VISIBILITY_SECONDS = 86_400  # longer than any task runs: after that Redis hands a task to a second worker


def make_environment(place: Place, ports: Ports, credentials: Credentials) -> dict[str, str]:
    """Return the environment of Airflow's processes; writes the files that it names."""
    passwords = place.airflow / "passwords.json"
    write_private(passwords, json.dumps({ADMIN: credentials.airflow_admin}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # without byte code every airflow command takes seconds longer
    settings = _settings(place, ports) | _secrets(ports, credentials)
    if ports.redis:
        settings |= _settings_of_workers(ports, credentials)
    settings["CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] = str(passwords)
    return (
        inherited
        | {f"AIRFLOW__{name}": value for name, value in settings.items()}
        | {
            "AIRFLOW_HOME": str(place.airflow),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(ROOT),
            "REQUESTS_CA_BUNDLE": str(place.ca_bundle),
            "CRM_EXPORT_SALESFORCE_HOSTS": "127.0.0.1",  # the sandbox's
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
    )


def trust(place: Place, ca_file: Path) -> None:
    """Write the bundle of certificate authorities: the public ones and the sandbox's."""
    place.ca_bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + ca_file.read_bytes())


def _settings(place: Place, ports: Ports) -> dict[str, str]:
    address = f"http://127.0.0.1:{ports.ui}"
    return {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(ports.ui),
        "API__BASE_URL": address,
        "API__WORKERS": "1",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "OPERATORS__DEFAULT_DEFERRABLE": "True",
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "LOGGING__BASE_LOG_FOLDER": str(place.airflow / "logs"),
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "TRACES__OTEL_ON": "False",
    }


def _settings_of_workers(ports: Ports, credentials: Credentials) -> dict[str, str]:
    return {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__LAZY_LOAD_PLUGINS": "False",  # else a worker has no plugins, and each task imports what it needs
        "CORE__PARALLELISM": "16",  # the workers' slots are the limit
        "CORE__HOSTNAME_CALLABLE": CALLABLE,
        "CELERY__BROKER_URL": f"redis://:{credentials.redis}@127.0.0.1:{ports.redis}/0",
        "CELERY__WORKER_CONCURRENCY": str(WORKER_SLOTS),
        "CELERY__SYNC_PARALLELISM": "1",
        "CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(VISIBILITY_SECONDS),
        # after which the task of a killed worker is started elsewhere; Airflow's default is 300 s
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
    }


def _secrets(ports: Ports, credentials: Credentials) -> dict[str, str]:
    database = f"{AIRFLOW}:{credentials.airflow_database}@127.0.0.1:{ports.postgres}/{METADATA_DATABASE}"
    return {
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "CORE__FERNET_KEY": credentials.fernet_key,
        "API_AUTH__JWT_SECRET": credentials.jwt_secret,
        "API__SECRET_KEY": credentials.api_secret,
    }
