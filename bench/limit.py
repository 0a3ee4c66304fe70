"""The limit: a bare FastAPI route that answers the same bytes from memory. `LIMIT_BODY` names a file with them.
`/known` is the same behind the services' gate, which trusts `LIMIT_ISSUERS`."""

import os
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.chassis.auth import CallerDep, Gate
from services.chassis.settings import TrustedIssuer

BODY = Path(os.environ["LIMIT_BODY"]).read_bytes()
app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
app.state.gate = Gate(
    TypeAdapter(list[TrustedIssuer]).validate_json(os.environ.get("LIMIT_ISSUERS", "[]")), scope_prefix="samvirke"
)


@app.get("/limit")
@app.post("/limit")
async def limit() -> Response:
    return Response(BODY, media_type="application/json")


@app.get("/known")
async def known(caller: CallerDep) -> Response:
    return Response(BODY, media_type="application/json")


app.state.opened_by = {one.unique_id: ("agreements.read",) for one in app.routes if isinstance(one, APIRoute)}
