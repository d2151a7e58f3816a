"""A mistake in an org file is one clear message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from salesforce_sandbox.definition import DefinitionError, load_definition

ACCOUNT = "objects: {Account: {prefix: '001', fields: {Name: {type: string}}}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("objects: {Account: {prefix: '01', fields: {}}}", "objects.Account.prefix"),
        ("objects: {Account: {prefix: '001', fields: {Name: {type: text}}}}", "objects.Account.fields.Name.type"),
        ("objects: {Account: {prefix: '001', fields: {P: {type: reference}}}}", "a reference needs `to`"),
        ("objects: {Account: {prefix: '001', fields: {}, colour: red}}", "objects.Account.colour"),
        (ACCOUNT + "rules: [{name: r, kind: validation, object: Lead}]", "object Lead is not defined"),
        (ACCOUNT + "rules: [{name: r, kind: validation, object: Account, when: 'Name =='}]", "`Name ==` is not an"),
        (ACCOUNT + "rules: [{name: r, kind: duplicate, object: Account}]", "`match_on` and the kind `duplicate`"),
        (ACCOUNT + "rules: [{name: r, kind: cpu_limit, object: Account, group_by: X, more_than: 1}]", "no field X"),
        (
            ACCOUNT + "rules: [{name: r, kind: trigger, object: Account, writes: {parent: P__r, fields: {A: '1'}}}]",
            "no relationship P__r",
        ),
        ("objects: [", "is not YAML"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "org.yaml"
    file.write_text(text)
    with pytest.raises(DefinitionError, match=r"^Org file .*org\.yaml") as wrong:
        load_definition(file)
    assert told in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_the_command_line_prints_the_message_and_explains_itself(tmp_path: Path) -> None:
    file = tmp_path / "org.yaml"
    file.write_text("objects: {}\nlimit: {}")
    command = [sys.executable, "-m", "salesforce_sandbox"]
    done = subprocess.run(
        [*command, "--org", str(file), "--data", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"Org file {file}: limit:")
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--org" in helped
    assert "REQUESTS_CA_BUNDLE" in helped
