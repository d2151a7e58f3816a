"""The gate of a stream: the task that fails while the stream is paused at a rejected record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from crm_export.connections import open_postgres
from crm_export.links import PageLink
from crm_export.next_run import find_next_run
from crm_export.operators.base import ExportOperator, asset_of
from crm_export.page_address import link_page
from crm_export.settings import read_pause_on_export_errors
from include.export.salesforce import load_catalogue
from include.export.streams import Stream
from include.export.tasks import Hold, check_hold, read_watermark


class PauseOnExportErrorsSensor(ExportOperator, BaseSensorOperator):
    """Passes when the stream is not stopped at an open error or the setting is off; else records the hold and fails.

    When it passes it publishes how far the stream is complete in Salesforce, as an event of the stream's asset; a gate
    that fails publishes nothing. A hold fails it at once, without retries.
    """

    ui_color = "#fff3bf"
    operator_extra_links = (PageLink(),)

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        outlets = [asset_of(stream.name)]
        super().__init__(mode="poke", poke_interval=1, timeout=60, soft_fail=False, outlets=outlets, **kwargs)
        self.stream = stream

    def perform(self, context: Context) -> Any:
        """Check the stream once."""
        return BaseSensorOperator.execute(self, context)

    def poke(self, context: Context) -> bool:
        """Return True when the stream may pass, after publishing its watermark; fails with what to do when it may not.

        Raises RunFailure when Postgres fails.
        """
        pause, name = read_pause_on_export_errors(), self.stream.name
        with open_postgres(self.stream.postgres) as connection:
            hold = check_hold(name, connection=connection, catalogue=load_catalogue(), pause=pause)
            if hold:
                self.fail(*hold.lines, *_explain_retry(context), *_link(context, hold))
            watermark = read_watermark(name, connection=connection)
        context["outlet_events"][asset_of(name)].extra = watermark
        self.log.info("Published: %s", watermark)
        return True


def _explain_retry(context: Context) -> Iterator[str]:
    moment = find_next_run(context["dag"])
    yield (
        f"Next run: {moment:%Y-%m-%d %H:%M} UTC; it tries the record again."
        if moment
        else ("Each run tries the record again.")
    )
    yield (
        "To try it now: clear export_changes of this group with Downstream. Clearing only this task sends nothing: it "
        "finds the stream still paused."
    )


def _link(context: Context, hold: Hold) -> Iterator[str]:
    yield "The record, its errors and what Salesforce answered:"
    yield link_page(context["ti"].log_url, error=hold.error)
