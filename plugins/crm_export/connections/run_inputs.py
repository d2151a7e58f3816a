"""What a task passes to the core: the opened connections of its stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from crm_export.connections.opening import connect_postgres, make_salesforce_client, open_postgres
from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.run import RunInputs
from include.export.salesforce import load_catalogue
from include.export.streams import Stream


@contextmanager
def open_inputs(stream: Stream, options: ExportOptions, identity: RunIdentity) -> Generator[RunInputs]:
    """Open the connections that a stream names, and yield what its run works with.

    Raises ConfigurationFailure for a missing connection, SourceFailure when Postgres cannot be reached.
    """
    with open_postgres(stream.postgres) as connection:
        yield RunInputs(
            stream,
            connection,
            make_salesforce_client(stream.salesforce),
            load_catalogue(),
            options,
            identity,
            connect=partial(connect_postgres, stream.postgres),
        )
