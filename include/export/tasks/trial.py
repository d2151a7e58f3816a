"""A trial: one record is sent to Salesforce to show the exact request and answer; nothing is recorded."""

from __future__ import annotations

import json

from include.export.batch import Batch
from include.export.bulk import reject_unsettled
from include.export.failures import ConfigurationFailure
from include.export.ledger import Outcome, Trial
from include.export.run import RunContext, RunInputs, open_run, plan_batch
from include.export.salesforce import RequestRejected, Result, read_results


def try_record(
    inputs: RunInputs,
    key: str,
) -> Trial:
    """Send one source row by its key and return the exact request and answer.

    Neither the watermark nor ExportErrors change; Salesforce keeps the record if it accepts it. The lease is taken,
    so a trial is never a second writer. The request holds the record's values: show it only to people who may see
    them. Raises ConfigurationFailure for an unknown key, RunFailure when no record is to blame.
    """
    with open_run(inputs, "trial") as run:
        if run is None:
            name = inputs.stream.name
            raise ConfigurationFailure(f"Another run of stream {name} is in progress. Retry after it has ended.")
        trial = _try(run, key)
        run.end(Outcome.COMPLETE, f"Tried key={key}: {'accepted' if trial.accepted else 'rejected'}.")
        return trial


def _try(run: RunContext, key: str) -> Trial:
    reject_unsettled(run)
    batch = plan_batch(run, "one", key=key) if run.source.has_row(key) else None
    if batch is None:
        raise ConfigurationFailure(
            f"Stream {run.stream.name}: {run.stream.source} has no row with {run.stream.key} = {key}."
        )
    trial = _send(run, batch)
    with run.lease.transaction():
        run.batches.abandon([batch.id])
    return trial


def _send(run: RunContext, batch: Batch) -> Trial:
    row = batch.rows[0]
    if row.verdict is not None:
        advice = run.catalogue.classify(row.verdict.partition(":")[0], "").advice
        return Trial("(not sent)", row.verdict, False, f"Rejected by a local rule before sending. {advice}")
    transport = run.sender.transport
    ids, settled = transport.find_ids(batch.action, [row])
    if settled:
        return _judge_unsent(run, settled[row.ordinal])
    request = transport.compose(batch.action, [row], ids, all_or_none=True)
    shown = f"{request.method} /services/data/v{run.client.session.api_version}/{request.path}"
    shown += "".join(f"\n{name}: {value}" for name, value in request.headers.items())
    shown += f"\n{_pretty(request.body)}" if request.body else ""
    try:
        answer = run.client.call(request.method, request.path, request.body, headers=request.headers)
    except RequestRejected as rejected:
        return _judge(run, shown, f"HTTP 400\n{rejected}", [{"statusCode": rejected.code, "message": rejected.message}])
    [result] = read_results([row], answer, batch.action)
    errors = [] if result.accepted else [{"statusCode": result.code, "message": result.message}]
    return _judge(run, shown, f"HTTP {answer.status}\n{_pretty(answer.text)}", errors)


def _judge_unsent(run: RunContext, result: Result) -> Trial:
    if result.accepted:
        return Trial("(not sent)", "Salesforce has no such record.", True, "Nothing to send.")
    advice = run.catalogue.classify(result.code, "").advice
    return Trial("(not sent)", result.code, False, f"Rejected by a local rule before sending. {advice}")


def _judge(run: RunContext, request: str, answer: str, errors: list[dict[str, str]]) -> Trial:
    if not errors:
        return Trial(request, answer, True, "Salesforce accepted the record. The next run of CRMExport records that.")
    verdict = run.catalogue.classify(str(errors[0].get("statusCode")), str(errors[0].get("message")))
    return Trial(request, answer, False, f"Salesforce rejected the record: {verdict.name}. {verdict.advice}")


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
