"""Messages of real orgs, and how the catalogue classifies each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from include.export.salesforce import judge_rejection
from include.export.salesforce.collections_api import join_errors
from include.export.salesforce.error_catalogue import Catalogue

MESSAGES = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8"))
ADOBE = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "RECORD_NONCOMPLIANT_WITH_VALIDATION_RULES",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "RESTRICT_PICKLIST_VALUES_ENABLED",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "MISSING_BIZIBLE_CUSTOM_FIELDS_PERMISSIONS",
    "CANNOT_UPDATE_CONVERTED_LEAD": "MISSING_CONVERTED_LEAD_PERMISSION",
    "MISSING_PERMISSION": "MISSING_OBJECT_WRITE_PERMISSION",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "MISSING_RECORD_OBJECT_PERMISSIONS",
    "REQUEST_LIMIT_EXCEEDED": "API_LIMIT_EXCEEDED",
    "API_DISABLED_FOR_ORG": "API_DISABLED",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "CANNOT_EXECUTE_FLOW_TRIGGER",
    "REQUIRED_FIELD_MISSING": "REQUIRED_FIELD_MISSING",
    "NEVER_SEEN": "NEVER_SEEN",
}


@pytest.mark.field("F1", "F15")
@pytest.mark.parametrize("case", MESSAGES, ids=[case["id"] for case in MESSAGES])
def test_a_message_of_a_real_org_is_classified_correctly(catalogue: Catalogue, case: dict[str, Any]) -> None:
    verdict = catalogue.classify(case["code"], case["message"])
    assert (str(verdict.error_class), verdict.smaller_batch) == (case["class"], case.get("smaller_batch", False))
    assert verdict.advice.endswith(".")


@pytest.mark.parametrize(("code", "adobe"), ADOBE.items())
def test_a_code_has_the_name_that_adobe_gives_it(catalogue: Catalogue, code: str, adobe: str) -> None:
    assert catalogue.classify(code, "").adobe_code == adobe


@pytest.mark.parametrize("part", ["a", "a@b", "a.b-", "'", "data value too large: "])
def test_a_hostile_message_is_redacted_at_once(catalogue: Catalogue, part: str) -> None:
    text = part * (200_000 // len(part))
    began = time.process_time()
    for code in ("STRING_TOO_LONG", "NEVER_SEEN"):
        assert len(catalogue.redact(code, text)) <= 500
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "STRING_TOO_LONG, N: data value too large: SECRET (max length=8)"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Too much; INVALID_EMAIL_ADDRESS: Email: invalid email address: SECRET"),
        ("STRING_TOO_LONG", "Name: data value too large: SECRET" + "x" * 9_000 + " (max length=80)"),
        ("INVALID_FIELD", "'SECRET' is not a valid value for the type xsd:date"),
    ],
)  # fmt: skip
def test_values_are_hidden_in_inner_joined_and_clipped_messages(catalogue: Catalogue, code: str, message: str) -> None:
    stored = judge_rejection(catalogue, 1, code, message).message
    assert "SECRET" not in catalogue.redact(code, stored)


def test_several_errors_of_a_record_are_kept_together() -> None:
    errors = [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Too much", "fields": ["Amount__c"]},
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not welcome", "fields": ["Name", "Amount__c"]},
        {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required", "fields": []},
    ]
    assert join_errors(errors) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Too much; Not welcome; REQUIRED_FIELD_MISSING: Required",
        ("Amount__c", "Name"),
    )
