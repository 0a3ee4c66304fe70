"""The sandbox's first content: a Maskinporten client for every municipality and county, for the fictional
organisations, and for the services themselves, with scopes as they are granted in the sandbox."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col

from services.chassis.clock import now
from services.chassis.db import PROJECT, Database
from services.chassis.values import new_id, seed_id
from services.integration.sandbox.clients import store as clients
from services.integration.sandbox.enhetsregisteret import store as enhetsregisteret
from services.integration.sandbox.enhetsregisteret.rules import Entity
from services.integration.sandbox.enterprise_certificates import store as certificates
from services.integration.sandbox.maskinporten import store
from services.integration.sandbox.persons import store as persons
from services.integration.sandbox.persons.rules import Represented
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import ProviderName
from services.integration.sandbox.receiving_systems import store as systems
from services.integration.sandbox.relying_parties import store as relying_parties
from services.integration.sandbox.relying_parties.rules import Method
from services.integration.sandbox.scopes import store as scopes
from services.integration.sandbox.scopes.rules import MASKINPORTEN, State, TokenType, Visibility
from services.integration.sandbox.self_service.rules import ALL as ADMINISTRATION
from services.integration.sandbox.settings import Settings
from services.integration.sandbox.svarut_accounts import store as accounts

JOINT_UNIT = "100000008"
WITH_KEYS = ("964983291", "938712441", "844824122")
"""Brønnøy, Alstahaug and Vefsn; the others register a key themselves (`/_sandbox/maskinporten/clients/…/jwks`)."""

SCOPES = {
    "catalog.write": "register and edit the own organisation's components, needs and adoptions",
    "catalog.admin": "approve components; standards and organisations",
    "certification.apply": "apply for certification",
    "certification.assess": "assess applications",
    "certification.decide": "decide on applications",
    "agreements.read": "read the own organisation's agreements, room and spend",
    "agreements.order": "place call-offs",
    "agreements.approve": "approve call-offs",
    "agreements.manage": "manage framework agreements, accession and competitions",
    "agreements.supply": "confirm, decline and deliver call-offs; bid",
    "dispatch.write": "send letters",
    "dispatch.read": "read the own organisation's letters",
    "dispatch.admin": "try letters again, give them up",
    "platform.admin": "administer roles, webhooks and feeds",
}
BUYER = (
    "catalog.write",
    "agreements.read",
    "agreements.order",
    "agreements.approve",
    "dispatch.write",
    "dispatch.read",
)
SUPPLIER = ("catalog.write", "agreements.read", "agreements.supply", "certification.apply")
OF = {
    JOINT_UNIT: tuple(SCOPES),
    "100000040": ("certification.decide",),  # the certification body
    "100000059": ("certification.assess", "certification.apply"),  # a test laboratory
}
FIKS = "ks:fiks"
RECEIVING_SYSTEMS = {
    "samvirke": (JOINT_UNIT, "Samvirke: integration"),
    "fjordvakt": ("100000016", "Fjordvakts sakssystem (fiktivt)"),
}
"""By user name: whose letters it fetches from SvarInn, and what it is called."""
HIGHEST_LEVEL = 4
KS = "971032146"
DIGDIR = "991825827"


@dataclass(frozen=True)
class _Client:
    key_name: str
    """Of its seed id and its key file: the organisation number, or the service's name."""
    organisation: str
    name: str
    scopes: tuple[str, ...]
    has_key: bool


def load(database: Database, *, tell: Callable[[str], None], settings: Settings | None = None) -> None:
    """Again changes nothing. A key file that exists already is the one whose public part is registered."""
    settings = settings or Settings(database_url=database.url)
    wanted = list(_wanted(settings.scope_prefix))
    with database.writing() as session:
        instant = now()
        entities = list(_entities())
        enhetsregisteret.load(session, entities)
        if not store.has_signing_key(session, instant):
            store.rotate(session, instant, lead=timedelta(), overlap=timedelta())
        certificates.begin(session, instant)
        for prefix, owner in ((settings.scope_prefix, JOINT_UNIT), ("ks", KS), ("idporten", DIGDIR)):
            scopes.hand_out(session, prefix, owner)
        _insert(session, scopes.Scope, list(_scopes(settings, instant)))
        _insert(
            session,
            clients.Client,
            [
                {
                    "client_id": _client_id(one),
                    "organisation": one.organisation,
                    "name": one.name,
                    "description": "",
                    "access_token_lifetime": 0,
                    "active": True,
                    "created_at": instant,
                    "last_updated_at": instant,
                }
                for one in wanted
            ],
        )
        keys: dict[str, int] = {
            row.client_id: row.id
            for row in session.execute(select(col(clients.Client.client_id), col(clients.Client.id)))
        }
        ids = {one: keys[_client_id(one)] for one in wanted}
        _insert(
            session,
            clients.ClientScope,
            [{"client": ids[one], "scope": scope} for one in wanted for scope in one.scopes],
        )
        granted = sorted({(one.organisation, scope) for one in wanted for scope in one.scopes})
        _insert(
            session,
            scopes.ScopeGrant,
            [
                {
                    "organisation": number,
                    "scope": scope,
                    "state": State.APPROVED,
                    "created_at": instant,
                    "last_updated_at": instant,
                }
                for number, scope in granted
            ],
        )
        with_keys = [one for one in wanted if one.has_key]
        public = {one: clients.public_key(_key(settings.keys_folder, one.key_name)) for one in with_keys}
        _insert(
            session,
            clients.ClientKey,
            [
                {"client": ids[one], "kid": jwk["kid"], "jwk": json.dumps(jwk), "registered_at": instant}
                for one, jwk in public.items()
            ],
        )
        people = _load_logins(session, settings, instant)
        for user_name, (organisation, name) in RECEIVING_SYSTEMS.items():
            systems.register(
                session,
                user_name=user_name,
                password=settings.svarinn_password,
                name=name,
                takes=[(organisation, None, HIGHEST_LEVEL)],
                certificate=_certificate(settings.keys_folder, user_name),
            )
        _open_accounts(session, settings)
    tell(f"{len(wanted)} Maskinporten clients, {len(with_keys)} of them with a key in {settings.keys_folder}")
    tell(f"{len(RECEIVING_SYSTEMS)} receiving systems at SvarInn, with keys in {settings.keys_folder}")
    tell(f"{len(entities)} organisations in Enhetsregisteret")
    tell(f"{people} test persons, and a client for Swagger UI at each login provider")


