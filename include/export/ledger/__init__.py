"""The exporter's own tables in Postgres: one module for each."""

from __future__ import annotations

from include.export.ledger.alerts import (
    NEW_FIELD,
    SEVERITIES,
    AlertCounts,
    AlertKind,
    ExportAlerts,
    ListedAlert,
    OpenAlert,
    PendingAlert,
    Severity,
)
from include.export.ledger.audit import (
    RECORD_LIMIT,
    RUN_PREFIX,
    Action,
    ActionKind,
    ActionName,
    AuditEntry,
    AuditLine,
    ExportAudit,
    RecordResult,
    ResultName,
    Selection,
    SettingChange,
)
from include.export.ledger.batches import (
    CountedOnly,
    ExportBatches,
    JobBatch,
    JobBatches,
    Listing,
    Unrecorded,
    find_reach,
)
from include.export.ledger.database_errors import explain_database_errors
from include.export.ledger.export_errors import DueError, ExportErrors, Recorder
from include.export.ledger.exported_versions import ExportedVersions
from include.export.ledger.findings import (
    FAILOVER,
    LATE_ROW,
    NO_SOURCE_ROW,
    ExportFindings,
    OpenFinding,
    read_open_findings,
)
from include.export.ledger.holds import Behind, ExportHolds, StoppedAt
from include.export.ledger.resends import ExportResends, ListedResend, Resend, ResendEntry, ResendLease, ResendState
from include.export.ledger.retention import Retention
from include.export.ledger.runs import Outcome, RunEntry, RunIdentity, RunTotals, count_calls_of_the_day
from include.export.ledger.schema import VERSION, SchemaState, install_schema, read_schema_state
from include.export.ledger.trials import AskedTrial, ExportTrials, Trial
from include.export.ledger.watermarks import ExportWatermarks, Holder, Lease, StreamState, without_stop

__all__ = [
    "FAILOVER",
    "LATE_ROW",
    "NEW_FIELD",
    "NO_SOURCE_ROW",
    "RECORD_LIMIT",
    "RUN_PREFIX",
    "SEVERITIES",
    "VERSION",
    "Action",
    "ActionKind",
    "ActionName",
    "AlertCounts",
    "AlertKind",
    "AskedTrial",
    "AuditEntry",
    "AuditLine",
    "Behind",
    "CountedOnly",
    "DueError",
    "ExportAlerts",
    "ExportAudit",
    "ExportBatches",
    "ExportErrors",
    "ExportFindings",
    "ExportHolds",
    "ExportResends",
    "ExportTrials",
    "ExportWatermarks",
    "ExportedVersions",
    "Holder",
    "JobBatch",
    "JobBatches",
    "Lease",
    "ListedAlert",
    "ListedResend",
    "Listing",
    "OpenAlert",
    "OpenFinding",
    "Outcome",
    "PendingAlert",
    "RecordResult",
    "Recorder",
    "Resend",
    "ResendEntry",
    "ResendLease",
    "ResendState",
    "ResultName",
    "Retention",
    "RunEntry",
    "RunIdentity",
    "RunTotals",
    "SchemaState",
    "Selection",
    "SettingChange",
    "Severity",
    "StoppedAt",
    "StreamState",
    "Trial",
    "Unrecorded",
    "count_calls_of_the_day",
    "explain_database_errors",
    "find_reach",
    "install_schema",
    "read_open_findings",
    "read_schema_state",
    "without_stop",
]
