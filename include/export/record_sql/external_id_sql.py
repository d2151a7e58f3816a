"""The external id of a stream in SQL: its text, its form for comparison, and invalid values."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.record_sql.column_sql import (
    EXTERNAL_ID_LIMIT,
    SALESFORCE_NUMBERS,
    Column,
    is_blank,
    is_longer,
    write_text,
)
from include.export.salesforce import FieldSchema

_BLANKS = sql.Literal(" \t\n\r\f\v")
_NUMBER = sql.Literal(r"^[+-]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][+-]?[0-9]{1,2})?$")
_ID = sql.Literal("^[A-Za-z0-9]{15}([A-Za-z0-5]{3})?$")


@dataclass(frozen=True)
class ExternalIdForm:
    """The external id: a column of the source, and the field by which Salesforce finds records."""

    column: Column
    field: FieldSchema

    @property
    def text(self) -> sql.Composed:
        """Return the external id of the page alias `s` as text; a number without trailing zeros."""
        if self.column.type == "numeric" and self.field.type in SALESFORCE_NUMBERS:
            return sql.SQL("(trim_scale({})::text)").format(self.column.value)
        return write_text(self.column)

    @property
    def is_id(self) -> bool:
        """Return whether the field is Salesforce's own record id."""
        return self.field.name == "Id"

    @property
    def may_collide(self) -> bool:
        """Return whether different texts may name one record because they differ only in case, blanks or digits."""
        return self.column.is_string and not self.is_id

    def fold(self, text: sql.Composable) -> sql.Composed:
        """Return a text as Salesforce compares it: numbers by value, texts trimmed and maybe in lower case."""
        trimmed = sql.SQL("btrim({}, {})").format(text, _BLANKS)
        if self.is_id:
            return sql.SQL("({})").format(text)
        if self.field.type in SALESFORCE_NUMBERS:
            number = sql.SQL("case when {text} ~ {number} then trim_scale({text}::numeric)::text else {text} end")
            return sql.SQL("({})").format(number.format(text=trimmed, number=_NUMBER))
        return sql.SQL("{}" if self.field.case_sensitive else "lower({})").format(trimmed)

    @property
    def folded(self) -> sql.Composed:
        """Return the external id of the page alias `s` as Salesforce compares it."""
        return self.fold(self.text)

    @property
    def may_be_folded(self) -> sql.Composed:
        """Return a condition of the page alias `s`; if no row meets it, only equal external ids can collide."""
        text = self.column.exact_text
        if not self.may_collide or not self.field.case_sensitive:
            return sql.SQL("{}").format(sql.Literal(self.may_collide))
        if self.field.type in SALESFORCE_NUMBERS:
            return sql.SQL("{} <> {}").format(text, self.folded)
        # all blanks sort before '!'; checking both ends, the last as a byte (33: !), is cheaper than trimming
        return sql.SQL(
            "case when {text} < '!' then true else get_byte(textsend({text}), octet_length({text}) - 1) < 33 end"
        ).format(text=text)

    @property
    def fold_listed(self) -> sql.Composed:
        """Return the external id of a line `m` of a manifest as Salesforce compares it."""
        return self.fold(sql.SQL("m.external_id"))

    def same(self, text: sql.Composable) -> sql.Composed:
        """Return the condition that a text names the record of the page alias `s`, compared character by character."""
        return sql.SQL('({} collate "C") = ({} collate "C")').format(self.fold(text), self.folded)

    @property
    def broken_rules(self) -> list[tuple[sql.Composed, str]]:
        """Return the conditions that a value cannot identify a record, each with the code of its rule."""
        found = [(is_blank(self.text), "CRM_EXPORT_BLANK_EXTERNAL_ID")]
        if self.is_id:
            found.append((sql.SQL("{} !~ {}").format(self.column.exact_text, _ID), "CRM_EXPORT_MALFORMED_ID"))
        elif self.column.is_text:
            too_long = is_longer(self.column.text, EXTERNAL_ID_LIMIT)
            found.append((too_long, "CRM_EXPORT_EXTERNAL_ID_TOO_LONG"))
        return found
