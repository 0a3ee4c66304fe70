"""Takes a letter: looks at all of it, counts the attempt, decides on the way that it goes, and keeps it."""

from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from services.chassis import problems
from services.chassis.clock import now
from services.chassis.db import Database
from services.integration.sandbox.envelopes import sealing
from services.integration.sandbox.fates import store as fates
from services.integration.sandbox.letter_contents import rules as contents
from services.integration.sandbox.receiving_systems import store as receiving_systems
from services.integration.sandbox.repeats import rules as repeats
from services.integration.sandbox.repeats import store as attempts
from services.integration.sandbox.settings import Settings
from services.integration.sandbox.submissions import rules
from services.integration.sandbox.svarut import store
from services.integration.sandbox.svarut.rules import Channel, ContentRefused, Course, Described, Kind, Part, Status
from services.integration.sandbox.svarut_accounts import store as accounts
from services.integration.sandbox.svarut_accounts.store import Account
from services.integration.sandbox.svarut_time.store import Clock

Shape = TypeVar("Shape", bound=BaseModel)


def read(shape: type[Shape], metadata: str) -> Shape:
    try:
        return shape.model_validate_json(metadata)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ContentRefused(f"Ugyldig innhold: {wrong}") from error


def take(database: Database, settings: Settings, clock: Clock, account: Account, letter: rules.Submission) -> UUID:
    """→ SvarUT's id of it. The attempt is counted also when the letter is refused as a repeat."""
    described = letter.described()
    problems.refuse(_check(settings, letter, described))
    mark = repeats.fingerprint(str(account.konto), letter.told["tittel"], letter.recipient(), letter.parts)
    with database.writing() as session:
        times = attempts.attempt(session, mark, clock.now(session))
        if times <= settings.svarut_duplicates:
            id = place(session, clock, account, letter)
    repeats.check_repeats(times, settings.svarut_duplicates)
    return id


def _check(settings: Settings, letter: rules.Submission, described: list[Described]) -> list[ContentRefused]:
    printable = letter.kind is not Kind.HEALTH and not letter.digital_only()
    failed = [
        *contents.check_letter(letter.kind, letter.told),
        *contents.check_files(
            described, letter.parts, printable=printable, largest_print=settings.svarut_largest_print
        ),
        *contents.check_signing(letter.kind, letter.told, now()),
        *contents.check_type(letter.told.get("forsendelsestype"), settings.svarut_letter_types),
    ]
    if letter.kind is Kind.HEALTH:
        return [*failed, *contents.check_for_health(letter.parts), *contents.check_patient(letter.told["pasient"])]
    needed = letter.kind is Kind.PRINT or (letter.post_needed and printable)
    return [
        *contents.check_recipient(letter.kind, letter.number() or ""),
        *failed,
        *contents.check_post(letter.told, needed=needed),
    ]


def place(session: Session, clock: Clock, account: Account, letter: rules.Submission) -> UUID:
    """Keep a letter that nothing is wrong with, or nothing that is noticed at once."""
    described, number = letter.described(), letter.number()
    organisation = number if letter.kind is Kind.ORGANISATION else None
    reference = letter.told.get("eksternReferanse")
    parts, defect = _opened(session, letter)
    defect = defect or contents.defect(described, parts)
    fate = fates.take(session, organisation, reference)
    course = Course(
        _way(session, letter, organisation),
        letter.digital_only(),
        account.forwards_unread,
        Status.AVVIST if defect else fate,
    )
    return store.add(
        session,
        konto=account.konto,
        kind=letter.kind,
        title=letter.told["tittel"],
        name=letter.name(),
        number=organisation,
        external_reference=reference,
        described=described,
        parts=parts,
        now=clock.now(session),
        id=letter.id,
        forsendelse=rules.without_personal_numbers(letter.told),
        sender_number=account.organisation,
        sender_name=account.name,
        course=course,
        defect=defect,
    )


def _opened(session: Session, letter: rules.Submission) -> tuple[list[Part], str | None]:
    """The documents as their sender has them, and why they cannot be had. They are encrypted for SvarUT, not for their
    recipient; what metadata tell of size and hash is of the content (KS does not say which)."""
    if not letter.told.get("kryptert"):
        return letter.parts, None
    certificate, key = accounts.key(session, now())
    opened = []
    for part in letter.parts:
        try:
            opened.append(Part(part.filename, sealing.opened(part.content, certificate, key)))
        except sealing.NotOpened:
            return letter.parts, f"{part.filename!r} kunne ikke dekrypteres"
    return opened, None


def _way(session: Session, letter: rules.Submission, organisation: str | None) -> Channel:
    if organisation is None:
        return rules.WAYS[letter.kind]
    level = 4 if letter.told.get("sikkerhetsniva") == "HOYESTE" else 3
    fetched = receiving_systems.serving(session, organisation, letter.told.get("forsendelsestype"), level)
    return Channel.SVARINN if fetched else Channel.ALTINN
