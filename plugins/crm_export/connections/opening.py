"""The connections of a stream, opened from Airflow's: postgres_default and salesforce_default if it names no others."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import cast

import psycopg
import requests
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowRuntimeError
from psycopg.rows import tuple_row

from crm_export.connections.login_session import LoginSession, advise_on_login, choose_api_version
from crm_export.connections.salesforce_hosts import check_org_address
from include.export.failures import ConfigurationFailure, LoginFailure, SalesforceFailure, SourceFailure
from include.export.postgres import READY_SECONDS, prepare_session, reject_transaction_pooling
from include.export.salesforce import OrgSession, SalesforceClient

POSTGRES = "postgres_default"
SALESFORCE = "salesforce_default"


@contextmanager
def open_postgres(name: str = POSTGRES, *, patience: int | None = None) -> Generator[psycopg.Connection]:
    """Open the connection that the core works with (`prepare_session`).

    `patience` is how many seconds to wait for the server; without it the connection decides. Raises
    ConfigurationFailure for a missing connection, a pooler that keeps no session, or a setting that the server forbids,
    SourceFailure when Postgres cannot be reached.
    """
    connect = partial(_connect, name, patience)
    connection = connect()
    try:
        with _explain_place(name):
            reject_transaction_pooling(connection, connect)
            _prepare(connection, patience)
        yield connection
    finally:
        connection.close()


def connect_postgres(name: str = POSTGRES) -> psycopg.Connection:
    """Open another connection like that of `open_postgres`; the hook provides the current password."""
    connection = _connect(name, None)
    try:
        with _explain_place(name):
            _prepare(connection, None)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(name: str, patience: int | None) -> psycopg.Connection:
    found = _find(name)
    with _explain_place(name):
        connection = cast("psycopg.Connection", _make_hook(name, found, patience).get_conn())
    connection.autocommit = True
    return connection


def _prepare(connection: psycopg.Connection, patience: int | None) -> None:
    prepare_session(connection, patience=READY_SECONDS if patience is None else float(patience))
    connection.row_factory = tuple_row


@contextmanager
def _explain_place(name: str) -> Generator[None]:
    """Turn a connection error into a SourceFailure that names the server and the connection."""
    try:
        yield
    except psycopg.OperationalError as error:
        found = _find(name)
        message = str(error).strip().splitlines()[-1]
        raise SourceFailure(
            f"Postgres at {found.host}:{found.port or 5432}/{found.schema or ''} (connection {name}) cannot be "
            f"reached: {message}. Check both. A task needs one connection, a Bulk job two, at full speed five: if "
            "there are too many connections, raise the connection limit of the role or the size of the pool."
        ) from None


def _make_hook(name: str, found: Connection, patience: int | None) -> PostgresHook:
    if patience is None:
        return PostgresHook(postgres_conn_id=name)
    extra = json.dumps({**found.extra_dejson, "connect_timeout": patience})
    # the API server finds a connection of another class than a task does
    patient = Connection(
        conn_id=name, conn_type=found.conn_type, host=found.host, login=found.login, password=found.password,
        schema=found.schema, port=found.port, extra=extra,
    )  # fmt: skip
    return PostgresHook(connection=patient)


def make_salesforce_client(name: str = SALESFORCE) -> SalesforceClient:
    """Return a client that logs in through SalesforceHook at its first call: every option of the connection works."""
    return SalesforceClient(partial(_log_in, name))


def _log_in(name: str) -> OrgSession:
    # a third of what a task costs that has nothing to send; only a run that calls Salesforce needs them
    from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
    from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError

    session = LoginSession(name)
    extra = _find(name).extra_dejson
    session.proxies.update(extra.get("proxies") or {})
    try:
        org = SalesforceHook(name, session=session).get_conn()
    except SalesforceAuthenticationFailed as error:
        raise LoginFailure(
            f"Salesforce rejected the login of connection {name}: {error.code} "
            f"{str(error.auth_message)[:300]}. {advise_on_login(str(error.code), str(error.auth_message))}"
        ) from None
    except TypeError:
        raise ConfigurationFailure(
            f"Connection {name} lacks credentials. Fill in consumer_key, consumer_secret and domain "
            "(client credentials), or consumer_key, private_key and login (JWT), or login, password and security_token."
        ) from None
    except (requests.RequestException, SalesforceError) as unanswered:
        raise SalesforceFailure(
            f"Salesforce's login host did not answer ({type(unanswered).__name__}). Check the domain of connection "
            f"{name}, the network, and REQUESTS_CA_BUNDLE where a private certificate authority is used."
        ) from None
    check_org_address(str(org.sf_instance), name)
    chosen = extra.get("version") or extra.get("extra__salesforce__version")
    version = choose_api_version(str(chosen) if chosen else None, name, is_soap=session.is_soap)
    return OrgSession(
        f"https://{org.sf_instance}", org.session_id, org.session, version, session.organization, session.is_soap
    )


def _find(name: str) -> Connection:
    try:
        return BaseHook.get_connection(name)
    except (AirflowException, AirflowRuntimeError) as missing:
        if not isinstance(missing, AirflowNotFoundException | AirflowRuntimeError):
            raise ConfigurationFailure(f"Connection {name} cannot be read ({type(missing).__name__}).") from missing
        raise ConfigurationFailure(
            f"Connection {name} is not defined. Add it under Admin > Connections, in airflow_settings.yaml, or as the "
            f"environment variable AIRFLOW_CONN_{name.upper()}."
        ) from None
