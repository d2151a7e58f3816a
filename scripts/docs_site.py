"""`make docs`: builds the documents as a site in .site/html; a broken link or a page outside the navigation fails it.

The pages are copied unchanged, with the files that they link to, so that links work in the repository and on the site.
The site loads nothing from other hosts; a copy of mermaid from npm draws the diagrams.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's path begins with its own folder

from scripts.links import find_targets  # noqa: E402 - the path is set above
from scripts.tool_environment import install_tools  # noqa: E402 - same
from scripts.words import list_files  # noqa: E402 - same

TOOLS, LOCK = ROOT / ".venv-docs", ROOT / "requirements-docs.lock"
SOURCE, SITE = ROOT / ".site" / "source", ROOT / ".site" / "html"
MERMAID = "mermaid@11.9.0"
MERMAID_SHA512 = "YdPXn9slEwO0omQfQIsW6vS84weVQftIyyTGAZCwM//MGhPzL1+l6vO6bkf0wnP4tHigH1alZ5Ooy3HXI2gOag=="
_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=\"(?:https?:)?//[^\"]*\"")
_NO_PAGES = ("plugins/", ".github/", "tests/")


def list_pages() -> list[str]:
    """Return the names of the documents that are pages of the site."""
    return [name for name in list_files() if name.endswith(".md") and not name.startswith(_NO_PAGES)]


def copy_pages() -> None:
    """Copy the documents and the files that they link to, each to its path in the repository."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for name in list_pages():
        for file in {ROOT / name, *find_targets(ROOT / name)}:
            target = SOURCE / file.relative_to(ROOT)
            if file.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


def fetch_mermaid() -> bool:
    """Put mermaid next to the pages; False when npm cannot download it. Raises ValueError for unexpected content."""
    target = SOURCE / "assets" / "mermaid.min.js"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            command = ["npm", "pack", "--silent", MERMAID]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 - constants
        except (OSError, subprocess.CalledProcessError):
            return False
        [packed] = Path(folder).glob("*.tgz")
        if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != MERMAID_SHA512:
            raise ValueError(f"npm's {MERMAID} is not the file that scripts/docs_site.py names.")
        with tarfile.open(packed) as archive:
            script = archive.extractfile("package/dist/mermaid.min.js")
            assert script is not None  # noqa: S101 - the content was compared
            target.write_bytes(script.read())
    return True


def find_elsewhere() -> Iterator[str]:
    """Yield the addresses that pages of the site would load from other hosts."""
    for page in sorted(SITE.rglob("*.html")):
        for found in _ELSEWHERE.finditer(page.read_text(encoding="utf-8")):
            if 'rel="canonical"' not in found.group():
                yield f"{page.relative_to(SITE)}: {found.group()}"


def main() -> int:
    """Build the site; returns the exit status."""
    if not install_tools(TOOLS, LOCK):
        print("MkDocs cannot be installed here (requirements-docs.lock); the documents can be read in docs/.")
        return 3
    copy_pages()
    if not fetch_mermaid():
        (SOURCE / "assets" / "mermaid.min.js").write_text("window.mermaid = null;\n", encoding="utf-8")
        print("npm was not found or did not answer: diagrams are shown as text.")
    command = [str(TOOLS / "bin" / "mkdocs"), "build", "--strict", "--clean"]
    status = subprocess.run(command, cwd=ROOT, check=False, env={"NO_MKDOCS_2_WARNING": "1"}).returncode  # noqa: S603 - ours
    elsewhere = [] if status else list(find_elsewhere())
    print(
        "\n".join(elsewhere) or ("The site is not complete." if status else f"The site is in {SITE.relative_to(ROOT)}.")
    )
    return 1 if status or elsewhere else 0


if __name__ == "__main__":
    sys.exit(main())
