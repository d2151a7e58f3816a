"""`make check`: finds words that this project does not use in code, comments, messages, the page and documents.

The list, with the replacements and the exceptions with their reasons, is `scripts/words.toml`. Exits with 1
when a word was found, or when an exception is no longer needed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Words:
    """Words to avoid: `stop` finds them, `write` is the replacement."""

    stop: re.Pattern[str]
    write: str


@dataclass(frozen=True)
class Excuse:
    """An exception: files (patterns of names), the word, and the reason."""

    files: tuple[str, ...]
    word: re.Pattern[str]
    reason: str

    def covers(self, name: str, word: str) -> bool:
        """Return whether a word is excused in a file."""
        return bool(self.word.fullmatch(word)) and any(fnmatch(name, each) for each in self.files)


@dataclass(frozen=True)
class WordList:
    """The list of words with its exceptions; `skip` are files that are not searched."""

    words: tuple[Words, ...]
    excuses: tuple[Excuse, ...]
    skip: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A word that was found."""

    file: str
    line: int
    word: str
    write: str

    def format(self) -> str:
        """Return the hit as one line."""
        return f"{self.file}:{self.line}: {self.word!r}: write {self.write}"


def read_list(path: Path = LIST) -> WordList:
    """Return the word list of a file; raises KeyError for an exception without a reason."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    return WordList(
        tuple(_read_words(each) for each in listed["words"]),
        tuple(_read_excuse(each) for each in listed.get("exceptions", ())),
        tuple(listed.get("skip", ())),
    )


def _read_words(row: Mapping[str, Any]) -> Words:
    return Words(re.compile(row["stop"], re.NOFLAG if row.get("cased") else re.IGNORECASE), row["write"])


def _read_excuse(row: Mapping[str, Any]) -> Excuse:
    return Excuse(tuple(row["files"]), re.compile(row["word"], re.IGNORECASE), row["reason"])


def list_files(root: Path = ROOT) -> list[str]:
    """Return the names of the project's files, new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)  # noqa: S603 - constants
    return [name for name in listed.stdout.splitlines() if (root / name).is_file()]


def find_words(words: Sequence[Words], name: str, text: str) -> Iterator[Hit]:
    """Yield the words of the list in a text."""
    for each in words:
        for found in each.stop.finditer(text):
            yield Hit(name, text.count("\n", 0, found.start()) + 1, found.group(), each.write)


def find_hits(listed: WordList, names: Sequence[str], root: Path = ROOT) -> Iterator[Hit]:
    """Yield the words of the list in files; binary files are skipped."""
    for name in names:
        if any(fnmatch(name, skipped) for skipped in listed.skip):
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield from find_words(listed.words, name, text)


def check(listed: WordList, names: Sequence[str], root: Path = ROOT) -> list[str]:
    """Return one line for each word without an exception, and for each exception without a word."""
    hits = list(find_hits(listed, names, root))
    excused = {hit: [each for each in listed.excuses if each.covers(hit.file, hit.word)] for hit in hits}
    needed = {excuse for excuses in excused.values() for excuse in excuses}
    idle = [
        f"scripts/words.toml: no exception is needed for: {each.reason}"
        for each in listed.excuses
        if each not in needed
    ]
    return [hit.format() for hit in hits if not excused[hit]] + idle


def main() -> int:
    """Check the project; returns the exit status."""
    found = check(read_list(), list_files())
    print("\n".join(found) or "Words: no listed word was found.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
