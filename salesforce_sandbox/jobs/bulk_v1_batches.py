"""Processing a batch of Bulk API v1, and its results in the order of the request."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from salesforce_sandbox.jobs.bulk_batches import CHUNK, write_error
from salesforce_sandbox.jobs.bulk_csv import JobFailed, check_upload, open_rows
from salesforce_sandbox.jobs.bulk_jobs import Job, JobRequest
from salesforce_sandbox.jobs.bulk_v1_jobs import Batch, BatchState, ClassicRejected
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.field_values import WrongType
from salesforce_sandbox.records.own_records import OwnRecords
from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.saving import Result, save_chunk
from salesforce_sandbox.records.schema import ObjectSchema
from salesforce_sandbox.records.storage import Storage
from salesforce_sandbox.records.writing import Writer

ROWS, CHARACTERS = 10_000, 10_000_000
Records = Sequence[Mapping[str, Any]]


def read_records(batch: Batch, body: bytes) -> Records | None:
    """Return the records of a JSON batch, None for CSV; raises ClassicRejected for any other content."""
    if len(body) > CHARACTERS:
        raise ClassicRejected("ClientInputError", f"Failed to read batch: more than {CHARACTERS:,} characters")
    if batch.job.content_type != "JSON":
        if not body.strip():
            raise ClassicRejected("ClientInputError", "Unable to find any data to create batch")
        return None
    try:
        records = json.loads(body)
    except ValueError:
        records = None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ClassicRejected("InvalidBatch", "Failed to parse request as a list of records")
    if len(records) > ROWS:
        raise ClassicRejected("InvalidBatch", f"Batch has more than {ROWS:,} records")
    return records


def work_off_batch(org: Org, batch: Batch, records: Records | None) -> None:
    """Process a batch in this thread until it is completed or failed."""
    batch.state = BatchState.IN_PROGRESS
    storage = Storage(org.storage.path)
    try:
        writer = org.writer(batch.by, storage)
        writer.reject_type = _reject_type
        prefixes = [definition.prefix for definition in org.definition.objects.values()]
        writer.options = replace(writer.options, assign_owner=False)
        writer.finder.own_records = OwnRecords(storage, prefixes, batch.by.n)
        entity = writer.schema.object(batch.job.object)
        found = _read_csv(batch, writer) if records is None else _check_fields(records, entity)
        for start in range(0, len(found), CHUNK):
            batch.results += _save(writer, entity, batch, found[start : start + CHUNK])
        batch.failed = sum(isinstance(result, RecordRejected) for result in batch.results)
        batch.state = BatchState.COMPLETED
    except JobFailed as failed:
        batch.message, batch.state = str(failed), BatchState.FAILED
    finally:
        storage.close()


def _save(writer: Writer, entity: ObjectSchema, batch: Batch, records: Records) -> list[Result]:
    key = batch.job.external_id_field if batch.job.operation == "upsert" and batch.job.external_id_field else "Id"
    with writer.chunk.transaction():
        return save_chunk(writer, entity, batch.job.operation, entity.field(key)[0], records)


def _check_fields(records: Records, entity: ObjectSchema) -> Records:
    for name in dict.fromkeys(itertools.chain.from_iterable(records)):
        known = name == "attributes" or name.lower() in entity.fields or entity.relation(name)
        if not known:
            raise JobFailed(f"InvalidBatch : Field name not found : {name}")
    return records


def _read_csv(batch: Batch, writer: Writer) -> Records:
    job = batch.job
    text = batch.sent.read_bytes()
    ending = "CRLF" if text.partition(b"\n")[0].endswith(b"\r") else "LF"
    asked = JobRequest(job.object, job.operation, job.external_id_field, "COMMA", ending, job.version)
    upload = Job(asked, batch.folder / batch.id, batch.id)
    upload.folder.mkdir(parents=True, exist_ok=True)
    upload.upload.write_bytes(text)
    table, rows = check_upload(upload, writer.schema)
    if rows > ROWS:
        raise JobFailed(f"InvalidBatch : Batch has more than {ROWS:,} records")
    with open_rows(upload) as lines:
        return table.make_records(row for row in itertools.islice(lines, 1, None) if row)


def _reject_type(name: str, wrong: WrongType) -> Exception:
    detail = f"{name}: value not of required type: {wrong.value}"
    return RecordRejected("INVALID_TYPE_ON_FIELD_IN_RECORD", detail, (name,))


def write_json_results(batch: Batch) -> list[dict[str, Any]]:
    """Return the results of a JSON batch, in the order of the request."""
    return [
        {"success": False, "created": False, "id": None,
         "errors": [each | {"extendedErrorDetails": None} for each in result.as_statuses()]}
        if isinstance(result, RecordRejected)
        else {"success": True, "created": result.created, "id": result.id, "errors": []}
        for result in batch.results
    ]  # fmt: skip


def write_csv_results(batch: Batch) -> bytes:
    """Return the results of a CSV batch, in the order of the request."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(("Id", "Success", "Created", "Error"))
    for result in batch.results:
        if isinstance(result, RecordRejected):
            writer.writerow(("", "false", "false", write_error(result)))
        else:
            writer.writerow((result.id, "true", "true" if result.created else "false", ""))
    return text.getvalue().encode()
