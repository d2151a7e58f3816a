"""How Postgres writes a value for Salesforce: SQL expressions by column type and field type."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.failures import ConfigurationFailure

NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
_UNBOUNDED_NUMBERS = frozenset({"numeric", "real", "double precision"})
_DATES = frozenset({"date", "timestamp with time zone"})
_SALESFORCE_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
FIELD_LIMIT = 131_072  # characters (salesforce-wire.md section 4.5)


@dataclass(frozen=True)
class Column:
    """A column of a source; `category` is Postgres's typcategory, `collation` is quoted, None for the database's."""

    name: str
    type: str
    category: str
    collation: str | None = None
    folded: bool = False  # an index on lower(column) finds its values whatever their case

    @property
    def is_text(self) -> bool:
        """Tell whether the values are text to Postgres (strings, enums, uuid)."""
        return self.category in {"S", "E"} or self.type == "uuid"

    @property
    def is_collated(self) -> bool:
        """Tell whether the type has a collation, which the order of positions must not depend on."""
        return self.category == "S"

    def cast(self, text: sql.Composable, *, ordered: bool = False) -> sql.Composed:
        """Return text cast to the column's type; `ordered` for comparisons in position order."""
        kind = sql.SQL(self.type)  # format_type's own quoting
        if not self.is_collated:
            return sql.SQL("{}::{}").format(text, kind)
        # an index serves a comparison only in the collation of its column
        collation = '"C"' if ordered else self.collation or '"default"'
        return sql.SQL("{}::{} collate {}").format(text, kind, sql.SQL(collation))  # Postgres's own quoting

    @property
    def value(self) -> sql.Composed:
        """Return the column of the page alias `s`."""
        return sql.SQL("s.{}").format(sql.Identifier(self.name))

    def check_sendable(self, stream: str) -> None:
        """Raise ConfigurationFailure when values of this type cannot be sent."""
        if self.is_text or self.type in NUMBERS or self.type in _DATES or self.type == "boolean":
            return
        raise ConfigurationFailure(
            f"Stream {stream}: column {self.name} has type {self.type}, which Salesforce has no form for. "
            "Cast it in a view to text, numeric, boolean, date or timestamptz and name that view as source."
        )


def write_json(column: Column, field_type: str) -> sql.Composed:
    """Return the expression of the column's value as JSON text, `null` for NULL and the empty string."""
    return sql.SQL("coalesce({}, 'null')").format(_json_of(column, field_type))


def write_csv(column: Column, field_type: str) -> sql.Composed:
    """Return the expression of the column's value as a cell of CSV, NULL for NULL and the empty string."""
    if column.type == "boolean" or (column.is_text and column.category != "S"):
        return sql.SQL("{}::text").format(column.value)
    if column.type == "date" and field_type == "datetime":
        return sql.SQL("{}::text || 'T00:00:00Z'").format(column.value)
    if column.type == "timestamp with time zone":
        day = sql.SQL("({} at time zone 'UTC')::date").format(column.value)
        return day if field_type == "date" else _datetime(column)
    return sql.SQL("nullif({}, '')").format(column.value) if column.is_text else column.value


def write_text(column: Column) -> sql.Composed:
    """Return the expression of the column's value as plain text, NULL for NULL."""
    if column.type == "timestamp with time zone":
        return sql.SQL("({})").format(_datetime(column))
    return sql.SQL("({}::text)").format(column.value)


def is_blank(text: sql.Composed) -> sql.Composed:
    """Return the condition that a text is NULL, empty, or nothing but spaces and line ends."""
    # nearly every text begins with something behind the space, which is cheap to see
    condition = sql.SQL("({text} is null or {text} collate \"C\" < '!' and btrim({text}, {blanks}) = '')")
    return condition.format(text=text, blanks=sql.Literal(" \t\n\r\f\v"))


def find_unsendable(column: Column, field: str) -> sql.Composed | None:
    """Return `when … then …` that names a value which cannot be sent faithfully, if the type has such."""
    if column.is_text:
        too_long = sql.SQL("length({}::text) > {}").format(column.value, sql.Literal(FIELD_LIMIT))
        return _when(too_long, f"CRM_EXPORT_VALUE_TOO_LONG:{field}")
    condition = find_uncarriable(column)
    return _when(condition, f"CRM_EXPORT_VALUE_NOT_SENDABLE:{field}") if condition else None


def find_uncarriable(column: Column) -> sql.Composed | None:
    """Return the condition under which a value of a type with limits cannot go into a CSV, None for other types."""
    if column.type in _UNBOUNDED_NUMBERS:
        # NaN sorts above every number
        return sql.SQL("({value} > 1e300 or {value} < -1e300)").format(value=column.value)
    if column.type in _DATES:
        return sql.SQL("({value} < '1700-01-01' or {value} >= '4001-01-01')").format(value=column.value)
    return None


def _when(condition: sql.Composed, verdict: str) -> sql.Composed:
    return sql.SQL("when {} then {}").format(condition, sql.Literal(verdict))


def _json_of(column: Column, field_type: str) -> sql.Composed:
    plain = sql.SQL("{}::text").format(column.value)
    if column.type == "boolean" and field_type == "boolean":
        return plain
    if column.type in NUMBERS and field_type in _SALESFORCE_NUMBERS:
        return plain
    if column.type == "date" and field_type == "datetime":
        return _quoted(sql.SQL("{} || 'T00:00:00Z'").format(plain))
    if column.type == "timestamp with time zone":
        day = sql.SQL("({} at time zone 'UTC')::date::text").format(column.value)
        return _quoted(day if field_type == "date" else _datetime(column))
    return sql.SQL("to_json(nullif({}, ''))::text").format(plain)


def _datetime(column: Column) -> sql.Composed:
    """ISO 8601 in UTC with milliseconds at most; Postgres writes a time without a zone faster (performance.md)."""
    written = sql.SQL("replace(date_trunc('milliseconds', {} at time zone 'UTC')::text, ' ', 'T') || 'Z'")
    return written.format(column.value)


def _quoted(text: sql.Composed) -> sql.Composed:
    return sql.SQL("'\"' || {} || '\"'").format(text)
