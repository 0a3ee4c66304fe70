"""What `python -m services run` reads from the environment, and the environment it gives to the processes it starts.

One variable moves everything that depends on it: a port given here reaches every service that calls it. A service's own
variable (`AGREEMENTS_CATALOG_URL`) has the last word.
"""

import json
import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.settings import Environment

SERVICES = ("catalog", "agreements", "integration")
DATABASES = (*SERVICES, "sandbox")

ROLES = (
    ("municipal_buyer", "innkjop", ("agreements.read", "agreements.order")),
    ("approver", "godkjenning", ("agreements.read", "agreements.approve")),
    ("municipal_editor", "katalog", ("catalog.write",)),
    ("catalogue_editor", "redaksjon", ("catalog.write", "catalog.admin")),
    ("applicant", "sertifisering", ("catalog.write", "certification.apply")),
    ("assessor", "vurdering", ("certification.assess",)),
    ("decision_maker", "vedtak", ("certification.decide",)),
    ("supplier", "leveranse", ("agreements.read", "agreements.supply")),
    ("co_operation_officer", "rammeavtaler", ("agreements.read", "agreements.manage")),
    ("platform_administrator", "drift", ("platform.admin", "dispatch.read", "dispatch.admin")),
)
"""Each role, the end of the Altinn resource's id that gives it to an employee, and the scopes that it takes."""


class RunSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SAMVIRKE_")

    env: Environment = Field(default=Environment.SANDBOX, description="sandbox or production")
    host: str = Field(default="127.0.0.1", description="The address that everything listens on")
    fictional: bool = Field(
        default=True, description="Whether the seed has what is made up as well as the real rows; production never has"
    )
    data: Path = Field(default=Path(".samvirke"), description="Folder of the embedded database, keys and logs")
    scope_prefix: str = Field(default="samvirke", description="What stands before the colon in our scopes")
    catalog_port: int = 8001
    agreements_port: int = 8002
    integration_port: int = 8003
    control_port: int = Field(default=8090, description="The sandbox's control and inbox")
    maskinporten_port: int = 8091
    idporten_port: int = 8092
    ansattporten_port: int = 8093
    svarut_port: int = 8094
    enhetsregisteret_port: int = 8096
    self_service_port: int = 8097
    maskinporten_issuer: str = Field(
        default="", description="The sandbox's issuer as it stands in tokens; made of host and port when empty"
    )
    idporten_issuer: str = Field(default="", description="The same for its ID-porten; without a slash at the end")
    ansattporten_issuer: str = Field(default="", description="The same for its Ansattporten")
    reference_key: SecretStr | None = Field(
        default=None, description="Key of the references that stand for persons; the sandbox's own when left out"
    )
    svarut_settle_seconds: float = Field(
        default=5.0, description="How long a letter whose sending was cut off is looked for before it is sent again"
    )
    status_every_seconds: float = Field(default=15.0, description="Between two looks at the letters' status in SvarUT")

    svarinn_every_seconds: float = Field(default=15.0, description="Between two looks at what waits in SvarInn")

    @property
    def made_up(self) -> bool:
        return self.fictional and self.env is not Environment.PRODUCTION

    @property
    def ports(self) -> dict[str, int]:
        """What listens where, with the setting's name."""
        names = (
            "catalog",
            "agreements",
            "integration",
            "control",
            "maskinporten",
            "idporten",
            "ansattporten",
            "svarut",
            "enhetsregisteret",
            "self_service",
        )
        return {name: int(getattr(self, f"{name}_port")) for name in names}

    @property
    def roles(self) -> list[dict[str, object]]:
        """Which scopes and which resources make which role, as every service is told. The resources are Altinn's, with
        our scope prefix in their ids (`urn:altinn:resource:samvirke-innkjop`)."""
        resource = f"urn:altinn:resource:{self.scope_prefix}-"
        return [{"role": role, "scopes": scopes, "resources": [resource + end]} for role, end, scopes in ROLES]

    @property
    def issuer(self) -> str:
        return self.maskinporten_issuer or self.url("maskinporten") + "/"

    @property
    def login_issuers(self) -> dict[str, str]:
        return {
            "idporten": self.idporten_issuer or self.url("idporten"),
            "ansattporten": self.ansattporten_issuer or self.url("ansattporten"),
        }

    @property
    def login(self) -> dict[str, object]:
        """Where employees log in from the services' Swagger UI, as every service is told."""
        return {
            "issuer": self.login_issuers["ansattporten"],
            "client": f"{self.scope_prefix}-swagger-ui",
            "authorization_url": self.url("ansattporten") + "/authorize",
            "token_url": self.url("ansattporten") + "/token",
            "logout_url": self.url("ansattporten") + "/logout",
            "pages": {name.capitalize(): f"{self.url(name)}/docs" for name in SERVICES},
        }

    def url(self, name: str) -> str:
        return f"http://{self.host}:{self.ports[name]}"


def given_databases() -> dict[str, str]:
    """The databases that the environment names; the others are embedded."""
    named = {name: os.environ.get(f"{name.upper()}_DATABASE_URL") for name in DATABASES}
    return {name: url for name, url in named.items() if url}


