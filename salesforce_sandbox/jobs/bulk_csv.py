"""The CSV of a Bulk 2.0 job: the mistakes that fail the whole job, and rows as records."""

from __future__ import annotations

import contextlib
import csv
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition, FieldType
from salesforce_sandbox.jobs.bulk_jobs import DELIMITERS, LINE_ENDINGS, Job
from salesforce_sandbox.records.field_values import WrongType
from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.schema import ObjectSchema, Schema

csv.field_size_limit(sys.maxsize)
NULL = "#N/A"
_DOUBLES = {FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}
_SOAP_NAMES = {"datetime": "dateTime"}
Row = Sequence[str]


class JobFailed(Exception):  # noqa: N818 - the state of the job
    """The whole job fails; the message is its errorMessage."""


@dataclass(frozen=True)
class Heading:
    """A column of the upload: a field, or a parent identified by one of its fields."""

    text: str
    field: str
    type: FieldType
    parent_key: str | None = None
    parent_type: str | None = None


@dataclass(frozen=True)
class Table:
    """The columns of an upload, and how its rows become records."""

    header: str
    headings: list[Heading]

    @property
    def misspelt(self) -> list[int]:
        """Return the columns whose heading differs in case from their field."""
        plain = [index for index, heading in enumerate(self.headings) if not heading.parent_key]
        return [index for index in plain if self.headings[index].text != self.headings[index].field]

    @property
    def doubles(self) -> list[int]:
        """Return the columns whose cells are returned in Java's notation of doubles."""
        return [index for index, heading in enumerate(self.headings) if heading.type in _DOUBLES]

    def make_records(self, rows: Iterable[Row]) -> list[Mapping[str, Any]]:
        """Return rows as records: an empty cell is left out, #N/A is null."""
        names = [heading.field for heading in self.headings]
        records: list[Mapping[str, Any]] = [
            {name: None if cell == NULL else cell for name, cell in zip(names, row, strict=False) if cell}
            if "" in row or NULL in row
            else dict(zip(names, row, strict=False))
            for row in rows
        ]
        parents = [heading for heading in self.headings if heading.parent_key]
        return [_with_parents(record, parents) for record in records] if parents else records

    def reject_type(self, name: str, wrong: WrongType) -> Exception:
        """Return how a cell of a wrong type is rejected."""
        fields = [heading.field for heading in self.headings]
        column = fields.index(name) + assumptions.FIRST_COLUMN if name in fields else assumptions.FIRST_COLUMN
        kind = f"xsd:{_SOAP_NAMES.get(wrong.wanted, wrong.wanted)}"
        value = f"'{wrong.value}' is not a valid value for the type {kind}"
        return RecordRejected("INVALID_FIELD", f"Failed to deserialize field at col {column}. Due to, {value}", (name,))


@contextlib.contextmanager
def open_rows(job: Job) -> Generator[Iterable[Row]]:
    """Open the rows of an upload, its header first."""
    with job.upload.open(encoding="utf-8", errors="replace", newline="") as text:
        yield csv.reader(text, delimiter=DELIMITERS[job.asked.delimiter], strict=True)


def check_upload(job: Job, schema: Schema) -> tuple[Table, int]:
    """Return the columns and the number of rows of an upload; raises JobFailed with Salesforce's message."""
    table = _read_header(job, schema)
    with open_rows(job) as lines:
        try:
            widths = Counter(map(len, lines))
        except csv.Error:
            raise _lost_at(job, table) from None
    if widths.keys() - {0, len(table.headings)}:
        raise _lost_at(job, table)
    return table, widths[len(table.headings)] - 1


def _lost_at(job: Job, table: Table) -> JobFailed:
    """Return the failure for a row with a wrong number of cells, or for the last row before a misplaced quote."""
    cells: Row = ()
    with open_rows(job) as lines, contextlib.suppress(csv.Error):
        for cells in lines:
            if len(cells) not in {0, len(table.headings)}:
                break
    return JobFailed(f"InvalidBatch : Field name not found : {cells[0] if cells else ''}")


