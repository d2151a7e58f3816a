"""The inputs of a run of one stream, which the caller opens."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import psycopg

from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.postgres import Connect, Readers, reconnect
from include.export.salesforce import Catalogue, SalesforceClient
from include.export.streams import Stream


@dataclass
class RunInputs:
    """A stream and the inputs of its run; every entry point of the core takes one.

    The connection is prepared (`prepare_session`). `connect` opens another one like it, with the password that is
    current then; by default, as the first one was opened. The client logs in at its first call.
    """

    stream: Stream
    connection: psycopg.Connection
    client: SalesforceClient
    catalogue: Catalogue
    options: ExportOptions
    identity: RunIdentity
    connect: Connect | None = field(default=None, kw_only=True)

    def make_readers(self) -> Readers:
        """Return the readers of a run, which open further connections for reading rows."""
        return Readers(self.connect or partial(reconnect, self.connection), self.stream)
