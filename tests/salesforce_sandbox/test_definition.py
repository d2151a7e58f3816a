"""A mistake in an org file is one clear message."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from salesforce_sandbox.definition.definition import DefinitionError
from salesforce_sandbox.definition.org_file import load_definition

ACCOUNT = "objects: {Account: {prefix: '001', fields: {Name: {type: string}}}}\n"
CONTACT = """objects:
  Account: {prefix: '001', fields: {Name: {type: string}}}
  Contact: {prefix: '003', fields: {AccountId: {type: reference, to: [Account], relationship: Account}}}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objects: {Account: {prefix: '01', fields: {}}}", "objects.Account.prefix"),
        ("objects: {Account: {prefix: '001', fields: {Name: {type: text}}}}", "objects.Account.fields.Name.type"),
        ("objects: {Account: {prefix: '001', fields: {P: {type: reference}}}}", "a reference needs `to`"),
        ("objects: {Account: {prefix: '001', fields: {}, colour: red}}", "objects.Account: `colour` is not known"),
        (ACCOUNT + "rules: [{name: r, kind: validation, object: Lead}]", "object Lead is not defined"),
        (ACCOUNT + "rules: [{name: r, kind: validation, object: Account, when: 'Name =='}]", "`Name ==` is not an"),
        (ACCOUNT + "rules: [{name: r, kind: duplicate, object: Account}]", "`match_on` and the kind `duplicate`"),
        (ACCOUNT + "rules: [{name: r, kind: cpu_limit, object: Account, group_by: X, more_than: 1}]", "no field X"),
        (
            ACCOUNT + "rules: [{name: r, kind: trigger, object: Account, writes: {parent: P__r, fields: {A: '1'}}}]",
            "no relationship P__r",
        ),
        (
            ACCOUNT + "rules: [{name: r, kind: validation, object: Account, when: Nmae == 'x'}]",
            "there is no field Nmae",
        ),
        (
            CONTACT + "rules: [{name: r, kind: access, object: Contact, when: Account.Nmae}]",
            "Account has no field Nmae",
        ),
        (ACCOUNT + "rules: [{name: r, kind: access, object: Account, when: changed('Nmae')}]", "Nmae is not a field"),
        (
            ACCOUNT + "rules: [{name: r, kind: access, object: Account, when: upper(Name)}]",
            "the functions are is_blank",
        ),
        (
            ACCOUNT + "rules: [{name: r, kind: access, object: Account, when: \"find('Account', 'Name', 'x').Name\"}]",
            "a unique or external-id field",
        ),
        (ACCOUNT + "rules: [{name: r, kind: access, object: Account, fields: [Nmae]}]", "Account has no field Nmae"),
        (
            ACCOUNT + "rules: [{name: r, kind: trigger, object: Account, writes: {object: Lead, fields: {A: '1'}}}]",
            "object Lead is not defined",
        ),
        (
            ACCOUNT + "rules: [{name: r, kind: trigger, object: Account, writes: {object: Account, fields: {A: '1'}}}]",
            "Account has no field A",
        ),
        (ACCOUNT + "rules: [{name: r, kind: trigger, object: Account, writes: {fields: {A: '1'}}}]", "either `parent`"),
        (ACCOUNT + "limits: {DailyApiRequest: 5}", "limit DailyApiRequest is not known"),
        (ACCOUNT + ACCOUNT, "objects is given twice"),
        (ACCOUNT + "connected_apps: [{consumer_key: k, consumer_secret: s, run_as: x}]", "there is no user x"),
        ("objects: {A: {prefix: a00, fields: {P: {type: picklist, restricted: true}}}}", "needs `values`"),
        ("objects: {A: {prefix: a00, fields: {}}, B: {prefix: a00, fields: {}}}", "another object has the prefix a00"),
        ("- a list", "the file: Input should be"),
        ("", "the file: Input should be"),
        ("objects: [", "is not YAML"),
        (b"objects: \xff", "is not UTF-8"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    file = tmp_path / "org.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DefinitionError, match=r"^Org file .*org\.yaml") as wrong:
        load_definition(file)
    assert message in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_the_command_line_prints_the_message_and_explains_itself(tmp_path: Path) -> None:
    file = tmp_path / "org.yaml"
    file.write_text("objects: {}\nlimit: {}")
    command = [sys.executable, "-m", "salesforce_sandbox"]
    done = subprocess.run(
        [*command, "--org", str(file), "--data", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"Org file {file}: the file: `limit` is not known; allowed: organization, users,")
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--org" in helped
    assert "REQUESTS_CA_BUNDLE=" in helped
    assert "http://127.0.0.1:8080/sandbox" in helped
    for named in re.findall(r"salesforce_sandbox/[\w/]+\.\w+", helped):
        assert (Path(__file__).parents[2] / named).is_file(), named
