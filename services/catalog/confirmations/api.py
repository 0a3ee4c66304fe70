"""Confirming all of an organisation's adoptions at once, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import rules as adoption_rules
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Step
from services.catalog.adoptions.shapes import BRONNOY
from services.catalog.confirmations import rules
from services.catalog.holdings import store as holdings
from services.catalog.organisations import store as organisations
from services.catalog.search import store as search
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, seed_id

router = new_router("/organisations", "Adoptions")


class NewConfirmation(In):
    as_of_on: date = Field(description="The day that the list is current, correct and complete as of")
    disputed: list[UUID] = Field(
        default=[], max_length=200, description="Disputed adoptions that you leave as they are, by id; name all of them"
    )


class Confirmation(Out):
    """What was confirmed."""

    as_of_on: date
    confirmed: int = Field(description="How many adoptions are confirmed now")
    newly_confirmed: int = Field(description="How many of them were only claimed before")
    left: list[UUID] = Field(
        description="What was left as it is: disputed, or of an organisation that was split, to be allocated first"
    )
    stale_after_on: date = Field(description="Confirm again by this day")


@router.post(
    "/{id}/confirm-adoptions",
    summary="Confirm that a list of adoptions is current",
    openapi_extra=example(organisation=BRONNOY, body={"as_of_on": "2026-11-02"}),
)
def confirm_all(
    id: Annotated[UUID, Path(description="Your organisation's id", examples=[str(seed_id(f"organisation:{BRONNOY}"))])],
    new: NewConfirmation,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
) -> Confirmation:
    """Once a year: our list is current, correct and complete as of this day. Whatever others claim of you is confirmed
    by that too, so look at the list first and dispute what is wrong."""
    acting = organisations.of_caller(session, caller.organisation)
    if acting.uuid != id:
        raise rules.NotYourList
    listed = adoptions.open_of(session, holdings.predecessors(session, [acting.id], today))
    held = holdings.holders(session, {one.id: one.organisation_id for one in listed}, today)
    mine = [one for one in listed if held[one.id].decided and acting.id in held[one.id].organisations]
    refuse(
        rules.check(
            [
                rules.Listed(
                    one.uuid,
                    (one.organisation_id, one.component_id, one.product_id, one.system_in_source, one.environment),
                    confirmed=one.claim is Claim.CONFIRMED,
                    disputed=one.claim is Claim.DISPUTED,
                )
                for one in mine
            ],
            leaving=new.disputed,
            as_of_on=new.as_of_on,
            today=today,
        )
    )
    confirming = [one for one in mine if one.claim is not Claim.DISPUTED]
    claimed = [one for one in confirming if one.claim is Claim.CLAIMED]
    for one in confirming:
        happened = adoptions.event(
            Step.CONFIRM, caller, today, clock.now(), today, None, status=None, claim=Claim.CONFIRMED
        )
        one.last_confirmed_on = max(new.as_of_on, one.last_confirmed_on or new.as_of_on)
        adoptions.record(session, one, happened)
    components = {one.component_id for one in claimed if one.component_id is not None}
    products = {one.product_id for one in claimed if one.product_id is not None}
    components |= adopters.components_of(session, products)
    search.adopters(session, adopters.search_counts(session, components, products, today))
    left = [one.uuid for one in listed if one not in confirming]
    path = f"/organisations/{id}"
    audit.record(
        session,
        caller,
        "organisation.confirm_adoptions",
        path,
        as_of_on=new.as_of_on.isoformat(),
        confirmed=len(confirming),
        left=[str(one) for one in left],
    )
    feed.tell(
        session,
        "organisation.adoptions_confirmed",
        path,
        caller.organisation,
        as_of_on=new.as_of_on.isoformat(),
        confirmed=len(confirming),
    )
    return Confirmation(
        as_of_on=new.as_of_on,
        confirmed=len(confirming),
        newly_confirmed=len(claimed),
        left=left,
        stale_after_on=new.as_of_on + adoption_rules.STALE_AFTER,
    )
