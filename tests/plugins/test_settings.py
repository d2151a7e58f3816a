"""The settings: what counts as on and off, and the messages about other values."""

from __future__ import annotations

import json
import logging
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_export.settings import (
    BATCH_SIZES,
    Reading,
    parse_number,
    parse_switch,
    read_options,
    read_pause_on_export_errors,
)

ON = ["true", "True", " ON ", "yes", "1", '"true"']
OFF = ["false", "False", "OFF", " no", "0", '"off"']


@pytest.mark.parametrize("text", ON)
def test_what_counts_as_on(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse_switch("x", Reading(text)) is True
    assert caplog.records == []


@pytest.mark.parametrize("text", OFF)
def test_what_counts_as_off(text: str) -> None:
    assert parse_switch("x", Reading(text)) is False


@pytest.mark.parametrize("text", ["ture", "", "null", "{}", "fals", "x" * 10_000, '"'])
@pytest.mark.fault("C16")
def test_anything_else_counts_as_on_with_a_warning_that_names_it(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse_switch("pause_on_export_errors", Reading(text)) is True
    assert repr(text)[:10] in caplog.text
    assert "counts as on" in caplog.text
    assert len(caplog.text) < 1000


_WORDS = st.sampled_from(["true", "false", "on", "off", "yes", "no", "0", "1", "null", "nein", "FALSE ", "0.0", "{}"])
_NEAR = st.builds(lambda *parts: "".join(parts), st.text(max_size=2), _WORDS, st.text(max_size=2))
_QUOTED = st.builds(json.dumps, _WORDS)
# as it is, or as a JSON string; control characters are not allowed in one
_OFF = re.compile(r'(false|off|no|0)|"[^\S\x00-\x1f]*(false|off|no|0)[^\S\x00-\x1f]*"')


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(), _WORDS, _NEAR, _QUOTED))
def test_only_the_listed_spellings_switch_off(text: str) -> None:
    off = _OFF.fullmatch(text.strip().lower()) is not None
    assert parse_switch("x", Reading(text)) is not off


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(), st.integers().map(str), st.floats().map(str), st.text("0123456789٣७ +-_.eE", max_size=6)))
def test_a_number_is_always_one_that_is_allowed(text: str) -> None:
    assert parse_number("crm_export_batch_size", Reading(text), 200, BATCH_SIZES) in BATCH_SIZES
    assert parse_number("daily_crm_api_limit", Reading(text), 100_000) > 0


@pytest.mark.fault("C18")
def test_the_environment_outranks_and_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS", "off")
    assert read_pause_on_export_errors() is False


@pytest.mark.fault("C16", "C17")
def test_a_setting_that_cannot_be_read_counts_as_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "no.such.Backend")
    with caplog.at_level(logging.WARNING):
        assert read_pause_on_export_errors() is True
    assert "pause_on_export_errors" in caplog.text


@pytest.mark.parametrize(("text", "expected"), [("25", 25), (" 100 ", 100), ("150", 200), ("many", 200), ("-25", 200)])
def test_the_batch_size_is_one_of_four(text: str, expected: int) -> None:
    assert parse_number("crm_export_batch_size", Reading(text), 200, BATCH_SIZES) == expected


def test_options_come_from_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CRM_EXPORT_BATCH_SIZE", "50")
    monkeypatch.setenv("AIRFLOW_VAR_DAILY_CRM_API_LIMIT", "120000")
    monkeypatch.setenv("AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS", "no")
    options = read_options()
    assert (options.batch_size, options.daily_api_limit, options.pause_on_export_errors) == (50, 120_000, False)
