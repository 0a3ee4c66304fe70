"""A bid on the wire: what is sent, and the receipt, which is all that is shown of it before the opening."""

import base64
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.agreements.bids import rules, store
from services.agreements.mini_competitions.store import Invitation, MiniCompetition, listed
from services.chassis.foreign_files import examination
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, Money, Out, Slug

SALT_BYTES = 32


class NewBidLine(In):
    item: Annotated[Slug, Field(examples=["radgivertime"])]
    unit_price_excl_vat: Money = Field(description="No higher than your price list was at publication")


class NewAnswer(In):
    criterion: Annotated[Slug, Field(examples=["kvalitet"])]
    text: str = Field(min_length=1, max_length=20_000)


class NewBidDocument(In):
    name: str = Field(min_length=1, max_length=200, examples=["losningsforslag.pdf"])
    media_type: str = Field(max_length=120, description=f"One of {', '.join(rules.MEDIA_TYPES)}")
    content_base64: str = Field(description="At most 10 MB; all of a bid's together fit in a request")

    def read(self) -> rules.Document:
        try:
            return rules.Document(self.name, self.media_type, base64.b64decode(self.content_base64, validate=True))
        except ValueError:  # also `binascii.Error`
            return rules.Document(self.name, self.media_type, None)


class NewBid(In):
    """All that a bid says. It is sealed at once: keep what you sent, as nobody can show you it before the opening."""

    lines: list[NewBidLine] = Field(min_length=1, max_length=200, description="Every line of the competition, once")
    answers: list[NewAnswer] = Field(default=[], max_length=50)
    note: str | None = Field(default=None, min_length=1, max_length=20_000)
    documents: list[NewBidDocument] = Field(default=[], max_length=rules.MOST_DOCUMENTS)


class Receipt(Out):
    """What is known of a bid while it is sealed. For its supplier alone."""

    id: UUID
    state: rules.State
    version: int = Field(description="Grows when it is replaced")
    answers_version: int = Field(description="The competition's version that it was given on")
    outdated: bool = Field(description="An amendment asked for new bids after it")
    sha256: str = Field(description="Of its content, salted: shows afterwards that what was opened is what you sent")
    drafted_at: Instant
    submitted_at: Instant | None = Field(description="When this version came, by the service's clock")
    documents: int


class FirstReceipt(Receipt):
    """The receipt with what its hash was made of besides your content; it is told this once."""

    salt: str = Field(description="In hexadecimal; keep it with what you sent")
    content: str = Field(description="The exact text that `sha256` is of, in base64; it is kept sealed only")


def content(
    new: NewBid, competition: MiniCompetition, invitation: Invitation, documents: Sequence[rules.Document]
) -> tuple[store.Content, str]:
    """What is sealed, and its salt; refuses with all that is wrong with it. `documents` have been looked through."""
    lines = [rules.Offered(line.item, line.unit_price_excl_vat) for line in new.lines]
    most = {item: price.unit_price for item, price in listed(invitation).items()}
    asked = rules.Asked(
        [line["item"] for line in competition.lines],
        None if competition.above_price_list else most,
        [one["code"] for one in competition.criteria],
        {one["code"] for one in competition.criteria if one["answer"]},
    )
    refuse(rules.check(asked, lines, [one.criterion for one in new.answers]))
    told = [
        {
            "name": one.name,
            "media_type": one.media_type,
            "size": len(one.content or b""),
            "sha256": sha256(one.content or b"").hexdigest(),
        }
        for one in documents
    ]
    salt = secrets.token_hex(SALT_BYTES)
    text = rules.written(lines, [(one.criterion, one.text) for one in new.answers], new.note, told, salt)
    return store.Content(text, [one.content or b"" for one in documents]), salt


def looked_through(new: NewBid) -> list[rules.Document]:
    """The documents, when nothing is wrong with them; before anything is locked."""
    documents = [one.read() for one in new.documents]
    refuse(rules.check_documents(documents))
    found: list[Problem] = []
    for place, one in enumerate(documents):
        try:
            findings = examination.examine(one.content or b"", rules.MEDIA_TYPES[one.media_type])
        except examination.TooCostly:
            found.append(rules.BidDocumentUnsafe(pointer=f"#/documents/{place}/content_base64"))
        except examination.NotExamined as error:
            raise rules.ExaminersOfBidsBusy from error
        else:
            found += rules.check_findings(place, findings)
    refuse(found)
    return documents


def receipt(competition: MiniCompetition, row: store.Bid, documents: int) -> Receipt:
    return Receipt(
        id=row.uuid,
        state=row.state,
        version=row.version,
        answers_version=row.answers_version,
        outdated=row.answers_version < competition.bids_from_version,
        sha256=row.digest,
        drafted_at=row.drafted_at,
        submitted_at=row.submitted_at,
        documents=documents,
    )


def first(competition: MiniCompetition, row: store.Bid, sealed: store.Content, salt: str) -> FirstReceipt:
    known = receipt(competition, row, len(sealed.documents))
    return FirstReceipt(**dict(known), salt=salt, content=base64.b64encode(sealed.text).decode())
