"""A token issuer for tests: signs what it is asked to, right or wrong, and publishes its keys over HTTP."""

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.settings import IssuerKind, TrustedIssuer


class Issuer:
    """One issuer of machine tokens with one RSA key, on a free port."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "test-1", "use": "sig"})
        self.published: object = None
        """What its key page says, when it is not simply its key."""
        self.away = False
        self.asked = 0
        """How often its key page was fetched."""
        issuer = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                page = issuer.published or {"keys": [issuer.key.as_dict(private=False)]}
                body = json.dumps(page).encode()
                self.send_response(503 if issuer.away else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """The tests' output is theirs."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/"

    def trusted(self, kind: IssuerKind = IssuerKind.MACHINE) -> TrustedIssuer:
        return TrustedIssuer(issuer=self.issuer, kind=kind, jwks_url=self.issuer + "jwk")

    def token(self, organisation: str, *scopes: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A machine token for an organisation; scopes without prefix; `claims` are added or, when None, left out."""
        now = int(time.time())
        all_claims: dict[str, Any] = {
            "iss": self.issuer,
            "iat": now,
            "exp": now + 120,
            "jti": str(uuid.uuid4()),
            "client_id": "test-client",
            "scope": " ".join(f"samvirke:{scope}" for scope in scopes),
            "consumer": {"authority": "iso6523-actorid-upis", "ID": f"0192:{organisation}"},
        } | claims
        kept = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(header or {"alg": "RS256", "kid": "test-1"}, kept, self.key, default_type=None)

    def bearer(self, organisation: str, *scopes: str, client: str = "test-client") -> dict[str, str]:
        """Headers with a token. Two clients of one organisation are two persons."""
        return {"Authorization": f"Bearer {self.token(organisation, *scopes, client_id=client)}"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
