"""How Postgres writes a value for Salesforce: SQL expressions by column type and field type."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.failures import ConfigurationFailure

NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
_UNBOUNDED_NUMBERS = frozenset({"numeric", "real", "double precision"})
_DATES = frozenset({"date", "timestamp with time zone"})
SALESFORCE_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
FIELD_LIMIT = 131_072  # characters (docs/salesforce-behaviour.md#sizes)
EXTERNAL_ID_LIMIT = 255  # characters of an external id field


@dataclass(frozen=True)
class Column:
    """A column of a source; its type is the base type of any domain, without a length that a cast would truncate to.

    `category` is Postgres's typcategory, `collation` is quoted, None for the database's default. `distinct_texts` is
    False if the collation treats different texts as equal. `type_schema` is the quoted schema of a type that is not
    built into Postgres.
    """

    name: str
    type: str
    category: str
    collation: str | None = None
    folded: bool = False  # an index on lower(column) finds its values whatever their case
    distinct_texts: bool = True
    type_schema: str | None = None

    @property
    def is_text(self) -> bool:
        """Return whether the values are sent as text (strings, enums, uuid)."""
        return (self.category in {"S", "E"} and self.type != '"char"') or self.type == "uuid"

    @property
    def is_string(self) -> bool:
        """Return whether the type is a string type, whose values may differ in case or blanks only."""
        return self.category == "S" and self.type != '"char"'

    @property
    def value(self) -> sql.Composed:
        """Return the column of the page alias `s`."""
        return sql.SQL("s.{}").format(sql.Identifier(self.name))

    @property
    def text(self) -> sql.Composed:
        """Return the column's text, without the padding of char(n)."""
        return sql.SQL("s.{}::text").format(sql.Identifier(self.name))

    @property
    def exact_text(self) -> sql.Composed:
        """Return the column's text, compared character by character whatever the column's collation."""
        return sql.SQL('(s.{}::text collate "C")').format(sql.Identifier(self.name))

    @property
    def is_padded(self) -> bool:
        """Return whether Postgres pads the values with blanks unless they are cast to text."""
        return self.type == "bpchar"

    def check_sendable(self, stream: str) -> None:
        """Raise ConfigurationFailure when values of this type cannot be sent."""
        if self.is_text or self.type in NUMBERS or self.type in _DATES or self.type == "boolean":
            return
        raise ConfigurationFailure(
            f"Stream {stream}: column {self.name} has type {self.type}, which cannot be sent to Salesforce. "
            "Cast it in a view to text, numeric, boolean, date or timestamptz and name that view as source."
        )


@dataclass(frozen=True)
class ValueForm:
    """How a column's values are written for a field: by its describe type, the time zone of days, and NULL handling."""

    column: Column
    field_type: str
    time_zone: str = "UTC"
    keeps_null: bool = False

    @property
    def json(self) -> sql.Composed:
        """Return the value as JSON text; NULL and the empty string are `null`, or SQL's NULL if the field is kept."""
        if self.keeps_null:
            return self._json
        return sql.SQL("coalesce({}, {})").format(self._json, sql.Literal(self._null_json))

    @property
    def csv(self) -> sql.Composed:
        """Return the value as a CSV cell; NULL clears the field, an empty cell leaves it unchanged."""
        if self.keeps_null:
            return sql.SQL("coalesce(({})::text, '')").format(self._csv)
        if self.field_type == "boolean" and self.column.type == "boolean":
            return sql.SQL("case when {} then 'true' else 'false' end").format(self.column.value)
        if self.field_type == "boolean":
            return sql.SQL("coalesce({}, 'false')").format(self.column.text)
        return self._csv

    @property
    def _null_json(self) -> str:
        return "false" if self.field_type == "boolean" else "null"  # a checkbox has no third state

    @property
    def _csv(self) -> sql.Composed:
        column = self.column
        if column.type == "date" and self.field_type == "datetime":
            return self._midnight
        if column.type == "timestamp with time zone":
            return self._day if self.field_type == "date" else _write_sendable_moment(column.value)
        if column.is_string:
            return sql.SQL("nullif({}, '')").format(column.text if column.is_padded else column.value)
        return column.text if column.is_text or column.type == "boolean" else column.value

    @property
    def _json(self) -> sql.Composed:
        column = self.column
        if column.type == "boolean" and self.field_type == "boolean":
            return column.text
        if column.type in NUMBERS and self.field_type in SALESFORCE_NUMBERS:
            return column.text
        if column.type == "date" and self.field_type == "datetime":
            return _quoted(self._midnight)
        if column.type == "timestamp with time zone":
            day = sql.SQL("{}::text").format(self._day)
            return _quoted(day if self.field_type == "date" else _write_moment(column.value))
        return sql.SQL("to_json(nullif({}, ''))::text").format(column.text)

    @property
    def _midnight(self) -> sql.Composed:
        """The start of the column's day in the stream's time zone."""
        if self.time_zone == "UTC":
            return sql.SQL("{} || 'T00:00:00Z'").format(self.column.text)
        begin = sql.SQL("({}::timestamp at time zone {})").format(self.column.value, sql.Literal(self.time_zone))
        return _write_moment(begin)

    @property
    def _day(self) -> sql.Composed:
        """The day of the column's moment in the stream's time zone."""
        return sql.SQL("({} at time zone {})::date").format(self.column.value, sql.Literal(self.time_zone))


