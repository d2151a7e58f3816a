"""The error catalogue: every known code, wrapped codes, and messages fit for logs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.export.failures import ConfigurationFailure
from include.export.salesforce.error_catalogue import Catalogue, ErrorClass

CODES = """
UNABLE_TO_LOCK_ROW API_TEMPORARILY_UNAVAILABLE SERVER_UNAVAILABLE REQUEST_RUNNING_TOO_LONG QUERY_TIMEOUT
UNKNOWN_EXCEPTION CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER ALL_OR_NONE_OPERATION_ROLLED_BACK
APEX_ERROR APEX_DATA_ACCESS_RESTRICTION FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION
FIELD_FILTER_VALIDATION_EXCEPTION REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE
INVALID_TYPE_ON_FIELD_IN_RECORD INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST NUMBER_OUTSIDE_VALID_RANGE
INVALID_EMAIL_ADDRESS MALFORMED_ID INVALID_ID_FIELD INVALID_QUERY_FILTER_OPERATOR INVALID_DATE_FORMAT
INVALID_FIELD_WHEN_USING_TEMPLATE INVALID_CROSS_REFERENCE_KEY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY
INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS OP_WITH_INVALID_USER_TYPE_EXCEPTION INACTIVE_OWNER_OR_USER
TRANSFER_REQUIRES_READ DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID DUPLICATES_DETECTED DUPLICATE_USERNAME
DUPLICATE_DEVELOPER_NAME MISSING_ARGUMENT ENTITY_IS_DELETED DELETE_FAILED CANNOT_UPDATE_CONVERTED_LEAD
ENTITY_IS_LOCKED STORAGE_LIMIT_EXCEEDED LIMIT_EXCEEDED EXCEEDED_ID_LIMIT REQUEST_LIMIT_EXCEEDED INVALID_TYPE
JSON_PARSER_ERROR MALFORMED_QUERY INVALID_SESSION_ID INVALID_AUTH_HEADER API_DISABLED_FOR_ORG
FUNCTIONALITY_NOT_ENABLED NOT_FOUND INVALID_QUERY_LOCATOR UNSUPPORTED_MEDIA_TYPE METHOD_NOT_ALLOWED
""".split()


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_name_a_class_and_what_to_do(catalogue: Catalogue, code: str) -> None:
    verdict = catalogue.classify(code, "")
    assert verdict.error_class is not ErrorClass.UNKNOWN
    assert verdict.name[0].isupper()
    assert verdict.advice.endswith(".")


@pytest.mark.parametrize(
    ("code", "message", "expected", "smaller"),
    [
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "… first error: UNABLE_TO_LOCK_ROW, unable to obtain", "transient", False),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: caused by: UNABLE_TO_LOCK_ROW: x", "transient", False),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "BatToOpp: first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, x",
            "admin",
            False,
        ),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: X", "structural", False),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Too many SOQL queries: 101", "admin", True),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "T: System.LimitException: Apex CPU time limit exceeded",
            "admin",
            True,
        ),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "Too many retries of batch save in the presence of Apex",
            "admin",
            True,
        ),
        ("INVALID_FIELD", "No such column 'Foo__c' on sobject of type Account", "run-level", False),
        ("INVALID_FIELD", "Foreign key external ID: k1 not found for field E__c in entity A", "parent", False),
        ("INVALID_FIELD", "Failed to deserialize field at col 3. Due to, 'x' is not a valid value", "data", False),
        ("NEVER_SEEN", "anything", "unknown", False),
    ],
)
def test_variants_and_wrapped_codes_are_distinguished(
    catalogue: Catalogue, code: str, message: str, expected: str, smaller: bool
) -> None:
    verdict = catalogue.classify(code, message)
    assert (str(verdict.error_class), verdict.smaller_batch) == (expected, smaller)


def test_the_missing_parent_is_read_from_the_message(catalogue: Catalogue) -> None:
    message = "Foreign key external ID: a b:c not found for field Ext__c in entity Parent__c"
    assert catalogue.classify("INVALID_FIELD", message).missing_parent == ("Parent__c", "Ext__c", "a b:c")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("STRING_TOO_LONG", "Name: data value too large: SECRET (max length=80)"),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "F: bad value for restricted picklist field: SECRET"),
        ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: SECRET"),
        ("MALFORMED_ID", "Owner ID: id value of incorrect type: SECRET"),
        ("DUPLICATE_VALUE", "Duplicate external id specified: SECRET"),
        ("INVALID_FIELD", "Foreign key external ID: SECRET not found for field E in entity A"),
        ("NUMBER_OUTSIDE_VALID_RANGE", "F: value outside of valid range on numeric field: SECRET"),
        ("NEVER_SEEN", "something about 'SECRET'"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "mail SECRET@example.com bounced"),
    ],
)
def test_record_values_do_not_reach_logs(catalogue: Catalogue, code: str, message: str) -> None:
    assert "SECRET" not in catalogue.redact(code, message)


@given(st.sampled_from([*CODES, "NEVER_SEEN"]), st.text(max_size=2_000))
def test_a_message_for_a_log_is_one_short_line_without_control_characters(code: str, message: str) -> None:
    detail = Catalogue.load().redact(code, message) if len(message) % 50 == 0 else _loaded.redact(code, message)
    assert len(detail) <= 500
    assert "\n" not in detail
    assert "::" not in detail
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in detail)


_loaded = Catalogue.load()


def test_a_mistake_in_the_catalogue_names_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "codes:\n  X: {name: Yes, class: no such class, do: x}\nunknown: {name: Zed, class: unknown, do: x}\n"
    )
    with pytest.raises(ConfigurationFailure, match=r"Error catalogue wrong\.yaml: codes\.X\.class"):
        Catalogue.load(file)
