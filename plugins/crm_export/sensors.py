"""The gate of a stream: the task that fails while the stream is stopped at a refused record."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from crm_export.connections import open_postgres
from crm_export.export_operator import ExportOperator
from crm_export.links import PageLink
from crm_export.page_address import link_page
from crm_export.requests import asked_trial
from crm_export.settings import read_pause_on_export_errors
from include.export.salesforce import Catalogue
from include.export.streams import Stream
from include.export.tasks import check_hold


class PauseOnExportErrorsSensor(ExportOperator, BaseSensorOperator):
    """Passes when the stream is not stopped at an open error or the setting is off; else records the hold and fails.

    It fails at once, without retries and never softly: `publish_watermark` behind it must not run.
    """

    ui_color = "#fff3bf"
    operator_extra_links = (PageLink(),)

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        super().__init__(mode="poke", poke_interval=1, timeout=60, soft_fail=False, **kwargs)
        self.stream = stream

    def perform(self, context: Context) -> Any:
        """Judge the stream once."""
        return BaseSensorOperator.execute(self, context)

    def poke(self, context: Context) -> bool:
        """Return True when the stream may pass; raises AirflowFailException with one message to act on."""
        if asked_trial(context):
            raise AirflowSkipException("This run only tried a record.")
        pause = read_pause_on_export_errors()
        with open_postgres() as connection:
            hold = check_hold(self.stream.name, connection=connection, catalogue=Catalogue.load(), pause=pause)
        if hold:
            raise AirflowFailException(f"{hold.message} {link_page(context['ti'].log_url, error=hold.error)}")
        return True
