"""The limit: a bare FastAPI route that answers the same bytes from memory. `LIMIT_BODY` names a file with them."""

import os
from pathlib import Path

from fastapi import FastAPI, Response

BODY = Path(os.environ["LIMIT_BODY"]).read_bytes()
app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@app.get("/limit")
@app.post("/limit")
async def limit() -> Response:
    return Response(BODY, media_type="application/json")
