"""A fate, as control and the files of scenarios write it."""

from pydantic import Field

from services.chassis.values import In, OrganisationNumber
from services.integration.sandbox.svarut.rules import Status


class NewFate(In):
    """What is to become of the next letters that it fits."""

    status: Status = Field(
        description="Where a letter goes by itself, step by step as SvarUT's time passes, and stays",
        examples=["AVVIST"],
    )
    times: int = Field(default=1, ge=1, le=1_000_000, description="How many letters")
    recipient_number: OrganisationNumber | None = Field(default=None, description="Only letters to this organisation")
    external_reference: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only letters with this eksternReferanse"
    )
