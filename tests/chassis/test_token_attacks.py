"""Tokens that somebody would like our three services to take, and odd ones that they have to."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey

from tests.chassis.forging import (
    BUYING,
    NOW,
    ORGANISATION,
    OTHER,
    OWN,
    PID,
    VENDOR,
    Forge,
    encoded,
    org,
    public,
)
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

DOORS = {"catalog": "/audit", "agreements": "/call-offs", "integration": "/dispatches"}
"""Something that each service shows to nobody who has not said who they are."""
AUDIENCE = "https://samvirke.example"


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    machines, persons, employees = Issuer(), Issuer(), Issuer()
    second = ECKey.generate_key("P-256", {"kid": "test-2", "use": "sig"})
    machines.published = {"keys": [public(machines.key), public(second)]}
    yield Forge(machines, persons, employees, second)
    for one in (machines, persons, employees):
        one.close()


@pytest.fixture(scope="module", params=DOORS)
def door(
    request: pytest.FixtureRequest, apps: Callable[[str], FastAPI], shared_database: NewDatabase, forge: Forge
) -> Iterator[TestClient]:
    app = apps(request.param)
    before, app.state.gate = app.state.gate, forge.gate()
    with serving(app, shared_database(request.param)) as client:
        client.headers["X-Door"] = DOORS[request.param]
        yield client
    app.state.gate = before


def knock(door: TestClient, token: str, scheme: str = "Bearer") -> Any:
    return door.get(door.headers["X-Door"], headers=[(b"Authorization", f"{scheme} {token}".encode())])


ATTACKS: dict[str, Callable[[Forge], str]] = {
    # signatures
    "no algorithm": lambda f: f.unsigned({"alg": "none", "kid": "test-1"}),
    "no algorithm in capitals": lambda f: f.unsigned({"alg": "NONE", "kid": "test-1"}),
    "no algorithm, but a signature": lambda f: f.unsigned({"alg": "none", "kid": "test-1"}, "AAAA"),
    "algorithm left out": lambda f: f.unsigned({"kid": "test-1"}, "AAAA"),
    "algorithm as an array": lambda f: f.unsigned({"alg": ["RS256"], "kid": "test-1"}, "AAAA"),
    "the public key in PEM as a secret": lambda f: f.by_secret(f.public_bytes(Encoding.PEM)),
    "the public key in DER as a secret": lambda f: f.by_secret(f.public_bytes(Encoding.DER)),
    "the public JWK as a secret": lambda f: f.by_secret(json.dumps(public(f.machines.key)).encode()),
    "an empty secret": lambda f: f.by_secret(b"\0"),
    "an empty signature": lambda f: f.unsigned({"alg": "RS256", "kid": "test-1"}),
    "half a signature": lambda f: f.machine()[:-100],
    "another token's signature": lambda f: f"{f.machine().rpartition('.')[0]}.{f.machine(jti='x').rpartition('.')[2]}",
    "claims changed after signing": lambda f: _with_claims(f.machine(), f.machine_claims(consumer=org(OTHER))),
    "another key by the right name": lambda f: f.machine(key=OWN),
    "its own key in the header": lambda f: f.machine(key=OWN, header={"jwk": public(OWN)}),
    "its own key page in the header": lambda f: f.machine(key=OWN, header={"jku": f"{f.persons.issuer}jwk"}),
    "its own certificate's address": lambda f: f.machine(key=OWN, header={"x5u": "http://127.0.0.1:9/c.pem"}),
    "its own certificate": lambda f: f.machine(key=OWN, header={"x5c": [encoded(b"certificate")]}),
    "another trusted issuer's key": lambda f: f.machine(key=f.employees.key),
    "an elliptic key's algorithm with an RSA key": lambda f: f.unsigned({"alg": "ES256", "kid": "test-1"}, "A" * 86),
    "an RSA algorithm with an elliptic key": lambda f: f.machine(header={"kid": "test-2"}),
    "an elliptic signature of zeros": lambda f: f.unsigned({"alg": "ES256", "kid": "test-2"}, encoded(bytes(64))),
    "an unknown key id": lambda f: f.machine(header={"kid": "test-9"}),
    "no key id": lambda f: f.machine(header={"kid": None}),
    "a key id that is a path": lambda f: f.machine(key=OWN, header={"kid": "../../../dev/null"}),
    "a key id that is SQL": lambda f: f.machine(key=OWN, header={"kid": "x' UNION SELECT 'key'--"}),
    "a key id that is a number": lambda f: f.headed(kid=1),
    "an extension that must be understood": lambda f: f.headed(crit=["x"], x=1),
    "claims that are not encoded": lambda f: f.headed(b64=False, crit=["b64"]),
    # form
    "encrypted": lambda f: ".".join([encoded({"alg": "RSA-OAEP", "enc": "A256GCM"}), "AA", "AA", "AA", "AA"]),
    "two parts": lambda f: f.machine().rpartition(".")[0],
    "four parts": lambda f: f.machine() + ".AAAA",
    "two tokens": lambda f: f"{f.machine()}, Bearer {f.machine()}",
    "in JSON": lambda f: json.dumps(
        dict(zip(("protected", "payload", "signature"), f.machine().split("."), strict=True))
    ),
    "an array for claims": lambda f: f.raw(b"[1]"),
    "text for claims": lambda f: f.raw(b"samvirke"),
    "a token within a token": lambda f: f.raw(f.machine().encode()),
    "endless": lambda f: f.machine(more="x" * 20_000),
    # issuers
    "an issuer that nobody knows": lambda f: f.machine(iss="https://issuer.example/"),
    "the real Maskinporten, by the sandbox's key": lambda f: f.machine(iss="https://maskinporten.no/"),
    "an issuer without its slash": lambda f: f.machine(iss=f.machines.issuer.rstrip("/")),
    "an issuer with one more slash": lambda f: f.machine(iss=f.machines.issuer + "/"),
    "an issuer in capitals": lambda f: f.machine(iss=f.machines.issuer.upper()),
    "several issuers": lambda f: f.machine(iss=[f.machines.issuer]),
    "no issuer": lambda f: f.machine(iss=None),
    "a client's own grant": lambda f: f.machine(iss="a-client", aud=f.machines.issuer, client_id=None),
    # times
    "expired": lambda f: f.machine(exp=NOW - 10),
    "never expiring": lambda f: f.machine(exp=None),
    "expiring at the end of numbers": lambda f: f.raw(
        json.dumps(f.machine_claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()
    ),
    "expiring in words": lambda f: f.machine(exp="tomorrow"),
    "expiring when true": lambda f: f.machine(exp=True),
    "expired before it was issued": lambda f: f.machine(iat=NOW + 8, exp=NOW + 7),
    "issued eleven seconds ahead": lambda f: f.machine(iat=NOW + 11),
    "never issued": lambda f: f.machine(iat=None),
    "not yet valid": lambda f: f.machine(nbf=NOW + 11),
    "valid from sometime": lambda f: f.machine(nbf="now"),
    # kinds of token
    "a logout token": lambda f: f.machine(header={"typ": "logout+jwt"}),
    "a logout token that does not say so": lambda f: f.machine(
        events={"http://schemas.openid.net/event/backchannel-logout": {}}
    ),
    "a DPoP proof": lambda f: f.machine(header={"typ": "dpop+jwt"}),
    "a security event": lambda f: f.machine(header={"typ": "secevent+jwt"}),
    "an answer to introspection": lambda f: f.machine(header={"typ": "token-introspection+jwt"}),
    "a type that is no text": lambda f: f.headed(typ=["JWT"]),
    "an id_token": lambda f: f.id_token(f.employees, nonce="n"),
    "an id_token without a nonce": lambda f: f.id_token(f.employees),
    "an id_token that names its client twice": lambda f: f.employee(aud=["x", "a-client"]),
    "an id_token with the access token's hash": lambda f: f.employee(at_hash="x"),
    "bound to a key": lambda f: f.machine(cnf={"jkt": "x"}),
    "bound to a certificate": lambda f: f.machine(cnf={"x5t#S256": "x"}),
    "said to be DPoP": lambda f: f.machine(token_type="DPoP"),
    "no client": lambda f: f.machine(client_id=None),
    "several clients": lambda f: f.machine(client_id=["a", "b"]),
    "scopes in an array": lambda f: f.machine(scope=["samvirke:catalog.write"]),
    # whom it acts for
    "no organisation": lambda f: f.machine(consumer=None),
    "a number that nobody has": lambda f: f.machine(consumer=org("964983292")),
    "a number with a space": lambda f: f.machine(consumer=org("964983291 ")),
    "a number in other digits": lambda f: f.machine(consumer=org("٩٦٤٩٨٣٢٩١")),
    "a number without its scheme": lambda f: f.machine(consumer=org("") | {"ID": ORGANISATION}),
    "another register's number": lambda f: f.machine(consumer=org(ORGANISATION) | {"authority": "etsi-en-319-412"}),
    "an organisation in plain text": lambda f: f.machine(consumer=f"0192:{ORGANISATION}"),
    "several organisations": lambda f: f.machine(consumer=[org(ORGANISATION), org(OTHER)]),
    "a vendor who is nobody": lambda f: f.machine(supplier={}),
    "a system user of nobody": lambda f: f.machine(authorization_details=[{"type": "urn:altinn:systemuser"}]),
    "system users of two": lambda f: f.machine(authorization_details=[_system_user(ORGANISATION), _system_user(OTHER)]),
    "a system user through another vendor": lambda f: f.machine(
        authorization_details=[_system_user(OTHER)], supplier=org(VENDOR)
    ),
    "details that are no objects": lambda f: f.machine(authorization_details="urn:altinn:systemuser"),
    # logins
    "no level": lambda f: f.employee(acr=None),
    "a low level": lambda f: f.employee(acr="idporten-loa-low"),
    "a level by mail": lambda f: f.employee(acr="selfregistered-email"),
    "a level of one's own": lambda f: f.employee(acr="highest"),
    "all levels": lambda f: f.employee(acr=["high"]),
    "nobody logged in": lambda f: f.employee(sub=None, pid=None),
    "no resource": lambda f: f.employee(
        authorization_details=[
            {"type": "ansattporten:altinn:resource", "authorized_parties": [{"orgno": org(ORGANISATION)}]}
        ]
    ),
    "a person's key by the employees' name": lambda f: f.login(f.persons, iss=f.employees.issuer),
}
NOT_ALLOWED: dict[str, tuple[Callable[[Forge], str], str]] = {
    "no scope": (lambda f: f.machine(scope=None), "scope-missing"),
    "an empty scope": (lambda f: f.machine(scope=""), "scope-missing"),
    "openid only": (lambda f: f.employee(scope="openid profile"), "scope-missing"),
    "another's scopes": (lambda f: f.machine(scope=_scopes("other:")), "scope-missing"),
    "scopes by nearly our name": (lambda f: f.machine(scope=_scopes("samvirke2:")), "scope-missing"),
    "scopes in capitals": (lambda f: f.machine(scope=_scopes("samvirke:").upper()), "scope-missing"),
    "scopes within another's": (lambda f: f.machine(scope=_scopes("x:samvirke:")), "scope-missing"),
    "scopes elsewhere": (lambda f: f.machine(scope="", scp=_scopes("samvirke:")), "scope-missing"),
    "a person": (lambda f: f.login(f.persons), "represents-nobody"),
    "a person with a machine's consumer": (
        lambda f: f.login(f.persons, consumer=org(ORGANISATION), sub=None),
        "represents-nobody",
    ),
    "an employee for herself": (
        lambda f: f.employee(authorization_details=[{"type": "ansattporten:altinn:resource"}]),
        "represents-nobody",
    ),
    "an employee for none": (lambda f: f.employee(authorization_details=[]), "represents-nobody"),
    "an employee for two": (
        lambda f: f.employee({"orgno": org(ORGANISATION), "actions": ["read"]}, {"orgno": org(OTHER)}),
        "represents-nobody",
    ),
    "an employee as a system user": (
        lambda f: f.employee(authorization_details=[_system_user(ORGANISATION)]),
        "represents-nobody",
    ),
    "an employee by an unknown power": (lambda f: f.employee(kind="ansattporten:friend"), "represents-nobody"),
    "an employee through another resource": (
        lambda f: f.employee({"orgno": org(ORGANISATION), "actions": ["read"], "resource": "samvirke-innkjop-2"}),
        "right-missing",
    ),
    "an employee without the action": (
        lambda f: f.employee({"orgno": org(ORGANISATION), "actions": ["write"]}),
        "right-missing",
    ),
    "an employee whose employer names no rights": (
        lambda f: f.employee(
            authorization_details=[
                {
                    "type": "ansattporten:orgno",
                    "orgno:": {"Authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}"},
                    "authorized_parties": [],
                }
            ]
        ),
        "right-missing",
    ),
    "an employee without any action": (lambda f: f.employee({"orgno": org(ORGANISATION)}), "right-missing"),
}
ELSEWHERE: dict[str, Callable[[Forge], dict[str, Any]]] = {
    "in the address": lambda f: {"params": {"access_token": f.machine()}},
    "in a cookie": lambda f: {"headers": {"Cookie": f"access_token={f.machine()}"}},
    "as DPoP": lambda f: {"headers": {"Authorization": f"DPoP {f.machine()}", "DPoP": "e30.e30.AA"}},
    "as a password": lambda f: {"headers": {"Authorization": f"Basic {f.machine()}"}},
    "without a scheme": lambda f: {"headers": {"Authorization": f.machine()}},
    "as nothing": lambda f: {"headers": {"Authorization": "Bearer"}},
    "from a proxy": lambda f: {"headers": {"X-Forwarded-Authorization": f"Bearer {f.machine()}"}},
}
ODD: dict[str, Callable[[Forge], str]] = {
    "no sub, no aud, no typ": lambda f: f.machine(),
    "typ JWT": lambda f: f.machine(header={"typ": "JWT"}),
    "typ at+jwt": lambda f: f.machine(header={"typ": "at+jwt"}),
    "typ at+jwt in full": lambda f: f.machine(header={"typ": "application/at+jwt"}),
    "typ in capitals": lambda f: f.machine(header={"typ": "AT+JWT"}),
    "a resource as text": lambda f: f.machine(aud=AUDIENCE),
    "a resource in an array": lambda f: f.machine(aud=[AUDIENCE]),
    "an unspecified audience": lambda f: f.machine(aud="unspecified"),
    "no jti": lambda f: f.machine(jti=None),
    "a header with more than it needs": lambda f: f.headed(more={"than": 1}),
    "a sub": lambda f: f.machine(sub="a-client"),
    "a machine's token for one person": lambda f: f.machine(pid=PID),
    "Digdir's inner claims": lambda f: f.machine(clm=["!x"], sik="x"),
    "Bearer in its claims": lambda f: f.machine(token_type="Bearer"),
    "expired nine seconds ago": lambda f: f.machine(iat=NOW - 129, exp=NOW - 9),
    "issued ten seconds ahead": lambda f: f.machine(iat=NOW + 10),
    "valid in ten seconds": lambda f: f.machine(nbf=NOW + 10),
    "times with decimals": lambda f: f.machine(iat=NOW - 5.5, exp=NOW + 114.5),
    "the second key": lambda f: f.machine(key=f.second, header={"kid": "test-2", "alg": "ES256"}),
    "the first key's other algorithm": lambda f: f.machine(header={"alg": "PS256"}),
    "a key page in the header that nobody looks at": lambda f: f.machine(header={"jku": "http://127.0.0.1:9/jwk"}),
    "more scopes than ours": lambda f: f.machine(scope=f"openid other:x {_scopes('samvirke:')}"),
    "delegated": lambda f: f.machine(supplier=org(VENDOR), delegation_source="https://www.altinn.no/"),
    "a system user": lambda f: f.machine(consumer=org(VENDOR), authorization_details=[_system_user(ORGANISATION)]),
    "a consent": lambda f: f.machine(authorization_details=[{"type": "urn:altinn:consent", "id": "x"}]),
    "an employee": lambda f: f.employee(),
    "an employee with one action as text": lambda f: f.employee({"orgno": org(ORGANISATION), "actions": "read"}),
    "an employee through Altinn 2": lambda f: f.employee(
        authorization_details=[
            {
                "type": "ansattporten:altinn:service",
                "resource": BUYING,
                "reportees": [
                    {"Authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}", "Name": "N", "Rights": ["Read"]}
                ],
            }
        ]
    ),
    "an employee by her employer": lambda f: f.employee(
        {"orgno": org(ORGANISATION), "rights": ["Read"]},
        kind="ansattporten:orgno",
        acr="entraid",
        pid=None,
        sub="entra",
    ),
}


def _with_claims(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{encoded(claims)}.{signature}"


def _system_user(number: str) -> dict[str, Any]:
    return {"type": "urn:altinn:systemuser", "systemuser_org": org(number), "systemuser_id": ["x"], "system_id": "x"}


def _scopes(prefix: str) -> str:
    return " ".join(prefix + scope for scope in ("catalog.write", "agreements.read", "dispatch.read"))


def discreet(answer: Any) -> bool:
    return PID not in answer.text and PID not in str(answer.headers)


def test_there_are_more_than_forty_attacks() -> None:
    assert len(ATTACKS) + len(NOT_ALLOWED) + len(ELSEWHERE) > 40 * 2
    assert len(ODD) > 10 * 2


@pytest.mark.parametrize("name", ATTACKS)
def test_a_token_that_does_not_hold_is_refused(door: TestClient, forge: Forge, name: str) -> None:
    answer = knock(door, ATTACKS[name](forge))
    assert answer.status_code == 401
    kind, challenge = answer.json()["type"], answer.headers["www-authenticate"]
    if kind == "/problems/login-too-weak":
        assert challenge.startswith('Bearer error="insufficient_user_authentication", acr_values="')
    else:
        assert kind == "/problems/token-invalid"
        assert challenge.startswith('Bearer error="invalid_token", error_description="')
    assert discreet(answer)


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_a_token_that_holds_and_gives_no_right_is_refused(door: TestClient, forge: Forge, name: str) -> None:
    make, problem = NOT_ALLOWED[name]
    answer = knock(door, make(forge))
    assert (answer.status_code, answer.json()["type"]) == (403, f"/problems/{problem}")
    if problem != "represents-nobody":
        assert answer.headers["www-authenticate"].startswith('Bearer error="insufficient_scope", scope="samvirke:')
    assert discreet(answer)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_token_anywhere_else_is_not_looked_for(door: TestClient, forge: Forge, name: str) -> None:
    answer = door.get(door.headers["X-Door"], **ELSEWHERE[name](forge))
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/token-missing")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_one_too_many(door: TestClient, forge: Forge) -> None:
    both = [(b"Authorization", f"Bearer {forge.machine(jti=jti)}".encode()) for jti in ("a", "b")]
    answer = door.get(door.headers["X-Door"], headers=both)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/token-twice")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_request"'


@pytest.mark.parametrize("name", ODD)
def test_an_odd_token_that_holds_is_accepted(door: TestClient, forge: Forge, name: str) -> None:
    token = ODD[name](forge)
    answer = knock(door, token)
    assert answer.status_code == 200, answer.text
    assert discreet(answer)
    again = knock(door, token, scheme="bearer")
    assert again.status_code == 200


@pytest.mark.parametrize(
    "audience", [None, "https://other.example", AUDIENCE + "/", "https://samvirke", {"x": AUDIENCE}, [[AUDIENCE]], []]
)
def test_a_token_for_another_audience_is_refused(door: TestClient, forge: Forge, audience: Any) -> None:
    before, state(door).gate = state(door).gate, forge.gate(audience=AUDIENCE)
    answer = knock(door, forge.machine(aud=audience))
    state(door).gate = before
    assert (answer.status_code, answer.json()["detail"]) == (401, f"The token's audience must be {AUDIENCE!r}.")


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
def test_a_token_for_this_audience_is_accepted(door: TestClient, forge: Forge, audience: Any) -> None:
    before, state(door).gate = state(door).gate, forge.gate(audience=AUDIENCE)
    answer = knock(door, forge.machine(aud=audience))
    state(door).gate = before
    assert answer.status_code == 200
