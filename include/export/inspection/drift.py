"""Drift: what the org has changed since a stream first ran, as findings of the daily check."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.export.failures import ConfigurationFailure, NotFound
from include.export.inspection.field_types import explain_misfit
from include.export.inspection.mapping import find_unmapped
from include.export.ledger import ExportFindings, ExportWatermarks, Outcome, count_calls_of_the_day
from include.export.run import RunInputs, open_report
from include.export.salesforce import FieldSchema, ObjectSchema, list_required, read_list, read_object_schema
from include.export.source import (
    Source,
    TooSlow,
    find_values_beyond,
    find_values_within,
    read_declared_lengths,
    read_row_facts,
)
from include.export.streams import Operation, Stream

log = logging.getLogger(__name__)
RIGHT, EXTERNAL_ID, FIELD, REQUIRED = "org:right", "org:external_id", "org:field", "org:required"
TYPE, LENGTH, PICKLIST = "org:type", "org:length", "org:picklist"
_OF_DESCRIPTION, _OF_VALUES = (RIGHT, EXTERNAL_ID, FIELD, REQUIRED), (TYPE, LENGTH, PICKLIST)


@dataclass(frozen=True)
class Drift:
    """One change of an org that a stream does not follow: a kind of finding, its subject, and what to do."""

    kind: str
    subject: str
    text: str


@dataclass
class DriftReport:
    """What a report found: counts, never values."""

    stream: str
    found: int = 0
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)


def report_drift(inputs: RunInputs) -> DriftReport:
    """Compare a stream's object with the stream file and with its earlier description; record and close findings.

    Costs one API call and changes nothing in Salesforce. Raises RunFailure when Salesforce or Postgres fails.
    """
    report = DriftReport(inputs.stream.name)
    with open_report(inputs) as entry:
        outcome = _report(inputs, ExportFindings(inputs.connection, inputs.stream.name, entry.id), report)
        report.api_calls = entry.end(outcome, report.message, api_calls=inputs.client.api_calls).api_calls
    return report


def _report(inputs: RunInputs, findings: ExportFindings, report: DriftReport) -> Outcome:
    if count_calls_of_the_day(inputs.connection, inputs.stream.name) >= inputs.options.daily_api_limit:
        report.message = "Not compared: the daily API calls are used up."
        return Outcome.WAITING_FOR_CREDITS
    kept = ExportWatermarks(inputs.connection).read_described_ever(inputs.stream.name)
    comparison = Comparison(inputs.stream, ObjectSchema.from_json(kept) if kept else None)
    found = _compare(inputs, comparison, findings)
    report.found = len(found)
    report.message = f"{report.found} changes of the org that {report.stream}.yaml does not follow."
    return Outcome.COMPLETE


def _compare(inputs: RunInputs, comparison: Comparison, findings: ExportFindings) -> list[Drift]:
    """Record the drift in the description alone, then the drift against the source's values, if read in time."""
    name = inputs.stream.object
    try:
        described = inputs.client.call("GET", f"sobjects/{name}/describe").body
        read_list(described, "fields", f"GET sobjects/{name}/describe")
    except NotFound as gone:
        found = [Drift(RIGHT, name, _without_stream(inputs.stream, gone))]
        _note(findings, _OF_DESCRIPTION, found)
        return found
    found = list(comparison.compare_description(described))
    _note(findings, _OF_DESCRIPTION, found)
    try:
        of_values = list(comparison.compare_values(described, Source(inputs.stream, inputs.connection)))
    except TooSlow:
        log.warning(
            "Stream %s: reading the source's values took longer than 2 s; they were not compared.", findings.stream
        )
        return found
    _note(findings, _OF_VALUES, of_values)
    return found + of_values


def _note(findings: ExportFindings, kinds: Iterable[str], found: Iterable[Drift]) -> None:
    for kind in kinds:
        findings.note(kind, [(drift.subject, drift.text) for drift in found if drift.kind == kind])
        findings.close_others(kind)


