"""The control API below /sandbox: add and read records, switch rules and faults, use up limits."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from salesforce_sandbox.definition.objects import FieldDefinition, ObjectDefinition
from salesforce_sandbox.definition.settings import BulkSettings, RequestSettings, TokenForm
from salesforce_sandbox.org.faults import Fault, JobFault
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.schema import fold


def control_routes(org: Org) -> list[Route]:
    """Return the routes of the control API."""
    control = _Control(org)
    return [
        Route("/sandbox", control.overview, methods=["GET"]),
        Route("/sandbox/reset", control.reset, methods=["POST"]),
        Route("/sandbox/records", control.add_records, methods=["POST"]),
        Route("/sandbox/records/{object}", control.list_records, methods=["GET"]),
        Route("/sandbox/records/{object}/{id}", control.edit_record, methods=["PATCH", "DELETE"]),
        Route("/sandbox/history/{object}/{id:path}", control.history, methods=["GET"]),
        Route("/sandbox/writes/{object}", control.writes, methods=["GET"]),
        Route("/sandbox/rules/{name}", control.switch_rule, methods=["POST"]),
        Route("/sandbox/objects/{object}", control.change_object, methods=["PATCH"]),
        Route("/sandbox/fields/{object}/{field}", control.change_field, methods=["PATCH"]),
        Route("/sandbox/picklists/{object}/{field}", control.add_values, methods=["POST"]),
        Route("/sandbox/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/job_faults", control.job_faults, methods=["POST", "DELETE"]),
        Route("/sandbox/request_settings", control.change_requests, methods=["POST"]),
        Route("/sandbox/sessions", control.set_token_form, methods=["POST"]),
        Route("/sandbox/bulk", control.bulk, methods=["POST"]),
        Route("/sandbox/maintenance", control.maintenance, methods=["POST"]),
        Route("/sandbox/soap_login", control.soap_login, methods=["POST"]),
        Route("/sandbox/sessions/expire", control.expire, methods=["POST"]),
        Route("/sandbox/limits", control.limits, methods=["POST"]),
        Route("/sandbox/requests", control.requests, methods=["GET"]),
    ]


class _Control:
    def __init__(self, org: Org) -> None:
        self.org = org

    async def overview(self, request: Request) -> Response:
        """Return counts of records, rules and API calls; a browser is sent to the page."""
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/sandbox/page")
        counts = self.org.counts()
        rules = {name: rule.active for name, rule in self.org.rules.rules.items()}
        return JSONResponse({"records": counts, "rules": rules, "api_calls": self.org.used["DailyApiRequests"]})

    async def reset(self, _: Request) -> Response:
        """Reset the org to its definition."""
        self.org.reset()
        return JSONResponse({})

    async def add_records(self, request: Request) -> Response:
        """Store records without checking rules and rights."""
        body = await request.json()
        writer = self.org.writer()
        entity = writer.schema.object(body["object"])
        with writer.chunk.transaction():
            ids = [writer.import_record(entity, record) for record in body["records"]]
        return JSONResponse({"ids": ids})

    async def list_records(self, request: Request) -> Response:
        """List the records of an object, the recycle bin included."""
        return JSONResponse(self.org.records(request.path_params["object"]))

    async def edit_record(self, request: Request) -> Response:
        """Edit or delete a record without checking rules and rights."""
        writer = self.org.writer()
        record_id = normalise_id(request.path_params["id"]) or ""
        body = {} if request.method == "DELETE" else await request.json()
        with writer.chunk.transaction():
            if request.method == "DELETE":
                writer.delete(record_id)
            else:
                writer.import_record(writer.schema.object(request.path_params["object"]), body | {"Id": record_id})
        return JSONResponse({})

    async def history(self, request: Request) -> Response:
        """List every write of a record, by its id or a value of an external id field."""
        entity = self.org.writer().schema.object(request.path_params["object"])
        wanted = request.path_params["id"]
        found = normalise_id(wanted)
        if found is None or self.org.storage.find(found) is None:
            ids = [
                each
                for name, field in entity.keys
                for each in self.org.storage.find_by_key(entity.name, name, fold(field, wanted))
            ]
            found = ids[0] if ids else ""
        return JSONResponse(self.org.storage.history.of(found))

    async def writes(self, request: Request) -> Response:
        """List every write of an object's records, oldest first."""
        entity = self.org.writer().schema.object(request.path_params["object"])
        return JSONResponse(self.org.storage.history.of_object(entity.prefix))

    async def switch_rule(self, request: Request) -> Response:
        """Switch a rule on or off."""
        name = request.path_params["name"]
        if name not in self.org.rules.rules:
            raise RequestRejected(404, "NOT_FOUND", f"No rule {name}. Rules: {', '.join(self.org.rules.rules)}")
        self.org.rules.switch(name, active=bool((await request.json())["active"]))
        return JSONResponse({})

    async def change_field(self, request: Request) -> Response:
        """Change the definition of a field: field-level security, length, required."""
        fields, name, field = self._field(request)
        try:
            fields[name] = FieldDefinition.model_validate(field.model_dump() | await request.json())
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def change_object(self, request: Request) -> Response:
        """Change what the users may do with an object: create, update, delete."""
        objects, name = self.org.definition.objects, request.path_params["object"]
        if name not in objects:
            raise RequestRejected(404, "NOT_FOUND", f"There is no object {name}")
        try:
            objects[name] = ObjectDefinition.model_validate(objects[name].model_dump() | await request.json())
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def add_values(self, request: Request) -> Response:
        """Add values to a picklist."""
        self._field(request)[2].values.extend((await request.json())["add"])
        return JSONResponse({})

    def _field(self, request: Request) -> tuple[dict[str, FieldDefinition], str, FieldDefinition]:
        object_name, name = request.path_params["object"], request.path_params["field"]
        known = self.org.definition.objects.get(object_name)
        if known is None or name not in known.fields:
            raise RequestRejected(404, "NOT_FOUND", f"There is no field {object_name}.{name}")
        return known.fields, name, known.fields[name]

    async def faults(self, request: Request) -> Response:
        """List the faults, switch one on, or all off."""
        if request.method == "GET":
            return JSONResponse([fault.model_dump(mode="json") for fault in self.org.faults.active])
        if request.method == "DELETE":
            self.org.faults.clear()
            return JSONResponse({})
        try:
            self.org.faults.active.append(Fault.model_validate(await request.json()))
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def job_faults(self, request: Request) -> Response:
        """Switch a fault of Bulk jobs on, or all off."""
        if request.method == "DELETE":
            self.org.job_faults.clear()
            return JSONResponse({})
        try:
            self.org.job_faults.append(JobFault.model_validate(await request.json()))
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def bulk(self, request: Request) -> Response:
        """Change how Bulk jobs run (`settings.BulkSettings`)."""
        try:
            self.org.bulk = BulkSettings.model_validate(self.org.bulk.model_dump() | await request.json())
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def change_requests(self, request: Request) -> Response:
        """Change the sizes and times of requests (`settings.RequestSettings`)."""
        try:
            known = self.org.request_settings.model_dump() | await request.json()
            self.org.request_settings = RequestSettings.model_validate(known)
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def set_token_form(self, request: Request) -> Response:
        """Change what the access tokens of new sessions look like (`settings.TokenForm`)."""
        try:
            self.org.sessions.form = TokenForm((await request.json()).get("form"))
        except ValueError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return JSONResponse({})

    async def maintenance(self, request: Request) -> Response:
        """Begin or end maintenance: every path of Salesforce answers 503 meanwhile."""
        self.org.maintenance = bool((await request.json())["active"])
        return JSONResponse({})

    async def soap_login(self, request: Request) -> Response:
        """Switch SOAP login on or off."""
        self.org.soap_login = bool((await request.json())["active"])
        return JSONResponse({})

    async def expire(self, _: Request) -> Response:
        """End every session."""
        self.org.sessions.expire_all()
        return JSONResponse({})

    async def limits(self, request: Request) -> Response:
        """Change limits: `{"DailyApiRequests": {"Max": 15000, "Used": 14000}}`."""
        for name, change in (await request.json()).items():
            if name not in self.org.limits:
                raise RequestRejected(404, "NOT_FOUND", f"No limit {name}. Limits: {', '.join(self.org.limits)}")
            self.org.limits[name] = change.get("Max", self.org.limits.get(name, 0))
            self.org.used[name] = change.get("Used", self.org.used[name])
        return JSONResponse({})

    async def requests(self, request: Request) -> Response:
        """List the requests on Salesforce paths, oldest first."""
        since = int(request.query_params.get("since", "0"))
        found: list[dict[str, Any]] = [vars(logged) for logged in self.org.requests if logged.n > since]
        return JSONResponse(found)
