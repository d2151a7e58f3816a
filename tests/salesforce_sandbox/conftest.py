"""Unmodified clients of the sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from simple_salesforce.api import Salesforce

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.definition.definition import OrgDefinition
from salesforce_sandbox.in_process import InProcessSandbox
from salesforce_sandbox.process import RunningSandbox


@pytest.fixture
def org(sandbox: Control, sandbox_server: RunningSandbox) -> Iterator[Salesforce]:
    """Return simple-salesforce, logged in by client credentials over HTTPS."""
    client = Salesforce(
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",
        domain=f"{sandbox_server.https_host}/services/oauth2/token#",
    )
    yield client
    client.session.close()


@pytest.fixture
def rest(org: Salesforce, sandbox_server: RunningSandbox) -> Iterator[Rest]:
    """Return the REST API, logged in."""
    client = Rest(sandbox_server.http_url, org.session_id)
    yield client
    client.session.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., InProcessSandbox]]:
    """Return a function that serves the org of the tests with other settings, in this process."""
    known = yaml.safe_load((Path(__file__).parent.parent / "org.yaml").read_text())
    queue = known["users"][-1]  # the assignment rule of the org names it
    with contextlib.ExitStack() as opened:

        def start(**settings: Any) -> InProcessSandbox:
            settings["users"] = [*settings.get("users", known["users"][:-1]), queue]
            return opened.enter_context(InProcessSandbox(OrgDefinition.model_validate(known | settings), tmp_path))

        yield start
