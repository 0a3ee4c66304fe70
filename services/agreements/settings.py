"""Everything the agreements service reads from its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.chassis.settings import PublicUrl, ServiceSettings
from services.chassis.values import seed_id


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="AGREEMENTS_")

    port: int = Field(default=8002, ge=1, le=65535, description="The port to listen on")
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8002",
        description="How the world reaches this service: the base of links and codes that stand on paper",
    )
    catalog_url: str = Field(default="http://127.0.0.1:8001", description="Where the catalogue answers")
    integration_url: str = Field(default="http://127.0.0.1:8003", description="Where integration answers")
    maskinporten_issuer: str = Field(default="http://127.0.0.1:8091/", description="Audience of our token grants")
    maskinporten_token_url: str = Field(default="http://127.0.0.1:8091/token", description="Where grants are sent")
    client: str = Field(default=str(seed_id("client:agreements-service")), description="Our own client there")
    key_file: Path = Field(
        default=Path(".samvirke/keys/agreements-service.json"), description="That client's private key (JWK)"
    )
    sealing_key_file: Path = Field(
        default=Path(".samvirke/keys/agreements-sealing.json"),
        description="The key that mini-competitions' own keys are kept under: outside the database and its backups",
    )
    ocid_prefix: str = Field(
        default="ocds-000000",
        pattern=r"^ocds-[a-z0-9]{6}$",
        description="Begins the identifiers of open contracting processes; the default is registered to nobody",
    )
    ocds_publisher: str = Field(default="Samvirke", min_length=1, description="Who publishes the open contracting data")
    ocds_licence: str | None = Field(
        default="https://data.norge.no/nlod/no/2.0", description="Address of the licence that the data is under"
    )
    follow_seconds: float = Field(default=1.0, gt=0, description="Between two looks at a neighbour's feed")
    workers: int = Field(default=4, ge=1, le=50, description="Jobs done at a time by one worker process")
    threshold_keepers: list[str] = Field(
        default=["100000008"], description="Who adds to the table of thresholds, by organisation number (JSON)"
    )
