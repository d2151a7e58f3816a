"""The Bulk jobs of the small Salesforce have the same states and results as the sandbox's."""

from __future__ import annotations

import csv
import io
import operator
import random
import time
from typing import Any

import pytest

from histories.job_model import OVER, JobModel
from histories.org_model import OrgModel, Status
from rest import Rest

_BAD = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "This name is not welcome", "fields": ["Name"]}
_JOB = {"object": "Account", "operation": "upsert", "externalIdFieldName": "Ext__c", "contentType": "CSV",
        "lineEnding": "LF"}  # fmt: skip
_CSV = 'Ext__c,Name\n"x1","good"\n"x2","bad"\n"x3","fine"\n'


def _judge(body: str) -> Status | None:
    return _BAD if body == "bad" else None


class Both:
    """A job of the model and one of the sandbox, which get the same calls."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.org = OrgModel(_judge)
        self.model = self.org.jobs = JobModel(self.org, random.Random(1))
        self.ours = self.model.handle("POST", "", dict(_JOB))[1]["id"]
        self.theirs = rest.call("POST", "jobs/ingest", _JOB).json()["id"]

    def upload(self, text: str) -> tuple[int, int]:
        """Upload rows and return both statuses."""
        ours, _ = self.model.handle("PUT", f"{self.ours}/batches", text)
        url, headers = f"{self.rest.url}/jobs/ingest/{self.theirs}/batches", {"Content-Type": "text/csv"}
        return ours, self.rest.session.put(url, text.encode(), headers=headers, timeout=10).status_code

    def change(self, state: str) -> tuple[tuple[int, Any], tuple[int, Any]]:
        """Close or abort and return both statuses with the state or the error code."""
        status, body = self.model.handle("PATCH", self.ours, {"state": state})
        answer = self.rest.call("PATCH", f"jobs/ingest/{self.theirs}", {"state": state})
        return (status, _outline(body)), (answer.status_code, _outline(answer.json()))

    def finish(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let both process the job and return their reports."""
        self.model.progress(self.model.jobs[self.ours], 99)
        body: dict[str, Any] = {}
        for _ in range(200):
            body = self.rest.call("GET", f"jobs/ingest/{self.theirs}").json()
            if body["state"] in OVER:
                break
            time.sleep(0.05)
        return self.model.handle("GET", self.ours, None)[1], body

    def results(self, file: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Return the rows of a result file, without ids, in one order."""
        ours = self.model.handle("GET", f"{self.ours}/{file}", None)[1]
        return _read(ours), _read(self.rest.call("GET", f"jobs/ingest/{self.theirs}/{file}").text)


@pytest.fixture
def both(rest: Rest) -> Both:
    """Return a new job of each."""
    return Both(rest)


def test_a_job_is_worked_off_with_the_same_answers(both: Both) -> None:
    assert both.upload(_CSV) == (201, 201)
    ours, theirs = both.change("UploadComplete")
    assert ours == theirs
    body, real = both.finish()
    for name in ("state", "numberRecordsProcessed", "numberRecordsFailed", "object", "operation"):
        assert body[name] == real[name]
    for file in ("failedResults", "successfulResults", "unprocessedrecords"):
        ours_read, theirs_read = both.results(file)
        assert ours_read == theirs_read


def test_what_the_state_of_a_job_does_not_allow_is_rejected_alike(both: Both) -> None:
    both.upload(_CSV)
    both.change("UploadComplete")
    ours_again, theirs_again = both.change("UploadComplete")
    assert ours_again == theirs_again
    both.finish()
    for state in ("UploadComplete", "Aborted"):
        ours_late, theirs_late = both.change(state)
        assert ours_late == theirs_late


def test_an_open_job_is_aborted_and_takes_no_rows_any_more(both: Both) -> None:
    ours, theirs = both.change("Aborted")
    assert ours == theirs == (200, "Aborted")
    ours_upload, theirs_upload = both.upload(_CSV)
    assert ours_upload == theirs_upload == 400


def _outline(body: Any) -> Any:
    return body["state"] if isinstance(body, dict) else body[0]["errorCode"]


def _read(text: str) -> list[dict[str, str]]:
    rows = [{**row, "sf__Id": ""} for row in csv.DictReader(io.StringIO(text, newline=""))]
    return sorted(rows, key=operator.itemgetter("Ext__c"))


def test_a_second_upload_is_taken_and_the_job_cannot_be_completed(both: Both) -> None:
    both.upload(_CSV)
    assert both.upload(_CSV) == (201, 201)
    ours, theirs = both.change("UploadComplete")
    assert ours == theirs
    assert ours[0] == 400
