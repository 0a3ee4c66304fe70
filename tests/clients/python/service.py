"""A service with a login of its own, as FastAPI and Authlib's Starlette client make one: it sends its users to a login
provider, and remembers in a session who came back.

In: one JSON object on standard input, with the number of a socket that listens already. It serves until it is ended.
"""

import json
import socket
import sys
from typing import Any

import uvicorn
from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware

asked = json.load(sys.stdin)
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=asked["sessionKey"])
oauth = OAuth()
for name, client in asked["providers"].items():
    oauth.register(
        name,
        server_metadata_url=f"{client['issuer']}/.well-known/openid-configuration",
        client_id=client["clientId"],
        client_secret=client["secret"],
        client_kwargs={"scope": asked["scope"], "code_challenge_method": "S256"},
    )


@app.get("/login/{name}")
async def login(name: str, request: Request) -> Response:
    """What stands in the query goes along: acr_values, login_hint, authorization_details."""
    back = request.url_for("callback", name=name)
    answer: Response = await oauth.create_client(name).authorize_redirect(request, back, **request.query_params)
    return answer


@app.get("/callback/{name}")
async def callback(name: str, request: Request) -> Response:
    try:
        token = await oauth.create_client(name).authorize_access_token(request)
    except OAuthError as error:
        return JSONResponse({"error": error.error, "description": error.description}, 401)
    except JoseError:
        return JSONResponse({"error": "the id_token does not hold"}, 401)
    request.session["person"] = dict(token["userinfo"])
    request.session["scopes"] = token["scope"]
    return RedirectResponse("/me", 303)


@app.get("/me")
async def me(request: Request) -> dict[str, Any]:
    return dict(request.session)


uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run([socket.socket(fileno=asked["socket"])])
