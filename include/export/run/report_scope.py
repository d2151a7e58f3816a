"""A read-only run: it takes no lease, writes its line, and calls only the watermark's org."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from include.export.failures import RunFailure
from include.export.ledger import ExportWatermarks, Outcome, RunEntry, explain_database_errors
from include.export.run.inputs import RunInputs
from include.export.run.object_description import check_organization


@contextmanager
def open_report(inputs: RunInputs) -> Generator[RunEntry]:
    """Yield the line of a report on a stream, which the block ends; a failure inside is written to it.

    Errors of Postgres become RunFailures.
    """
    stream, client = inputs.stream, inputs.client
    with explain_database_errors(stream.name, stream, inputs.connection):
        paused = inputs.options.pause_on_export_errors
        entry = RunEntry.start(inputs.connection, stream.name, "reconcile", inputs.identity, paused=paused)
        client.guard = partial(_check_organization, inputs)
        try:
            yield entry
        except RunFailure as failure:
            entry.end(Outcome.FAILED, str(failure), api_calls=client.api_calls, failure=type(failure).__name__)
            raise


def _check_organization(inputs: RunInputs) -> None:
    known = ExportWatermarks(inputs.connection).read_organization(inputs.stream.name)
    check_organization(inputs.stream, known, inputs.client.session.organization_id)