def write_text(column: Column) -> sql.Composed:
    """Return the expression of the column's value as plain text, NULL for NULL."""
    if column.type == "timestamp with time zone":
        return sql.SQL("({})").format(_write_moment(column.value))
    return sql.SQL("({})").format(column.text)


def is_blank(text: sql.Composed) -> sql.Composed:
    """Return the condition that a text is NULL, empty, or only spaces and line ends."""
    # nearly every text starts with a character that sorts after the space, which is cheap to check
    condition = sql.SQL("({text} is null or {text} collate \"C\" < '!' and btrim({text}, {blanks}) = '')")
    return condition.format(text=text, blanks=sql.Literal(" \t\n\r\f\v"))


def is_longer(text: sql.Composed, characters: int) -> sql.Composed:
    """Return the condition that a text has more characters; only those of a text with more bytes are counted."""
    return sql.SQL("octet_length({text}) > {limit} and length({text}) > {limit}").format(
        text=text, limit=sql.Literal(characters)
    )


def find_unsendable(column: Column, field: str) -> sql.Composed | None:
    """Return a `when … then …` for values that cannot be sent unchanged, None if the type has no such values."""
    if column.is_text:
        return _when(is_longer(column.text, FIELD_LIMIT), f"CRM_EXPORT_VALUE_TOO_LONG:{field}")
    condition = find_uncarriable(column)
    return _when(condition, f"CRM_EXPORT_VALUE_NOT_SENDABLE:{field}") if condition else None


def find_uncarriable(column: Column) -> sql.Composed | None:
    """Return the condition that a value is outside Salesforce's limits for its type, None for types without limits."""
    if column.type in _UNBOUNDED_NUMBERS:
        # NaN sorts above every number
        return sql.SQL("({value} > 1e300 or {value} < -1e300)").format(value=column.value)
    if column.type in _DATES:
        return sql.SQL("({value} < '1700-01-01' or {value} >= '4001-01-01')").format(value=column.value)
    return None


def _when(condition: sql.Composed, verdict: str) -> sql.Composed:
    return sql.SQL("when {} then {}").format(condition, sql.Literal(verdict))


def _write_moment(moment: sql.Composed) -> sql.Composed:
    """ISO 8601 in UTC with up to milliseconds; Postgres writes a time without a zone faster (docs/performance.md)."""
    written = sql.SQL("replace(date_trunc('milliseconds', {} at time zone 'UTC')::text, ' ', 'T') || 'Z'")
    return written.format(moment)


def _write_sendable_moment(moment: sql.Composed) -> sql.Composed:
    """The same text for a moment within Salesforce's limits, in less time; any other one may raise an error.

    The origin is before all of them: Postgres 14 and 15 bin times before it wrongly.
    """
    binned = sql.SQL("date_bin('1 millisecond', {} at time zone interval '0', '1000-01-01'::timestamp)").format(moment)
    return sql.SQL("replace({}::text, ' ', 'T') || 'Z'").format(binned)


def _quoted(text: sql.Composed) -> sql.Composed:
    return sql.SQL("'\"' || {} || '\"'").format(text)