@dataclass(frozen=True)
class Comparison:
    """Compares an object with what a stream needs; `ever` is its merged earlier description, None if not known."""

    stream: Stream
    ever: ObjectSchema | None

    def compare_description(self, described: Mapping[str, Any]) -> Iterator[Drift]:
        """Yield the drift in the description alone: rights, the external id, removed or newly required fields."""
        stream = self.stream
        right = _examine(stream, _mark(stream, described), stream.external_id)
        if isinstance(right, str) and self._read(described, stream.external_id):
            yield Drift(RIGHT, stream.object, right)
        yield from self._compare_external_id(described)
        if self._read(described, stream.external_id):  # without it no field can be checked
            yield from self._compare_fields(described)
        if stream.operation is Operation.UPSERT and self.ever is not None:
            new = [name for name in list_required(described) if name not in self.ever.required]
            yield from map(self._describe_required, find_unmapped(stream, described, new))

    def compare_values(self, described: Mapping[str, Any], source: Source) -> Iterator[Drift]:
        """Yield the drift against the columns and values of the source; raises TooSlow."""
        yield from self._compare_types(described, source)
        yield from self._compare_lengths(described, source)
        yield from self._compare_picklists(described, source)

    def _compare_external_id(self, described: Mapping[str, Any]) -> Iterator[Drift]:
        name = self.stream.external_id
        before, now = self._read_before(name), _examine(self.stream, _grant(described), name)
        if isinstance(now, str):
            yield self._change(EXTERNAL_ID, name, now)
        elif before and before.is_unique and not now.is_unique:
            text = "is no longer Unique in Salesforce: two records may get the same id, and both are then rejected."
            yield self._change(EXTERNAL_ID, name, f"{name} {text} Ask your Salesforce admin to tick Unique.")

    def _compare_fields(self, described: Mapping[str, Any]) -> Iterator[Drift]:
        names = {str(field["name"]).lower() for field in described["fields"]}
        for name in self.stream.fields:
            text = _examine(self.stream, _mark(self.stream, _grant(described)), name)
            if isinstance(text, str):
                yield self._change(RIGHT if name.lower() in names else FIELD, name, text)

    def _describe_required(self, name: str) -> Drift:
        text = f"is now required, and {self.stream.name}.yaml maps no column to it: every new record is rejected."
        remedy = "Add it to fields, or ask your Salesforce admin for a default."
        return self._change(REQUIRED, name, f"{name} {text} {remedy}")

    def _compare_types(self, described: Mapping[str, Any], source: Source) -> Iterator[Drift]:
        for name, before, now in self._pairs(described):
            column = source.columns[self.stream.fields[name]]
            misfit = explain_misfit(column, now.type) if before.type != now.type else None
            if misfit:
                text = f"{name} was of type {before.type} and is now of type {now.type}, which column {column.name}"
                yield self._change(TYPE, name, f"{text} of type {column.type} does not fit. {misfit.advice}")

    def _compare_lengths(self, described: Mapping[str, Any], source: Source) -> Iterator[Drift]:
        pairs = [(name, before, now) for name, before, now in self._pairs(described) if now.length < before.length]
        if not pairs:
            return
        longest = dict(zip(self.stream.fields, read_row_facts(source).lengths, strict=True))
        declared = read_declared_lengths(self.stream, source.connection)
        for name, before, now in pairs:
            column = source.columns[self.stream.fields[name]]
            if column.is_text and declared.get(column.name, before.length) > now.length:
                text = f"{name} was shortened from {before.length:,} to {now.length:,} characters,"
                yield self._change(LENGTH, name, f"{text} {_advise_on_length(longest[name], now.length)}")

    def _compare_picklists(self, described: Mapping[str, Any], source: Source) -> Iterator[Drift]:
        for name, before, now in self._pairs(described):
            column = self.stream.fields[name]
            lacking = _count_lacking(source, column, before, now)
            if lacking:
                remedy = f"`python -m crm_export check {self.stream.name}` names them."
                yield self._change(
                    PICKLIST,
                    name,
                    f"The restricted picklist {name} no longer has {lacking} of the values of column {column}: those "
                    f"records are rejected. Ask your Salesforce admin to add them, or correct the column; {remedy}",
                )

    def _change(self, kind: str, name: str, text: str) -> Drift:
        return Drift(kind, f"{self.stream.object}.{name}", text)

    def _pairs(self, described: Mapping[str, Any]) -> Iterator[tuple[str, FieldSchema, FieldSchema]]:
        """Yield the old and new schema of each field that exists and was described before."""
        for name in self.stream.fields:
            before, now = self._read_before(name), self._read(described, name)
            if before and now and "." not in name:
                yield name, before, now

    def _read_before(self, name: str) -> FieldSchema | None:
        return self.ever.fields.get(name) if self.ever else None

    def _read(self, described: Mapping[str, Any], name: str) -> FieldSchema | None:
        """Return a field, None if `compare_description` reports that it is missing."""
        found = _examine(self.stream, _mark(self.stream, _grant(described)), name)
        return None if isinstance(found, str) else found


def _examine(stream: Stream, described: Mapping[str, Any], name: str) -> FieldSchema | str:
    """Return one field of a description, or the problem with it or with the object."""
    kept = {each: column for each, column in stream.fields.items() if each in {name, stream.external_id}}
    try:
        return read_object_schema(stream.model_copy(update={"fields": kept}), described).fields[name]
    except ConfigurationFailure as failure:
        return _without_stream(stream, failure)


def _grant(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with write permission on the object, so that its fields are checked too."""
    return {**described, "createable": True, "updateable": True, "deletable": True}


def _mark(stream: Stream, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with the external id marked as such, for the same reason."""
    name = stream.external_id.lower()
    fields = [
        {**field, "externalId": True} if str(field["name"]).lower() == name else field for field in described["fields"]
    ]
    return {**described, "fields": fields}


def _without_stream(stream: Stream, failure: ConfigurationFailure) -> str:
    return str(failure).removeprefix(f"Stream {stream.name}: ")


def _advise_on_length(longest: int, most: int) -> str:
    if longest > most:
        remedy = f"Ask your Salesforce admin to lengthen it, or shorten them in a view by left(…, {most})."
        return f"and the source has texts of up to {longest:,}: they are rejected. {remedy}"
    remedy = f"Ask your Salesforce admin to lengthen it, or declare the column varchar({most})."
    return f"and its column may hold more. {remedy}"


def _count_lacking(source: Source, column: str, before: FieldSchema, now: FieldSchema) -> int:
    """Return how many of a column's values a restricted picklist no longer has."""
    if now.picklist is None:
        return 0
    several = now.type == "multipicklist"
    if before.picklist is None:
        return len(find_values_beyond(source, column, now.picklist, several=several))
    gone = [value for value in before.picklist if value not in now.picklist]
    return len(find_values_within(source, column, gone, several=several)) if gone else 0
