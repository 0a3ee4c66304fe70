"""Look-ups over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import Field

from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep
from services.chassis.problems import NeighbourAway, NeighbourNonsense, refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out
from services.integration.lookups import rules, store
from services.integration.lookups.rules import Register, Standing

router = new_router("/lookups", "Look-ups")
JOINT_UNIT, FJORDVAKT = "100000008", "100000016"


class Address(Out):
    """Where a letter on paper reaches it: the postal address, or else where it is."""

    lines: list[str]
    postcode: str | None
    place: str | None
    country: str = Field(description="ISO 3166-1 alpha-2", examples=["NO"])


class Lookup(Out):
    """What Enhetsregisteret says of a number."""

    organisation_number: str
    standing: Standing = Field(
        description="registered, winding_up and bankrupt exist; deleted has ended, removed was taken out for legal "
        "reasons, and unknown is nobody's number"
    )
    name: str | None
    form: str | None = Field(description="organisasjonsform", examples=["AS"])
    address: Address | None
    deleted_on: date | None
    fetched_at: Instant = Field(description="When the register said so")
    stale: bool = Field(
        description="The register cannot be asked just now, and this is what it said last, at most a week ago"
    )


class Found(Out):
    organisation_number: str
    standing: Standing
    name: str | None
    form: str | None


class FoundNames(Out):
    items: list[Found]


class Named(In):
    name: str = Field(min_length=2, max_length=180, description="Words of the name")
    limit: int = Field(default=20, ge=1, le=100)


async def _register(request: Request) -> Register:
    found = request.app.state.register
    assert isinstance(found, Register)
    return found


RegisterDep = Annotated[Register, Depends(_register)]


@router.get(
    "", summary="Find organisations by name", openapi_extra=example(organisation=JOINT_UNIT, query={"name": "Fjord"})
)
def named(asked: Annotated[Named, Query()], caller: CallerDep, register: RegisterDep) -> FoundNames:
    """Organisations in Enhetsregisteret whose name has these words; none that is deleted. The register is asked each
    time: 503 when it is away, 502 when it answers nonsense."""
    return FoundNames(
        items=[
            Found(organisation_number=one.number, standing=one.standing, name=one.name, form=one.form)
            for one in register.named(asked.name, asked.limit)
        ]
    )


@router.get("/{number}", summary="Look an organisation up", openapi_extra=example(organisation=JOINT_UNIT))
def look_up(
    number: Annotated[OrganisationNumber, Path(description="Nine digits", examples=[FJORDVAKT])],
    caller: CallerDep,
    database: DatabaseDep,
    register: RegisterDep,
) -> Lookup:
    """Who has a number, by Enhetsregisteret. An answer is used for a day, unless the register's updates tell that it
    has changed; while the register cannot be asked, the last answer stands in for a week and says that it is `stale`.
    503 `register-away`: it cannot be asked, and there is no such answer. A number that nobody has is an answer
    (`unknown`), not a 404."""
    with database.reading() as reader:
        known = store.kept(reader, number)
    if known and not known.outdated and rules.is_fresh(known.standing, known.fetched_at, clock.now()):
        return _shown(known, stale=False)
    try:
        answer = register.entity(number)
    except (NeighbourAway, NeighbourNonsense) as error:
        if known is None:
            raise rules.RegisterAway(error.detail) from error
        refuse(rules.check_usable(known.standing, known.fetched_at, clock.now()))
        return _shown(known, stale=True)
    with database.writing() as session:
        return _shown(store.keep(session, answer, clock.now()), stale=False)


def _shown(row: store.Lookup, *, stale: bool) -> Lookup:
    told: dict[str, Any] = row.model_dump(exclude={"number", "outdated"})
    return Lookup(organisation_number=row.number, stale=stale, **told)
