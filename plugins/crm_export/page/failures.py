"""The page's answers to requests that fail: a code to translate and a sentence to act on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import errors
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from crm_export.connections import POSTGRES
from include.export.failures import ConfigurationFailure, RunFailure
from include.export.reports import PlaceError

ErrorCode = Literal[
    "not_signed_in", "forbidden", "cross_site", "not_found", "wrong_method", "export_off", "overridden",
    "acknowledgement_missing", "dag_paused", "already_requested", "nothing_selected", "too_many", "busy", "too_large",
    "not_json", "invalid", "not_installed", "database_down", "misconfigured", "too_busy",
    "not_started", "other_database", "failed",
]  # fmt: skip
log = logging.getLogger(__name__)
_CODES: dict[int, ErrorCode] = {
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "wrong_method",
    422: "invalid",
}
_MISSING = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected)


class FailureText(BaseModel):
    """Why a request failed: a code to translate and a sentence to act on."""

    code: ErrorCode
    message: str


class FailureAnswer(BaseModel):
    """The answer to every failed request."""

    error: FailureText


class PageFailure(Exception):  # noqa: N818 - it is an answer, not a fault of the program
    """The page rejects a request or cannot carry it out; `code` is for programs, the message for people."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def answer_failures(app: FastAPI) -> None:
    """Make an app answer every failure with a code and a sentence, never with a traceback."""
    app.add_exception_handler(PageFailure, lambda _, failure: _answer_page_failure(failure))
    app.add_exception_handler(HTTPException, lambda _, error: _answer_http(error))
    app.add_exception_handler(RequestValidationError, lambda _, wrong: _answer_invalid(wrong))
    app.add_exception_handler(PlaceError, lambda _, wrong: _answer(422, "invalid", f"{wrong}."))
    app.add_exception_handler(psycopg.Error, lambda _, error: _answer_database(error))
    app.add_exception_handler(RunFailure, lambda _, failure: _answer_run_failure(failure))
    app.add_exception_handler(SQLAlchemyError, lambda _, error: _answer_airflow_database(error))
    app.add_exception_handler(Exception, _answer_unexpected)


def _answer(status: int, code: ErrorCode, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def _answer_page_failure(failure: Exception) -> JSONResponse:
    assert isinstance(failure, PageFailure)  # noqa: S101 - registered for this class
    return _answer(failure.status, failure.code, str(failure))


def _answer_http(error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    status = error.status_code
    answer = _answer(status, _CODES.get(status, "failed"), f"{HTTPStatus(status).phrase}.")
    answer.headers.update(error.headers or {})
    return answer


def _answer_invalid(wrong: Exception) -> JSONResponse:
    assert isinstance(wrong, RequestValidationError)  # noqa: S101 - registered for this class
    return _answer(422, "invalid", describe_invalid(wrong.errors()))


def describe_invalid(found: Sequence[Any]) -> str:
    """Return which parts of a request are not allowed and why, without repeating what was sent."""
    parts = [f"{'.'.join(str(part) for part in error['loc'][-2:])}: {error['msg']}" for error in found[:5]]
    return f"Not allowed: {'; '.join(parts)}."


def _answer_database(error: Exception) -> JSONResponse:
    return _answer(*explain_database(error, POSTGRES))


def explain_database(error: Exception, name: str) -> tuple[int, ErrorCode, str]:
    """Return the status, code and sentence for an error of a database, named as its connection."""
    log.warning("CRM Export page: Postgres (connection %s) answered %s", name, type(error).__name__)
    if isinstance(error, _BUSY):
        return 409, "busy", "A run or another person is changing this right now. Retry in a moment."
    if isinstance(error, psycopg.DataError):
        return 422, "invalid", "Not allowed: a value that Postgres cannot read."
    if isinstance(error, _MISSING):
        return (
            503,
            "not_installed",
            "The tables of CRM Export are missing or out of date. Run the DAG CRMExport once.",
        )
    if isinstance(error, errors.QueryCanceled):
        return 503, "database_down", "Postgres took too long to answer. Retry, or narrow the filter."
    return 503, "database_down", f"Postgres (connection {name}) does not answer. Check the server and the connection."


def _answer_run_failure(failure: Exception) -> JSONResponse:
    return _answer(*explain_run_failure(failure))


def explain_run_failure(failure: Exception) -> tuple[int, ErrorCode, str]:
    """Return the status, code and sentence for what stops a run."""
    code: ErrorCode = "misconfigured" if isinstance(failure, ConfigurationFailure) else "database_down"
    return 503, code, str(failure)


def _answer_airflow_database(error: Exception) -> JSONResponse:
    log.warning("CRM Export page: Airflow's own database answered %s", type(error).__name__)
    return _answer(503, "database_down", "Airflow's own database does not answer. Check it and Airflow's logs.")


async def _answer_unexpected(_: Request, error: Exception) -> JSONResponse:
    log.error("CRM Export page failed: %s", type(error).__name__)
    return _answer(500, "failed", "An unexpected error occurred. See the log of Airflow's API server.")
