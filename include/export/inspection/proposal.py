"""Proposes a stream file for a table from its columns and the object's fields, with comments on open questions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from include.export.failures import ConfigurationFailure
from include.export.inspection.name_matching import find_column, find_field, simplify
from include.export.source import RelationColumn, read_relation_columns
from include.export.streams import Stream

_CURSORS = ("_modified_date", "modified_date", "modified_at", "updated_at", "changed_at", "last_modified",
            "systemmodstamp", "updated", "modified", "changed")  # fmt: skip
_DELETED = ("_deleted_date", "deleted_date", "deleted_at", "deleted")
_TIMESTAMP = "timestamp with time zone"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # not texts in YAML


@dataclass
class Proposal:
    """A proposed stream file; `comments` name what could not be decided."""

    name: str
    content: dict[str, Any]
    comments: list[str] = field(default_factory=list)

    def write(self, schema: str) -> str:
        """Return the text of the file; `schema` is the path of the JSON Schema for editors."""
        lines = [f"# yaml-language-server: $schema={schema}", *(f"# {comment}" for comment in self.comments)]
        for option, value in self.content.items():
            if isinstance(value, dict):
                lines += [f"{option}:", *(f"  {_quote(name)}: {_quote(column)}" for name, column in value.items())]
            else:
                lines.append(f"{option}: {_quote(value)}")
        return "\n".join(lines) + "\n"


def propose_stream(
    source: str, described: Mapping[str, Any], connection: psycopg.Connection, *, name: str | None = None
) -> Proposal:
    """Return a stream file for a table or view (schema.table) and an object's description.

    Raises ConfigurationFailure if the table, a column of change times or an external id does not exist.
    """
    schema, _, table = source.partition(".")
    columns = read_relation_columns(schema, table, connection)
    if not columns:
        raise ConfigurationFailure(
            f"{source} does not exist in database {connection.info.dbname}, or role {connection.info.user} cannot see "
            "it. Write schema.table, in the same case as in Postgres."
        )
    proposal = Proposal(name or _name(table), {"source": source})
    key = _choose_key(columns, proposal)
    cursor = _choose_cursor(source, columns, proposal)
    deleted = find_column([each for each in columns if each.name != cursor.name and each.type == _TIMESTAMP], _DELETED)
    proposal.content |= {"key": key.name, "cursor": cursor.name, **({"deleted": deleted.name} if deleted else {})}
    if deleted is None:
        proposal.comments.append("deleted: no column holds the time of deletion; deletes are not exported.")
    external_id, id_column = _choose_external_id(described, columns, key, proposal)
    proposal.content |= {"object": described["name"], "external_id": external_id, "operation": "upsert"}
    left = [each for each in columns if each.name not in {cursor.name, deleted.name if deleted else "", id_column.name}]
    proposal.content["fields"] = {external_id: id_column.name, **_map_fields(described, left, external_id, proposal)}
    _comment_on_required(described, proposal)
    Stream(name=proposal.name, **proposal.content)  # checks that the file can be loaded
    return proposal


def _choose_key(columns: Sequence[RelationColumn], proposal: Proposal) -> RelationColumn:
    for chosen in ([each for each in columns if each.is_primary], [each for each in columns if each.is_unique]):
        if chosen:
            return chosen[0]
    guess = find_column(columns, ("id", "key", "uuid")) or columns[0]
    proposal.comments.append(f"key: no unique index covers one column (a view has none); {guess.name} is a guess. It "
                             "must be unique and never NULL.")  # fmt: skip
    return guess


def _choose_cursor(source: str, columns: Sequence[RelationColumn], proposal: Proposal) -> RelationColumn:
    times = [each for each in columns if each.type == _TIMESTAMP]
    chosen = find_column(times, _CURSORS)
    if chosen:
        return chosen
    if not times:
        raise ConfigurationFailure(
            f"{source} has no column of type timestamptz that says when a row was changed. Add one that every write "
            "sets, as changed_at timestamptz not null default now() with a trigger, and an index on it and the key."
        )
    proposal.comments.append(f"cursor: {times[0].name} is a guess. It must be set by every write of a row.")
    return times[0]


def _choose_external_id(
    described: Mapping[str, Any], columns: Sequence[RelationColumn], key: RelationColumn, proposal: Proposal
) -> tuple[str, RelationColumn]:
    found = [each for each in described["fields"] if each.get("externalId") and each.get("createable")]
    if not found:
        raise ConfigurationFailure(
            f"{described['name']} has no field that is marked External ID and that the login may write. "
            "Ask your Salesforce admin to create one (Text, External ID, Unique), or grant edit access to it."
        )
    by_name = [each for each in found if find_column(columns, (simplify(each["name"]),))]
    chosen = min(by_name or found, key=lambda each: not each.get("unique"))
    column = find_column(columns, (simplify(chosen["name"]),))
    if column is None:
        proposal.comments.append(f"external_id: no column matches {chosen['name']} by name; the key {key.name} is "
                                 "sent in it.")  # fmt: skip
    if len(found) > 1:
        others = ", ".join(each["name"] for each in found if each is not chosen)
        proposal.comments.append(f"external_id: {described['name']} has other External IDs: {others}.")
    return str(chosen["name"]), column or key


def _map_fields(
    described: Mapping[str, Any], columns: Sequence[RelationColumn], external_id: str, proposal: Proposal
) -> dict[str, str]:
    """Return columns by field, matched by name and type; adds a comment for each column without a field."""
    writable = [each for each in described["fields"] if each["createable"] and each["updateable"]]
    mapped: dict[str, str] = {}
    for column in columns:
        free = [each for each in writable if each["name"] not in {external_id, *mapped}]
        found = find_field(free, column)
        if isinstance(found, str):
            proposal.comments.append(f"fields: column {column.name}: {found}")
        else:
            mapped[str(found["name"])] = column.name
    return mapped


def _comment_on_required(described: Mapping[str, Any], proposal: Proposal) -> None:
    for each in described["fields"]:
        required = each["createable"] and not each["nillable"] and not each["defaultedOnCreate"]
        if required and each["type"] != "boolean" and each["name"] not in proposal.content["fields"]:
            proposal.comments.append(f"fields: {each['name']} is required and no column matches its name; add it.")


def _name(table: str) -> str:
    found = re.sub(r"[^a-z0-9_]", "_", table.lower()).lstrip("_0123456789")[:63]
    return found or "stream"


def _quote(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
