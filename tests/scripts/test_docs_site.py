"""The documentation site, and the pages that are generated from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import docs_site, reference_pages

ROOT = Path(__file__).resolve().parents[2]


def test_every_document_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = docs_site.list_pages()
    assert len(pages) > 50
    assert [page for page in pages if f"      - {page}\n" not in navigation] == []


@pytest.mark.parametrize("name", ["error-catalogue.md", "page-api.md"])
def test_pages_that_are_made_from_the_code_are_current(name: str) -> None:
    written = (reference_pages.PAGES / name).read_text(encoding="utf-8")
    assert written == reference_pages.make_pages()[name], "run make reference"


def test_pages_are_copied_with_what_they_link_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_site, "SOURCE", tmp_path)
    docs_site.copy_pages()
    assert (tmp_path / "docs" / "README.md").is_file()
    assert any((tmp_path / "docs" / "pictures").iterdir())
    assert (tmp_path / "LICENSE").is_file()


def test_what_would_be_loaded_from_elsewhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_site, "SITE", tmp_path)
    (tmp_path / "a.html").write_text('<a href="https://a.example">link</a><img src="b.png">', encoding="utf-8")
    assert list(docs_site.find_elsewhere()) == []
    (tmp_path / "b.html").write_text('<script async src="https://a.example/x.js"></script>', encoding="utf-8")
    assert list(docs_site.find_elsewhere()) == ['b.html: <script async src="https://a.example/x.js"']
