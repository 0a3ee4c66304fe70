"""What a framework agreement needs before it is announced, used or closed."""

from services.agreements.frameworks.rules import Terms, check
from services.chassis.problems import Conflict, Problem


class AnnouncementIncomplete(Conflict):
    """The notice would lack something that it needs.

    A notice of a framework agreement tells its reference, subject, participants, methods, estimate and maximum
    (C-216/17, C-23/20; anskaffelsesforskriften § 21-1).
    """


class LotWithoutPlace(Conflict):
    """A lot has no supplier with a price list."""


class CallOffsOpen(Conflict):
    """Call-offs under the agreement are still open."""


def check_announcement(terms: Terms) -> list[Problem]:
    """What a notice needs beside terms that hold together."""
    needed: list[tuple[bool, str, str]] = [
        (bool(terms.notice_reference), "its reference in Doffin or TED", "#/notice_reference"),
        (bool(terms.cpv), "CPV codes", "#/cpv"),
        (terms.estimate is not None, "an estimate over all participants and options", "#/estimate_excl_vat"),
        (
            terms.maximum.value is not None or bool(terms.maximum.quantities),
            "a maximum, in value or in quantities",
            "#/ceiling_excl_vat",
        ),
        (bool(terms.participants), "who is entitled to call off", "#/participants"),
        (terms.accession_from_on is not None, "a window for accession", "#/accession_from_on"),
    ]
    needed += [
        (bool(lot.bands), f"how a supplier is found in the lot {lot.slug}", f"#/lots/{place}/bands")
        for place, lot in enumerate(terms.lots)
    ]
    return check(terms) + [
        AnnouncementIncomplete(f"It lacks {what}.", pointer=pointer) for there, what, pointer in needed if not there
    ]


def check_activation(lots_without_place: list[str]) -> list[Problem]:
    return [LotWithoutPlace(f"{lot} has none.", lot=lot) for lot in lots_without_place]


def check_close(open_call_offs: int) -> list[Problem]:
    if not open_call_offs:
        return []
    return [CallOffsOpen(f"{open_call_offs} are neither closed, cancelled nor failed.", open_call_offs=open_call_offs)]
