"""Values as they stand on the wire: money, texts, slugs, organisation numbers, instants."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import NAMESPACE_URL, UUID, uuid5

import uuid_utils.compat
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError
from stdnum.no import orgnr

CENT = Decimal("0.01")


def _exact(value: Any) -> Any:
    """Money arrives as text or as a Decimal, never through a float."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not value.isascii() or len(value) > 16 or value[-3:-2] != ".":
        raise PydanticCustomError("money", "Write an amount as text with two decimals, e.g. '1250.00'.")
    return value


Money = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, max_digits=14, decimal_places=2),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,12}\.\d{2}$", "examples": ["1250.00"]}),
]
"""An amount in NOK with two decimals; the field's name says whether it is with or without VAT."""


def _mod11(value: str) -> str:
    if not (value.isascii() and value.isdigit() and orgnr.is_valid(value)):
        raise PydanticCustomError("organisation_number", "An organisation number is nine digits that pass modulus 11.")
    return value


OrganisationNumber = Annotated[
    str,
    BeforeValidator(lambda value: _mod11(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "pattern": r"^\d{9}$", "examples": ["964983291"]}),
]
"""Nine digits as Enhetsregisteret gives them out; the last is a modulus 11 control digit."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$")]
"""A name in addresses: lower-case letters, digits and hyphens, at most 80."""

Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda value: value.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
]
"""An RFC 3339 instant in UTC."""


class In(BaseModel):
    """What a caller sends: a field that we do not know is an error, not a wish we ignore."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """What we answer."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


class Text(In):
    """A text in the languages it exists in; at least one."""

    nb: str | None = Field(default=None, min_length=1, max_length=10_000, description="Bokmål")
    nn: str | None = Field(default=None, min_length=1, max_length=10_000, description="Nynorsk")
    en: str | None = Field(default=None, min_length=1, max_length=10_000, description="English")
    se: str | None = Field(default=None, min_length=1, max_length=10_000, description="Davvisámegiella")

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not self.kept():
            raise PydanticCustomError("text", "A text needs at least one of nb, nn, en and se.")
        return self

    def kept(self) -> dict[str, str]:
        """As stored: only the languages that exist."""
        return self.model_dump(exclude_none=True)


TextOut = Annotated[
    dict[str, str],
    WithJsonSchema(
        {
            "type": "object",
            "description": "A text by language: nb, nn, en or se; at least one.",
            "additionalProperties": {"type": "string"},
            "minProperties": 1,
            "examples": [{"nb": "Trygghetsalarm", "en": "Safety alarm"}],
        }
    ),
]


def new_id() -> UUID:
    """A time-ordered UUID (version 7)."""
    return uuid_utils.compat.uuid7()


_NORWEGIAN = {
    "æ": "{1",
    "ä": "{1",
    "ø": "{2",
    "ö": "{2",
    "å": "{3",
    "é": "e",
    "á": "a",
    "đ": "d",
    "š": "s",
    "ŋ": "n",
}
_AFTER_Z = str.maketrans(_NORWEGIAN)


def sort_key(name: str) -> str:
    """A key that sorts names as Norwegian does (… z æ ø å) where the database knows no collation but bytes."""
    return name.casefold().translate(_AFTER_Z)


def text_sort_key(text: Mapping[str, str]) -> str:
    """The same for a text: it sorts by its bokmål, or by the language that comes first. 200 characters decide, as an
    index entry has a limit."""
    return sort_key((text.get("nb") or next(iter(text.values())))[:200])


def seed_id(name: str) -> UUID:
    """The id of something in the seed data: the same on every installation."""
    return uuid5(NAMESPACE_URL, f"samvirke:{name}")
