"""The form of a stream's records: one SQL expression that writes a source row as JSON for Salesforce."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql

from include.export.record_sql.column_sql import Column, ValueForm, find_unsendable, write_text
from include.export.record_sql.external_id_sql import ExternalIdForm
from include.export.salesforce import ObjectSchema
from include.export.streams import Operation, Stream

ARGUMENTS = 90  # of one function call; Postgres allows 100


class UnreadableForm:
    """The form of a row that Postgres cannot read: only its key and change time are known, and it is rejected."""

    external_id = sql.SQL("null::text")
    record = sql.SQL("null::text")
    created = sql.SQL("null::text")
    payload = sql.SQL("null::jsonb")
    lock = sql.SQL("null::bigint")
    deleted = sql.SQL("false")
    rejection = sql.SQL(
        "case when decided.id is not null then 'CRM_EXPORT_SET_ASIDE' else 'CRM_EXPORT_ROW_UNREADABLE' end"
    )
    folded = sql.SQL("null::text")


@dataclass(frozen=True)
class RecordForm:
    """The expressions of `batch_plan.sql`; `columns` are those of the source by name."""

    stream: Stream
    schema: ObjectSchema
    columns: Mapping[str, Column]

    @cached_property
    def identity(self) -> ExternalIdForm:
        """Return the external id in SQL."""
        return ExternalIdForm(self.columns[self.stream.external_id_column], self.schema.fields[self.stream.external_id])

    @cached_property
    def external_id(self) -> sql.Composed:
        """Return the external id as text."""
        return self.identity.text

    @cached_property
    def record(self) -> sql.Composed:
        """Return the record as JSON text without its opening: `"Field":value,…}`; the sender adds the head."""
        return sql.SQL("coalesce({}, '') || '}}'").format(
            _join([self._member(field) for field in _body_fields(self.stream)])
        )

    @cached_property
    def created(self) -> sql.Composable:
        """Return the JSON members that are sent with new records only, NULL without such fields."""
        members = [self._member(field) for field in self.stream.create_only]
        return _join(members) if members else _null("text")

    @cached_property
    def payload(self) -> sql.Composed:
        """Return the fields that may be stored with an export error, as jsonb; NULL when none is listed."""
        kept = [name for name in self.stream.fields if name in self.stream.log_fields]
        pairs = [
            sql.SQL("{}, left({}, 8192)").format(sql.Literal(name), write_text(self._column(name))) for name in kept
        ]
        pieces = [
            sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(piece))
            for piece in _divide(pairs, ARGUMENTS // 2)
        ]
        return sql.SQL("({})").format(sql.SQL(" || ").join(pieces)) if pieces else _null("jsonb")

    @cached_property
    def may_divide(self) -> bool:
        """Return whether rows may be written side by side: each has at most one parent, which `lock_order` names.

        Rows with the id of their record are not: two forms of one id could meet in two requests. Nor are rows whose
        parent is another row of the stream, which must be written before them.
        """
        fields = self.schema.fields
        parents = [name for name in self.stream.fields if "." in name or fields[name].type == "reference"]
        return not (self.identity.is_id or self.refers_to_itself) and (
            self.stream.lock_order is not None or not parents
        )

    @property
    def refers_to_itself(self) -> bool:
        """Return whether a row may be the parent of other rows of the stream."""
        return bool(self.schema.own_lookups)

    @cached_property
    def lock(self) -> sql.Composable:
        """Return a hash of the parent that Salesforce locks with the record; NULL where it has none."""
        if not self.may_divide:
            return sql.SQL("0::int8")
        if self.stream.lock_order is None:
            return _null("int8")
        return sql.SQL("hashtextextended(s.{}::text, 0)").format(sql.Identifier(self.stream.lock_order))

    @cached_property
    def deleted(self) -> sql.Composed:
        """Return the condition that the row is to be deleted in Salesforce."""
        if self.stream.deleted is None:
            return sql.Composed([sql.SQL("false")])
        return sql.SQL("({} is not null)").format(self.columns[self.stream.deleted].value)

    @cached_property
    def rejection(self) -> sql.Composed:
        """Return the local rule that the row breaks, NULL when it can be sent."""
        rules = [
            sql.SQL("when {} then {}").format(condition, sql.Literal(code))
            for condition, code in self.identity.broken_rules
        ]
        values = [find_unsendable(self._column(field), field) for field in self.stream.fields]
        return sql.SQL(
            "case {rules} when decided.id is not null then 'CRM_EXPORT_SET_ASIDE' {duplicates}"
            " when {deleted} then null {values} end"
        ).format(
            rules=sql.SQL(" ").join(rules),
            duplicates=_decide_duplicates(self),
            deleted=self.deleted,
            values=sql.SQL(" ").join([condition for condition in values if condition is not None]),
        )

    @cached_property
    def folded(self) -> sql.Composable:
        """Return the external id of a planned row `j` as Salesforce compares it, NULL if ids are not compared."""
        return _null("text") if self.identity.is_id else self.identity.fold(sql.SQL("j.external_id"))

    def value(self, field: str) -> ValueForm:
        """Return how the values of a field are written."""
        keeps = self.stream.keeps_null(field)
        return ValueForm(self._column(field), self.schema.fields[field].type, self.stream.time_zone, keeps)

    def _column(self, field: str) -> Column:
        return self.columns[self.stream.fields[field]]

    def _member(self, field: str) -> sql.Composed:
        kind, typed, path = field.rpartition(":")
        relation, dot, parent_field = path.partition(".")
        value = self.value(field).json
        if not dot:
            return sql.SQL("{} || {}").format(sql.Literal(f'"{field}":'), value)
        # a parent by external id cannot be null: the lookup field is cleared (docs/salesforce-behaviour.md#collections)
        attributes = f'"attributes":{{"type":{json.dumps(kind)}}},' if typed else ""
        return sql.SQL("case when {value} = 'null' then {cleared} else {head} || {value} || '}}' end").format(
            value=value,
            cleared=sql.Literal(f'"{self.schema.lookups[relation]}":null'),
            head=sql.Literal(f'"{relation}":{{{attributes}"{parent_field}":'),
        )

    def duplicate_conditions(self) -> list[sql.Composed]:
        """Return the condition that another live row has the same external id; none if the key is the external id.

        Ids that differ only in case count as the same if Salesforce ignores case and an index on `lower(…)` finds
        them; without that index they are found within one batch or window only.
        """
        id_column, deleted = self.identity.column, self.stream.deleted
        folded = self.identity.may_collide and not self.identity.field.case_sensitive and id_column.folded
        if id_column.name == self.stream.key and not folded:
            return []
        same = sql.SQL("lower(o.{id}) = lower(s.{id})" if folded else "o.{id} = s.{id}")
        duplicate = sql.SQL("exists (select 1 from {source} o where {same} and o.{key} <> s.{key} and {alive})").format(
            same=same.format(id=sql.Identifier(id_column.name)),
            source=sql.Identifier(self.stream.source_schema, self.stream.source_table),
            key=sql.Identifier(self.stream.key),
            alive=sql.SQL("o.{} is null").format(sql.Identifier(deleted)) if deleted else sql.SQL("true"),
        )
        return [duplicate]


def _decide_duplicates(form: RecordForm) -> sql.Composed:
    """What happens to a row with duplicates: a deleted row is superseded, a live one is rejected."""
    found = form.duplicate_conditions()
    if not found:
        return sql.Composed([])
    return sql.SQL(
        "when {duplicate} then case when {deleted} then 'CRM_EXPORT_SUPERSEDED'"
        " else 'CRM_EXPORT_EXTERNAL_ID_CONFLICT' end"
    ).format(duplicate=found[0], deleted=form.deleted)


def _body_fields(stream: Stream) -> list[str]:
    by_id = stream.operation is Operation.UPDATE and stream.external_id == "Id"
    left_out = {*stream.create_only, *(["Id"] if by_id else [])}
    return [name for name in stream.fields if name not in left_out]


def _divide(pieces: Sequence[sql.Composed], most: int) -> Iterator[Sequence[sql.Composed]]:
    return (pieces[start : start + most] for start in range(0, len(pieces), most))


def _null(kind: str) -> sql.Composed:
    return sql.SQL("null::{}").format(sql.Identifier(kind))


def _join(members: Sequence[sql.Composed]) -> sql.Composable:
    """Return the members as one text, NULL when there is none; Postgres allows at most 100 arguments a call."""
    pieces = [
        sql.SQL("nullif(concat_ws(',', {}), '')").format(sql.SQL(", ").join(piece))
        for piece in _divide(members, ARGUMENTS)
    ]
    if len(pieces) < 2:
        return sql.Composed(pieces) if pieces else _null("text")
    return sql.SQL("nullif(concat_ws(',', {}), '')").format(sql.SQL(", ").join(pieces))
