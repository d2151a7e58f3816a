"""The form of a stream's records: one SQL expression that writes a source row as Salesforce takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from include.export.salesforce import ObjectSchema
from include.export.source.column_sql import Column, find_unsendable, is_blank, write_json, write_text
from include.export.streams import Operation, Stream


class UnreadableForm:
    """What is known of a row that Postgres cannot read: its key, its change time, and that it is refused."""

    external_id = sql.SQL("null::text")
    record = sql.SQL("null::text")
    payload = sql.SQL("null::jsonb")
    deleted = sql.SQL("false")
    refusal = sql.SQL(
        "case when decided.id is not null then 'CRM_EXPORT_SET_ASIDE' else 'CRM_EXPORT_ROW_UNREADABLE' end"
    )
    ids_ignore_case = sql.SQL("false")


@dataclass(frozen=True)
class RecordForm:
    """The expressions of `batch_plan.sql`; `columns` are those of the source by name."""

    stream: Stream
    schema: ObjectSchema
    columns: Mapping[str, Column]

    @property
    def external_id(self) -> sql.Composed:
        """Return the external id as text."""
        return write_text(self.columns[self.stream.external_id_column])

    @property
    def record(self) -> sql.Composed:
        """Return the record as JSON text without its opening: `"Field":value,…}`; the sender puts the head."""
        members = [self._member(field) for field in self._body_fields()]
        return sql.SQL("concat_ws(',', {}) || '}}'").format(sql.SQL(", ").join(members))

    @property
    def payload(self) -> sql.Composed:
        """Return the fields that may be kept with an export error as jsonb, NULL when none is listed."""
        kept = [name for name in self.stream.fields if name in self.stream.log_fields]
        pairs = [
            sql.SQL("{}, left({}, 8192)").format(sql.Literal(name), write_text(self._column(name))) for name in kept
        ]
        return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(pairs)) if pairs else _null("jsonb")

    @property
    def deleted(self) -> sql.Composed:
        """Return the condition under which the row is deleted in Salesforce."""
        if self.stream.deleted is None:
            return sql.Composed([sql.SQL("false")])
        return sql.SQL("({} is not null)").format(self.columns[self.stream.deleted].value)

    @property
    def refusal(self) -> sql.Composed:
        """Return the local rule that the row breaks, NULL when it can be sent."""
        return sql.SQL(
            "case when {blank} then 'CRM_EXPORT_BLANK_EXTERNAL_ID'"
            " when decided.id is not null then 'CRM_EXPORT_SET_ASIDE' {duplicates}"
            " when {deleted} then null {values} end"
        ).format(
            blank=is_blank(self.external_id),
            duplicates=self._duplicates(),
            deleted=self.deleted,
            values=self._unsendable(),
        )

    @property
    def case_insensitive(self) -> bool:
        """Tell whether two ids that differ only in case would be one record."""
        field = self.schema.fields[self.stream.external_id]
        is_text = self.columns[self.stream.external_id_column].is_text
        return not field.case_sensitive and field.name != "Id" and is_text

    @property
    def ids_ignore_case(self) -> sql.Literal:
        """Tell whether Salesforce takes external ids that differ only in case for one."""
        field = self.schema.fields[self.stream.external_id]
        return sql.Literal(not field.case_sensitive and field.name != "Id")

    def _body_fields(self) -> list[str]:
        by_id = self.stream.operation is Operation.UPDATE and self.stream.external_id == "Id"
        return [name for name in self.stream.fields if not (by_id and name == "Id")]

    def _column(self, field: str) -> Column:
        return self.columns[self.stream.fields[field]]

    def _member(self, field: str) -> sql.Composed:
        relation, dot, parent_field = field.partition(".")
        value = write_json(self._column(field), self.schema.fields[field].type)
        if not dot:
            return sql.SQL("{} || {}").format(sql.Literal(f'"{field}":'), value)
        # a parent by external id cannot be null: the lookup field itself is cleared (salesforce-wire.md section 3)
        return sql.SQL("case when {value} = 'null' then {cleared} else {head} || {value} || '}}' end").format(
            value=value,
            cleared=sql.Literal(f'"{self.schema.lookups[relation]}":null'),
            head=sql.Literal(f'"{relation}":{{"{parent_field}":'),
        )

    def _unsendable(self) -> sql.Composed:
        found = [find_unsendable(self._column(field), field) for field in self.stream.fields]
        return sql.SQL(" ").join([condition for condition in found if condition is not None])

    def rivals_condition(self) -> list[sql.Composed]:
        """Return the condition that another live row has the same external id; none where the key is the id.

        Ids that differ only in case are the same where Salesforce takes them for one and an index on `lower(…)` finds
        them; without that index they are found in one batch or window only.
        """
        id_column = self.columns[self.stream.external_id_column]
        folded = self.case_insensitive and id_column.folded
        if id_column.name == self.stream.key and not folded:
            return []
        same = sql.SQL("lower(o.{id}) = lower(s.{id})" if folded else "o.{id} = s.{id}")
        rival = sql.SQL("exists (select 1 from {source} o where {same} and o.{key} <> s.{key} and {alive})").format(
            same=same.format(id=sql.Identifier(id_column.name)),
            source=sql.Identifier(self.stream.source_schema, self.stream.source_table),
            key=sql.Identifier(self.stream.key),
            alive=self._alive(),
        )
        return [rival]

    def _duplicates(self) -> sql.Composed:
        """What becomes of a row with duplicates: another owns the record, or both are refused."""
        found = self.rivals_condition()
        if not found:
            return sql.Composed([])
        return sql.SQL(
            "when {rival} then case when {deleted} then 'CRM_EXPORT_SUPERSEDED'"
            " else 'CRM_EXPORT_EXTERNAL_ID_CONFLICT' end"
        ).format(rival=found[0], deleted=self.deleted)

    def _alive(self) -> sql.Composed:
        if self.stream.deleted is None:
            return sql.Composed([sql.SQL("true")])
        return sql.SQL("o.{} is null").format(sql.Identifier(self.stream.deleted))


def _null(kind: str) -> sql.Composed:
    return sql.SQL("null::{}").format(sql.Identifier(kind))
