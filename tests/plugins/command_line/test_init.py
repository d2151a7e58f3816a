"""`init`: the stream file that it writes loads, passes `check`, and exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_lines import run
from exporter import Exporter
from include.export.streams import Stream, load_streams

PARTNERS = """
create table app.partners (
    partner_id integer primary key, ext text not null unique, "Name" text, kind text, amount numeric, since date,
    seen text, "on" boolean, modified_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    deleted_at timestamptz, fax text, active integer);
insert into app.partners (partner_id, ext, "Name") select n, 'P' || n, 'Partner ' || n from generate_series(1, 3) n;
"""


def test_the_written_file_is_loaded_passes_check_and_exports(
    commands: Exporter, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "accounts.yaml").unlink()
    commands.connection.execute(PARTNERS)
    code, shown = run(capsys, "init", "app.partners", "--object", "Account", "--write")
    assert (code, f"Written to {tmp_path / 'partners.yaml'}" in shown) == (0, True), shown
    text = (tmp_path / "partners.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=")
    [stream] = load_streams()
    assert isinstance(stream, Stream), stream
    assert (stream.key, stream.cursor, stream.deleted, stream.external_id) == (
        "partner_id", "modified_at", "deleted_at", "Ext__c",
    )  # fmt: skip
    assert stream.fields == {
        "Ext__c": "ext", "Name": "Name", "Kind__c": "kind", "Amount__c": "amount", "Since__c": "since",
        "Seen__c": "seen",
    }  # fmt: skip
    assert "# fields: column fax: no writable field has a matching name." in text
    assert "# fields: column active: Active__c is of type boolean, which does not accept integer." in text
    code, shown = run(capsys, "check", "partners")
    assert code == 0, shown
    commands.stream = stream
    commands.connection.execute("update app.partners set modified_at = now() - interval '1 minute'")
    assert commands.run().accepted == 3


def test_without_write_it_is_only_printed(
    commands: Exporter, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, shown = run(capsys, "init", "app.contacts", "--object", "Contact")
    assert (code, "source: app.contacts" in shown, (tmp_path / "contacts.yaml").exists()) == (0, True, False)


def test_a_file_is_never_overwritten(commands: Exporter, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = (tmp_path / "accounts.yaml").read_text()
    code, shown = run(capsys, "init", "app.accounts", "--object", "Account", "--write")
    assert (code, "accounts.yaml exists. Choose another name with --name" in shown) == (2, True)
    assert (tmp_path / "accounts.yaml").read_text() == before


def test_what_cannot_be_decided_is_a_comment(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.connection.execute(
        'create view app.odd as select id as number, ext, now() as loaded, 1 as "yes" from app.accounts'
    )
    shown = run(capsys, "init", "app.odd", "--object", "Contact")[1]
    for comment in (
        "# key: no unique index covers one column (a view has none); number is a guess.",
        "# cursor: loaded is a guess. It must be set by every write of a row.",
        "# deleted: no column holds the time of deletion; deletes are not exported.",
        "# fields: LastName is required and no column matches its name; add it.",
    ):
        assert comment in shown


@pytest.mark.parametrize(("arguments", "message"), [
    (("app.nowhere", "--object", "Account"), "app.nowhere does not exist in database"),
    (("app.timeless", "--object", "Account"), "app.timeless has no column of type timestamptz"),
    (("app.accounts", "--object", "CaseStatus"), "CaseStatus has no field that is marked External ID"),
    (("app.accounts", "--object", "Nonsense"), "sobjects/Nonsense"),
])  # fmt: skip
def test_what_is_missing_is_reported(
    commands: Exporter, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    commands.connection.execute("create table app.timeless (id integer primary key)")
    code, shown = run(capsys, "init", *arguments)
    assert (code, message in shown) == (2, True), shown
