"""The forms of the page: they send JSON and are answered with an empty object, or why nothing was changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from salesforce_sandbox.api.guard import PAGE
from salesforce_sandbox.org.faults import ANSWERS, Cut, Fault, FaultAnswer, JobFault
from salesforce_sandbox.org.org import Org

_HTML = {"Content-Type": "text/html"}
# the faults that the page can switch on, by the names that it shows
FAULTS: dict[str, dict[str, Any]] = {
    "503 with HTML": {"answer": FaultAnswer(status=503, headers=_HTML, body="<html><body>Down</body></html>")},
    "500 UNKNOWN_EXCEPTION": {
        "answer": FaultAnswer(
            status=500,
            headers={"Content-Type": "application/json"},
            body='[{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred. Please include this '
            'ErrorId if you contact support: 1730955361-49792 (-1117026034)"}]',
        )
    },
    "connection cut before the commit": {"cut": Cut.BEFORE},
    "connection cut after the commit": {"cut": Cut.AFTER},
    "an answer after 3 seconds": {"delay_seconds": 3.0},
}
FAULTS |= {f"like: {name.replace('_', ' ')}": {"like": name} for name in ANSWERS}
JOB_FAULTS: dict[str, dict[str, Any]] = {
    "the next Bulk job fails": {"fail": "InternalServerError : the sandbox was asked to fail", "fail_after_batches": 1},
    "results of the next Bulk job miss 10 rows": {"lose_rows": 10},
    "results of the next Bulk job end in a line": {"cut_results": True},
}
Endpoint = Callable[[Request], Awaitable[Response]]
Action = Callable[[Request], Awaitable[None]]


def action_routes(org: Org) -> list[Route]:
    """Return the routes of the page's forms."""
    actions = _Actions(org)
    done: dict[str, Action] = {
        "/rules/{name}": actions.switch_rule,
        "/faults": actions.add_fault,
        "/faults/clear": actions.clear_faults,
        "/sessions/expire": actions.expire_sessions,
        "/maintenance": actions.switch_maintenance,
    }
    return [Route(PAGE + path, _explain_mistakes(action), methods=["POST"]) for path, action in done.items()]


def _explain_mistakes(action: Action) -> Endpoint:
    async def explained(request: Request) -> Response:
        try:
            await action(request)
        except KeyError as wrong:
            return JSONResponse({"error": f"Nothing was changed: {wrong} is not known."}, 400)
        except ValidationError as wrong:
            reason = wrong.errors()[0]["msg"].removeprefix("Value error, ")
            return JSONResponse({"error": f"Nothing was changed: {reason}."}, 400)
        return JSONResponse({})

    return explained


class _Actions:
    def __init__(self, org: Org) -> None:
        self.org = org

    async def switch_rule(self, request: Request) -> None:
        """Switch a rule on or off."""
        form = await request.json()
        self.org.rules.switch(request.path_params["name"], active=form.get("active") == "on")

    async def add_fault(self, request: Request) -> None:
        """Switch a fault on."""
        asked = {name: str(value) for name, value in (await request.json()).items()}
        times = {"times": asked.get("times") or 1}
        if asked["kind"] in JOB_FAULTS:
            fault = JOB_FAULTS[asked["kind"]] | times | {"on_job": asked.get("on_call") or 1}
            self.org.job_faults.append(JobFault.model_validate(fault))
            return
        match = {"kind": asked.get("call") or None, "path_regex": asked.get("path", "")}
        on_call = {"on_call": asked.get("on_call") or 1}
        self.org.faults.active.append(Fault.model_validate(FAULTS[asked["kind"]] | times | on_call | {"match": match}))

    async def clear_faults(self, _: Request) -> None:
        """Switch every fault off."""
        self.org.faults.clear()
        self.org.job_faults.clear()

    async def switch_maintenance(self, request: Request) -> None:
        """Begin or end maintenance."""
        self.org.maintenance = (await request.json()).get("active") == "on"

    async def expire_sessions(self, _: Request) -> None:
        """End every session."""
        self.org.sessions.expire_all()
