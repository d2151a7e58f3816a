"""The connections: opened by Airflow's definitions, with one message for a mistake."""

from __future__ import annotations

import json

import pytest

from crm_export.command_line.main import main
from crm_export.connections.opening import connect_postgres, make_salesforce_client, open_postgres
from include.export.failures import ConfigurationFailure, LoginFailure, RunFailure, SalesforceFailure, SourceFailure
from local_stack.postgres import EmbeddedPostgres, find_free_port
from pgbouncer import pool_in_front
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own


def define(monkeypatch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def salesforce(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    define(monkeypatch, "salesforce_default", conn_type="salesforce", extra=extra)


def test_postgres_is_opened_as_the_core_needs_it(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = dict(part.split("=") for part in database.split())
    define(monkeypatch, "postgres_default", conn_type="postgres", host=place["host"], port=int(place["port"]),
           login=place["user"], schema=place["dbname"])  # fmt: skip
    with open_postgres() as connection:
        row = connection.execute("select current_setting('application_name'), current_setting('timezone')").fetchone()
        assert row == ("crm_export", "UTC")
        assert connection.autocommit
    assert connection.closed


@pytest.mark.field("F10")
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_transaction_pooler_ends_the_task_at_its_start(
    postgres: EmbeddedPostgres, database: str, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    place = dict(part.split("=") for part in database.split())
    with pool_in_front(postgres, mode) as front:
        define(monkeypatch, "postgres_default", conn_type="postgres", host="127.0.0.1", port=front.port,
               login=place["user"], schema=place["dbname"])  # fmt: skip
        rejected = pytest.raises(ConfigurationFailure, match="directly to Postgres, or through a session pooler")
        with rejected, open_postgres():
            pytest.fail("the connection was opened")


@pytest.mark.field("F23")
def test_each_further_connection_fetches_the_current_password_from_airflow(
    postgres: EmbeddedPostgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = dict(part.split("=") for part in database.split())
    known = {"conn_type": "postgres", "host": place["host"], "port": int(place["port"]), "schema": place["dbname"]}
    define(monkeypatch, "postgres_default", login=place["user"], password="first", **known)
    with open_postgres() as first:
        assert first.info.password == "first"
        define(monkeypatch, "postgres_default", login=place["user"], password="second", **known)
        with connect_postgres() as second:
            assert second.info.password == "second"
            assert second.execute("show application_name").fetchone() == ("crm_export",)


def test_a_missing_connection_says_where_to_add_it() -> None:
    with pytest.raises(ConfigurationFailure, match="AIRFLOW_CONN_POSTGRES_DEFAULT"), open_postgres():
        pass
    with pytest.raises(ConfigurationFailure, match="salesforce_default is not defined"):
        assert make_salesforce_client().session


def test_a_database_that_does_not_answer_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    port = find_free_port()
    define(monkeypatch, "postgres_default", conn_type="postgres", host="127.0.0.1", port=port, login="x",
           password="planted-secret", schema="nowhere")  # fmt: skip
    with pytest.raises(SourceFailure, match=f"127.0.0.1:{port}/nowhere") as caught, open_postgres():
        pass
    assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "kind", "words"),
    [
        ({"consumer_key": "sandbox-key", "consumer_secret": "planted-secret"}, LoginFailure, "invalid_client"),
        ({"consumer_key": "nobody", "consumer_secret": "planted-secret"}, LoginFailure, "invalid_client_id"),
        ({"consumer_key": "sandbox-key"}, ConfigurationFailure, "lacks credentials"),
    ],
)
def test_wrong_credentials_are_one_message_without_the_secret(
    monkeypatch: pytest.MonkeyPatch,
    sandbox_server: RunningSandbox,
    extra: dict[str, str],
    kind: type[RunFailure],
    words: str,
) -> None:
    salesforce(monkeypatch, domain=f"{sandbox_server.https_host}/services/oauth2/token#", **extra)
    with pytest.raises(kind, match=words) as caught:
        assert make_salesforce_client().session
    assert "planted-secret" not in str(caught.value)


def test_a_login_host_that_does_not_answer_is_retriable(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = f"127.0.0.1:{find_free_port()}/services/oauth2/token#"
    salesforce(monkeypatch, consumer_key="k", consumer_secret="s", domain=domain)
    with pytest.raises(SalesforceFailure, match="login host did not answer") as caught:
        assert make_salesforce_client().session
    assert caught.value.retriable


def test_the_command_line_names_an_unknown_stream(database: str, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    place = dict(part.split("=") for part in database.split())
    define(monkeypatch, "postgres_default", conn_type="postgres", host=place["host"], port=int(place["port"]),
           login=place["user"], schema=place["dbname"])  # fmt: skip
    assert main(["try", "nowhere", "1"]) == 2
    assert "There is no stream nowhere. Streams: " in capsys.readouterr().err
