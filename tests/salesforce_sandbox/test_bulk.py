"""Bulk API 2.0, as docs/sandbox-checks.md lists it."""

from __future__ import annotations

import csv
import io
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from rest import Rest
from salesforce_sandbox.api import bulk_routes
from salesforce_sandbox.control import Control
from salesforce_sandbox.in_process import URL, InProcessSandbox

INGEST = "jobs/ingest"
FINISHED = {"JobComplete", "Failed", "Aborted"}
HEADER = ["Ext__c", "Name"]


def create(rest: Rest, **more: Any) -> dict[str, Any]:
    asked = {"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c", "contentType": "CSV"} | more
    answer = rest.call("POST", INGEST, {name: value for name, value in asked.items() if value is not None})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def put(rest: Rest, job: str, content: str | bytes) -> Any:
    body = content if isinstance(content, bytes) else content.encode()
    return rest.session.put(
        f"{rest.url}/{INGEST}/{job}/batches", data=body, headers={"Content-Type": "text/csv"}, timeout=30
    )


def finish(rest: Rest, job: str) -> dict[str, Any]:
    assert rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"}).status_code == 200
    return wait(rest, job, FINISHED)


def wait(rest: Rest, job: str, states: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        detail = dict(rest.call("GET", f"{INGEST}/{job}").json())
        if detail["state"] in states:
            return detail
        time.sleep(0.01)
    raise AssertionError(f"the job is still {detail['state']}")


def run(rest: Rest, content: str | bytes, **more: Any) -> dict[str, Any]:
    job = create(rest, **more)["id"]
    assert put(rest, job, content).status_code == 201
    return finish(rest, job)


def text_of(rest: Rest, job: str, file: str) -> str:
    answer = rest.call("GET", f"{INGEST}/{job}/{file}")
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def rows_of(rest: Rest, job: str, file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(rest, job, file))))


def accounts(count: int, first: int = 0, name: str = "n") -> str:
    return "Ext__c,Name\n" + "".join(f"K{n},{name}{n}\n" for n in range(first, first + count))


def test_check_38_a_created_job_is_open_and_names_where_to_upload(rest: Rest) -> None:
    job = create(rest)
    assert job["state"] == "Open"
    assert job["contentUrl"] == f"services/data/v59.0/jobs/ingest/{job['id']}/batches"
    assert repr(job["apiVersion"]) == "59.0"
    assert job["id"].startswith("750")
    assert len(job["id"]) == 18
    assert "jobType" not in job
    opened = rest.call("GET", f"{INGEST}/{job['id']}").json()
    assert (opened["jobType"], opened["contentUrl"]) == ("V2Ingest", job["contentUrl"])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"externalIdFieldName": None}, "INVALIDJOB"),
        ({"externalIdFieldName": "Name"}, "INVALIDJOB"),
        ({"object": "Nothing"}, "INVALIDJOB"),
        ({"operation": "merge"}, "API_ERROR"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"columnDelimiter": "COLON"}, "INVALIDJOB"),
        ({"contentType": "XML"}, "INVALIDJOB"),
    ],
)
def test_check_39_a_wrong_job_is_rejected(rest: Rest, wrong: dict[str, Any], code: str) -> None:
    asked = {"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c"} | wrong
    answer = rest.call("POST", INGEST, asked)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code


def test_checks_40_to_42_data_is_taken_once_and_looked_at_when_the_job_is_closed(rest: Rest, sandbox: Control) -> None:
    job = create(rest)["id"]
    first = put(rest, job, "not,a,header\n1,2,3\n")
    assert (first.status_code, first.content) == (201, b"")
    assert rest.call("GET", f"{INGEST}/{job}").json()["state"] == "Open"
    assert sandbox.records("Account") == []
    closed = rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
    assert closed.status_code == 200
    assert not {"contentUrl", "lineEnding", "columnDelimiter", "jobType"} & set(closed.json())


