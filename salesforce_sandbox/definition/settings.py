"""The settings of an org: its Bulk jobs, the sizes and times of requests, its tokens, and its leniency."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from salesforce_sandbox.definition.objects import StrictModel


class TokenForm(StrEnum):
    """The form of access tokens: those of sessions begin with the org's id, the others are opaque to clients."""

    SESSION = "session"
    OPAQUE = "opaque"
    JWT = "jwt"


class Leniency(StrEnum):
    """What a test org may accept although Salesforce rejects it, for clients that are not correct yet."""

    NULL_CHECKBOXES = "null_checkboxes"
    QUOTED_NUMBERS = "quoted_numbers"
    SPACED_DATETIMES = "spaced_datetimes"
    MIXED_CASE_EMAILS = "mixed_case_emails"
    UNTYPED_PARENTS = "untyped_parents"
    AMBIGUOUS_PARENTS = "ambiguous_parents"
    FIRST_RULE_ONLY = "first_rule_only"


class RequestSettings(StrictModel):
    """The sizes of requests on Salesforce's paths, and how long they take.

    A body above `most_bytes`, except an upload, is answered with 413, an address above `most_uri_bytes` with 414.
    `automation_seconds` by object: how long triggers and flows run for each saved record, which delays the answer
    after its commit; a request whose automation would take more than `most_seconds` is rejected and saves nothing.
    """

    most_bytes: Annotated[int, Field(ge=1)] = 52_428_800
    most_uri_bytes: Annotated[int, Field(ge=1)] = 16_384
    automation_seconds: Annotated[dict[str, float], Field(default_factory=dict)]
    most_seconds: Annotated[float, Field(gt=0)] = 600.0


class BulkSettings(StrictModel):
    """How Bulk jobs run: seconds before a job and before each of its batches begin, and the size of a batch.

    `misspelt_columns_are_empty`: failedResults has no values in columns whose heading differs in case from the field,
    a known issue. `no_failures_status`: the status of failedResults when no row failed; both were seen.
    """

    delay_seconds: float = 0.0
    batch_delay_seconds: float = 0.0
    batch_rows: Annotated[int, Field(ge=1)] = 10_000
    shuffle: bool = True
    misspelt_columns_are_empty: bool = False
    no_failures_status: Literal[200, 204] = 200
