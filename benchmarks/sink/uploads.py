"""An uploaded CSV: kept unchanged, its rows counted, the rejected ones found without parsing the others."""

from __future__ import annotations

import csv
import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
VALUES = ("no", "a", "b", "c")  # of Reject__c, the last column


@dataclass
class Upload:
    """A CSV in a file; `rows` and `failed` are known once `close` has run."""

    path: Path
    rows: int = 0
    failed: list[tuple[int, int]] = field(default_factory=list)  # first and last byte of each rejected line
    _header_end: int = 0

    def receive(self, blocks: Iterator[memoryview]) -> None:
        """Write the arriving data and count its lines."""
        lines = 0
        with self.path.open("wb", buffering=0) as out:
            for block in blocks:
                out.write(block)
                lines += block.obj.count(b"\n", 0, len(block))  # type: ignore[attr-defined] # a bytearray
        self.rows = max(lines - 1, 0)

    def close(self, rejected: tuple[str, ...]) -> None:
        """Find the rows that are rejected."""
        with self.path.open("rb") as source:
            self._header_end = len(source.readline())
            if not rejected or not self.rows:
                return
            with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
                ends = _tails(content, self._header_end)
                if ends is None:
                    self._rewrite(rejected)
                else:
                    self.failed = sorted(span for value in rejected for span in _find(content, ends[value]))

    def successful(self) -> Iterator[bytes]:
        """Yield the file of accepted rows, all with the same made-up id."""
        mark = b'"a0R000000000001AAA","false",'
        with self.path.open("rb") as source:
            yield b'"sf__Id","sf__Created",' + source.readline()
            position = self._header_end
            for first, last in [*self.failed, (self.path.stat().st_size,) * 2]:
                yield from _marked(source, position, first, mark)
                position = last
                source.seek(last)

    def rejected(self, error: str, *, distinct: bool) -> Iterator[bytes]:
        """Yield the file of rejected rows; `distinct` gives each its own message, as record ids in messages do."""
        with self.path.open("rb") as source:
            yield b'"sf__Id","sf__Error",' + source.readline()
            lines = []
            for number, (first, last) in enumerate(self.failed):
                source.seek(first)
                message = f"{error} {number}" if distinct else error
                lines.append(f'"","{message}:--",'.encode() + source.read(last - first))
                if len(lines) == 2000:
                    yield b"".join(lines)
                    lines.clear()
            yield b"".join(lines)

    def header(self) -> bytes:
        """Return the header line."""
        with self.path.open("rb") as source:
            return source.readline()

    def _rewrite(self, rejected: tuple[str, ...]) -> None:
        """Convert a file of another format (columns in another order, quoted lines) into one that can be searched."""
        draft, failed, rows = self.path.with_suffix(".draft"), [], 0
        with self.path.open(encoding="utf-8", newline="") as source, draft.open("wb") as out:
            lines = csv.reader(source)
            header = next(lines)
            place = header.index("Reject__c")
            self._header_end = position = out.write(_line(header))
            for row in lines:
                end = position + out.write(_line(row))
                if row[place] in rejected:
                    failed.append((position, end))
                position, rows = end, rows + 1
        draft.rename(self.path)
        self.failed, self.rows = failed, rows


def _line(row: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()


def _tails(content: mmap.mmap, start: int) -> dict[str, bytes] | None:
    """Return the end of a line for each value of the last column, None when a line ends differently."""
    first = content[start : content.find(b"\n", start) + 1]
    for form in (b",%s\n", b',"%s"\n', b",%s\r\n", b',"%s"\r\n'):
        ends = {value: form % value.encode() for value in VALUES}
        if any(first.endswith(end) for end in ends.values()):
            whole = content[start:]
            same = sum(whole.count(end) for end in ends.values()) == whole.count(b"\n")
            return ends if same else None
    return None


def _find(content: mmap.mmap, end: bytes) -> Iterator[tuple[int, int]]:
    place = content.find(end)
    while place >= 0:
        yield content.rfind(b"\n", 0, place) + 1, place + len(end)
        place = content.find(end, place + len(end))


def _marked(source: BinaryIO, position: int, last: int, mark: bytes) -> Iterator[bytes]:
    """Yield whole lines, each preceded by a mark."""
    if position < last:
        yield mark
    while position < last:
        block = source.read(min(BLOCK, last - position))
        position += len(block)
        body = block.replace(b"\n", b"\n" + mark)
        yield body.removesuffix(mark) if position >= last else body
