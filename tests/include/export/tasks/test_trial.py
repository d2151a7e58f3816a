"""A trial of one record: the exact request and answer, and unchanged state."""

from __future__ import annotations

import pytest

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure
from include.export.ledger.trials import Trial
from include.export.tasks.trial import try_record


def try_key(exporter: Exporter, key: str) -> Trial:
    return try_record(exporter.inputs(), key)


def state_of(exporter: Exporter) -> list[object]:
    return [exporter.errors(), exporter.watermark()]


def test_a_rejected_record_shows_the_request_and_salesforces_words(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "name": "bad"})
    exporter.run()
    before = state_of(exporter)
    trial = try_key(exporter, "2")
    assert not trial.accepted
    assert trial.request.startswith("PATCH /services/data/v59.0/composite/sobjects/Account/Ext__c\n")
    assert '"Name": "bad"' in trial.request
    assert '"message": "This name is not welcome"' in trial.answer
    assert "ValidationRule" in trial.message
    assert state_of(exporter) == before


def test_an_accepted_record_is_in_salesforce_and_the_next_run_notes_it(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "name": "bad"})
    exporter.run()
    exporter.control.switch_rule("no_bad_names", active=False)
    before = state_of(exporter)
    assert try_key(exporter, "2").accepted
    assert state_of(exporter) == before
    exporter.run()
    assert exporter.errors()[0]["status"] == "resolved"


def test_a_deleted_row_is_tried_as_a_delete(exporter: Exporter) -> None:
    exporter.add({"id": 1})
    exporter.run()
    exporter.change(1, 5, deleted_at="2026-01-01")
    assert try_key(exporter, "1").request.startswith("DELETE ")
    assert try_key(exporter, "1").accepted


def test_a_record_that_a_local_rule_rejects_is_not_sent(exporter: Exporter) -> None:
    exporter.add({"id": 1, "ext": None})
    trial = try_key(exporter, "1")
    assert (trial.request, trial.accepted) == ("(not sent)", False)
    assert "external id" in trial.message


def test_an_update_of_a_record_that_salesforce_does_not_have_says_so(exporter: Exporter) -> None:
    exporter.stream = make_stream(operation="update", deleted=None)
    exporter.add({"id": 1})
    trial = try_key(exporter, "1")
    assert (trial.request, trial.accepted) == ("(not sent)", False)


def test_an_unknown_key_is_one_message(exporter: Exporter) -> None:
    with pytest.raises(ConfigurationFailure, match=r"app\.accounts has no row with id = 99"):
        try_key(exporter, "99")


def test_only_listed_fields_are_kept_with_an_export_error(exporter: Exporter) -> None:
    exporter.stream = make_stream(log_fields=["Kind__c"])
    exporter.add({"id": 1, "name": "bad", "kind": "A"})
    exporter.run()
    assert exporter.errors()[0]["payload"] == {"Kind__c": "A"}
