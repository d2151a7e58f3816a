"""Checks that a stream's columns fit the fields of its object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from include.export.failures import ConfigurationFailure
from include.export.inspection.checklist import Checklist
from include.export.inspection.field_types import explain_misfit
from include.export.inspection.field_values import check_length, check_picklist
from include.export.inspection.org import DescribedOrg
from include.export.salesforce import list_required, read_object_schema
from include.export.source import RowFacts, Source
from include.export.streams import Operation, Stream


@dataclass(frozen=True)
class FoundSource:
    """What was read of a stream's source; `rows` is None if reading them took too long.

    Values of the source are shown only with `show_values`.
    """

    source: Source
    lengths: Mapping[str, int]  # declared lengths of columns, in characters
    rows: RowFacts | None
    show_values: bool = True

    def longest(self, field: str) -> int | None:
        """Return the length of the longest text of a field's column in the checked rows, in characters."""
        at = list(self.source.stream.fields).index(field)
        return self.rows.lengths[at] if self.rows else None


def check_mapping(stream: Stream, org: DescribedOrg, checks: Checklist, found: FoundSource | None) -> None:
    """Check each field against the object's description; raises ConfigurationFailure if the object does not exist."""
    described = org.describe(stream.object)
    failures = _check_fields(stream, described)
    for text in failures:
        checks.fail("object", text)
    if not failures:
        rights = "update" if stream.operation is Operation.UPDATE else "create, update"
        rights += " and delete" if stream.deleted else ""
        checks.ok("object", f"{stream.object} has the {len(stream.fields)} fields, and the login may {rights} records.")
    fields = {str(field["name"]).lower(): field for field in described["fields"]}
    _check_external_id(stream, fields, checks)
    _check_required(stream, described, checks)
    for name in stream.fields:
        if "." in name:
            with checks.judge("parent"):
                _check_parent(stream, name, described, org, checks)
        elif name.lower() in fields:
            _check_field(name, fields[name.lower()], checks, found)


def _check_fields(stream: Stream, described: Mapping[str, Any]) -> list[str]:
    """Return the problems of fields, each checked with the external id only."""
    texts: dict[str, None] = {}
    for name in stream.fields:
        kept = {each: column for each, column in stream.fields.items() if each in {name, stream.external_id}}
        try:
            read_object_schema(stream.model_copy(update={"fields": kept}), described)
        except ConfigurationFailure as failure:
            texts[str(failure)] = None
    return list(texts)


def _check_external_id(stream: Stream, fields: Mapping[str, Mapping[str, Any]], checks: Checklist) -> None:
    field = fields.get(stream.external_id.lower())
    if field and stream.external_id != "Id" and not field.get("unique"):
        checks.warn(
            "external id",
            f"{stream.object}.{stream.external_id} is not Unique in Salesforce: two records may get the same id, and "
            "both are then rejected. Ask your Salesforce admin to tick Unique on the field.",
        )


def _check_required(stream: Stream, described: Mapping[str, Any], checks: Checklist) -> None:
    if stream.operation is Operation.UPDATE:
        return
    missing = find_unmapped(stream, described, list_required(described))
    if missing:
        checks.fail(
            "required",
            f"{stream.object} requires {', '.join(missing)} and {stream.name}.yaml maps no column to it: every new "
            "record is rejected. Add it to fields, or ask your Salesforce admin to give it a default.",
        )


def find_unmapped(stream: Stream, described: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return the named fields that a stream does not map, neither directly nor as a parent."""
    paths = [name.rpartition(":")[2] for name in stream.fields]
    mapped = {path.partition(".")[0].lower() for path in paths}
    relations = {str(field["name"]): str(field.get("relationshipName")).lower() for field in described["fields"]}
    return [name for name in names if not {name.lower(), relations.get(name, "")} & mapped]


def _check_parent(
    stream: Stream, name: str, described: Mapping[str, Any], org: DescribedOrg, checks: Checklist
) -> None:
    """Check that the parent's external id exists and is unique."""
    kind, _, path = name.rpartition(":")
    relation, _, parent_field = path.partition(".")
    lookups = [field for field in described["fields"] if str(field.get("relationshipName")).lower() == relation.lower()]
    for parent in [kind] if kind else [str(each) for field in lookups for each in field.get("referenceTo") or ()][:1]:
        fields = {str(field["name"]).lower(): field for field in org.describe(parent)["fields"]}
        field = fields.get(parent_field.lower())
        if field is None or not (field.get("externalId") or field.get("idLookup")):
            lacks = "has no such field" if field is None else "does not mark that field External ID"
            checks.fail(
                "parent",
                f"fields names {name}, but {parent} {lacks}: parents cannot be found by it. Name an External ID field "
                f"of {parent}, or ask your Salesforce admin to mark {parent_field} External ID and Unique.",
            )
        elif not field.get("unique") and field["name"] != "Id":
            checks.warn("parent", f"{parent}.{parent_field} is not Unique in Salesforce: where two parents share an "
                        "id, their children are rejected. Ask your Salesforce admin to tick Unique.")  # fmt: skip


def _check_field(name: str, field: Mapping[str, Any], checks: Checklist, found: FoundSource | None) -> None:
    if found is None:
        return
    stream = found.source.stream
    column = found.source.columns[stream.fields[name]]
    misfit = explain_misfit(column, str(field["type"]))
    if misfit:
        level = checks.fail if misfit.is_certain else checks.warn
        level("types", f"{stream.object}.{name} is of type {field['type']}, and column {column.name} of type "
              f"{column.type}. {misfit.advice}")  # fmt: skip
    check_length(name, column, field, checks, declared=found.lengths.get(column.name), actual=found.longest(name))
    check_picklist(name, found.source, field, checks, show_values=found.show_values)
