"""The sandbox answers as recorded real orgs do: same status, keys, types, codes and form of texts.

`wire_pairs.json` has the answers, with ids, tokens and persons replaced; "…" stands for varying text. Each answer is
compared with that of the recipe of its id. The sandbox's README lists what the sandbox omits.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from salesforce_sandbox.definition.org_file import load_definition
from salesforce_sandbox.in_process import URL, InProcessSandbox

HERE = Path(__file__).parent
PAIRS: list[dict[str, Any]] = json.loads((HERE / "wire_pairs.json").read_text(encoding="utf-8"))
RECIPES: dict[str, Callable[[Wire], requests.Response]] = {}
# keys in the sandbox's answers that older recordings lack
NEWER_KEYS = {"L1": {"scope"}, "V1": set(), "B7": {"externalIdFieldName"}}
SOAP = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com"><e:Body>'
    "<p:login><p:username>u@example.com</p:username><p:password>secret</p:password></p:login></e:Body></e:Envelope>"
)


class Wire:
    """Calls of the REST API and of both Bulk APIs, logged in."""

    def __init__(self, sandbox: InProcessSandbox) -> None:
        self.sandbox, self.control = sandbox, sandbox.control
        self.token = self.log_in(grant_type="client_credentials", client_id="key", client_secret="secret").json()[
            "access_token"
        ]

    def log_in(self, **form: str) -> requests.Response:
        return self.sandbox.session.post(f"{URL}/services/oauth2/token", data=form, timeout=10)

    def call(
        self, method: str, path: str, body: Any = None, *, version: str = "61.0", authorization: str = "", **more: Any
    ) -> requests.Response:
        headers = {"Authorization": authorization or f"Bearer {self.token}"} | more.pop("headers", {})
        url = f"{URL}{path}" if path.startswith("/") else f"{URL}/services/data/v{version}/{path}"
        return self.sandbox.session.request(method, url, json=body, headers=headers, timeout=10, **more)

    def query(self, text: str, **headers: str) -> requests.Response:
        return self.call("GET", "query", params={"q": text}, headers=headers)

    def upsert(self, path: str, *records: dict[str, Any], all_or_none: bool = False) -> requests.Response:
        kind = path.partition("/")[0]
        typed = [{"attributes": {"type": kind}} | record for record in records]
        return self.call("PATCH", f"composite/sobjects/{path}", {"allOrNone": all_or_none, "records": typed})

    def add(self, kind: str, **fields: Any) -> str:
        return self.control.add_records(kind, [fields])[0]

    def open_job(self, **asked: Any) -> str:
        known = {"object": "X__c", "operation": "upsert", "externalIdFieldName": "values__c"}
        return str(self.call("POST", "jobs/ingest", known | asked).json()["id"])

    def run_job(self, *lines: str, file: str = "", **asked: Any) -> requests.Response:
        """Run a job over lines and return its state, or one of its files."""
        job, content = self.open_job(**asked), "".join(f"{line}\n" for line in lines)
        self.call("PUT", f"jobs/ingest/{job}/batches", data=content.encode(), headers={"Content-Type": "text/csv"})
        self.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
        while self.call("GET", f"jobs/ingest/{job}").json()["state"] not in {"JobComplete", "Failed"}:
            time.sleep(0.01)
        return self.call("GET", f"jobs/ingest/{job}/{file}".rstrip("/"))

    def classic(self, path: str, body: str | None, kind: str, token: str = "") -> requests.Response:
        headers = {"X-SFDC-Session": token or self.token, "Content-Type": kind}
        url = f"{URL}/services/async/62.0/job{path}"
        method = "GET" if body is None else "POST"
        return self.sandbox.session.request(method, url, data=body, headers=headers, timeout=10)

    def open_classic(self, kind: str) -> str:
        asked = {"object": "X__c", "operation": "insert", "contentType": kind}
        return str(self.classic("", json.dumps(asked), "application/json").json()["id"])

    def meet(self, like: str, path: str = "limits") -> requests.Response:
        self.control.add_fault(like=like)
        return self.call("GET", path)


Recipe = Callable[[Wire], requests.Response]


def recipe(pair: str) -> Callable[[Recipe], Recipe]:
    def keep(made: Recipe) -> Recipe:
        RECIPES[pair] = made
        return made

    return keep


PASSWORD = {"grant_type": "password", "client_id": "key", "client_secret": "secret", "password": "secret"}
SIMPLE: dict[str, Recipe] = {
    "L1": lambda wire: wire.log_in(**PASSWORD, username="u@example.com"),
    "L3": lambda wire: wire.log_in(grant_type="refresh_token", refresh_token="revoked"),
    "L5": lambda wire: wire.log_in(**PASSWORD, username="gone@example.com"),
    "L7": lambda wire: wire.log_in(grant_type="client_credentials", client_id="nobody", client_secret="secret"),
    "L9": lambda wire: wire.log_in(grant_type="client_credentials", client_id="blocked", client_secret="secret"),
    "L11": lambda wire: wire.log_in(**PASSWORD, username="new@example.com"),
    "L13": lambda wire: wire.call("POST", "/services/Soap/u/99.0", data=SOAP, headers={"Content-Type": "text/xml"}),
    "V1": lambda wire: wire.call("GET", "/services/data"),
    "D1": lambda wire: wire.call("GET", "sobjects"),
    "Q5": lambda wire: wire.query("SELECT Bacon__c FROM Account LIMIT 2"),
    "Q9": lambda wire: wire.call("GET", "query"),
    "Q11": lambda wire: wire.query("SELECT Id FROM Movie__c WHERE Date__c = ''"),
    "R2": lambda wire: wire.call("POST", "sobjects/Account", {"FavoritePet__c": "Dog"}),
    "R4": lambda wire: wire.call("POST", "sobjects/Spaceship__c", {}),
    "R6": lambda wire: wire.call("POST", "sobjects/Account", {"Name": "x"}, authorization="Bearer 00D!wrong"),
    "R8": lambda wire: wire.call("PATCH", f"sobjects/Movie__c/{wire.add('Movie__c', Name='x')}", {"Name": "y"}),
    "R10": lambda wire: wire.call("PATCH", "sobjects/Movie__c/a00B000000FSjVUIB1", {"Name": "y"}),
    "R16": lambda wire: wire.call("POST", "sobjects/Movie__c", {"Date_Time__c": "2017-10-17 00:00:00"}),
    "R18": lambda wire: wire.call("POST", "sobjects/Lead", {"LastName": "x", "Multi__c": ["A", "B"]}),
    "R20": lambda wire: wire.call("POST", "sobjects/ContentVersion", {"Title": "x"}),
    "C2": lambda wire: wire.upsert("Contact/Email", {"Email": "a@example.com", "LastName": "x"}),
    "C4": lambda wire: wire.upsert("Contact/Id", {"Id": None, "LastName": "x"}),
    "C6": lambda wire: wire.upsert(
        "X__c/Ext__c", {"Ext__c": "1", "Name": "x"}, {"Ext__c": "2", "Name": "x", "OwnerId": "INVALID"},
        all_or_none=True,
    ),
    "B1": lambda wire: wire.call(
        "POST", "jobs/ingest", {"object": "X__c", "operation": "upsert", "externalIdFieldName": "values__c"}
    ),
    "B3": lambda wire: wire.call(
        "POST", "jobs/ingest", {"object": "X__c", "operation": "upsert", "externalIdFieldName": ""}
    ),
    "B9": lambda wire: wire.run_job("values__c,Name", "k,x"),
    "B11": lambda wire: wire.run_job("values__c", "k", file="failedResults"),
    "B15": lambda wire: wire.run_job('\ufeff"values__c"', "k"),
    "B17": lambda wire: wire.call("POST", "jobs/ingest", {"object": "CaseStatus", "operation": "insert"}),
    "B19": lambda wire: wire.call("POST", "jobs/ingest", {}, authorization="Bearer 00D!wrong"),
    "K2": lambda wire: wire.classic(f"/{wire.open_classic('CSV')}/batch", "Name\nx\n", "text/csv"),
    "K6": lambda wire: wire.classic(f"/{wire.open_classic('JSON')}/batch", '[{"Name": "x"}]', "application/json"),
    "K8": lambda wire: wire.classic("/7500000000001", None, "application/xml", token="wrong"),
    "H1": lambda wire: wire.meet("session_not_for_rest"),
    "H3": lambda wire: wire.call("GET", "limits", authorization="Basic dTpw"),
    "H5": lambda wire: wire.meet("concurrent_requests"),
    "H7": lambda wire: wire.meet("api_disabled"),
    "H9": lambda wire: wire.meet("maintenance", "query"),
    "H11": lambda wire: wire.meet("unexpected_error"),
    "H13": lambda wire: wire.call("POST", "sobjects/Account", {"Name": "x"}, version="20.0"),
    "H15": lambda wire: wire.meet("no_content_length"),
}  # fmt: skip
RECIPES |= SIMPLE


@recipe("V3")
def _read_identity(wire: Wire) -> requests.Response:
    address = wire.log_in(**PASSWORD, username="u@example.com").json()["id"]
    return wire.call("GET", address.removeprefix(URL))


@recipe("M2")
def _count_records(wire: Wire) -> requests.Response:
    wire.add("Account", Name="x")
    return wire.call("GET", "limits/recordCount?sObjects=Account,Movie__c")


@recipe("D3")
def _describe_a_field(wire: Wire) -> requests.Response:
    answer = wire.call("GET", "sobjects/Account/describe")
    answer._content = json.dumps(answer.json()["fields"][0]).encode()
    return answer


@recipe("Q1")
def _query(wire: Wire) -> requests.Response:
    wire.add("Account", Name="An account")
    return wire.query("SELECT Name FROM Account")


@recipe("Q3")
def _query_a_parent(wire: Wire) -> requests.Response:
    user = wire.query("SELECT Id FROM User WHERE Username = 'u@example.com'").json()["records"][0]["Id"]
    wire.add("Account", Name="T", OwnerId=user)
    return wire.query("SELECT Name, Owner.Name from Account LIMIT 1")


@recipe("Q7")
def _query_pages(wire: Wire) -> requests.Response:
    wire.control.add_records("Account", [{"Name": "x"}] * 201)
    return wire.query("SELECT Name FROM Account", **{"Sforce-Query-Options": "batchSize=200"})


@recipe("R12")
def _delete_again(wire: Wire) -> requests.Response:
    record = wire.add("Contact", LastName="x")
    assert wire.call("DELETE", f"sobjects/Contact/{record}").status_code == 204
    return wire.call("DELETE", f"sobjects/Contact/{record}")


@recipe("R14")
def _upsert_where_two_match(wire: Wire) -> requests.Response:
    wire.control.add_records("Account", [{"Name": "x", "Ext__c": "V"}] * 2)
    return wire.call("PATCH", "sobjects/Account/Ext__c/V", {"Name": "y"})


@recipe("R23")
def _create_a_duplicate(wire: Wire) -> requests.Response:
    wire.control.switch_rule("Contas", active=True)
    wire.add("Account", Name="x")
    return wire.call("POST", "sobjects/Account", {"Name": "x"})


@recipe("C8")
def _create_all_or_none(wire: Wire) -> requests.Response:
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in ("x", None)]
    return wire.call("POST", "composite/sobjects", {"allOrNone": True, "records": records})


@recipe("B5")
def _close_a_job(wire: Wire) -> requests.Response:
    job = wire.open_job()
    wire.call("PUT", f"jobs/ingest/{job}/batches", data=b"values__c,Name\nk,x\n")
    return wire.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})


@recipe("B7")
def _list_jobs(wire: Wire) -> requests.Response:
    wire.run_job("Name", "x", operation="insert", externalIdFieldName=None)
    return wire.call("GET", "jobs/ingest")


@recipe("B13")
def _spell_a_column_otherwise(wire: Wire) -> requests.Response:
    wire.control.set_bulk(misspelt_columns_are_empty=True)
    return wire.run_job("ext__c", "k", externalIdFieldName="Ext__c", file="failedResults")


@recipe("B21")
def _upload_a_moment_with_a_space(wire: Wire) -> requests.Response:
    return wire.run_job("values__c,Name,Seen__c", "k,x,2024-07-29 22:38:35", file="failedResults")


@recipe("K4")
def _list_batches(wire: Wire) -> requests.Response:
    job = wire.open_classic("CSV")
    wire.classic(f"/{job}/batch", "Name\nx\n", "text/csv")
    return wire.classic(f"/{job}/batch", None, "application/xml")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with InProcessSandbox(load_definition(HERE / "wire_org.yaml"), tmp_path) as sandbox:
        yield Wire(sandbox)


@pytest.mark.parametrize(
    "pair", [pytest.param(each, id=each["id"], marks=pytest.mark.wire(each["id"])) for each in PAIRS]
)
def test_the_sandbox_answers_as_a_real_org(wire: Wire, pair: dict[str, Any]) -> None:
    answer = RECIPES[pair["id"]](wire)
    assert answer.status_code == (pair["status"] or answer.status_code), answer.text
    for name, value in pair.get("headers", {}).items():
        assert _fits(answer.headers[name], value), (name, answer.headers[name])
    if pair.get("counted"):
        assert re.fullmatch(r"api-usage=\d+/\d+", answer.headers["Sforce-Limit-Info"])
    if pair["answer"] is not None:
        compare(answer, pair["answer"], NEWER_KEYS.get(pair["id"], set()))


def compare(answer: requests.Response, recorded: Any, newer: set[str]) -> None:
    if isinstance(recorded, str):
        for line in recorded.splitlines():
            assert re.search(_pattern(line), answer.text, re.DOTALL), (recorded, answer.text)
    elif "xml_elements" in recorded:
        root = etree.fromstring(answer.content)
        found = {etree.QName(each).localname for each in root.iter(etree.Element)}
        assert set(recorded["xml_elements"]) <= found
        assert found - set(recorded["xml_elements"]) <= {"batchInfo", "batchInfoList", "error"}
        if "exceptionCode" in recorded:
            assert root.findtext("{*}exceptionCode") == recorded["exceptionCode"]
    else:
        compare_json(answer.json(), recorded, newer)


def compare_json(found: Any, recorded: Any, newer: set[str], key: str = "") -> None:
    """Compare keys, types and error texts; an empty object or list in a recording was shortened."""
    if isinstance(recorded, dict) and recorded:
        assert set(found) - newer == set(recorded) - newer or set(recorded) <= {"state", "errorMessage"}, key
        for name, value in recorded.items():
            compare_json(found[name], value, newer, name)
    elif isinstance(recorded, list) and recorded:
        assert isinstance(found, list)
        assert found
        for one, value in zip(found, recorded, strict=False):
            compare_json(one, value, newer, key)
    else:
        assert _kind(found) == _kind(recorded), (key, found, recorded)
        if key in {"message", "errorCode", "error", "error_description", "statusCode", "errorMessage", "token_type"}:
            assert _fits(found, recorded), (found, recorded)


def _kind(value: Any) -> str:
    return "number" if type(value) in {int, float} else type(value).__name__


def _fits(found: str, recorded: str) -> bool:
    """Return whether a text has the form of a recorded one."""
    return re.fullmatch(_pattern(recorded), found, re.DOTALL) is not None


def _pattern(recorded: str) -> str:
    """Return the pattern of a recorded text, in which "…" stands for anything."""
    pattern = re.sub(r"(\\ )?…(\\ )?", ".+", re.escape(recorded))
    return re.sub(r"column:\d+", r"column:\\d+", pattern)


def test_every_recorded_answer_has_its_recipe() -> None:
    assert {pair["id"] for pair in PAIRS} == set(RECIPES)
