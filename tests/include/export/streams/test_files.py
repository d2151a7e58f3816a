"""Stream files: what is accepted, and the message for every mistake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import ACCOUNTS
from include.export.failures import ConfigurationFailure
from include.export.streams.files import DEFAULT_FOLDER, load_streams
from include.export.streams.option_types import Operation, write_duration
from include.export.streams.stream import BrokenStream, Stream
from include.export.streams.strict_yaml import read_yaml

GOOD = {key: value for key, value in ACCOUNTS.items() if key != "name"}


def write(folder: Path, stem: str, /, **changes: object) -> None:
    content = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    (folder / f"{stem}.yaml").write_text(yaml.safe_dump(content))


def message_of(folder: Path, name: str = "accounts") -> str:
    found = {stream.name: stream for stream in load_streams(folder)}[name]
    assert isinstance(found, BrokenStream)
    assert found.message.startswith(f"Stream file {name}.yaml: ")
    return found.message


def test_a_stream_is_read_with_its_defaults(tmp_path: Path) -> None:
    write(tmp_path, "accounts")
    [stream] = load_streams(tmp_path)
    assert isinstance(stream, Stream)
    assert (stream.name, stream.operation, stream.after, stream.max_errors) == (
        "accounts",
        Operation.UPSERT,
        (),
        10_000,
    )
    assert (stream.source_schema, stream.source_table, stream.external_id_column) == ("app", "accounts", "ext")
    assert stream.harmless_applications == ("pg_dump",)


def test_the_streams_of_the_product_are_sound_and_in_order() -> None:
    streams = load_streams(DEFAULT_FOLDER)
    assert all(isinstance(stream, Stream) for stream in streams)
    names = [stream.name for stream in streams]
    assert len(names) == 7
    assert names.index("campaigns") < names.index("buyer_touchpoints") < names.index("buyer_attribution_touchpoints")


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": ...}, ["source: is missing"]),
        ({"source": "accounts"}, ["source: 'accounts'", "schema.table"]),
        ({"feilds": {}}, ["feilds: is not known", "did you mean fields?", "Allowed: source, key"]),
        ({"operation": "insert"}, ["operation: must be one of upsert, update"]),
        ({"operation": True}, ["operation: must be one of upsert, update"]),
        ({"external_id": "Other__c"}, ["external_id: Other__c must be one of fields", "Ext__c"]),
        ({"external_id": "Id", "fields": {"Id": "id"}}, ["external_id: Id requires operation: update"]),
        ({"fields": {"Ext__c": "ext", "ext__C": "name"}}, ["Ext__c and ext__C are the same field"]),
        ({"fields": {"Ext__c": "ext", "Na-me": "name"}}, ["'Na-me'", "API name"]),
        ({"fields": {"Ext__c": "ext", "A.B.C": "name"}}, ["'A.B.C'", "API name"]),
        ({"fields": {"Ext__c": "ext", "sf__Id": "name"}}, ["sf__Id is reserved"]),
        ({"fields": {"Ext__c": "ext", "P__r.E__c": "a", "P__c": "b"}}, ["P__r.E__c and P__c set the same parent"]),
        ({"fields": {"Ext__c": "ext", "Account.E__c": "a", "AccountId": "b"}}, ["Account.E__c and AccountId"]),
        ({"fields": {"Ext__c": 7}}, ["fields.Ext__c", "string", "found 7"]),
        ({"fields": {}}, ["fields", "at least 1"]),
        ({"max_errors": "many"}, ["max_errors", "integer", "'many'"]),
        ({"max_errors": 0}, ["max_errors", "greater than or equal to 1"]),
        ({"exact_stop": "yes"}, ["exact_stop", "boolean", "'yes'"]),
        ({"after": ["accounts"]}, ["after: a stream cannot come after itself"]),
        ({"after": ["nowhere"]}, ["after: nowhere is not a stream"]),
        ({"after": ["Not A Name"]}, ["after.0: 'Not A Name'"]),
        ({"log_fields": ["Secret__c"]}, ["log_fields: Secret__c must be among fields"]),
        ({"name": "other"}, ["name: is not a field"]),
        ({"key": ""}, ["key", "at least 1 character"]),
        ({"cursor": "100%"}, ["cursor: '100%'", "names with % are not supported", "in a view"]),
        ({"source": "app.100%"}, ["source: 'app.100%'", "names with % are not supported"]),
        ({"assignment_rule": "sometimes"}, ["assignment_rule: must be true", "id of a rule", "'sometimes'"]),
        ({"duplicate_rule": "ignore"}, ["duplicate_rule: must be one of allow, obey", "'ignore'"]),
        ({"row_security": "no"}, ["row_security", "boolean", "'no'"]),
        ({"bulk_from_paused": 0}, ["bulk_from_paused", "greater than or equal to 1"]),
        ({"job_timeout": "soon"}, ["job_timeout: must be a duration such as 90s, 30m, 2h or 7d", "'soon'"]),
        ({"job_timeout": None}, ["job_timeout: must be a duration", "None"]),
        ({"purged_after": 7}, ["purged_after: must be a duration", "found 7"]),
        ({"purged_after": "400d"}, ["purged_after: must be a duration", "at most 366d"]),
        ({"look_back": "-2h"}, ["look_back: must be a duration", "'-2h'"]),
        ({"on_new_field": "ignore"}, ["on_new_field: must be one of report, resend"]),
        ({"time_zone": "Berlin"}, ["time_zone: must be a time zone such as Europe/Berlin", "'Berlin'"]),
        ({"time_zone": "../etc/passwd"}, ["time_zone: must be a time zone"]),
        ({"nulls": "skip"}, ["nulls: must be clear, keep, or a mapping", "'skip'"]),
        ({"nulls": {"Name": "leave"}}, ["nulls: must be clear, keep, or a mapping", "leave"]),
        ({"nulls": {"Nowhere__c": "keep"}}, ["nulls: Nowhere__c must be among fields"]),
        ({"nulls": {"Ext__c": "keep"}}, ["nulls: Ext__c is the external id"]),
        ({"create_only": ["Nowhere__c"]}, ["create_only: Nowhere__c must be among fields"]),
        ({"create_only": ["Ext__c"]}, ["create_only: Ext__c is the external id"]),
        ({"create_only": ["Name"], "operation": "update"}, ["create_only: requires operation: upsert"]),
        ({"postgres": "two words"}, ["postgres: 'two words'", "id of an Airflow connection"]),
        ({"salesforce": ""}, ["salesforce: ''", "id of an Airflow connection"]),
        ({"fields": {"Ext__c": "ext", "Contact:Who": "name"}}, ["'Contact:Who'", "Contact:Who.External_Id__c"]),
        (
            {"fields": {"Ext__c": "ext", "Contact:Who.E__c": "a", "Lead:Who.E__c": "b"}},
            ["Lead:Who.E__c and Contact:Who.E__c set the same parent"],
        ),
        ({"fields": {"Ext__c": "ext", "Contact:Who.E__c": "a", "WhoId": "b"}}, ["Contact:Who.E__c and WhoId"]),
    ],
)
def test_a_mistake_names_the_file_the_field_and_what_is_allowed(
    tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    write(tmp_path, "accounts", **changes)
    message = message_of(tmp_path)
    for word in words:
        assert word in message


def test_options_are_read_as_what_they_mean(tmp_path: Path) -> None:
    options = {
        "assignment_rule": "01QE0000000Ab12",
        "duplicate_rule": "allow",
        "look_back": "2h",
        "job_timeout": "90 m",
        "purged_after": "30d",
        "nulls": {"Name": "keep"},
        "time_zone": "Europe/Berlin",
        "create_only": ["Name"],
    }
    write(tmp_path, "accounts", **options)
    [stream] = load_streams(tmp_path)
    assert isinstance(stream, Stream)
    assert (stream.look_back, stream.purged_after) == (timedelta(hours=2), timedelta(days=30))
    assert write_duration(stream.job_timeout) == "90m"
    assert (stream.keeps_null("Name"), stream.keeps_null("Ext__c")) == (True, False)
    assert (stream.create_only, stream.assignment_rule) == (("Name",), "01QE0000000Ab12")


def test_options_that_change_the_records_change_the_fingerprint_and_others_do_not() -> None:
    plain = Stream(name="accounts", **GOOD)
    for name, value in (("nulls", "keep"), ("time_zone", "Asia/Tokyo"), ("create_only", ["Name"])):
        assert Stream(name="accounts", **GOOD | {name: value}).fingerprint != plain.fingerprint
    for name, value in (("look_back", "2h"), ("assignment_rule", True), ("time_zone", "UTC"), ("nulls", "clear")):
        assert Stream(name="accounts", **GOOD | {name: value}).fingerprint == plain.fingerprint


def test_one_object_of_two_orgs_is_written_by_two_streams(tmp_path: Path) -> None:
    write(tmp_path, "accounts")
    write(tmp_path, "accounts_emea", salesforce="salesforce_emea")
    assert all(isinstance(stream, Stream) for stream in load_streams(tmp_path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source: a.b\nsource: c.d\n", ["line 2", "source appears twice"]),
        ("a: &x [1]\nb: *x\n", ["line 2", "aliases"]),
        ("- a list\n", ["must be a mapping"]),
        ("", ["must be a mapping"]),
        ("source: [\n", ["line"]),
        ("7: x\n", ["line 1", "must be text"]),
        ("x: " + "y" * 70_000, ["larger than 64 KiB"]),
        ("\x00", ["not YAML"]),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_rejected(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "accounts.yaml").write_text(text)
    message = message_of(tmp_path)
    for word in words:
        assert word in message


def test_values_that_yaml_would_turn_into_something_else_stay_text(tmp_path: Path) -> None:
    lines = yaml.safe_dump(GOOD | {"fields": {"Ext__c": "ext"}}) + ""
    (tmp_path / "accounts.yaml").write_text(lines.replace("Ext__c: ext", "Ext__c: ext\n  On__c: on\n  Oct__c: 010"))
    [stream] = load_streams(tmp_path)
    assert isinstance(stream, Stream)
    assert stream.fields == {"Ext__c": "ext", "On__c": "on", "Oct__c": "010"}


@pytest.mark.parametrize("text", ["a: on", "a: 010", "a: 12:30:45", "a: ~", "a: -1.50", "a: true", "a: {b: [1, two]}"])
def test_a_file_with_a_star_is_read_like_one_without(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text(text)
    quick = read_yaml(path)
    path.write_text(f"# * is what aliases begin with\n{text}")
    assert read_yaml(path) == quick
    assert repr(read_yaml(path)) == repr(quick)


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, "accounts")
    (tmp_path / "broken.yaml").write_text("nothing")
    (tmp_path / "Bad Name.yaml").write_text("nothing")
    kinds = {stream.name: type(stream) for stream in load_streams(tmp_path)}
    assert kinds == {"accounts": Stream, "broken": BrokenStream, "bad_name": BrokenStream}


@pytest.mark.fault("D7")
def test_two_streams_that_write_the_same_records_are_rejected(tmp_path: Path) -> None:
    write(tmp_path, "accounts")
    write(tmp_path, "copy")
    assert "writes Account by Ext__c, as stream accounts does" in message_of(tmp_path, "copy")


def test_a_circle_breaks_only_its_streams(tmp_path: Path) -> None:
    write(tmp_path, "a", object="A", after=["b"])
    write(tmp_path, "b", object="B", after=["a"])
    write(tmp_path, "c", object="C", after=["a"])
    assert "the streams form a cycle" in message_of(tmp_path, "a")
    assert "the streams form a cycle" in message_of(tmp_path, "b")
    assert isinstance({stream.name: stream for stream in load_streams(tmp_path)}["c"], Stream)


def test_an_empty_folder_is_one_clear_message(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigurationFailure, match=r"No stream file \(\*\.yaml\)"):
            load_streams(folder)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200))
def test_no_file_content_hides_the_other_streams(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "accounts")
    (tmp_path / "fuzzed.yaml").write_bytes(content)
    loaded = load_streams(tmp_path)
    assert {stream.name for stream in loaded} == {"accounts", "fuzzed"}


_NAMES = st.sampled_from(
    [*Stream.model_fields, "colour", "Ext__c", "id", "a.b", "x" * 300, "sf__Id", "100%", 'na"me', ""]
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), _NAMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=6,
)


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(changes=st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_whatever_a_file_says_it_is_a_stream_or_one_message(tmp_path: Path, changes: dict[str, object]) -> None:
    usual = {key: value for key, value in ACCOUNTS.items() if key != "name"} | {"fields": {"Ext__c": "ext"}}
    (tmp_path / "accounts.yaml").write_text(yaml.safe_dump(usual | changes, allow_unicode=True), encoding="utf-8")
    [loaded] = load_streams(tmp_path)
    if isinstance(loaded, BrokenStream):
        assert loaded.message.startswith("Stream file accounts.yaml: ")
        assert len(loaded.message) < 3_000
    else:
        assert loaded.external_id in loaded.fields
