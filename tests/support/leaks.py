"""A pytest plugin: a test fails when planted secrets or personal values reach a log, a page or a store.

It searches the log records, standard output and standard error of each test, the message of every RunFailure, what
test clients of the page receive (secrets), and when a worker ends the files of AIRFLOW_HOME: logs, and the metadata
database with XComs, rendered fields, asset events and audit lines.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.export.failures import RunFailure

SECRET = "planted-secret"
PERSON = "Planted Person <planted.person@example.org>"
# the sandbox's own: consumer secret, password, access tokens
SECRETS = (SECRET, "sandbox-secret", "sandbox-only", "!AQ.sandbox_")
PERSONAL = ("Planted Person", "planted.person", "planted_value")
_ANY = re.compile("|".join(re.escape(word) for word in SECRETS + PERSONAL))
_SECRETS = re.compile("|".join(re.escape(word) for word in SECRETS))
_FILE_LIMIT = 64 * 1024 * 1024


class Watch(logging.Handler):
    """Collects findings until they are taken."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Search a log record and its exception."""
        text = record.getMessage()
        if record.exc_info:
            text += logging.Formatter().formatException(record.exc_info)
        self.look(f"log {record.name}", text)

    def look(self, place: str, text: str, wanted: re.Pattern[str] = _ANY) -> None:
        """Search a text for planted values."""
        hit = wanted.search(text)
        if hit:
            around = text[max(hit.start() - 60, 0) : hit.end() + 60]
            self.found.append(f"{place}: {hit[0]!r} in {around!r}")

    def take(self) -> list[str]:
        """Return the findings and forget them."""
        found, self.found = self.found, []
        return found


watch = Watch()


def pytest_configure() -> None:
    """Start the search."""
    logging.getLogger().addHandler(watch)
    for name in ("include", "crm_export"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    _wrap(RunFailure, "__init__", lambda _, failure, message, **__: watch.look("message of a RunFailure", str(message)))
    _wrap(httpx.Client, "send", _look_at_answer)


def _look_at_answer(answer: Any, _: httpx.Client, request: httpx.Request, **__: Any) -> None:
    # a task gets its connections from the execution API
    if answer is not None and answer.is_closed and not request.url.path.startswith("/execution"):
        watch.look(f"answer of {request.url.path}", answer.text, _SECRETS)


def _wrap(owner: type, name: str, look: Callable[..., None]) -> None:
    inner = getattr(owner, name)

    def call(*arguments: Any, **options: Any) -> Any:
        result = inner(*arguments, **options)
        look(result, *arguments, **options)
        return result

    setattr(owner, name, call)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Fail the phase of a test that has findings; `shows_record_values` lets a test print values."""
    report = yield
    for title, text in report.sections:
        watch.look(title, text)
    found = watch.take()
    marker = item.get_closest_marker("shows_record_values")
    if marker:
        found = [each for each in found if _SECRETS.search(each)]
    if found and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = "Planted values were seen where they must not be:\n" + "\n".join(found[:10])
    return report


def check_files(folder: Path, *more: str) -> None:
    """Fail when a file of a folder holds a secret, a personal value, or one of the patterns given."""
    wanted = re.compile("|".join([_ANY.pattern, *more]).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < _FILE_LIMIT:
            hit = wanted.search(path.read_bytes())
            assert hit is None, f"{path.name} of {folder} holds {hit[0]!r}" if hit else ""


@pytest.fixture(scope="session", autouse=True)
def nothing_planted_is_kept() -> Generator[None]:
    """Search the files of AIRFLOW_HOME after a worker has run its tests."""
    yield
    check_files(Path(os.environ["AIRFLOW_HOME"]))