def read_header(job: Job) -> bytes:
    """Return the first line of an upload, unchanged."""
    with job.upload.open("rb") as upload:
        return upload.readline(200_000)


def _read_header(job: Job, schema: Schema) -> Table:
    raw = read_header(job)
    _check_line_ending(job, raw)
    if raw.startswith(b"\xef\xbb\xbf") and raw[3:4] == b'"':
        message = "Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
        raise JobFailed(f"InvalidBatch : {message}")
    header = raw.decode("utf-8", "replace").rstrip("\r\n")
    if len(header) > assumptions.HEADER_LIMIT:
        raise JobFailed("InvalidBatch : The header is longer than 32,000 characters")
    names = next(csv.reader([header], delimiter=DELIMITERS[job.asked.delimiter]), [])
    entity = schema.object(job.asked.object)
    headings = [_read_heading(name, entity, schema) for name in names]
    key = job.asked.external_id_field or "Id"
    if job.asked.operation != "insert" and key.lower() not in {heading.field.lower() for heading in headings}:
        raise JobFailed(f"InvalidBatch : Field name not found : {key}")
    return Table(header, headings)


def _check_line_ending(job: Job, raw: bytes) -> None:
    found = "CRLF" if raw.endswith(b"\r\n") else "LF"
    if raw.endswith(b"\n") and found != job.asked.line_ending:
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {job.asked.line_ending}"
        raise JobFailed(f"ClientInputError : {message}")


def _read_heading(text: str, entity: ObjectSchema, schema: Schema) -> Heading:
    if "." not in text:
        found = entity.fields.get(text.lower())
        if found is None:
            raise JobFailed(f"InvalidBatch : Field name not found : {text}")
        return Heading(text, found[0], found[1].type)
    left, _, key = text.partition(".")
    kind, colon, relation = left.rpartition(":")
    reference = entity.relation(relation)
    if reference is None:
        raise JobFailed(f"InvalidBatch : Unable to find relationship: {relation}")
    field = reference[1]
    _check_kind(text, kind, relation, field, typed=bool(colon))
    parent = schema.object(kind or field.to[0])
    known = parent.fields.get(key.lower())
    if known is None or not (known[0] == "Id" or known[1].external_id or known[1].unique):
        raise JobFailed(f"InvalidBatch : Field name not found : {text}")
    return Heading(text, relation, FieldType.REFERENCE, known[0], parent.name)


def _check_kind(text: str, kind: str, relation: str, field: FieldDefinition, *, typed: bool) -> None:
    if typed and len(field.to) == 1:
        message = f"type is not needed for non polymorphic foreign key references: {relation}"
        raise JobFailed(f"InvalidBatch : {message}")
    if len(field.to) > 1 and kind.lower() not in {each.lower() for each in field.to}:
        raise JobFailed(f"InvalidBatch : Field name not found : {text}")


def _with_parents(record: Mapping[str, Any], parents: list[Heading]) -> Mapping[str, Any]:
    named = {
        heading.field: {"attributes": {"type": heading.parent_type}, heading.parent_key: record[heading.field]}
        for heading in parents
        if heading.field in record
    }
    return {**record, **named}


def line_ending(job: Job) -> str:
    """Return the line ending of a job."""
    return LINE_ENDINGS[job.asked.line_ending]


def write_java_double(text: str) -> str:
    """Return a number in Java's notation of doubles: 912260031 is 9.12260031E8."""
    try:
        number = float(text)
    except ValueError:
        return text
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    mantissa, _, exponent = f"{number:.17e}".partition("e")
    shortest = repr(number)
    if "e" in shortest:
        mantissa, _, exponent = shortest.partition("e")
    else:
        digits = shortest.replace("-", "").replace(".", "").lstrip("0").rstrip("0") or "0"
        mantissa = ("-" if number < 0 else "") + digits[0] + "." + (digits[1:] or "0")
    mantissa += "" if "." in mantissa else ".0"
    return f"{mantissa}E{int(exponent)}"