def test_a_job_cannot_be_closed_without_data_nor_twice(rest: Rest) -> None:
    job = create(rest)["id"]
    assert rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"}).status_code == 400
    put(rest, job, accounts(1))
    finish(rest, job)
    again = rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_check_43_a_job_passes_every_state_with_growing_counters(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(delay_seconds=0.3, batch_delay_seconds=0.2, batch_rows=10)
    job = create(rest)["id"]
    put(rest, job, accounts(30))
    rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
    seen: list[tuple[str, int]] = []
    while not seen or seen[-1][0] not in FINISHED:
        detail = rest.call("GET", f"{INGEST}/{job}").json()
        step = (detail["state"], detail.get("numberRecordsProcessed", 0))
        seen += [step] if not seen or seen[-1] != step else []
        time.sleep(0.01)
    assert [step[0] for step in seen if step[1] == 0][:2] == ["UploadComplete", "InProgress"]
    assert ("InProgress", 10) in seen
    assert ("InProgress", 20) in seen
    assert seen[-1] == ("JobComplete", 30)


def test_check_44_a_job_of_several_parts_needs_no_upload(rest: Rest) -> None:
    parts = {
        "job": (None, '{"object":"Account","operation":"insert","contentType":"CSV"}', "application/json"),
        "content": ("content", "Name\nof parts\n", "text/csv"),
    }
    answer = rest.session.post(f"{rest.url}/{INGEST}", files=parts, timeout=10)
    assert answer.json()["state"] == "UploadComplete"
    assert "contentUrl" not in answer.json()
    long = parts | {"content": ("content", "Name\n" + "x" * 100_000, "text/csv")}
    rejected = rest.session.post(f"{rest.url}/{INGEST}", files=long, timeout=10)
    assert (rejected.status_code, rejected.json()[0]["errorCode"]) == (400, "CLIENTINPUTERROR")
    done = wait(rest, answer.json()["id"], FINISHED)
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)


def test_checks_45_and_46_rejected_rows_still_complete_the_job(rest: Rest) -> None:
    done = run(rest, "Ext__c,Name\nA,fine\nB,bad\nC,\n")
    assert done["state"] == "JobComplete"
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"], done["retries"]) == (3, 2, 0)
    assert {"totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"} <= set(done)
    assert "contentUrl" not in done


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("Ext__c,Nope__c\nA,1\n", {}, "InvalidBatch : Field name not found : Nope__c"),
        ("Ext__c,Secret__c\nA,1\n", {}, "InvalidBatch : Field name not found : Secret__c"),
        ("Ext__c,Name\nA,x,DATA\n", {}, "InvalidBatch : Field name not found : A"),
        (
            "Ext__c,Name\r\nA,x\r\n", {},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            "Ext__c,Name\nA,x\n", {"lineEnding": "CRLF"},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF",
        ),
        (
            b'\xef\xbb\xbf"Ext__c","Name"\n"A","x"\n', {},
            "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote",
        ),
    ],
)  # fmt: skip
def test_checks_46_and_47_a_structural_error_fails_the_job_with_nothing_written(
    rest: Rest, sandbox: Control, content: str, more: dict[str, Any], message: str
) -> None:
    done = run(rest, content, **more)
    assert (done["state"], done["errorMessage"]) == ("Failed", message)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (0, 0)
    assert sandbox.records("Account") == []
    for file in ("successfulResults", "failedResults"):
        assert rows_of(rest, done["id"], file) == []
    left = text_of(rest, done["id"], "unprocessedrecords").splitlines()
    uploaded = (content if isinstance(content, bytes) else content.encode()).decode().splitlines()
    assert left[0] == uploaded[0]
    assert len(left) == 2, "the row is unprocessed (check 55)"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Account:Parent.Ext__c", "type is not needed for non polymorphic foreign key references: Parent"),
        ("Parent:Account.Ext__c", "Unable to find relationship: Account"),
        ("Account:Parent:Ext__c", "Field name not found : Account:Parent:Ext__c"),
        ("Nope", "Field name not found : Nope"),
    ],
)
def test_check_48_relationship_headers_that_are_wrong(rest: Rest, header: str, message: str) -> None:
    done = run(rest, f"Ext__c,Name,{header}\nA,x,P\n")
    assert (done["state"], done["errorMessage"]) == ("Failed", f"InvalidBatch : {message}")


