"""The result files of a Bulk job as text: decoded, the header, and the complete rows of a truncated file."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterator

from include.export.failures import SalesforceFailure

HEADER_BYTES = 1024 * 1024  # of a header line, at most
csv.field_size_limit(sys.maxsize)


class ResultsCut(SalesforceFailure):
    """A result file ends in the middle of a row."""


def decode(blocks: Iterator[bytes]) -> Iterator[str]:
    """Yield the text of blocks as Postgres can store it: read as UTF-8 (whatever the HTTP header says), without NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for block in blocks:
        yield decoder.decode(block).replace("\x00", "\ufffd")
    yield decoder.decode(b"", final=True)


def read_header(texts: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """Return the names in the first line, and the whole text including that line; no names for an empty answer."""
    head = ""
    for text in texts:
        head += text
        if "\n" in head:
            break
        if len(head) > HEADER_BYTES:
            raise SalesforceFailure("Salesforce's result file has no first line of column names.")
    line = head.partition("\n")[0].strip()
    names = next(csv.reader(io.StringIO(line)), [])
    return names, _join(head, texts)


def _join(head: str, texts: Iterator[str]) -> Iterator[str]:
    yield head
    yield from texts


def drop_incomplete(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the complete rows of a truncated result file, one by one.

    A last row without a line end is incomplete even if it parses: its last cell may end in half of a doubled quote.
    """
    width = 0
    try:
        for row in csv.reader(_split_lines(blocks), strict=True):
            width = width or len(row)
            if len(row) == width:
                written = io.StringIO()
                csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
                yield written.getvalue().encode()
    except csv.Error:
        return  # the rest of the file is the truncated row


def _split_lines(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = ""
    for text in decode(blocks):
        *lines, rest = (rest + text).split("\n")
        yield from (line + "\n" for line in lines)
