"""A trial of one record: sent to Salesforce as it is now, with the exact request and answer shown, nothing recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg

from include.export.bulk.recovery import refuse_left_over
from include.export.failures import ConfigurationFailure
from include.export.ledger.batches import Batch
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.options import ExportOptions
from include.export.run.context import Workbench
from include.export.run.lease_scope import Parts, open_workbench
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.collections_api import CollectionsTransport, read_results
from include.export.salesforce.error_catalogue import Catalogue
from include.export.salesforce.http_errors import RequestRefused
from include.export.streams.stream import Stream


@dataclass(frozen=True)
class Trial:
    """What was sent, what came back, and what it means."""

    request: str
    answer: str
    accepted: bool
    message: str


def try_record(
    stream: Stream,
    key: str,
    *,
    connection: psycopg.Connection,
    salesforce: SalesforceClient,
    catalogue: Catalogue,
    options: ExportOptions,
    run: RunIdentity,
) -> Trial:
    """Send one source row by its key and return the exact request and answer.

    Neither the watermark nor ExportErrors change; Salesforce keeps the record if it accepts it. The lease is taken,
    so a trial is never a second writer. The request holds the record's values: show it only to who may see them.
    Raises ConfigurationFailure for an unknown key, RunFailure when no record is to blame.
    """
    parts = Parts(stream, connection, salesforce, catalogue, options, run)
    with open_workbench(parts, "trial") as bench:
        if bench is None:
            raise ConfigurationFailure(f"Another run of stream {stream.name} is at work. Try again when it has ended.")
        trial = _try(bench, key)
        bench.end(Outcome.COMPLETE, f"Tried key={key}: {'accepted' if trial.accepted else 'refused'}.")
        return trial


def _try(bench: Workbench, key: str) -> Trial:
    refuse_left_over(bench)
    batch = bench.plan("one", key=key)
    if batch is None:
        raise ConfigurationFailure(
            f"Stream {bench.stream.name}: {bench.stream.source} has no row with {bench.stream.key} = {key}."
        )
    trial = _send(bench, batch)
    with bench.lease.transaction():
        bench.batches.abandon([batch.id])
    return trial


def _send(bench: Workbench, batch: Batch) -> Trial:
    row = batch.rows[0]
    if row.verdict is not None:
        advice = bench.catalogue.classify(row.verdict.partition(":")[0], "").advice
        return Trial("(not sent)", row.verdict, False, f"Refused by a local rule before sending. {advice}")
    transport = CollectionsTransport(bench.stream, bench.client)
    ids, absent = transport.find_ids(batch.action, [row])
    if absent:
        return Trial("(not sent)", "Salesforce has no such record.", absent[row.ordinal].accepted, "Nothing to send.")
    request = transport.compose(batch.action, [row], ids, all_or_none=True)
    shown = f"{request.method} /services/data/v{bench.client.session.api_version}/{request.path}"
    shown += f"\n{_pretty(request.body)}" if request.body else ""
    try:
        answer = bench.client.call(request.method, request.path, request.body)
    except RequestRefused as refused:
        return _judge(bench, shown, f"HTTP 400\n{refused}", [{"statusCode": refused.code, "message": refused.message}])
    [result] = read_results([row], answer, batch.action)
    errors = [] if result.accepted else [{"statusCode": result.code, "message": result.message}]
    return _judge(bench, shown, f"HTTP {answer.status}\n{_pretty(answer.text)}", errors)


def _judge(bench: Workbench, request: str, answer: str, errors: list[dict[str, str]]) -> Trial:
    if not errors:
        return Trial(request, answer, True, "Salesforce accepted the record. The next run of CRMExport records that.")
    verdict = bench.catalogue.classify(str(errors[0].get("statusCode")), str(errors[0].get("message")))
    return Trial(request, answer, False, f"Salesforce refused the record: {verdict.name}. {verdict.advice}")


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
