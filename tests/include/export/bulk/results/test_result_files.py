"""Result files of Bulk jobs: whatever their content and wherever they are truncated, no row is read as another."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator

from include.export.bulk.results.result_file import drop_incomplete
from include.export.salesforce.bulk_error_text import read_job_error

_PIECES = (*"abcXYZ09 _:,;\"'\n\r\t#-", "\r\n", '""', "é", "漢", "😀", "\ufeff", " --", "CODE:", "Name, Other__c")


def write(rows: list[list[str]]) -> bytes:
    """Return rows in Salesforce's format."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def in_blocks(content: bytes, chance: random.Random) -> Iterator[bytes]:
    """Yield a content in blocks of any size, which may end within a character."""
    while content:
        size = chance.randint(1, 40)
        yield content[:size]
        content = content[size:]


def test_five_thousand_files_cut_anywhere_keep_their_complete_rows_and_no_other() -> None:
    chance = random.Random(5)
    for _ in range(5_000):
        rows = [
            ["".join(chance.choices(_PIECES, k=chance.randint(0, 6))) for _ in range(3)]
            for _ in range(chance.randint(1, 4))
        ]
        rows = [["sf__Id", "sf__Error", "Ext__c"], *rows]
        content = write(rows)
        cut = chance.randint(0, len(content))
        kept = b"".join(drop_incomplete(in_blocks(content[:cut], chance)))
        found = list(csv.reader(io.StringIO(kept.decode()), strict=True))
        complete = [row for row, end in zip(rows, _ends(rows), strict=True) if end <= cut]
        assert found == complete, (content, cut)


def _ends(rows: list[list[str]]) -> list[int]:
    return [len(write(rows[: count + 1])) for count in range(len(rows))]


def test_an_error_text_is_never_lost_whatever_it_looks_like() -> None:
    chance = random.Random(6)
    for _ in range(5_000):
        text = "".join(chance.choices(_PIECES, k=chance.randint(0, 12)))
        code, message, fields = read_job_error(text)
        assert code
        if code == "NO_ERROR_CODE":
            assert (message, fields) == (text, ())
        else:
            assert text.startswith(f"{code}:{message}")
            assert all(field in text for field in fields)