def test_check_48_relationship_headers_that_work(rest: Rest, sandbox: Control) -> None:
    [parent] = sandbox.add_records("Account", [account := {"Ext__c": "P", "Name": "parent"}])
    assert account
    done = run(rest, "Ext__c,Name,Parent.Ext__c\nA,child,P\nB,child,none\nC,child,\n")
    assert done["numberRecordsFailed"] == 1
    assert rows_of(rest, done["id"], "failedResults")[0]["sf__Error"] == (
        "INVALID_FIELD:Foreign key external ID: none not found for field Ext__c in entity Account:--"
    )
    children = {each["fields"]["Ext__c"]: each["fields"].get("ParentId") for each in sandbox.records("Account")}
    assert (children["A"], children["C"]) == (parent, None)
    task = run(rest, "Ext__c,Account:Who.Ext__c\nT,P\n", object="Task")
    assert (task["state"], task["numberRecordsFailed"]) == ("JobComplete", 0)
    assert sandbox.records("Task")[0]["fields"]["WhoId"] == parent
    untyped = run(rest, "Ext__c,Who.Ext__c\nT,P\n", object="Task")
    assert (untyped["state"], untyped["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Who.Ext__c")


def test_a_parent_of_the_same_file_is_not_found_until_the_next_job(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(batch_rows=2)
    rows = "P,parent,\nA,same chunk,P\nQ,parent,\nB,next batch,P\n"
    first = run(rest, f"Ext__c,Name,Parent.Ext__c\n{rows}")
    failed = {row["Ext__c"]: row["sf__Error"] for row in rows_of(rest, first["id"], "failedResults")}
    detail = "INVALID_FIELD:Foreign key external ID: P not found for field Ext__c in entity Account:--"
    assert failed == {"A": detail, "B": detail}
    second = run(rest, f"Ext__c,Name,Parent.Ext__c\n{rows}")
    assert second["numberRecordsFailed"] == 0
    [parent] = [each["id"] for each in sandbox.records("Account") if each["fields"]["Ext__c"] == "P"]
    assert sandbox.values("Account", "B", "ParentId") == [parent]


def test_check_49_an_empty_cell_keeps_and_na_clears(rest: Rest, sandbox: Control) -> None:
    run(rest, "Ext__c,Name,Plain__c,Kind__c\nA,x,text,A\n")
    run(rest, "Ext__c,Name,Plain__c,Kind__c\nA,,#N/A,B\n")
    [stored] = sandbox.records("Account")
    assert (stored["fields"]["Name"], stored["fields"]["Plain__c"], stored["fields"]["Kind__c"]) == ("x", None, "B")


def test_checks_50_and_53_result_files_have_salesforces_form(rest: Rest, sandbox: Control) -> None:
    done = run(rest, 'Ext__c,Name\nA,"fine, ""really"""\nB,bad\nB2,\n')
    [stored] = sandbox.records("Account")
    assert text_of(rest, done["id"], "successfulResults") == (
        f'"sf__Id","sf__Created",Ext__c,Name\n"{stored["id"]}","true","A","fine, ""really"""\n'
    )
    assert text_of(rest, done["id"], "failedResults").splitlines()[0] == '"sf__Id","sf__Error",Ext__c,Name'
    errors = {row["Ext__c"]: row["sf__Error"] for row in rows_of(rest, done["id"], "failedResults")}
    assert errors["B"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION:This name is not welcome:Name --"
    assert errors["B2"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert text_of(rest, done["id"], "unprocessedrecords") == "Ext__c,Name\n"


@pytest.mark.parametrize(
    ("name", "sign"),
    [("COMMA", ","), ("SEMICOLON", ";"), ("PIPE", "|"), ("TAB", "\t"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
@pytest.mark.parametrize(("ending", "end"), [("LF", "\n"), ("CRLF", "\r\n")])
def test_check_50_delimiter_and_line_ending_follow_the_job(
    rest: Rest, sandbox: Control, name: str, sign: str, ending: str, end: str
) -> None:
    content = f'"Ext__c"{sign}Name{end}A{sign}"x{sign}y"{end}B{sign}bad{end}'
    done = run(rest, content, columnDelimiter=name, lineEnding=ending)
    [stored] = sandbox.records("Account")
    assert stored["fields"]["Name"] == f"x{sign}y"
    good = text_of(rest, done["id"], "successfulResults").split(end)
    assert good[0] == f'"sf__Id"{sign}"sf__Created"{sign}"Ext__c"{sign}Name'
    assert good[1:] == [f'"{stored["id"]}"{sign}"true"{sign}"A"{sign}"x{sign}y"', ""]
    failed = text_of(rest, done["id"], "failedResults").split(end)
    assert failed[0] == f'"sf__Id"{sign}"sf__Error"{sign}"Ext__c"{sign}Name'
    assert failed[1].endswith(f'{sign}"B"{sign}"bad"')


def test_check_51_results_come_in_another_order(rest: Rest) -> None:
    done = run(rest, accounts(300))
    order = [row["Ext__c"] for row in rows_of(rest, done["id"], "successfulResults")]
    assert sorted(order) == sorted(f"K{n}" for n in range(300))
    assert order != [f"K{n}" for n in range(300)]


@pytest.mark.parametrize(
    ("sent", "returned"),
    [("912260031", "9.12260031E8"), ("1.5", "1.5"), ("1001", "1001.0"), ("10000000", "1.0E7"), ("0.0001", "1.0E-4"),
     ("-12345678.9", "-1.23456789E7"), ("0", "0.0"), ("", "")],
)  # fmt: skip
def test_check_52_numbers_come_back_as_java_writes_them(rest: Rest, sent: str, returned: str) -> None:
    done = run(rest, f"Ext__c,Name,Amount__c\nA,x,{sent}\n")
    assert rows_of(rest, done["id"], "successfulResults")[0]["Amount__c"] == returned


def test_check_54_results_are_utf8_without_saying_so(rest: Rest) -> None:
    done = run(rest, "Ext__c,Name\nA,Zoë 東京 🚀\n")
    answer = rest.call("GET", f"{INGEST}/{done['id']}/successfulResults/")
    assert answer.headers["Content-Type"] == "text/csv"
    assert "Zoë 東京 🚀" in answer.content.decode("utf-8")


def test_a_cell_of_a_wrong_type_is_a_row_error(rest: Rest) -> None:
    done = run(rest, "Ext__c,Name,Since__c\nA,x,yesterday\n")
    [row] = rows_of(rest, done["id"], "failedResults")
    detail = "Failed to deserialize field at col 2. Due to, 'yesterday' is not a valid value for the type xsd:date"
    assert row["sf__Error"] == f"INVALID_FIELD:{detail}:Since__c --"


def test_checks_55_and_56_an_aborted_job_keeps_what_is_done_and_lists_the_rest(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(batch_delay_seconds=0.3, batch_rows=20)
    job = create(rest)["id"]
    put(rest, job, accounts(100))
    rest.call("PATCH", f"{INGEST}/{job}", {"state": "UploadComplete"})
    while rest.call("GET", f"{INGEST}/{job}").json().get("numberRecordsProcessed", 0) < 20:
        time.sleep(0.01)
    assert rest.call("PATCH", f"{INGEST}/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
    done = {row["Ext__c"] for row in rows_of(rest, job, "successfulResults")}
    left = {row["Ext__c"] for row in rows_of(rest, job, "unprocessedRECORDS")}
    assert 20 <= len(done) < 100
    assert done | left == {f"K{n}" for n in range(100)}
    assert not done & left
    assert len(sandbox.records("Account")) == len(done)


def test_check_55_a_failed_job_accounts_for_every_row(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(batch_rows=10)
    sandbox.add_job_fault(object="Account", fail="InternalServerError : gone", fail_after_batches=2)
    done = run(rest, accounts(50))
    assert (done["state"], done["numberRecordsProcessed"]) == ("Failed", 20)
    assert len(rows_of(rest, done["id"], "successfulResults")) == 20
    assert len(rows_of(rest, done["id"], "unprocessedrecords")) == 30


def test_check_57_finished_jobs_cannot_be_aborted_but_deleted(rest: Rest) -> None:
    done = run(rest, accounts(1))
    late = rest.call("PATCH", f"{INGEST}/{done['id']}", {"state": "Aborted"})
    assert late.status_code == 400
    assert late.json() == [
        {"message": "Aborting already Completed Job not allowed", "errorCode": "INVALIDJOBSTATE"}
    ]  # fmt: skip
    assert rest.call("DELETE", f"{INGEST}/{done['id']}").status_code == 204
    gone = rest.call("GET", f"{INGEST}/{done['id']}")
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_open_job_is_not_deleted_and_has_no_results(rest: Rest) -> None:
    job = create(rest)["id"]
    assert rest.call("DELETE", f"{INGEST}/{job}").status_code == 400
    assert rest.call("GET", f"{INGEST}/{job}/successfulResults").status_code == 400


def test_check_58_copies_in_one_chunk_fail_and_in_two_the_last_one_wins(rest: Rest, sandbox: Control) -> None:
    near = run(rest, "Ext__c,Name\nA,one\nA,two\n")
    assert near["numberRecordsFailed"] == 2
    assert rows_of(rest, near["id"], "failedResults")[0]["sf__Error"] == (
        "DUPLICATE_VALUE:Duplicate external id specified: A:Ext__c --"
    )
    far = run(rest, accounts(200) + "K0,the last\n")
    assert far["numberRecordsFailed"] == 0
    assert [write["fields"]["Name"] for write in sandbox.history("Account", "K0")] == ["n0", "the last"]


def test_check_58_a_job_is_worked_off_in_batches_of_10_000(rest: Rest) -> None:
    before = rest.call("GET", "limits").json()["DailyBulkApiBatches"]["Remaining"]
    done = run(rest, accounts(10_001))
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (10_001, 0)
    assert rest.call("GET", "limits").json()["DailyBulkApiBatches"]["Remaining"] == before - 2


def test_check_58_rules_count_the_rows_of_a_chunk_of_200(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("slow_trigger", active=True)
    sandbox.add_records("Account", [{"Name": key, "Ext__c": key} for key in ("P", "Q")])
    of_p = {0, 1, 2, 3, 198, 199, 200, 201}
    rows = [f"C{n},x,{'P' if n in of_p else 'none'}" for n in range(202)] + [f"D{n},x,Q" for n in range(3)]
    done = run(rest, "\n".join(["Ext__c,LastName,Account.Ext__c", *rows, ""]), object="Contact")
    errors = {row["Ext__c"]: row["sf__Error"] for row in rows_of(rest, done["id"], "failedResults")}
    slow = {key for key, error in errors.items() if "Apex CPU time limit exceeded" in error and int(key[1:]) in of_p}
    assert slow == {"C0", "C1", "C2", "C3", "C198", "C199"}, "six of P in the first chunk, two in the second"
    assert not {"C200", "C201", "D0", "D1", "D2"} & set(errors)


def test_check_59_locked_rows_pass_when_they_are_sent_again(rest: Rest) -> None:
    tries = [run(rest, "Ext__c,Name\nA,locked\n")["numberRecordsFailed"] for _ in range(3)]
    assert tries == [1, 1, 0]


def test_check_60_batches_are_charged_and_run_out(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(batch_rows=10)
    before = rest.call("GET", "limits").json()["DailyBulkApiBatches"]["Remaining"]
    run(rest, accounts(25))
    assert rest.call("GET", "limits").json()["DailyBulkApiBatches"]["Remaining"] == before - 3
    sandbox.set_limit("DailyBulkApiBatches", most=10, used=9)
    done = run(rest, accounts(25))
    assert done["state"] == "Failed"
    assert done["errorMessage"].startswith("ExceededQuota")
    assert len(rows_of(rest, done["id"], "unprocessedrecords")) == 15
    asked = {"object": "Account", "operation": "insert"}
    assert rest.call("POST", INGEST, asked).json()[0]["errorCode"] == "EXCEEDEDQUOTA"


def test_check_61_the_list_of_jobs_pages_and_shows_both_apis(rest: Rest) -> None:
    jobs = {create(rest)["id"] for _ in range(3)}
    asked = {"object": "Account", "operation": "insert", "contentType": "JSON"}
    classic = rest.session.post(
        rest.url.replace("/services/data/v59.0", "/services/async/59.0/job"), json=asked, timeout=10,
        headers={"X-SFDC-Session": str(rest.session.headers["Authorization"]).removeprefix("Bearer ")},
    ).json()["id"]  # fmt: skip
    listed = rest.call("GET", INGEST).json()
    assert listed["done"] is True
    assert {job["id"] for job in listed["records"]} == jobs | {classic}
    only = rest.call("GET", f"{INGEST}?jobType=Classic").json()["records"]
    assert [(job["id"], job["jobType"]) for job in only] == [(classic, "Classic")]
    page = rest.call("GET", f"{INGEST}?jobType=V2Ingest&queryLocator=2").json()
    assert len(page["records"]) == 1


def test_check_61_a_long_list_of_jobs_is_read_page_by_page(
    serve: Callable[..., InProcessSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_routes, "PAGE", 2)
    served = serve()
    form = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    token = served.session.post(f"{URL}/services/oauth2/token", data=form).json()["access_token"]
    rest = Rest(URL, token, served.session)
    made = [create(rest)["id"] for _ in range(5)]
    listed: list[str] = []
    path: str | None = f"/services/data/v59.0/{INGEST}?jobType=V2Ingest"
    while path:
        page = rest.session.get(URL + path).json()
        listed += [job["id"] for job in page["records"]]
        assert len(page["records"]) <= 2
        assert page["done"] is (page["nextRecordsUrl"] is None)
        path = page["nextRecordsUrl"]
    assert listed == made


def test_check_62_more_than_100_mb_is_rejected(rest: Rest, sandbox: Control) -> None:
    job = create(rest)["id"]
    answer = put(rest, job, b"Ext__c,Name\n" + b"x" * 104_857_600)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "CLIENTINPUTERROR")
    assert rest.call("GET", f"{INGEST}/{job}").json()["state"] == "Open"
    assert put(rest, job, accounts(1)).status_code == 201


def test_an_unknown_job_is_not_found(rest: Rest) -> None:
    answer = rest.call("GET", f"{INGEST}/750000000000zzz")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_update_and_delete_go_by_id(rest: Rest, sandbox: Control) -> None:
    [one, two] = sandbox.add_records("Account", [{"Name": "one", "Ext__c": "1"}, {"Name": "two", "Ext__c": "2"}])
    done = run(rest, f"Id,Name\n{one},changed\n,nothing\n", operation="update", externalIdFieldName=None)
    assert done["numberRecordsFailed"] == 1
    gone = run(rest, f"Id\n{two}\n{two}\n", operation="delete", externalIdFieldName=None)
    assert gone["numberRecordsFailed"] == 1
    assert rows_of(rest, gone["id"], "failedResults")[0]["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    stored = {each["id"]: (each["fields"]["Name"], each["deleted"]) for each in sandbox.records("Account")}
    assert stored == {one: ("changed", False), two: ("two", True)}


def test_results_can_be_cut_short(rest: Rest, sandbox: Control) -> None:
    sandbox.add_job_fault(lose_rows=2)
    done = run(rest, accounts(10))
    assert len(rows_of(rest, done["id"], "successfulResults")) == 8
    sandbox.add_job_fault(cut_results=True)
    cut = run(rest, accounts(10))
    assert not text_of(rest, cut["id"], "successfulResults").endswith("\n")


def test_a_cut_upload_leaves_no_data(rest: Rest, sandbox: Control) -> None:
    job = create(rest)["id"]
    sandbox.add_fault(match={"method": "PUT", "path_regex": "batches"}, cut="before")
    with pytest.raises(Exception, match=r"Connection|aborted|Broken|reset"):
        put(rest, job, accounts(10))
    assert put(rest, job, accounts(1)).status_code == 201


@pytest.mark.parametrize("ended", ["aborted", "reset"])
def test_an_upload_that_is_broken_off_leaves_nothing(rest: Rest, sandbox: Control, ended: str) -> None:
    job = create(rest)["id"]
    address = urlsplit(rest.url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=10) as connection:
        head = f"PUT {address.path}/{INGEST}/{job}/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        head += f"Authorization: {rest.session.headers['Authorization']!s}\r\nContent-Type: text/csv\r\n\r\n"
        connection.sendall(f"{head}Ext__c,Name\nA,half of".encode())
        while not any(each["method"] == "PUT" for each in sandbox.requests()):
            time.sleep(0.01)
    if ended == "aborted":
        assert rest.call("PATCH", f"{INGEST}/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
        assert rest.call("DELETE", f"{INGEST}/{job}").status_code == 204
    sandbox.reset()
    assert rest.call("GET", f"{INGEST}/{job}").status_code == 404
