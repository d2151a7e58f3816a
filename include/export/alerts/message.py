"""The text of alerts: one message per channel and run, with Adobe's line for each error, redacted like logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from include.export.ledger import PendingAlert
from include.export.salesforce import Catalogue
from include.export.source import format_count
from include.export.streams import read_yaml

TEXTS = Path(__file__).resolve().parents[2] / "alert_texts.yaml"
_COUNTED = {"raised": "new", "cleared": "over", "reminder": "goes_on"}


@dataclass(frozen=True)
class AlertMessage:
    """A message: its subject line, its text, and the alerts it reports, each with its text."""

    subject: str
    text: str
    parts: tuple[tuple[PendingAlert, str], ...] = ()


@dataclass(frozen=True)
class AlertText:
    """The text of one alert: Adobe's line, a sentence, what to do, and the record's address in Salesforce.

    Parts that do not apply are empty.
    """

    adobe_line: str
    sentence: str
    advice: str
    record_url: str


@dataclass(frozen=True)
class AlertWriter:
    """Writes messages in a language. `page_url` is the page's address, `children` are the child streams by stream."""

    catalogue: Catalogue
    language: str
    page_url: str
    children: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def write(self, alerts: Sequence[PendingAlert]) -> AlertMessage:
        """Return the message about alerts, of which there must be at least one."""
        parts = tuple((alert, self._describe(alert)) for alert in alerts)
        counts = ((name, sum(alert.event == event for alert in alerts)) for event, name in _COUNTED.items())
        summary = ", ".join(self._text(name, count=count) for name, count in counts if count)
        blocks = [self._block(event, [text for alert, text in parts if alert.event == event]) for event in _COUNTED]
        text = "\n\n".join([*filter(None, blocks), self._text("page", url=self.page_url)])
        return AlertMessage(self._text("subject", summary=summary), text, parts)

    def describe(self, alert: PendingAlert) -> AlertText:
        """Return the text of an alert, part by part."""
        if alert.event == "cleared":
            return AlertText("", self._text(f"{alert.kind}_cleared", **self._values(alert)), "", "")
        sentence = self._text(_name_text(alert), **self._values(alert))
        if alert.kind == "finding" and alert.message:
            sentence = f"{sentence}\n{alert.message}"
        return AlertText(self._adobe_line(alert), sentence, self._advise(alert), _link_record(alert))

    def write_sample(self) -> AlertMessage:
        """Return a sample message to check a channel with."""
        text = f"{self._text('sample')}\n{self._text('page', url=self.page_url)}"
        return AlertMessage(self._text("subject", summary="test"), text)

    def _block(self, event: str, texts: Sequence[str]) -> str:
        return "\n\n".join([self._text(f"heading_{event}"), *texts]) if texts else ""

    def _describe(self, alert: PendingAlert) -> str:
        found = self.describe(alert)
        if alert.event == "cleared":
            return found.sentence
        lines = (
            found.adobe_line,
            f"[{alert.severity}] {found.sentence}",
            found.advice and self._text("advice", advice=found.advice),
            found.record_url and self._text("record", url=found.record_url),
        )
        return "\n".join(filter(None, lines))

    def _adobe_line(self, alert: PendingAlert) -> str:
        """Return the line that Adobe Marketo Measure writes for an error of its CRM export."""
        if alert.error_code is None:
            return ""
        name = self.catalogue.classify(alert.error_code, alert.error_message or "").adobe_code
        fields = ", ".join(alert.error_fields or ())
        reason = self.catalogue.redact(alert.error_code, alert.error_message or "")
        record = alert.salesforce_id or f"key={alert.record_key}"
        return (
            f"Error occurred during Crm Export: {name} : Entity type '{alert.object}': "
            f"CRM ErrorCode: {alert.error_code}, Field(s): {fields}, CRM ErrorMessage: {reason}, RecordId: {record}"
        )

    def _advise(self, alert: PendingAlert) -> str:
        if alert.error_code is not None:
            return self.catalogue.classify(alert.error_code, alert.error_message or "").advice
        return self._text("fix_run") if alert.kind == "run_failed" else ""

    def _values(self, alert: PendingAlert) -> dict[str, Any]:
        children = ", ".join(self.children.get(alert.stream or "", ()))
        return {
            "stream": alert.stream or "",
            "key": alert.record_key or alert.subject,
            "code": alert.error_code or alert.subject,
            "kind": self._name_finding(alert.subject),
            "field": alert.subject,
            "message": alert.message or "",
            "since": alert.since,
            "attempts": alert.attempts,
            "waiting": format_count(alert.rows_waiting or 0),
            "records": alert.records or 0,
            "children": self._text("held_children", names=children) if children else "",
        }

    def _name_finding(self, kind: str) -> str:
        """Return the name of a kind of finding; the kinds of drift (`org:…`) have texts in alert_texts.yaml."""
        texts = load_texts()[self.language]
        return texts.get(kind.replace(":", "_"), kind.replace("_", " "))

    def _text(self, name: str, **values: Any) -> str:
        return load_texts()[self.language][name].format(**values)


@cache
def load_texts() -> dict[str, dict[str, str]]:
    """Return the texts by language."""
    texts: dict[str, dict[str, str]] = read_yaml(TEXTS)
    return texts


def _name_text(alert: PendingAlert) -> str:
    return "purge_waiting" if alert.kind == "purge" and alert.error is None else alert.kind


def _link_record(alert: PendingAlert) -> str:
    safe = alert.instance_url is not None and urlsplit(alert.instance_url).scheme == "https"
    return f"{alert.instance_url}/{alert.salesforce_id}" if safe and alert.salesforce_id else ""
