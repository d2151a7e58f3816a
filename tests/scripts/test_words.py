"""The word check: it finds a planted word, excuses what the list excuses, and the project has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import words


@pytest.mark.parametrize(("text", "word"), [
    ("# the org told us", "told"),
    ("def tell_progress() -> None:", "tell"),
    ("class RequestRefused(Exception):", "Refused"),
    ("-- the row stands before it", "stands"),
    ("the next try sends it", "next try"),
    ("It is tried\nand tried again.", "tried again"),
    ("GATHER: float = 5.0", "GATHER"),
    ("O que para a exportação", "O que para a"),
])  # fmt: skip
def test_a_planted_word_is_found(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(f"first line\n{text}\n", encoding="utf-8")
    listed = words.WordList(words.read_list().words, (), ())
    [hit] = words.find_hits(listed, ["planted.py"], tmp_path)
    assert (hit.word, hit.line > 1) == (word, True)
    assert hit.format().startswith("planted.py:")


@pytest.mark.parametrize("text", [
    "a stand-in for Salesforce", "`key` stands for a column", "ConnectionRefusedError", "EVERYTHING = 1", "the teller",
])  # fmt: skip
def test_other_words_are_not(text: str) -> None:
    assert list(words.find_words(words.read_list().words, "a.py", text)) == []


def test_an_exception_holds_in_its_files_only_and_must_be_needed(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("told\n", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff told")
    listing = tmp_path / "words.toml"
    listing.write_text(
        "[[words]]\nstop = 'told'\nwrite = 'reported'\n"
        "[[exceptions]]\nfiles = ['a.*']\nword = 'told'\nreason = 'a column'\n"
        "[[exceptions]]\nfiles = ['c.*']\nword = 'told'\nreason = 'another'\n",
        encoding="utf-8",
    )
    found = words.check(words.read_list(listing), ["a.py", "b.py", "picture.png"], tmp_path)
    assert found == [
        "b.py:1: 'told': write reported",
        "scripts/words.toml: no exception is needed for: another",
    ]


def test_an_exception_needs_a_reason(tmp_path: Path) -> None:
    listing = tmp_path / "words.toml"
    listing.write_text("words = []\n[[exceptions]]\nfiles = ['a']\nword = 'told'\n", encoding="utf-8")
    with pytest.raises(KeyError, match="reason"):
        words.read_list(listing)


def test_the_project_writes_none_of_the_words() -> None:
    names = words.list_files()
    assert len(names) > 400
    assert words.check(words.read_list(), names) == []