def _open_accounts(session: Session, settings: Settings) -> None:
    """SvarUT's accounts: ours with its integration, and one of REST v1 for each fictional organisation, named by its
    number."""
    for row in _rows("fictional/organisations.csv"):
        number = row["organisation_number"]
        accounts.open_account(
            session,
            seed_id(f"svarut-konto:{number}"),
            user_name=number,
            password=settings.svarut_service_password,
            organisation=number,
            name=row["name"],
        )
    accounts.open_account(
        session,
        settings.svarut_konto,
        user_name=settings.svarut_user,
        password=settings.svarut_service_password,
        organisation=settings.svarut_organisation,
        name=settings.svarut_organisation_name,
    )
    accounts.integrate(
        session,
        settings.svarut_integration,
        organisation=settings.svarut_organisation,
        password=settings.svarut_password,
        konto=settings.svarut_konto,
    )


REGISTERED_ON = date(1995, 2, 20)


def _entities() -> Iterator[Entity]:
    """The municipalities and counties by their own names, and what is made up; all addresses are."""

    def at(place: str, lines: list[str], municipality: str, number: str) -> dict[str, Any]:
        told = {"land": "Norge", "landkode": "NO", "postnummer": "0001", "poststed": place.upper(), "adresse": lines}
        return told | {"kommune": municipality.upper(), "kommunenummer": number}

    seen: set[str] = set()
    for row in _rows("municipalities_2024.csv"):
        number, name = row["municipality_number"], row["name"]
        where = at(row["admin_centre"] or name, ["Rådhuset (fiktiv adresse)"], name, number)
        seen.add(row["organisation_number"])
        yield Entity(row["organisation_number"], f"{name} KOMMUNE".upper(), "KOMM", where, where, REGISTERED_ON, number)
    for row in _rows("counties_2024.csv"):
        if row["organisation_number"] not in seen:  # Oslo is both
            where = at("Oslo", ["Fylkeshuset (fiktiv adresse)"], "Oslo", "0301")
            yield Entity(row["organisation_number"], row["legal_name"].upper(), "FYLK", where, where, REGISTERED_ON)
    for row in _rows("fictional/organisations.csv"):
        where = at("Brønnøysund", ["Fiktivgata 1"], "Brønnøy", "1813")
        form = "IKS" if row["kind"] == "joint_unit" else "AS"
        box = where | {"adresse": ["Postboks 1 (fiktiv)"]}
        yield Entity(row["organisation_number"], row["name"].upper(), form, where, box, REGISTERED_ON, "1813")
    yield Entity("100000105", "TAPT VAKT AS (FIKTIV)", "AS", where, box, REGISTERED_ON, "1813", bankrupt=True)
    ended = date(2025, 3, 1)
    yield Entity("100000113", "NEDLAGT OMSORG AS (FIKTIV)", "AS", None, None, REGISTERED_ON, deleted_on=ended)
    yield Entity("100000121", "SAMVIRKE LAGER (FIKTIV)", "BEDR", where, None, REGISTERED_ON, parent=JOINT_UNIT)


