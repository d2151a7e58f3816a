"""A stream's source: its columns, and the pages of rows that are planned as batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import psycopg
from psycopg import sql

from include.export.failures import ConfigurationFailure, SourceMissing
from include.export.positions import Position, Window
from include.export.postgres import admit_policies
from include.export.record_sql import Column, KeyForm, RecordForm, UnreadableForm
from include.export.source.relation import NO_KEY, Relation, check_key, explain_shared_position, read_relation
from include.export.source.shared_positions import SharedPositions
from include.export.streams import Stream
from include.sql import fetch_one, fetch_value, list_parts, load_statement

_PLACE = ("cursor_at", "record_key")  # the parameters of a position
WAITING_LIMIT = 10_001  # rows counted after a position; one more than is reported


def take_half(page: str, values: Mapping[str, object]) -> dict[str, object] | None:
    """Return the values of the first half of a page, None for a page of one row."""
    limit, listed = values.get("limit"), values.get(page)
    if isinstance(limit, int) and limit > 1:
        return {**values, "limit": limit // 2}
    if isinstance(listed, list) and len(listed) > 1:
        return {**values, page: listed[: len(listed) // 2]}
    return None


@dataclass(frozen=True)
class Source:
    """The source of a stream, read at one connection."""

    stream: Stream
    connection: psycopg.Connection

    def at(self, connection: psycopg.Connection) -> Source:
        """Return the source read at another connection; cached columns and relation are reused.

        A thread that read them would wait for other threads: in Python 3.11 cached_property has one lock for all.
        """
        other = replace(self, connection=connection)
        vars(other).update(columns=self.columns, relation=self.relation)
        return other

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Return the columns that the stream names; raises ConfigurationFailure naming what is missing."""
        admit_policies(self.connection, self.stream)
        wanted = {"schema": self.stream.source_schema, "table": self.stream.source_table}
        rows = self.connection.execute(load_statement("source/source_columns"), wanted).fetchall()
        if not rows:
            raise SourceMissing(
                f"Stream {self.stream.name}: source {self.stream.source} does not exist in database "
                f"{self.connection.info.dbname}, or role {self.connection.info.user} cannot see it. "
                f"Correct source in {self.stream.name}.yaml, or create the table or view."
            )
        found = {row[0]: Column(*row) for row in rows}
        _check_columns(self.stream, found)
        check_key(self.stream, self.relation, self.connection)
        return found

    @cached_property
    def relation(self) -> Relation:
        """Return the relation of the source."""
        found = read_relation(self.stream, self.connection)
        assert found is not None  # noqa: S101 - read after the columns, which include the key
        return found

    @property
    def key(self) -> KeyForm:
        """Return the key in SQL."""
        return KeyForm(self.columns[self.stream.key])

    def peek(self, after: Position | None, horizon: str) -> Position | None:
        """Return the position of the first row after the watermark, None when there is none."""
        row = self.connection.execute(
            self.compose("source/source_peek", after), {"horizon": horizon, **(after.as_values() if after else {})}
        ).fetchone()
        return Position(row[1], row[0]) if row else None

    def has_row(self, record_key: str) -> bool:
        """Return whether the source still has the row of a key."""
        return bool(fetch_value(self.connection.execute(self.compose("source/source_has", None), {"key": record_key})))

    def count_waiting(self, after: Position | None, horizon: str, limit: int = WAITING_LIMIT) -> int:
        """Count the rows after a position, up to a limit."""
        values = {"horizon": horizon, "limit": limit, **(after.as_values() if after else {})}
        return int(fetch_value(self.connection.execute(self.compose("source/source_count", after), values)))

    def count_unreadable(self) -> tuple[int, int]:
        """Count rows without a change time and rows changed in the future, up to 1,000 each.

        Raises ConfigurationFailure when a row has no key.
        """
        statement = self.compose("source/source_unreadable", None, lacks_key=self.shared.lacks_key)
        without, future, without_key = fetch_one(self.connection.execute(statement))
        if without_key:
            raise explain_shared_position(self.stream, NO_KEY)
        return without, future

    def page(self, name: str, after: Position | None, *, bare: bool = False, looks_ahead: bool = True) -> sql.Composed:
        """Return a page of rows to plan a batch from; `bare` reads only their keys and change times.

        If rows may share a position, each is compared with the next one; without `looks_ahead`, because the next row
        may be unreadable, with all rows at its position.

        | page | rows | values |
        |---|---|---|
        | changes | the next changed rows | horizon, limit, the position |
        | errors | the current rows of export errors | errors |
        | keys | rows by their keys, up to the watermark | keys, the position |
        | one | one row | key |
        """
        both = sql.SQL("s.{}, s.{}").format(sql.Identifier(self.stream.key), sql.Identifier(self.stream.cursor))
        shared = self.shared.by_key
        if name == "changes":
            shared = self.shared.with_next if looks_ahead else self.shared.with_any
        columns = sql.SQL("{}, {} as crm_export_shared").format(both if bare else sql.SQL("s.*"), shared)
        return self.compose(f"source/page_{name}", after, columns=columns)

    def plan_of(self, page: sql.Composed, form: RecordForm | UnreadableForm) -> sql.Composed:
        """Return `batch_plan.sql` over a page."""
        return load_statement("source/batch_plan").format(
            page=page,
            key_text=self.key.text,
            cursor=sql.Identifier(self.stream.cursor),
            external_id=form.external_id,
            deleted=form.deleted,
            record=form.record,
            rejection=form.rejection,
            payload=form.payload,
            created=form.created,
            lock=form.lock,
            folded=form.folded,
        )

    def compose_window(self, name: str, window: Window, **parts: sql.Composable) -> sql.Composed:
        """Return a statement over the rows of a window; the values are `window.as_values()`."""
        upper = self.bound("<=", "range_to_at", "range_to_key")
        lower = self.bound(">", "range_from_at", "range_from_key") if window.start else None
        bounds = sql.SQL(" and ").join([upper, lower] if lower else [upper])
        return self.compose(name, None, range=bounds, **parts)

    def compose_results(self, name: str, before: Position | None) -> sql.Composed:
        """Return a statement over the answers of a job, in position order."""
        row_key = self.key.place(sql.SQL("r.record_key"))
        bound = sql.SQL("and (r.cursor_at, {}) < (%(cursor_at)s::timestamptz, {})").format(
            row_key, self.key.place(sql.SQL("%(record_key)s"))
        )
        return load_statement(name).format(row_key=row_key, before=bound if before else sql.SQL(""))

    def compose(self, name: str, after: Position | None, **more: sql.Composable) -> sql.Composed:
        """Return a statement over the rows after a position; `more` adds parts to the usual ones or replaces them."""
        key = self.key
        usual: dict[str, Callable[[], sql.Composable]] = {
            "source": lambda: sql.Identifier(self.stream.source_schema, self.stream.source_table),
            "key": lambda: sql.Identifier(self.stream.key),
            "cursor": lambda: sql.Identifier(self.stream.cursor),
            "key_text": lambda: key.text,
            "key_order": lambda: key.order,
            "after": lambda: sql.SQL("and {}").format(self.bound(">", *_PLACE)) if after else sql.SQL(""),
            "at_or_below": lambda: self.bound("<=", *_PLACE) if after else sql.SQL(""),
            "columns": lambda: sql.SQL("s.*, {} as crm_export_shared").format(self.shared.by_key),
            "is_of_error": lambda: key.equals(sql.SQL("e.record_key")),
            "is_of_manifest": lambda: key.equals(sql.SQL("m.record_key")),
            "is_given": lambda: key.equals(sql.SQL("%(key)s")),
            "is_listed": lambda: key.equals(sql.SQL("listed.record_key")),
        }
        wanted = list_parts(name) - more.keys()
        return load_statement(name).format(**{part: usual[part]() for part in wanted}, **more)

    @property
    def shared(self) -> SharedPositions:
        """Return the conditions of rows that share a position."""
        return SharedPositions(self.stream, self.relation, self.key)

    def bound(self, operator: str, moment: str, record_key: str) -> sql.Composed:
        """Return a comparison with a position given by two parameters; the operator is a constant in the code."""
        return sql.SQL("(s.{cursor}, {key}) {operator} ({moment}::timestamptz, {bound})").format(
            cursor=sql.Identifier(self.stream.cursor),
            key=self.key.order,
            operator=sql.SQL(operator),
            moment=sql.Placeholder(moment),
            bound=self.key.place(sql.Placeholder(record_key)),
        )


def _check_columns(stream: Stream, found: Mapping[str, Column]) -> None:
    named = {"key": stream.key, "cursor": stream.cursor}
    named |= {"deleted": stream.deleted} if stream.deleted else {}
    named |= {f"fields.{field}": column for field, column in stream.fields.items()}
    for setting, column in named.items():
        if column not in found:
            raise SourceMissing(
                f"Stream {stream.name}: {setting} names column {column}, which {stream.source} does not "
                f"have. Its columns: {', '.join(sorted(found))}. Correct {stream.name}.yaml or the source."
            )
    if found[stream.cursor].type != "timestamp with time zone":
        raise ConfigurationFailure(
            f"Stream {stream.name}: cursor {stream.cursor} has type {found[stream.cursor].type}; "
            "it must be timestamp with time zone, set by every write."
        )
    KeyForm(found[stream.key]).check(stream.name)
    for field, column in stream.fields.items():
        found[column].check_sendable(f"{stream.name}, field {field}")


def format_count(count: int) -> str:
    """Return a number of rows for people; beyond 10,000 it is not exact."""
    return f"more than {WAITING_LIMIT - 1:,}" if count >= WAITING_LIMIT - 1 else f"{count:,}"
