"""The documents: cited ones exist, links and anchors resolve, the first pages stay short."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from crm_export import settings
from crm_export.command_line.main import make_parser
from crm_export.metrics import COUNTERS, GAUGES
from include.export.streams import Stream
from scripts import links

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FIRST_PAGES = {"README.md": 120, "ARCHITECTURE.md": 120}  # lines
FIRST_COMMAND = 25  # the line before which README gives a command


def list_files(*patterns: str) -> list[Path]:
    """Return the matching files of the project, including new ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_every_document_that_code_cites_exists() -> None:
    assert any(path == "docs/salesforce-behaviour.md" for _, path, _ in links.find_citations()), (
        "the search finds nothing"
    )
    assert list(links.find_broken_citations()) == []


def test_every_link_of_a_document_leads_somewhere() -> None:
    documents = list_files("*.md")
    assert len(documents) > 30
    assert [link for document in documents for link in links.find_broken_links(document)] == []


@pytest.mark.parametrize("target", ["gone.md", "page.md#no-such-heading", "#nothing-here"])
def test_a_broken_link_is_found(target: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Here, it is\n\n[a link]({target}), [here](#here-it-is), [itself](page.md)\n", encoding="utf-8")
    assert list(links.find_broken_links(page)) == [f"{page}: {target}"]


@pytest.mark.parametrize("name", LONGEST_FIRST_PAGES)
def test_the_first_pages_are_short(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_FIRST_PAGES[name]


def test_the_readme_begins_with_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("make run") for line in lines[: FIRST_COMMAND - 1])


def test_every_option_of_stream_files_is_described() -> None:
    described = (ROOT / "docs" / "reference" / "stream-file.md").read_text(encoding="utf-8")
    assert [name for name in Stream.model_fields if name != "name" and f"| `{name}` |" not in described] == []


def test_every_table_is_described() -> None:
    schema = (ROOT / "include" / "sql" / "ledger" / "schema.sql").read_text(encoding="utf-8")
    tables = re.findall(r"create table if not exists crm_export\.(\w+)", schema)
    described = (ROOT / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
    assert len(tables) > 10
    assert [table for table in tables if f"`{table}`" not in described] == []


def test_every_setting_is_described() -> None:
    described = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    variables = [getattr(settings, name) for name in dir(settings) if re.fullmatch(r"[A-Z_]+", name)]
    product = [file for file in list_files("dags/*.py", "plugins/*.py", "include/*.py") if file.suffix == ".py"]
    texts = "".join(file.read_text(encoding="utf-8") for file in product)
    # in quotes: an environment variable; our error codes begin like one
    environment = set(re.findall(r'"(CRM_EXPORT_(?:STREAMS|POOL|\w*SCHEDULE|\w*HOSTS|\w*DAYS|\w*HOURS))"', texts))
    assert len(environment) >= 6
    named = [*(each for each in variables if isinstance(each, str)), *environment]
    assert [name for name in named if f"`{name}`" not in described] == []


def test_every_command_is_described() -> None:
    described = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    commands = next(action.choices for action in make_parser()._actions if isinstance(action.choices, dict))
    assert [name for name in commands if f"`{name}" not in described] == []


def test_every_metric_is_described() -> None:
    described = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in (*COUNTERS, *GAUGES) if f"`crm_export.{name}`" not in described] == []


def test_every_package_of_the_core_is_on_the_map() -> None:
    described = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "include" / "export").glob("*/__init__.py")]
    assert len(packages) > 8
    assert [name for name in packages if f"| `{name}` |" not in described] == []


def test_every_decision_is_on_the_map() -> None:
    described = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    decisions = [path.name for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(decisions) > 10
    assert [name for name in decisions if f"docs/decisions/{name}" not in described] == []


def test_each_task_of_contributors_names_a_file_that_the_map_leads_to() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = contributing.partition("## Ten tasks")[2].partition("###")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) == 10
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for task, files in rows:
        first = re.findall(r"`([^`]+)`", files)[0]
        assert (ROOT / first).is_file(), task
        # the map names the file, or the folder that it is in
        folders = [part for part in Path(first).parts if part not in {"include", "plugins", "crm_export", "src"}]
        assert any(f"`{each}" in architecture or f"/{each}`" in architecture for each in folders), task
