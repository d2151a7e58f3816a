"""A stage for histories, for all tests of a worker, and the sandbox that their small Salesforce is compared with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simple_salesforce.api import Salesforce

from histories.stage import Stage
from local_stack.postgres import EmbeddedPostgres
from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox


@pytest.fixture
def rest(sandbox: Control, sandbox_server: RunningSandbox) -> Iterator[Rest]:
    """Return the REST API of a fresh sandbox, logged in."""
    client = Salesforce(
        consumer_key="sandbox-key",
        consumer_secret="sandbox-secret",
        domain=f"{sandbox_server.https_host}/services/oauth2/token#",
    )
    logged_in = Rest(sandbox_server.http_url, client.session_id)
    yield logged_in
    logged_in.session.close()
    client.session.close()


@pytest.fixture(scope="session")
def stage(postgres: EmbeddedPostgres, template: str) -> Iterator[Stage]:
    """Return a stage of this worker."""
    built = Stage.build(postgres, "histories", template)
    yield built
    built.close()
