"""The Salesforce API: calls, requests and answers, and what its errors mean."""

from __future__ import annotations

from include.export.salesforce.answers import Answer, Unanswered
from include.export.salesforce.bulk_api import TIMED_OUT, IngestJobs, JobState, explain_job_failure, is_job_over
from include.export.salesforce.bulk_error_text import read_job_error
from include.export.salesforce.client import CONNECT_TIMEOUT, READ_TIMEOUT, SalesforceClient
from include.export.salesforce.collections_api import (
    NOT_SENT,
    ROLLED_BACK,
    CollectionsTransport,
    Result,
    join_errors,
    read_results,
)
from include.export.salesforce.concurrent_requests import (
    ConcurrentRequests,
    RequestOutcome,
    may_be_executed,
    may_pass_alone,
)
from include.export.salesforce.error_catalogue import DEFAULT_FILE, Catalogue, ErrorClass, FailureKind, load_catalogue
from include.export.salesforce.http_errors import RequestRejected, RequestTooLarge, read_list
from include.export.salesforce.object_schema import FieldSchema, ObjectSchema, list_required, read_object_schema
from include.export.salesforce.org_session import OrgSession, read_organization
from include.export.salesforce.rejections import RejectedClass, Rejection, judge_rejection, reject_locally
from include.export.salesforce.write_options import find_bulk_obstacle, write_headers

__all__ = [
    "CONNECT_TIMEOUT",
    "DEFAULT_FILE",
    "NOT_SENT",
    "READ_TIMEOUT",
    "ROLLED_BACK",
    "TIMED_OUT",
    "Answer",
    "Catalogue",
    "CollectionsTransport",
    "ConcurrentRequests",
    "ErrorClass",
    "FailureKind",
    "FieldSchema",
    "IngestJobs",
    "JobState",
    "ObjectSchema",
    "OrgSession",
    "RejectedClass",
    "Rejection",
    "RequestOutcome",
    "RequestRejected",
    "RequestTooLarge",
    "Result",
    "SalesforceClient",
    "Unanswered",
    "explain_job_failure",
    "find_bulk_obstacle",
    "is_job_over",
    "join_errors",
    "judge_rejection",
    "list_required",
    "load_catalogue",
    "may_be_executed",
    "may_pass_alone",
    "read_job_error",
    "read_list",
    "read_object_schema",
    "read_organization",
    "read_results",
    "reject_locally",
    "write_headers",
]
