"""The definition of an org in YAML.

```yaml
organization: {id: 00Dxx0000001gPL, name: Northwind Cloud}
users:
  - {username: integration@northwind.example, password: sandbox-only, security_token: token}
connected_apps:
  - {consumer_key: sandbox-key, consumer_secret: sandbox-secret}
limits: {DailyApiRequests: 100000}
objects:
  Account:
    prefix: "001"
    fields:
      Name: {type: string, length: 255, required: true}
      Ext__c: {type: string, length: 64, external_id: true, unique: true}
      Parent__c: {type: reference, to: [Account], relationship: Parent__r}
      Kind__c: {type: picklist, values: [A, B], restricted: true}
rules:
  - {name: needs_kind, kind: validation, object: Account, when: "is_blank(Kind__c)", message: Choose a kind}
```

An expression can use the record's fields by name, `is_new`, `changed('Field')`, `is_blank`, `length`, `lower`, each
parent under its relationship name (`Parent__r.Name`, empty when there is none), and any record by a key:
`find('Account', 'Ext__c', Name).Kind__c`. `true` rejects the record. A trigger may write to the parent instead:
`writes: {parent: Parent__r, fields: {Last_Name__c: Name}}`, or create a record: `writes: {object: Account, fields:
{Name: Name}}`; when that is rejected, so is the record, with both messages. A duplicate rule names the fields that
must not all be the same: `match_on: [Email]`, and with `allow_save: true` the header `Sforce-Duplicate-Rule-Header:
allowSave=true` permits duplicates. An assignment rule names the user who becomes the owner: `{kind: assignment,
object: Lead, owner: queue@…}`; it runs unless a call sends `Sforce-Auto-Assign: FALSE`, in Bulk jobs only with an
assignmentRuleId. Record types are an object `RecordType` with a reference to it. `User` and `Organization` always
exist.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import ObjectDefinition, StrictModel, built_in_objects
from salesforce_sandbox.definition.rule_definition import Rule
from salesforce_sandbox.definition.settings import BulkSettings, Leniency, RequestSettings, TokenForm


class DefinitionError(Exception):
    """An org file is invalid; the message names the file, the place and the allowed values."""


class Organization(StrictModel):
    """The org's identity."""

    id: Annotated[str, Field(pattern=r"^00D[A-Za-z0-9]{12}$")] = "00Dxx0000001gPL"
    name: str = "Local Sandbox"


class LoginObstacle(StrEnum):
    """Why an active user may not log in: the token endpoint's messages."""

    IP_RESTRICTED = "ip restricted"
    ACTIVATION_SECRET = "activation secret invalid"  # noqa: S105 - a message


class User(StrictModel):
    """A user who may log in by SOAP or the OAuth flows, unless inactive or stopped by an obstacle."""

    username: str
    password: str
    security_token: str = ""
    active: bool = True
    obstacle: LoginObstacle | None = None


DEFAULT_USER = User(username="user@sandbox.local", password="sandbox-only")  # noqa: S106 - of a sandbox


class ConnectedApp(StrictModel):
    """A connected app; `certificate` is the PEM of a JWT app.

    `run_as` is the user of client credentials, by default the first one; "" means none. `approved` and `blocked` are
    the decisions of an administrator about the app.
    """

    consumer_key: str
    consumer_secret: str
    certificate: str | None = None
    run_as: str | None = None
    approved: bool = True
    blocked: bool = False


_LIMITS = {
    "DailyApiRequests": 100_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DataStorageMB": 10_000,
    "FileStorageMB": 10_000,
}


class OrgDefinition(StrictModel):
    """An org."""

    organization: Organization = Organization()
    users: Annotated[list[User], Field(min_length=1, default_factory=lambda: [DEFAULT_USER])]
    connected_apps: Annotated[list[ConnectedApp], Field(default_factory=list)]
    limits: Annotated[dict[str, int], Field(default_factory=dict)]
    bulk: BulkSettings = BulkSettings()
    requests: Annotated[RequestSettings, Field(default_factory=lambda: RequestSettings.model_validate({}))]
    soap_login: bool = True
    token_form: TokenForm = TokenForm.SESSION
    lenient: Annotated[frozenset[Leniency], Field(default_factory=frozenset)]
    session_seconds: float = assumptions.SESSION_SECONDS
    objects: dict[str, ObjectDefinition]
    rules: Annotated[list[Rule], Field(default_factory=list)]

    @model_validator(mode="after")
    def _check(self) -> OrgDefinition:
        self.objects = built_in_objects() | self.objects
        self._check_limits()
        self._check_apps()
        self._check_prefixes()
        self._check_references()
        self._check_rules()
        return self

    def _check_apps(self) -> None:
        usernames = {user.username for user in self.users}
        for app in self.connected_apps:
            if app.run_as and app.run_as not in usernames:
                raise ValueError(f"connected app {app.consumer_key}: there is no user {app.run_as}")

    def _check_references(self) -> None:
        for name, definition in self.objects.items():
            for field_name, field in definition.fields.items():
                missing = [target for target in field.to if target not in self.objects]
                if missing:
                    raise ValueError(f"{name}.{field_name}: `to` names {missing[0]}, which is not defined")
        unknown = self.requests.automation_seconds.keys() - self.objects.keys()
        if unknown:
            raise ValueError(f"requests.automation_seconds: object {min(unknown)} is not defined")

    def _check_rules(self) -> None:
        names = [rule.name for rule in self.rules]
        usernames = {user.username for user in self.users}
        for rule in self.rules:
            if names.count(rule.name) > 1:
                raise ValueError(f"rule {rule.name} is defined twice")
            rule.check_names(self.objects)
            if rule.owner and rule.owner not in usernames:
                raise ValueError(f"rule {rule.name}: there is no user {rule.owner}")

    def _check_limits(self) -> None:
        unknown = self.limits.keys() - _LIMITS.keys()
        if unknown:
            raise ValueError(f"limit {min(unknown)} is not known; allowed: {', '.join(_LIMITS)}")
        self.limits = _LIMITS | self.limits

    def _check_prefixes(self) -> None:
        prefixes = [definition.prefix for definition in self.objects.values()]
        for name, definition in self.objects.items():
            if prefixes.count(definition.prefix) > 1:
                raise ValueError(f"{name}: another object has the prefix {definition.prefix} too")
