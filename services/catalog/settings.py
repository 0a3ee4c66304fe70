"""Everything the catalogue reads from its environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    port: int = Field(default=8001, ge=1, le=65535, description="The port to listen on")
