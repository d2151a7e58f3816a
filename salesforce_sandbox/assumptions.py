"""What Salesforce's documents leave open: change it here, and only here, when a real org is seen to differ."""

from __future__ import annotations

# A value of a wrong JSON type in a Collections row rejects the whole request.
WRONG_TYPE_REJECTS_REQUEST = True

# External ids that differ only in case are one, unless the field is case sensitive; blanks at the end count.
FOLD_EXTERNAL_IDS = True

# An empty text clears a field in the JSON APIs, as null does.
EMPTY_TEXT_CLEARS = True

# How a record of another type than the address says is rejected.
WRONG_RECORD_TYPE = "INVALID_TYPE"

# A field that names the record in the address may not be in its body too.
REPEATED_KEY = (400, "INVALID_FIELD")

# The answer of a single-record call for a record in the recycle bin.
RECORD_IS_GONE = (404, "ENTITY_IS_DELETED", "entity is deleted")

# The token endpoint's words for a wrong secret and for a user who may not log in.
WRONG_SECRET = ("invalid_client", "invalid client credentials")
INACTIVE_USER = ("invalid_grant", "inactive user")

# A session ends when it was not used for so long, and every call begins the time anew.
SESSION_SECONDS = 7200.0

# Whether a password is taken without its security token, as from an address that the org trusts.
TRUSTED_NETWORK = True

# Header of a 401 answer.
AUTHENTICATE_HEADER = {"WWW-Authenticate": "Token"}

# "col N" of a cell that cannot be read counts from here; both 0 and 1 were reported.
FIRST_COLUMN = 0

# Characters of a CSV header, and bytes of CSV in one job (150 MB of base64).
HEADER_LIMIT = 32_000
UPLOAD_LIMIT = 104_857_600

# Characters of the CSV in a multipart request.
MULTIPART_LIMIT = 100_000

# The status of a created job, and the type of result files: other recordings add a charset, this is the harsher case.
JOB_CREATED_STATUS = 200
RESULT_TYPE = "text/csv"

# What is in sf__Id of a failed row, of a failed update too: several recordings leave it empty.
FAILED_ROW_ID = ""

# Whether every row of a job whose data cannot be read is listed as unprocessed.
UNREADABLE_ROWS_ARE_UNPROCESSED = True

# What rejects a call that the state of its job does not allow.
WRONG_JOB_STATE = (400, "INVALIDJOBSTATE")

# The answer to closing a job that got data twice, and an upload that is too large.
SECOND_UPLOAD = (
    "Found multipe contents for job: <{job}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new "
    "Job and make sure you only do 'PUT' once on a given Job."
)
TOO_LARGE = (400, "CLIENTINPUTERROR")

# Whether a row of a Bulk upload finds a parent that the same upload creates.
UPLOAD_SEES_ITS_OWN_PARENTS = False

# Whether the empty parent batch of a job counts against DailyBulkApiBatches.
PARENT_BATCH_COUNTS = False

# What an API version that is no longer served answers, and requests whose address or body is too large.
RETIRED_VERSION = (410, "UNSUPPORTED_API_VERSION", "The requested API version is no longer available")
URI_TOO_LONG = "<html><head><title>414 Request-URI Too Large</title></head><body>URI Too Long</body></html>"
BODY_TOO_LARGE = "<html><head><title>413 Request Entity Too Large</title></head><body>Too large</body></html>"

# What rejects a request whose automation would run for too long.
RUNNING_TOO_LONG = (400, "REQUEST_RUNNING_TOO_LONG", "Your request was running for too long, and has been stopped.")

# What separates several errors of a row in sf__Error.
BETWEEN_ERRORS = ""

# How a parent of a relationship to several objects is rejected without its type.
UNTYPED_PARENT = "The relationship {relation} leads to several objects: attributes.type must name one of them"

# What every path answers during maintenance.
MAINTENANCE_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN"><html><head><title>We are down for maintenance.'
    "</title></head><body>We are down for maintenance. Sorry for the inconvenience. We'll be back shortly."
    "</body></html>"
)

# The codes of a closed job without data, and of results that are asked for too early.
NO_DATA = "CLIENTINPUTERROR"
EARLY_RESULTS = "INVALIDJOBSTATE"

# The status with which Bulk v1 reports that the API calls are spent.
CLASSIC_QUOTA_STATUS = 403

BLANK_EXTERNAL_ID = ("MISSING_ARGUMENT", "{field} not specified")
DELETED_AGAIN = ("ENTITY_IS_DELETED", "entity is deleted")
STORAGE_FULL = ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
LOCKED_FOR_APPROVAL = (
    "ENTITY_IS_LOCKED",
    "This record is locked. If you need to edit it, contact your admin.",
)
CONVERTED_LEAD = ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def fold(value: str, *, case_sensitive: bool) -> str:
    """Return an external id as it is compared."""
    return value if case_sensitive or not FOLD_EXTERNAL_IDS else value.lower()
