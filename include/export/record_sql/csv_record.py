"""The form of a stream's records in a Bulk job: columns of CSV, and which rows CSV cannot represent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql

from include.export.record_sql.column_sql import FIELD_LIMIT, NUMBERS, Column, find_uncarriable
from include.export.record_sql.json_record import RecordForm
from include.export.record_sql.key_sql import KeyForm
from include.export.streams import Operation, Stream


@dataclass(frozen=True)
class CsvForm:
    """The expressions of `window_copy.sql`, over the same stream, object and columns as its `RecordForm`."""

    record: RecordForm

    @property
    def is_possible(self) -> bool:
        """Return whether Bulk jobs can send the stream: it upserts by external id, or updates by Id.

        A job has one list of fields for all its records, so a stream with create_only fields cannot use jobs.
        """
        by_id = self._stream.operation is Operation.UPSERT or self._stream.external_id == "Id"
        return by_id and not self._stream.create_only

    @cached_property
    def header(self) -> bytes:
        """Return the first line of an upload."""
        return ",".join(_name(self.record, field) for field in self._stream.fields).encode() + b"\n"

    @property
    def columns(self) -> sql.Composed:
        """Return the columns of a row; NULL clears a field."""
        cells = [self._cell(field) for field in self._stream.fields]
        return sql.SQL(", ").join(cells)

    def _cell(self, field: str) -> sql.Composed:
        if field == self._stream.external_id and self._external_id.is_text and not self._external_id.is_padded:
            return self._external_id.value  # rows with a blank one are left out, so no empty text is possible
        return self.record.value(field).csv

    def measure_row(self, json_bytes: float) -> float:
        """Return roughly how many bytes of CSV a row takes, given its bytes of JSON, which repeats each field name."""
        return max(json_bytes - sum(self._measure_name(field) for field in self._stream.fields), 1.0)

    def _measure_name(self, field: str) -> int:
        quoted = self._column(field).type not in {*NUMBERS, "boolean"}
        return len(f'"{field}":') + (len('""') if quoted else 0)

    def needs_collections(self, *, decided: bool, scan_texts: bool, colliding: bool) -> sql.Composed:
        """Return the condition that a row is left out of the CSV, to be sent, or rejected, through Collections.

        `decided` leaves out rows whose export errors an operator has set aside or ignored. `scan_texts` searches every
        text for what CSV cannot represent (carriage returns, the literal #N/A, overlong text); an upload that meets
        one restarts with it. `colliding` leaves out the external ids of the parameter `colliding_ids`.
        """
        conditions = [condition for condition, _ in self.record.identity.broken_rules]
        conditions += [self.record.deleted, *self._uncarriable(), *self.record.duplicate_conditions()]
        conditions += _cleared_parents(self.record)
        key = KeyForm(self._columns[self._stream.key])
        conditions += [_DECIDED.format(key_text=key.text)] if decided else []
        conditions += [*self._oversize(), *self._texts_that_mislead()] if scan_texts else []
        folded = sql.SQL("{} = any (%(colliding_ids)s::text[])").format(self.record.identity.folded)
        conditions += [folded] if colliding else []
        return sql.SQL("({})").format(sql.SQL(" or ").join(conditions))

    def _oversize(self) -> list[sql.Composed]:
        """The bytes of all texts together: up to this limit no field and no record is too long."""
        texts = [self._columns[name].text for name in self._text_columns()]
        if not texts:
            return []
        sizes = [sql.SQL("coalesce(octet_length({}), 0)").format(text) for text in texts]
        return [sql.SQL("{} > {}").format(sql.SQL(" + ").join(sizes), sql.Literal(FIELD_LIMIT))]

    def _uncarriable(self) -> list[sql.Composed]:
        found = [find_uncarriable(self._columns[name]) for name in dict.fromkeys(self._stream.fields.values())]
        return [condition for condition in found if condition is not None]

    def _texts_that_mislead(self) -> list[sql.Composed]:
        return [
            sql.SQL("({text} = '#N/A' or strpos({text}, chr(13)) > 0)").format(text=self._columns[name].exact_text)
            for name in self._text_columns()
        ]

    def _text_columns(self) -> list[str]:
        return [name for name in dict.fromkeys(self._stream.fields.values()) if self._columns[name].is_text]

    def _column(self, field: str) -> Column:
        return self._columns[self._stream.fields[field]]

    @property
    def _external_id(self) -> Column:
        return self._columns[self._stream.external_id_column]

    @property
    def _stream(self) -> Stream:
        return self.record.stream

    @property
    def _columns(self) -> Mapping[str, Column]:
        return self.record.columns


def _name(record: RecordForm, field: str) -> str:
    """Return a field's name as describe spells it: result files leave columns in another spelling empty."""
    return field if "." in field else record.schema.fields[field].name


def _cleared_parents(record: RecordForm) -> list[sql.Composed]:
    """A parent by external id is cleared through its lookup field, which a CSV column of a parent cannot name."""
    columns = [record.columns[column].value for field, column in record.stream.fields.items() if "." in field]
    return [sql.SQL("coalesce({}::text, '') = ''").format(column) for column in columns]


_DECIDED = sql.SQL(
    "exists (select 1 from crm_export.ExportErrors d where d.stream = %(stream)s"
    " and d.record_key = ({key_text} collate \"C\") and d.status in ('set_aside', 'ignored'))"
)
