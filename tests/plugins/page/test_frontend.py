"""The committed front end: built from its sources, complete in both languages, loading nothing from other hosts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.export.salesforce import DEFAULT_FILE

PAGE = Path(__file__).resolve().parents[3] / "plugins" / "crm_export" / "page"
FRONTEND, STATIC = PAGE / "frontend", PAGE / "static"
LANGUAGE = FRONTEND / "src" / "language"


@pytest.mark.skipif(
    shutil.which("npm") is None or not (FRONTEND / "node_modules").is_dir(),
    reason="what the page is built with is not installed: sh scripts/build-page install",
)
def test_the_committed_page_is_what_its_sources_build(tmp_path: Path) -> None:
    command = ["npm", "run", "--silent", "build", "--", "--outDir", str(tmp_path / "static"), "--logLevel", "error"]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {file.name: file.read_bytes() for file in (tmp_path / "static").iterdir()}
    committed = {file.name: file.read_bytes() for file in STATIC.iterdir()}
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == [], "make page, and commit what it builds"


def test_the_page_asks_for_nothing_but_its_own_files() -> None:
    page = (STATIC / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(.*?)"', page) == ["../static/pin_32.png", "static/app.css", "static/app.js"]
    style = (STATIC / "app.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    for forbidden in ("innerHTML=", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in _own_sources(), forbidden


def _own_sources() -> str:
    return "\n".join(file.read_text() for file in sorted((FRONTEND / "src").rglob("*.ts*")))


def test_the_licences_of_what_is_bundled_are_next_to_it() -> None:
    notices = (STATIC / "licenses.md").read_text()
    bundled = json.loads((FRONTEND / "package.json").read_text())["dependencies"]
    assert [name for name in bundled if f"## {name} - {bundled[name]}" not in notices] == []


def test_both_languages_say_the_same_with_the_same_words_filled_in() -> None:
    english, portuguese = (_flatten(json.loads((LANGUAGE / f"{name}.json").read_text())) for name in ("en", "pt-BR"))
    assert sorted(english) == sorted(portuguese)
    filled = re.compile(r"\{\{\w+")
    differing = [key for key in english if set(filled.findall(english[key])) != set(filled.findall(portuguese[key]))]
    assert differing == []
    assert [key for key in english if english[key] == portuguese[key] and len(english[key]) > 12] == []


def test_every_advice_of_the_catalogue_is_translated() -> None:
    translated = json.loads((LANGUAGE / "catalogue.pt-BR.json").read_text())
    advised = set(_find(yaml.safe_load(DEFAULT_FILE.read_text()), "do"))
    assert sorted(advised - set(translated)) == []


def _flatten(texts: dict[str, Any], path: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in texts.items():
        flat |= _flatten(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
    return flat


def _find(tree: Any, name: str) -> list[str]:
    branches = tree.items() if isinstance(tree, dict) else enumerate(tree if isinstance(tree, list) else [])
    return [
        text
        for key, value in branches
        for text in ([value] if key == name and isinstance(value, str) else _find(value, name))
    ]
