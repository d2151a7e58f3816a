"""The assumptions where Salesforce's documents are incomplete: one place, and a change there changes the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rest import Rest
from salesforce_sandbox import assumptions
from salesforce_sandbox.in_process import URL, InProcessSandbox

PACKAGE = Path(assumptions.__file__).parent


@pytest.fixture
def inside(serve: Callable[..., InProcessSandbox]) -> Rest:
    """Return the REST API of an org in this process."""
    served = serve()
    form = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    token = served.session.post(f"{URL}/services/oauth2/token", data=form).json()["access_token"]
    return Rest(URL, token, served.session)


def test_every_assumption_is_used() -> None:
    names = re.findall(r"^([A-Z_]+) =", (PACKAGE / "assumptions.py").read_text(), re.MULTILINE)
    text = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert len(names) > 25
    assert [name for name in names if len(re.findall(rf"\b{name}\b", text)) < 2] == []


def change(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    for name, value in values.items():
        monkeypatch.setattr(assumptions, name, value)


def test_a_wrong_type_may_reject_the_record_only(inside: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, WRONG_TYPE_REJECTS_REQUEST=False)
    results = inside.upsert([{"Ext__c": "A", "Name": "x"}, {"Ext__c": "B", "Name": "x", "Amount__c": "abc"}])
    assert [result["success"] for result in results] == [True, False]
    assert results[1]["errors"][0]["statusCode"] == "INVALID_TYPE_ON_FIELD_IN_RECORD"


def test_external_ids_may_differ_in_case(inside: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, FOLD_EXTERNAL_IDS=False)
    results = inside.upsert([{"Ext__c": "a", "Name": "x"}, {"Ext__c": "A", "Name": "x"}])
    assert [result["created"] for result in results] == [True, True]


def test_an_empty_text_may_be_kept(inside: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, EMPTY_TEXT_CLEARS=False)
    inside.upsert([{"Ext__c": "A", "Name": "x", "Plain__c": ""}])
    assert inside.call("GET", "sobjects/Account/Ext__c/A").json()["Plain__c"] == ""


def test_a_job_may_be_created_with_201(inside: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, JOB_CREATED_STATUS=201)
    assert inside.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).status_code == 201


def test_a_password_may_need_its_token(inside: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, TRUSTED_NETWORK=False)
    form = {"grant_type": "password", "client_id": "sandbox-key", "client_secret": "sandbox-secret",
            "username": "integration@tests.example"}  # fmt: skip
    statuses = [
        inside.session.post(f"{URL}/services/oauth2/token", data=form | {"password": password}).status_code
        for password in ("sandbox-only", "sandbox-onlytoken")
    ]
    assert statuses == [400, 200]