def _load_logins(session: Session, settings: Settings, instant: datetime) -> int:
    """Persons, with the Altinn resources that they represent their organisations through, one of them two; and a public
    client for Swagger UI at each provider. → how many persons"""
    prefix = settings.scope_prefix
    for name in ProviderName:
        if not providers.has_signing_key(session, name, instant):
            none = timedelta()
            providers.rotate(session, name, instant, lead=none, overlap=none, bits=settings.login_key_bits)
        client = {
            "client_id": f"{prefix}-swagger-ui",
            "organisation": JOINT_UNIT,
            "name": "Samvirke",
            "method": Method.NONE,
            "redirect_uris": settings.login_callbacks,
            "post_logout_redirect_uris": [urljoin(one, "/docs") for one in settings.login_callbacks],
            "scopes": ["openid", "profile", *(f"{prefix}:{scope}" for scope in SCOPES)],
            "pkce_required": True,
            "state_and_nonce_required": True,
            "may_refresh": False,
            "access_token_seconds": 3600,
        }
        if client["client_id"] not in {one.client_id for one in relying_parties.listed(session, name)}:
            relying_parties.register(session, name, client, [], instant)
    people = {
        row["personal_number"]: persons.name(
            session, row["personal_number"], row["name"], f"person{number}@samvirke.example"
        )
        for number, row in enumerate(_rows("fictional/persons.csv"), start=1)
    }
    names = {
        row["organisation_number"]: row["name"]
        for row in (*_rows("municipalities_2024.csv"), *_rows("fictional/organisations.csv"))
    }
    for row in _rows("fictional/representations.csv"):
        number = row["organisation_number"]
        whom = Represented(number, names[number], row["unit_type"], ("read", "write"))
        for resource in (*(f"{prefix}-{end}" for end in row["resources"].split()), persons.EMPLOYED):
            persons.represents(session, people[row["personal_number"]].id, resource, whom)
    return len(people)


def _scopes(settings: Settings, instant: datetime) -> Iterator[dict[str, Any]]:
    """Ours can be delegated in Altinn; Digdir's own and KS's cannot."""
    ours = {f"{settings.scope_prefix}:{name}": description for name, description in SCOPES.items()}
    for owner, source, described in (
        (JOINT_UNIT, settings.delegation_source, ours),
        (KS, None, {FIKS: "use KS Fiks"}),
        (DIGDIR, None, ADMINISTRATION),
    ):
        for name, description in described.items():
            yield {
                "name": name,
                "owner": owner,
                "description": description,
                "active": True,
                "visibility": Visibility.PUBLIC,
                "accessible_for_all": False,
                "at_max_age": 0,
                "authorization_max_lifetime": 0,
                "delegation_source": source,
                "allowed_integration_types": [MASKINPORTEN],
                "requires_user_consent": False,
                "requires_user_authentication": False,
                "requires_pseudonymous_tokens": False,
                "token_type": TokenType.SELF_CONTAINED,
                "created_at": instant,
                "last_updated_at": instant,
            }


def _wanted(prefix: str) -> Iterator[_Client]:
    """An organisation's own client may use self-service, too."""
    buyer = (*(f"{prefix}:{scope}" for scope in BUYER), *ADMINISTRATION)
    public = {row["organisation_number"]: row["name"] for row in _rows("municipalities_2024.csv")}
    counties = {row["organisation_number"]: row["legal_name"] for row in _rows("counties_2024.csv")}
    for number, name in (counties | public).items():  # Oslo is both, and has one client
        yield _Client(number, number, name, buyer, number in WITH_KEYS)
    for row in _rows("fictional/organisations.csv"):
        number = row["organisation_number"]
        own = tuple(f"{prefix}:{scope}" for scope in OF.get(number, SUPPLIER))
        yield _Client(number, number, row["name"], (*own, *ADMINISTRATION), True)
    letters = (f"{prefix}:dispatch.write", f"{prefix}:dispatch.read")
    yield _Client("agreements-service", JOINT_UNIT, "Samvirke: agreements", letters, True)
    yield _Client("catalog-service", JOINT_UNIT, "Samvirke: catalogue", (f"{prefix}:dispatch.read",), True)
    yield _Client("integration-service", JOINT_UNIT, "Samvirke: integration", (FIKS,), True)


def _rows(name: str) -> list[dict[str, str]]:
    with (PROJECT / "data" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _client_id(client: _Client) -> str:
    return str(seed_id(f"client:{client.key_name}"))


def _key(folder: Path, name: str) -> dict[str, Any]:
    """The public part of the private key in a file that only its owner can read; made when it is missing."""
    path = folder / f"{name}.json"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = RSAKey.generate_key(2048, {"kid": f"{name}-{new_id().hex[-12:]}", "use": "sig"}, private=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(made.as_dict(private=True), file)
    return dict(RSAKey.import_key(json.loads(path.read_bytes())).as_dict(private=False))


def _certificate(folder: Path, name: str) -> str:
    """A receiving system's certificate (PEM), beside its private key in a file that only its owner can read; both made
    when they are missing."""
    key_file, certificate_file = (folder / f"svarinn-{name}.{end}" for end in ("key.pem", "crt.pem"))
    if not certificate_file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = rsa.generate_private_key(65537, 2048)
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"svarinn-{name}")])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - timedelta(days=1))
            .not_valid_after(now() + timedelta(days=3650))
            .sign(key, hashes.SHA256())
        )
        certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
        certificate_file.chmod(0o600)  # as everything in that folder, though it is no secret
    return certificate_file.read_text()


def _insert(session: Session, table: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    session.execute(insert(table).on_conflict_do_nothing(), list(rows))
