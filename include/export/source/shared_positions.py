"""Conditions that find rows sharing a position, for sources where no unique index rules them out."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from include.export.record_sql import KeyForm
from include.export.source.relation import Relation
from include.export.streams import Stream

_NONE = sql.SQL("false")


@dataclass(frozen=True)
class SharedPositions:
    """The conditions over the page alias `s`; constant false if a unique index rules shared positions out."""

    stream: Stream
    relation: Relation
    key: KeyForm

    @property
    def with_next(self) -> sql.Composable:
        """Return the condition that a row has no key, or shares its position with the next one in `positions`."""
        return self._write(
            "(coalesce(lead(s.{cursor}) over positions = s.{cursor}"
            ' and (lead({key_text}) over positions) = ({key_text} collate "C"), false) or s.{key} is null)'
        )

    @property
    def with_any(self) -> sql.Composable:
        """Return the condition of `with_next` for a row that is read without its successor."""
        return self._write(
            "(s.{key} is null or (select count(*) from (select 1 from {source} o where o.{cursor} = s.{cursor}"
            " and o.{key} = s.{key} limit 2) twins) > 1)"
        )

    @property
    def by_key(self) -> sql.Composable:
        """Return the condition that another row of the page has the same key."""
        return self._write('(count(*) over (partition by {key_text} collate "C") > 1)')

    @property
    def lacks_key(self) -> sql.Composable:
        """Return the condition that the source has a row without a key."""
        return self._write("exists (select 1 from {source} s where s.{key} is null)")

    def _write(self, condition: str) -> sql.Composable:
        if self.relation.is_provable:
            return _NONE
        return sql.SQL(condition).format(
            source=sql.Identifier(self.stream.source_schema, self.stream.source_table),
            cursor=sql.Identifier(self.stream.cursor),
            key=sql.Identifier(self.stream.key),
            key_text=self.key.text,
        )
