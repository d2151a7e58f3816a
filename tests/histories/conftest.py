"""A stage for histories, kept for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from histories.stage import Stage
from local_stack.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def stage(postgres: EmbeddedPostgres, template: str) -> Iterator[Stage]:
    """Return a stage of this worker."""
    built = Stage.build(postgres, "histories", template)
    yield built
    built.close()
