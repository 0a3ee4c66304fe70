"""The sandbox as its neighbours meet it: the real app under a real server, on free ports of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from services.chassis.db import Database
from services.chassis.tokens import GRANT, assertion, read_key
from services.chassis.values import new_id, seed_id
from services.integration.sandbox import seed
from services.integration.sandbox.app import create_app
from services.integration.sandbox.settings import Settings


@dataclass
class RunningSandbox:
    """Base URLs have no slash at their end; the issuer has one."""

    settings: Settings
    http: httpx.Client

    @property
    def keys_folder(self) -> Path:
        return self.settings.keys_folder

    @property
    def control_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.control_port}"

    @property
    def maskinporten_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.maskinporten_port}"

    @property
    def svarut_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.svarut_port}"

    @property
    def idporten_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.idporten_port}"

    @property
    def ansattporten_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.ansattporten_port}"

    @property
    def register_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.enhetsregisteret_port}"

    @property
    def self_service_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.self_service_port}"

    @property
    def issuer(self) -> str:
        return self.settings.maskinporten_issuer

    def key(self, name: str) -> RSAKey:
        """A seeded client's private key, by organisation number or the service's name."""
        return read_key(self.keys_folder / f"{name}.json")

    def claims(self, name: str, *scopes: str, **changed: Any) -> dict[str, Any]:
        """A right grant's claims; `changed` ones are put in or, when None, left out. Scopes with their prefix."""
        now = int(time.time())
        right: dict[str, Any] = {
            "aud": self.issuer,
            "iss": str(seed_id(f"client:{name}")),
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + 100,
            "jti": str(new_id()),
        }
        return {claim: value for claim, value in (right | changed).items() if value is not None}

    def ask(self, signed: str) -> httpx.Response:
        """Send a grant."""
        return self.http.post(f"{self.maskinporten_url}/token", data={"grant_type": GRANT, "assertion": signed})

    def grant(self, name: str, *scopes: str, header: dict[str, Any] | None = None, **changed: Any) -> httpx.Response:
        """Sign a grant with a client's own key and send it."""
        key = self.key(name)
        with_kid = {"alg": "RS256", "kid": key.kid} | (header or {})
        kept = {name: value for name, value in with_kid.items() if value is not None}
        claims = self.claims(name, *scopes, **changed)
        as_told = JWSRegistry(algorithms=[with_kid["alg"]], strict_check_header=False)
        return self.ask(jwt.encode(kept, claims, key, registry=as_told, default_type=None))

    def certificate(self, organisation: str, key: RSAKey, **more: Any) -> dict[str, Any]:
        """An enterprise certificate for a key: `serial` and `x5c`."""
        body = {"organisation_number": organisation, "jwk": key.as_dict(private=False), **more}
        answer = self.http.post(f"{self.control_url}/_sandbox/enterprise-certificates", json=body)
        return dict(answer.raise_for_status().json())

    def token(self, name: str, scopes: list[str]) -> str:
        """An access token by the real grant. `name` as for `key`; a scope without a colon gets our prefix."""
        full = " ".join(scope if ":" in scope else f"{self.settings.scope_prefix}:{scope}" for scope in scopes)
        signed = assertion(self.key(name), issuer=self.issuer, client=str(seed_id(f"client:{name}")), scope=full)
        return str(self.ask(signed).raise_for_status().json()["access_token"])

    def bearer(self, name: str, *scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(name, list(scopes))}"}

    def fault(self, **fault: Any) -> None:
        """Arrange a fault, e.g. `stand_in="svarut", kind="drop_after"`."""
        self.http.post(f"{self.control_url}/_sandbox/faults", json=fault).raise_for_status()

    def letters(self, external_reference: str | None = None) -> list[dict[str, Any]]:
        """The letters that SvarUT has received, newest first."""
        query = {"external_reference": external_reference} if external_reference else {}
        answer = self.http.get(f"{self.control_url}/_sandbox/svarut/letters", params={"limit": 10_000, **query})
        return list(answer.raise_for_status().json()["items"])

    def told(self, letter: str) -> dict[str, Any]:
        """What SvarUT keeps of a letter's metadata, in the words of REST v3."""
        answer = self.http.get(f"{self.control_url}/_sandbox/svarut/letters/{letter}")
        return dict(answer.raise_for_status().json()["forsendelse"])

    def move(self, letter: str, status: str) -> None:
        """Bring a letter to another status."""
        self.http.post(
            f"{self.control_url}/_sandbox/svarut/letters/{letter}/status", json={"status": status}
        ).raise_for_status()

    def pass_time(self, seconds: float = 0, **more: float) -> None:
        """Let time pass in SvarUT; `working_hours` count on working days."""
        told = {"seconds": seconds, **more}
        self.http.post(f"{self.control_url}/_sandbox/svarut/clock", json=told).raise_for_status()

    def pass_login_time(self, seconds: float) -> None:
        """Let time pass at the login providers."""
        self.http.post(f"{self.control_url}/_sandbox/logins/clock", json={"seconds": seconds}).raise_for_status()


@contextmanager
def running_sandbox(
    database_url: str, keys_folder: Path, *, loop: Any = "uvloop", http: Any = "httptools", **changed: Any
) -> Iterator[RunningSandbox]:
    """`database_url` of a migrated sandbox database (`new_database("sandbox")`); it is seeded here, with keys made in
    `keys_folder` or found there. `changed` are settings."""
    with ExitStack() as closing:
        sockets = [closing.enter_context(_listening_on_a_free_port()) for _ in range(7)]
        control, maskinporten, idporten, ansattporten, svarut, register, self_service = (
            one.getsockname()[1] for one in sockets
        )
        settings = Settings(
            database_url=database_url,
            keys_folder=keys_folder,
            control_port=control,
            maskinporten_port=maskinporten,
            idporten_port=idporten,
            ansattporten_port=ansattporten,
            svarut_port=svarut,
            enhetsregisteret_port=register,
            self_service_port=self_service,
            **({"login_key_bits": 2048} | changed),
        )
        database = Database(database_url, connections=1)
        closing.callback(database.close)
        seed.load(database, tell=lambda line: None, settings=settings)
        config = uvicorn.Config(
            create_app(settings),
            loop=loop,
            http=http,
            access_log=False,
            log_config=None,
            timeout_keep_alive=60,  # longer than clients keep theirs, as in the product: nobody's call meets a hang-up
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
        thread.start()
        closing.callback(_stop, server, thread)
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("The sandbox did not start.")
            time.sleep(0.01)
        yield RunningSandbox(settings, closing.enter_context(httpx.Client(timeout=10)))


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join()


def _listening_on_a_free_port() -> socket.socket:
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    return one
