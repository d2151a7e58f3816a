"""Check 67: unmodified Python clients complete login, query, upsert and bulk upsert against the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from airflow.providers.salesforce.operators.bulk import SalesforceBulkOperator
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceMalformedRequest

from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = [
    # Airflow's providers warn about themselves
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def connection(sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the id of a connection with client credentials."""
    domain = f"{sandbox_server.https_host}/services/oauth2/token#"
    extra = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret", "domain": domain}
    monkeypatch.setenv("AIRFLOW_CONN_ORG", json.dumps({"conn_type": "salesforce", "extra": extra}))
    return "org"


def accounts(count: int) -> list[dict[str, Any]]:
    return [{"Ext__c": f"K{n}", "Name": "bad" if n == 3 else f"n{n}"} for n in range(count)]


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize("way", ["soap", "ip filter", "password", "client credentials", "jwt"])
def test_check_67_simple_salesforce_logs_in_every_way(
    sandbox: Control, sandbox_server: RunningSandbox, way: str
) -> None:
    user = {"username": "integration@tests.example"}
    app = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    known: dict[str, dict[str, Any]] = {
        "soap": user | {"password": "sandbox-only", "security_token": "token"},
        "ip filter": user | {"password": "sandbox-only", "organizationId": "00Dxx0000001gPL"},
        "password": user | app | {"password": "sandbox-onlytoken"},
        "client credentials": app,
        "jwt": user | {"consumer_key": "sandbox-key", "privatekey": private_key()},
    }
    path = "Soap/u/59.0" if way in {"soap", "ip filter"} else "oauth2/token"
    client = Salesforce(**known[way], domain=f"{sandbox_server.https_host}/services/{path}#")
    assert client.sf_instance == sandbox_server.https_host
    assert client.query("SELECT Username FROM User")["records"][0]["Username"] == "integration@tests.example"
    client.session.close()


def test_check_67_simple_salesforce_collections(org: Salesforce, sandbox: Control) -> None:
    records = [{"attributes": {"type": "Account"}} | row for row in accounts(5)]
    results: Any = org.restful(
        "composite/sobjects/Account/Ext__c", method="PATCH", json={"allOrNone": False, "records": records}
    )
    assert [result["success"] for result in results] == [True, True, True, False, True]
    assert results[3]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert len(sandbox.records("Account")) == 4


def test_check_67_simple_salesforce_rest(org: Salesforce, sandbox: Control) -> None:
    sobject: Any = org.Account
    assert sobject.upsert("Ext__c/one", {"Name": "created"}) == 201
    assert sobject.upsert("Ext__c/one", {"Name": "updated"}) == 200
    record = sobject.get_by_custom_id("Ext__c", "one")
    assert record["Name"] == "updated"
    assert sobject.update(record["Id"], {"Name": "again"}) == 204
    assert org.query_all("SELECT Name FROM Account")["records"][0]["Name"] == "again"
    assert sobject.delete(record["Id"]) == 204
    assert org.limits()["DailyApiRequests"]["Remaining"] > 0


def test_check_67_simple_salesforce_bulk_v1(org: Salesforce, sandbox: Control) -> None:
    bulk: Any = org.bulk
    results = bulk.Account.upsert(accounts(5), "Ext__c")
    assert [result["success"] for result in results] == [True, True, True, False, True]
    assert results[3]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert len(sandbox.records("Account")) == 4


def test_check_67_simple_salesforce_bulk_v2(org: Salesforce, sandbox: Control, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("Ext__c,Name\n" + "".join(f"{row['Ext__c']},{row['Name']}\n" for row in accounts(5)))
    bulk2: Any = org.bulk2
    [done] = bulk2.Account.upsert(csv_file=str(file), external_id_field="Ext__c", wait=1)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (5, 1)
    failed = bulk2.Account.get_failed_records(done["job_id"])
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION:This name is not welcome:Name --" in failed
    assert len(bulk2.Account.get_successful_records(done["job_id"]).splitlines()) == 5
    assert len(sandbox.records("Account")) == 4


def test_check_67_airflows_hook_and_bulk_operator(connection: str, sandbox: Control) -> None:
    hook = SalesforceHook(connection)
    assert hook.make_query("SELECT Id FROM Account")["totalSize"] == 0
    operator = SalesforceBulkOperator(
        task_id="bulk", operation="upsert", object_name="Account", payload=accounts(5),
        external_id_field="Ext__c", salesforce_conn_id=connection,
    )  # fmt: skip
    results = operator.execute({})
    assert [result["success"] for result in results] == [True, True, True, False, True]
    assert len(hook.make_query("SELECT Id FROM Account")["records"]) == 4
    assert hook.test_connection()[0] is True
    sandbox.expire_sessions()
    assert hook.make_query("SELECT Id FROM Account")["totalSize"] == 4, "logged in again by itself (check 11)"
    hook.conn.session.close()


def test_check_11_an_expired_session_is_renewed_by_rest_calls_only(
    org: Salesforce, sandbox: Control, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("Ext__c,Name\nA,x\n")
    sandbox.expire_sessions()
    bulk: Any = org.bulk
    bulk2: Any = org.bulk2
    with pytest.raises(SalesforceExpiredSession):
        bulk2.Account.upsert(csv_file=str(file), external_id_field="Ext__c")
    with pytest.raises(SalesforceMalformedRequest):
        bulk.Account.upsert(accounts(1), "Ext__c")
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0
