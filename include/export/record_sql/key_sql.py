"""The key of a source in SQL: its canonical text, its order, and comparisons with keys stored as text."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.failures import ConfigurationFailure
from include.export.record_sql.column_sql import Column

_EXACT = frozenset({
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "oid", "xid8",
    "text", "character varying", "bpchar", "name", "uuid", "boolean", '"bit"', "bit varying",
    "date", "timestamp with time zone", "timestamp without time zone", "time without time zone",
    "inet", "cidr", "macaddr", "macaddr8",
})  # fmt: skip


@dataclass(frozen=True)
class KeyForm:
    """The key column of a source, over the page alias `s`."""

    column: Column

    def check(self, stream: str) -> None:
        """Raise ConfigurationFailure for a type without an order, or with several texts for equal values."""
        column = self.column
        if column.type in _EXACT or column.category == "E" or self._is_citext:
            return
        raise ConfigurationFailure(
            f"Stream {stream}: key {column.name} has type {column.type}, whose values cannot be stored as text and "
            "compared exactly. Name another key, or cast it in a view (bytea: encode(…, 'hex'), others: ::text) "
            "and name that view as source."
        )

    @property
    def text(self) -> sql.Composed:
        """Return the key as text; equal values have the same text."""
        if self.column.type == "numeric":
            return sql.SQL("trim_scale({})::text").format(self.column.value)
        if self.column.type in {"real", "double precision"}:  # -0 is 0
            return sql.SQL("({} + 0::{})::text").format(self.column.value, sql.SQL(self.column.type))  # a constant
        return self.column.text

    @property
    def order(self) -> sql.Composed:
        """Return the key in position order."""
        if not self.column.is_string:
            return self.column.value
        return sql.SQL('{} collate "C"').format(self.column.text if self._is_citext else self.column.value)

    @property
    def order_of_index(self) -> sql.Composed:
        """Return the key as it is written in an index in position order."""
        name = sql.Identifier(self.column.name)
        if not self.column.is_string:
            return sql.Composed([name])
        return sql.SQL('({}::text) collate "C"' if self._is_citext else '{} collate "C"').format(name)

    def place(self, text: sql.Composable) -> sql.Composed:
        """Return a text as a key value that compares in position order."""
        if not self.column.is_string:
            return sql.SQL("{}::{}").format(text, self._type)
        return sql.SQL('{}::{} collate "C"').format(text, self._type)

    def equals(self, text: sql.Composable) -> sql.Composed:
        """Return the condition that the key of `s` equals a text; an index of the column can be used."""
        if not self.column.is_string:
            return sql.SQL("{} = {}::{}").format(self.column.value, text, self._type)
        exact = sql.SQL('{} = ({}::text collate "C")').format(self.column.exact_text, text)
        if self._is_citext:
            schema = sql.SQL(str(self.column.type_schema))  # Postgres's own quoting
            parts = {"key": self.column.value, "text": text, "schema": schema, "exact": exact}
            return sql.SQL("({key} operator({schema}.=) {text}::{schema}.citext and {exact})").format(**parts)
        # an index can be used only for a comparison in the collation of its column
        collation = sql.SQL(self.column.collation or '"default"')
        same = sql.SQL("{} = {}::{} collate {}").format(self.column.value, text, self._type, collation)
        return same if self.column.distinct_texts else sql.SQL("({} and {})").format(same, exact)

    @property
    def _is_citext(self) -> bool:
        return self.column.type.rpartition(".")[2] == "citext" and self.column.type_schema is not None

    @property
    def _type(self) -> sql.SQL:
        """Return the type for comparisons: one that does not change a text of any length."""
        if self._is_citext or self.column.type == "name":
            return sql.SQL("text")
        return sql.SQL(self.column.type)  # format_type's own quoting
