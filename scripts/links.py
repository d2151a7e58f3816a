"""`make check`: checks that links and anchors of documents, and the documents and headings that code cites, exist."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's path begins with its own folder

from scripts.words import list_files  # noqa: E402 - the path is set above

CODE = (".py", ".sql", ".yaml", ".yml", ".html", ".ts", ".tsx", ".toml")
SCRIPTS = ("Makefile", ".ci/run")
# names that are not citations: a file that a program writes, and the end of a composed path
NO_CITATIONS = frozenset({"licenses.md", "fault-matrix.md"})
_CITATION = re.compile(r"(?P<path>[\w./-]*[\w-]+\.md)\b(?:#(?P<anchor>[\w-]+))?")
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CHECKS = (
    "tests/test_documents.py",
    "scripts/links.py",
    "scripts/reference_pages.py",
    "tests/scripts/test_docs_site.py",
)


def read_anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub generates them."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find_targets(document: Path) -> Iterator[Path]:
    """Yield the local files that a document links to."""
    for found in _LINK.finditer(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        path = found["target"].partition("#")[0]
        if path and "://" not in path and not path.startswith("mailto:"):
            yield (document.parent / path).resolve()


def find_broken_links(document: Path) -> Iterator[str]:
    """Yield the links of a document whose file or heading does not exist."""
    for found in _LINK.finditer(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        path, _, anchor = found["target"].partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in read_anchors(target)):
            yield f"{document}: {found['target']}"


def find_citations() -> Iterator[tuple[str, str, str]]:
    """Yield the file, the document and the anchor of each citation in code."""
    for name in list_files():
        if name not in _CHECKS and (name.endswith(CODE) or name in SCRIPTS):
            for found in _CITATION.finditer((ROOT / name).read_text(encoding="utf-8")):
                if found["path"] not in NO_CITATIONS:
                    yield name, found["path"], found["anchor"] or ""


def find_broken_citations() -> Iterator[str]:
    """Yield the citations in code of documents or headings that do not exist."""
    for name, path, anchor in find_citations():
        if not (ROOT / path).is_file() or (anchor and anchor not in read_anchors(ROOT / path)):
            yield f"{name}: {path}" + (f"#{anchor}" if anchor else "")


def main() -> int:
    """Check the project; returns the exit status."""
    documents = [ROOT / name for name in list_files() if name.endswith(".md")]
    broken = [*find_broken_citations(), *(link for document in documents for link in find_broken_links(document))]
    print("\n".join(broken) or f"Links: all links of {len(documents)} documents resolve.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
