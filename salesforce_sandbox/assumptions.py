"""Assumptions where Salesforce's documents are silent. When a real org differs, change them here only."""

from __future__ import annotations

# Whether a value of a wrong JSON type in a Collections row rejects the whole request.
WRONG_TYPE_REJECTS_REQUEST = True

# Whether external ids that differ only in case are equal, unless the field is case-sensitive; trailing blanks count.
FOLD_EXTERNAL_IDS = True

# Whether an empty text clears a field in the JSON APIs, as null does.
EMPTY_TEXT_CLEARS = True

# The code for a record of another type than that in the address.
WRONG_RECORD_TYPE = "INVALID_TYPE"

# The rejection of a body that repeats the external id field from the address.
REPEATED_KEY = (400, "INVALID_FIELD")

# The answer of a single-record call for a record in the recycle bin.
RECORD_IS_GONE = (404, "ENTITY_IS_DELETED", "entity is deleted")

# The token endpoint's messages for a wrong secret and for a user who may not log in.
WRONG_SECRET = ("invalid_client", "invalid client credentials")
INACTIVE_USER = ("invalid_grant", "inactive user")

# A session ends when it was not used for this long.
SESSION_SECONDS = 7200.0

# Whether a password is accepted without its security token, as from a trusted address.
TRUSTED_NETWORK = True

# Header of a 401 answer.
AUTHENTICATE_HEADER = {"WWW-Authenticate": "Token"}

# The first column in "col N" of a cell that cannot be read; both 0 and 1 were reported.
FIRST_COLUMN = 0

# Characters of a CSV header, and bytes of CSV in one job (150 MB of base64).
HEADER_LIMIT = 32_000
UPLOAD_LIMIT = 104_857_600

# Characters of the CSV in a multipart request.
MULTIPART_LIMIT = 100_000

# The status of a created job, and the type of result files: some recordings add a charset, this is the stricter case.
JOB_CREATED_STATUS = 200
RESULT_TYPE = "text/csv"

# The sf__Id of a failed row, of a failed update too: several recordings leave it empty.
FAILED_ROW_ID = ""

# Whether every row of a job whose data cannot be read is listed as unprocessed.
UNREADABLE_ROWS_ARE_UNPROCESSED = True

# The rejection of a call that the state of its job does not allow.
WRONG_JOB_STATE = (400, "INVALIDJOBSTATE")

# The answers to closing a job whose data was uploaded twice, and to an upload that is too large.
SECOND_UPLOAD = (
    "Found multipe contents for job: <{job}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new "
    "Job and make sure you only do 'PUT' once on a given Job."
)
TOO_LARGE = (400, "CLIENTINPUTERROR")

# Whether a row of a Bulk upload finds a parent that the same upload creates.
UPLOAD_SEES_ITS_OWN_PARENTS = False

# Whether the empty parent batch of a job counts against DailyBulkApiBatches.
PARENT_BATCH_COUNTS = False

# The answers to a retired API version, and to requests whose address or body is too large.
RETIRED_VERSION = (410, "UNSUPPORTED_API_VERSION", "The requested API version is no longer available")
URI_TOO_LONG = "<html><head><title>414 Request-URI Too Large</title></head><body>URI Too Long</body></html>"
BODY_TOO_LARGE = "<html><head><title>413 Request Entity Too Large</title></head><body>Too large</body></html>"

# The rejection of a request whose automation would run for too long.
RUNNING_TOO_LONG = (400, "REQUEST_RUNNING_TOO_LONG", "Your request was running for too long, and has been stopped.")

# The separator of several errors of a row in sf__Error.
BETWEEN_ERRORS = ""

# The message for a parent without a type, in a relationship to several objects.
UNTYPED_PARENT = "The relationship {relation} leads to several objects: attributes.type must name one of them"

# The answer of every path during maintenance.
MAINTENANCE_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN"><html><head><title>We are down for maintenance.'
    "</title></head><body>We are down for maintenance. Sorry for the inconvenience. We'll be back shortly."
    "</body></html>"
)

# The codes for closing a job without data, and for results that are requested too early.
NO_DATA = "CLIENTINPUTERROR"
EARLY_RESULTS = "INVALIDJOBSTATE"

# The status of Bulk v1 when the API calls are used up.
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
