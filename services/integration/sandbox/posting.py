"""SvarUT put together: its national routes in three versions, and every error as KS Fiks writes it."""

import json
import logging
import time
import uuid
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from services.chassis.problems import Problem
from services.integration.sandbox.downloads import api as downloads
from services.integration.sandbox.fates import api as fates
from services.integration.sandbox.inbox import api as inbox
from services.integration.sandbox.repeats.rules import LetterRepeated
from services.integration.sandbox.signings import api as signings
from services.integration.sandbox.svarut_accounts import api as accounts
from services.integration.sandbox.svarut_accounts.rules import CHALLENGE, SenderNotKnown
from services.integration.sandbox.svarut_time import api as svarut_time
from services.integration.sandbox.svarut_v1 import api as v1
from services.integration.sandbox.svarut_v2 import api as v2
from services.integration.sandbox.svarut_v3 import api as v3

LARGEST_BODY = 400 * 1024 * 1024
"""Room for the 350 MB of PDF that SvarUT prints at most."""
OF_THE_FRAMEWORK = (400, 404, 405, 413, 415)
"""Answers that come from the framework and not from a rule."""
CONTROL = (svarut_time.router, accounts.router, fates.router, signings.router, inbox.router)
_log = logging.getLogger("svarut")


def speak_nationally(app: FastAPI) -> None:
    """Let every error leave as an ErrorMessage of KS Fiks."""
    for routes in (v3.national, v2.national, v1.national, accounts.national, signings.national, downloads.national):
        app.router.routes.extend(routes.routes)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    told = exc.detail or exc.title()
    if len(exc.all) > 1:
        told = "; ".join(one.detail or one.title() for one in exc.all)
    code = request.app.state.sandbox.svarut_duplicate_code if isinstance(exc, LetterRepeated) else None
    headers = {"WWW-Authenticate": CHALLENGE} if isinstance(exc, SenderNotKnown) else {}
    return _error(request, exc.status, told, code, headers)


def _invalid(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in exc.errors())
    return _error(request, 400, f"Ugyldig innhold: {wrong}")


def _http(request: Request, exc: Any) -> JSONResponse:
    return _error(request, exc.status_code, str(exc.detail))


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    return _error(request, 500, "Uventet feil")


def _error(
    request: Request, status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    _log.info("refused: %s %s", status, json.dumps(message, ensure_ascii=False))
    return JSONResponse(
        {
            "timestamp": int(time.time() * 1000),
            "status": status,
            "error": HTTPStatus(status).phrase,
            "errorId": str(uuid.uuid4()),
            "path": request.url.path,
            "originalPath": None,
            "message": message,
            "errorCode": code,
            "errorJson": None,
        },
        status,
        headers,
    )
