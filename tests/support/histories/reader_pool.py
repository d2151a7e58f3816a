"""Connections through which jobs read their rows, kept for the next job: opening one costs more than a step."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from histories.replacing import replaced
from include.export.postgres import Connect, copy_reader

_free: list[psycopg.Connection[Any]] = []


def _keep(reader: psycopg.Connection[Any]) -> None:
    """Keep a reader outside a transaction for the next job; close it otherwise."""
    if not reader.closed and reader.info.transaction_status is TransactionStatus.IDLE:
        _free.append(reader)
    else:
        psycopg.Connection.close(reader)


def close_readers() -> None:
    """Close the kept readers."""
    while _free:
        psycopg.Connection.close(_free.pop())


@contextmanager
def reuse_readers() -> Generator[None]:
    """Let jobs read through kept connections."""

    def connect(opener: Connect) -> psycopg.Connection[Any]:
        if _free:
            return _free.pop()
        reader = opener()
        reader.close = partial(_keep, reader)  # type: ignore[method-assign] # for the block that closes it
        return reader

    with replaced(copy_reader, "connect_reader", connect):
        yield
