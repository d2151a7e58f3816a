"""What the caller opens for a run of one stream."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from include.export.ledger import RunIdentity
from include.export.options import ExportOptions
from include.export.salesforce import Catalogue, SalesforceClient
from include.export.streams import Stream


@dataclass
class RunInputs:
    """A stream and what its run works with; every entry point of the core takes one.

    The connection is in autocommit mode, carries the application name crm_export and the time zone UTC. The client
    logs in at its first call.
    """

    stream: Stream
    connection: psycopg.Connection
    client: SalesforceClient
    catalogue: Catalogue
    options: ExportOptions
    identity: RunIdentity