def environment(run: RunSettings, databases: dict[str, str]) -> dict[str, str]:
    """All that the processes need, for whoever starts them; what is set outside stays as it is."""
    issuer = run.issuer
    logins = {"idporten": "person", "ansattporten": "employee"}
    trusted = json.dumps(
        [
            {"issuer": issuer, "kind": "machine", "jwks_url": run.url("maskinporten") + "/jwk"},
            *(
                {"issuer": run.login_issuers[name], "kind": kind, "jwks_url": run.url(name) + "/jwks.json"}
                for name, kind in logins.items()
            ),
        ]
    )
    keys = run.data.resolve() / "keys"
    derived = {
        "SAMVIRKE_ENV": run.env.value,
        "CATALOG_PUBLIC_URL": run.url("catalog"),
        "CATALOG_INTEGRATION_URL": run.url("integration"),
        "CATALOG_MASKINPORTEN_ISSUER": issuer,
        "CATALOG_MASKINPORTEN_TOKEN_URL": run.url("maskinporten") + "/token",
        "CATALOG_KEY_FILE": str(keys / "catalog-service.json"),
        "CATALOG_SIGNING_KEYS_FOLDER": str(keys / "catalog"),
        "AGREEMENTS_PUBLIC_URL": run.url("agreements"),
        "AGREEMENTS_CATALOG_URL": run.url("catalog"),
        "AGREEMENTS_INTEGRATION_URL": run.url("integration"),
        "AGREEMENTS_MASKINPORTEN_ISSUER": issuer,
        "AGREEMENTS_MASKINPORTEN_TOKEN_URL": run.url("maskinporten") + "/token",
        "AGREEMENTS_KEY_FILE": str(keys / "agreements-service.json"),
        "AGREEMENTS_SEALING_KEY_FILE": str(keys / "agreements-sealing.json"),
        "INTEGRATION_MASKINPORTEN_ISSUER": issuer,
        "INTEGRATION_MASKINPORTEN_TOKEN_URL": run.url("maskinporten") + "/token",
        "INTEGRATION_KEY_FILE": str(keys / "integration-service.json"),
        "INTEGRATION_SVARUT_URL": run.url("svarut"),
        "INTEGRATION_ENHETSREGISTERET_URL": run.url("enhetsregisteret"),
        "INTEGRATION_SVARUT_SETTLE_SECONDS": str(run.svarut_settle_seconds),
        "INTEGRATION_STATUS_EVERY_SECONDS": str(run.status_every_seconds),
        "INTEGRATION_SVARINN_URL": run.url("svarut") + "/tjenester",
        "INTEGRATION_SVARINN_EVERY_SECONDS": str(run.svarinn_every_seconds),
        "INTEGRATION_SVARINN_ACCOUNTS": json.dumps([svarinn_account(keys)]),
        "SANDBOX_HOST": run.host,
        "SANDBOX_CONTROL_PORT": str(run.control_port),
        "SANDBOX_MASKINPORTEN_PORT": str(run.maskinporten_port),
        "SANDBOX_IDPORTEN_PORT": str(run.idporten_port),
        "SANDBOX_ANSATTPORTEN_PORT": str(run.ansattporten_port),
        "SANDBOX_LOGIN_CALLBACKS": json.dumps([f"{run.url(name)}/docs/oauth2-redirect" for name in SERVICES]),
        "SANDBOX_SVARUT_PORT": str(run.svarut_port),
        "SANDBOX_ENHETSREGISTERET_PORT": str(run.enhetsregisteret_port),
        "SANDBOX_SELF_SERVICE_PORT": str(run.self_service_port),
        "SANDBOX_MASKINPORTEN_ISSUER": issuer,
        **{f"SANDBOX_{name.upper()}_ISSUER": one for name, one in run.login_issuers.items()},
        **{f"SANDBOX_{name.upper()}_PUBLIC_URL": run.url(name) for name in logins},
        **{f"SANDBOX_{name.upper()}_INTERNAL_URL": run.url(name) for name in logins},
        "SANDBOX_KEYS_FOLDER": str(keys),
        "SANDBOX_SCOPE_PREFIX": run.scope_prefix,
    }
    for name in SERVICES:
        prefix = name.upper()
        derived |= {
            f"{prefix}_HOST": run.host,
            f"{prefix}_PORT": str(run.ports[name]),
            f"{prefix}_ISSUERS": trusted,
            f"{prefix}_SCOPE_PREFIX": run.scope_prefix,
            f"{prefix}_ROLES": json.dumps(run.roles),
            f"{prefix}_LOGIN": json.dumps(run.login),
        }
        if run.reference_key:
            derived[f"{prefix}_REFERENCE_KEY"] = run.reference_key.get_secret_value()
    derived |= {f"{name.upper()}_DATABASE_URL": url for name, url in databases.items()}
    return derived | dict(os.environ)


def svarinn_account(keys: Path) -> dict[str, str]:
    """The joint unit's receiving system in the sandbox, with the key that is made there."""
    return {
        "user": "samvirke",
        "password": "sandkasse",
        "organisation": "100000008",
        "certificate_file": str(keys / "svarinn-samvirke.crt.pem"),
        "key_file": str(keys / "svarinn-samvirke.key.pem"),
    }


def adopt(values: dict[str, str]) -> None:
    """Make this process read the same environment that the others are given."""
    os.environ.update(values)
