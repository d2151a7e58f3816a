"""How fast the sandbox is: a million rows of twenty columns through Bulk 2.0, and Collections (200 records a call)."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.measuring import WrongResultError, peak_megabytes, processor_seconds
from benchmarks.rows import COLUMNS, make_line, make_row
from salesforce_sandbox.process import RunningSandbox, start_sandbox

ORG = Path(__file__).with_name("org.yaml")
JOB_BYTES = 99_000_000
HEADER = ",".join(COLUMNS) + "\n"


def measure_sandbox(rows: int, records: int) -> list[dict[str, Any]]:
    """Measure both ways and return their figures; raises WrongResultError when the org lacks a row."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("TMPDIR")) as folder:
        uploads = _write_uploads(Path(folder), rows)
        with start_sandbox(ORG, Path(folder) / "org") as running:
            session = _log_in(running)
            bulk = _measure(running, "Bulk 2.0", rows, lambda: _send_bulk(running, session, uploads))
            _check_count(running, rows)
            running.control.reset()
            session = _log_in(running)
            small = _measure(running, "Collections", records, lambda: _send_collections(running, session, records))
            _check_count(running, records)
    return [bulk, small]


def _check_count(running: RunningSandbox, rows: int) -> None:
    found = running.control.overview()["records"]["Row__c"]
    if found != rows:
        raise WrongResultError(f"{found} records are in the org, {rows} were sent")


def _measure(running: RunningSandbox, way: str, rows: int, send: Any) -> dict[str, Any]:
    pid = running.process.pid
    cpu, started = processor_seconds(pid), time.monotonic()
    send()
    seconds = time.monotonic() - started
    return {
        "way": way,
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": round(processor_seconds(pid) - cpu, 1),
        "peak_mb": round(peak_megabytes(pid)),
    }


def _write_uploads(folder: Path, rows: int) -> list[Path]:
    files: list[Path] = []
    size = JOB_BYTES
    for number in range(rows):
        line = make_line(number)
        if size + len(line) > JOB_BYTES:
            files.append(folder / f"{len(files)}.csv")
            out = files[-1].open("w")
            size = out.write(HEADER)
        size += out.write(line)
    out.close()
    return files


def _log_in(running: RunningSandbox) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    grant = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    token = session.post(f"{running.http_url}/services/oauth2/token", data=grant, timeout=30).json()["access_token"]
    session.headers.update({"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
    return session


def _send_bulk(running: RunningSandbox, session: requests.Session, uploads: list[Path]) -> None:
    base = f"{running.http_url}/services/data/v59.0/jobs/ingest"
    asked = {"object": "Row__c", "operation": "upsert", "externalIdFieldName": "Key__c", "lineEnding": "LF"}
    jobs = []
    for upload in uploads:
        job = session.post(base, json=asked, timeout=60).json()["id"]
        with upload.open("rb") as content:
            session.put(f"{base}/{job}/batches", data=content, timeout=600).raise_for_status()
        session.patch(f"{base}/{job}", json={"state": "UploadComplete"}, timeout=60).raise_for_status()
        jobs.append(job)
    for job in jobs:
        while (state := session.get(f"{base}/{job}", timeout=60).json())["state"] in {"UploadComplete", "InProgress"}:
            time.sleep(0.2)
        if state["state"] != "JobComplete" or state["numberRecordsFailed"]:
            raise WrongResultError(f"job {job}: {state}")
        _read_results(session, f"{base}/{job}/successfulResults", state["numberRecordsProcessed"])


def _read_results(session: requests.Session, url: str, rows: int) -> None:
    lines = 0
    with session.get(url, stream=True, timeout=600) as answer:
        answer.raise_for_status()
        for block in answer.iter_content(1 << 20):
            lines += block.count(b"\n")
    if lines != rows + 1:
        raise WrongResultError(f"{url} has {lines} lines for {rows} rows")


def _send_collections(running: RunningSandbox, session: requests.Session, records: int) -> None:
    url = f"{running.http_url}/services/data/v59.0/composite/sobjects/Row__c/Key__c"
    for first in range(0, records, 200):
        batch = [_record(number) for number in range(first, first + 200)]
        results = session.patch(url, json={"allOrNone": False, "records": batch}, timeout=60).json()
        if not all(result["success"] for result in results):
            raise WrongResultError(f"records from {first} on: {results}")


def _record(number: int) -> dict[str, Any]:
    return {"attributes": {"type": "Row__c"}} | dict(zip(COLUMNS, make_row(number), strict=True))
