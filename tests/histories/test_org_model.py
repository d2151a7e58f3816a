"""The small Salesforce of the histories answers as the sandbox does, which answers as Salesforce is documented."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pytest

from histories.org_model import OrgModel, Status
from histories.tasks import STREAM
from include.export.salesforce.object_schema import read_object_schema
from rest import Rest

_BAD = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "This name is not welcome", "fields": ["Name"]}
_PATH = "/services/data/v59.0/"


def _judge(body: str) -> Status | None:
    return _BAD if body == "bad" else None


class Both:
    """The model and the sandbox, which get the same calls."""

    def __init__(self, rest: Rest) -> None:
        self.rest, self.model = rest, OrgModel(_judge)
        self.ids: dict[str, str] = {}  # the sandbox's ids by the model's

    def ask(self, method: str, path: str, body: Any = None, theirs: str | None = None) -> tuple[Any, Any]:
        """Return both answers."""
        answer = self.rest.call(method, theirs or path, body)
        status, modelled = self.model.handle(method, _PATH + path, None if body is None else json.dumps(body))
        assert answer.status_code == status
        return modelled, answer.json()

    def upsert(self, records: list[tuple[str, str]], *, all_or_none: bool) -> None:
        """Upsert into both and compare."""
        typed = [{"attributes": {"type": "Account"}, "Ext__c": ext, "Name": name} for ext, name in records]
        path = "composite/sobjects/Account/Ext__c"
        modelled, real = self.ask("PATCH", path, {"allOrNone": all_or_none, "records": typed})
        for ours, theirs in zip(modelled, real, strict=True):
            if ours.get("success"):
                self.ids[ours.pop("id")] = theirs.pop("id")
        assert modelled == real

    def delete(self, ours: list[str], *, all_or_none: bool) -> None:
        """Delete from both and compare."""
        flag = "true" if all_or_none else "false"
        theirs = [self.ids[each] for each in ours]
        path = f"composite/sobjects?ids={{}}&allOrNone={flag}"
        modelled, real = self.ask("DELETE", path.format(",".join(ours)), theirs=path.format(",".join(theirs)))
        assert [_outline(each) for each in modelled] == [_outline(each) for each in real]

    def query(self, ids: list[str]) -> None:
        """Look up ids in both and compare."""
        listed = ",".join(f"'{each}'" for each in ids)
        soql = f"SELECT Id, Ext__c FROM Account WHERE Ext__c IN ({listed})"
        modelled, real = self.ask("GET", f"query?q={quote(soql, safe='')}")
        found = {(record["Ext__c"], self.ids[record["Id"]]) for record in modelled["records"]}
        assert found == {(record["Ext__c"], record["Id"]) for record in real["records"]}


def _outline(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return a result without ids and messages, which name the record or not."""
    return (result["success"], [(error["statusCode"], error["fields"]) for error in result["errors"]])


@pytest.fixture
def both(rest: Rest) -> Both:
    """Return the model and the sandbox, both empty."""
    return Both(rest)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_calls_have_the_same_answers(seed: int, both: Both) -> None:
    chance = random.Random(seed)
    names = ["x1", "X1", "x2", "x3"]
    for _ in range(20):
        what = chance.random()
        if what < 0.6:
            records = [
                (chance.choice(names[:4]), chance.choice(["a", "b", "bad"])) for _ in range(chance.randint(1, 4))
            ]
            both.upsert(records, all_or_none=chance.random() < 0.5)
        elif what < 0.8 and both.ids:
            chosen = chance.sample(sorted(both.ids), min(len(both.ids), chance.randint(1, 3)))
            both.delete(chosen, all_or_none=chance.random() < 0.5)
        else:
            both.query(chance.sample(names, 2))


def test_the_product_reads_the_same_description(both: Both) -> None:
    modelled, real = both.ask("GET", "sobjects/Account/describe")
    assert read_object_schema(STREAM, modelled) == read_object_schema(STREAM, real)
