"""A component as it is sent and answered."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.catalog.components import rules
from services.catalog.lifecycles.rules import LifeCycle
from services.chassis.changes import TextChange
from services.chassis.values import In, OrganisationNumber, Out, Slug, Text, TextOut

Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=500)]
Service = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Described(In):
    """What its owner says about a component."""

    kind: rules.Kind = rules.Kind.COMPONENT
    name: Text
    summary: Text | None = Field(default=None, description="What it does, and for whom")
    purpose: Text | None = Field(default=None, description="What it is good for: the need behind it")
    target_services: list[Service] = Field(
        default=[],
        max_length=50,
        description="The municipal services that it serves, in your words",
        examples=[["helse og omsorg"]],
    )
    reuse: rules.Reuse | None = Field(
        default=None, description="`reuse`: copied and run by each. `shared_use`: one running instance for all"
    )
    level: rules.Level | None = Field(default=None, description="Whose tasks it serves")
    operator: OrganisationNumber | None = Field(
        default=None, description="Shared use: who runs it, by the number of a registered organisation"
    )
    price_note: Text | None = Field(default=None, description="Shared use: what it costs, in words")
    terms_url: Address | None = Field(default=None, description="Shared use: where its terms stand")
    data_processing_agreement_url: Address | None = Field(
        default=None, description="Shared use: where its data processing agreement stands"
    )
    licence: str | None = Field(
        default=None, max_length=200, description="Reuse: an SPDX licence expression", examples=["EUPL-1.2"]
    )


class NewComponent(Described):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever", examples=["felles-skjemabibliotek"])]


class Owned(Described):
    owner: OrganisationNumber | None = None


class ComponentChange(In):
    """What is not named stays, what is null goes (RFC 7396)."""

    kind: rules.Kind | None = None
    name: TextChange | None = None
    summary: TextChange | None = None
    purpose: TextChange | None = None
    target_services: list[Service] | None = Field(default=None, max_length=50)
    reuse: rules.Reuse | None = Field(default=None, description="A change of it needs a reason")
    level: rules.Level | None = None
    operator: OrganisationNumber | None = None
    price_note: TextChange | None = None
    terms_url: Address | None = None
    data_processing_agreement_url: Address | None = None
    licence: str | None = Field(default=None, max_length=200, description="A change of it needs a reason")
    owner: OrganisationNumber | None = Field(
        default=None, description="Editors only, and with a reason; an owner hands it over (`POST …/transfer`)"
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        exclude=True,
        description="Why; needed when owner, licence or reuse change. Stands in the audit trail",
    )


class Owner(Out):
    """Who answers for it. An owner that is not registered has only a name."""

    organisation_id: UUID | None
    organisation_number: str | None
    name: str


class Source(Out):
    """What the report that names it said then. History: it says nothing about today."""

    source_id: str = Field(examples=["KOMP-10"])
    source: str = Field(examples=["Devoteam daVinci 2011, kap. 5.10"])
    kind_in_source: str
    owner_in_source: str | None
    status_in_source: str | None
    fact_in_source: str | None
    reuse_basis: str | None = Field(description="Whether the source calls it reuse or shared use («kilde») or we do")


class Planned(Out):
    """A change that takes effect on a day to come."""

    life_cycle: LifeCycle
    effective_on: date
    reason: str | None


class Component(Out):
    """A shared component, or what is filed beside them."""

    slug: str
    kind: rules.Kind
    name: TextOut
    summary: TextOut | None
    purpose: TextOut | None
    target_services: list[str]
    reuse: rules.Reuse | None
    level: rules.Level | None
    owner: Owner | None
    operator: Owner | None = Field(description="Who runs it for all, where it is for shared use")
    price_note: TextOut | None
    terms_url: str | None
    data_processing_agreement_url: str | None
    licence: str | None = Field(description="SPDX")
    life_cycle: LifeCycle = Field(description="Today. `unknown` where nobody has attested it lately")
    life_cycle_reason: str | None = Field(description="Why it is so, or is filed so")
    planned: Planned | None
    decide_by_on: date | None = Field(
        description="While it is proposed: the editors decide by this day, 20 Norwegian working days on"
    )
    ended_on: date | None = Field(description="The day it ended, or is to end")
    replaced_by: str | None = Field(description="The component that replaces it")
    transfer_to: str | None = Field(description="The organisation that it is offered to, by number")
    confirmed_on: date | None = Field(description="When its owner last said that all this is right")
    stale: bool = Field(description="Not confirmed for more than 365 days, or never")
    source: Source | None
