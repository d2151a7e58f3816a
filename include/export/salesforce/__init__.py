"""The wire: calls, requests and answers of Salesforce, and what its errors mean."""

from __future__ import annotations

from include.export.salesforce.bulk_api import IngestJobs, JobState, explain_job_failure, is_job_over
from include.export.salesforce.bulk_error_text import read_job_error
from include.export.salesforce.client import (
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    Answer,
    OrgSession,
    SalesforceClient,
    Unanswered,
)
from include.export.salesforce.collections_api import ROLLED_BACK, CollectionsTransport, Result, read_results
from include.export.salesforce.error_catalogue import DEFAULT_FILE, Catalogue, ErrorClass
from include.export.salesforce.http_errors import RequestRejected, read_list
from include.export.salesforce.object_schema import ObjectSchema, read_object_schema
from include.export.salesforce.rejections import RejectedClass, Rejection, judge_rejection, reject_locally

__all__ = [
    "CONNECT_TIMEOUT",
    "DEFAULT_FILE",
    "READ_TIMEOUT",
    "ROLLED_BACK",
    "Answer",
    "Catalogue",
    "CollectionsTransport",
    "ErrorClass",
    "IngestJobs",
    "JobState",
    "ObjectSchema",
    "OrgSession",
    "RejectedClass",
    "Rejection",
    "RequestRejected",
    "Result",
    "SalesforceClient",
    "Unanswered",
    "explain_job_failure",
    "is_job_over",
    "judge_rejection",
    "read_job_error",
    "read_list",
    "read_object_schema",
    "read_results",
    "reject_locally",
]
