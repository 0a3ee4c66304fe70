"""Who may do what here: every operation, by scope and by how the caller stands to the thing (`chassis.permissions`)."""

from enum import StrEnum

from services.chassis.permissions import ANY_TOKEN, Property, Row, Table, anyone, may, only

READ, ORDER, APPROVE = "agreements.read", "agreements.order", "agreements.approve"
MANAGE, SUPPLY = "agreements.manage", "agreements.supply"


class Relation(StrEnum):
    """How an organisation stands to a framework agreement, an accession, a call-off, a competition, an entry or a cost
    split."""

    OWNER = "the framework owner"
    LISTED = "one on the announced list"
    ACCEDING = "the one that accedes"
    ACCEDED = "one that has acceded"
    BUYER = "the buyer"
    PAYER = "one that pays a part"
    SUPPLIER = "the supplier"
    INVITED = "a supplier that is invited"
    MAKER = "the one that made it"
    KEEPER = "the keeper of the table"
    CO_OPERATION = "another of the same co-operation"
    MUNICIPALITY = "another municipality"
    OTHER_SUPPLIER = "another supplier"
    STRANGER = "somebody else"


OWNER, ACCEDING, BUYER, PAYER, SUPPLIER = (
    Relation.OWNER,
    Relation.ACCEDING,
    Relation.BUYER,
    Relation.PAYER,
    Relation.SUPPLIER,
)
_ROLES = {
    READ: ("municipal buyer", "approver", "supplier", "co-operation officer"),
    ORDER: ("municipal buyer",),
    APPROVE: ("approver",),
    MANAGE: ("co-operation officer",),
    SUPPLY: ("supplier",),
}
_BY_OWNER = only(may(MANAGE, OWNER), otherwise=403)
_OF_A_DRAFT = only(may(MANAGE, OWNER), also="Once it is announced others get 403.")
_BY_BUYER = only(may(ORDER, BUYER))
_BY_SUPPLIER = only(may(SUPPLY, SUPPLIER))
_SEEN = only(may(READ, BUYER, PAYER, SUPPLIER), also="The supplier is one from when the call-off is sent to it.")
_CHANGE = anyone(may(ANY_TOKEN, OWNER, SUPPLIER, Relation.ACCEDED), also="One that is in force is open to everybody.")
_OWN = only(may(READ), also="Each sees its own.")
_ACCESSION = "/framework-agreements/{slug}/accessions/{id}"
_AGREEMENT = "/framework-agreements/{slug}"
_SALES = "/framework-agreements/{slug}/sales-reports/{id}"
_OPEN = anyone(also="What is not announced yet is its owner's alone.")

_STEPS: dict[str, Row] = {
    **dict.fromkeys(("accept", "accept-change", "buyer-change", "cancel", "close", "complain", "edit"), _BY_BUYER),
    **dict.fromkeys(("next-supplier", "refuse-change", "reserve", "send", "settle", "terminate-rest"), _BY_BUYER),
    **dict.fromkeys(("acknowledge", "change-confirmed", "change-refused", "confirm", "decline"), _BY_SUPPLIER),
    **dict.fromkeys(("deliveries", "propose-change", "redeliver"), _BY_SUPPLIER),
    **dict.fromkeys(("approve", "revoke-approval"), only(may(APPROVE, BUYER, PAYER))),
}
_OWNERS_STEPS = (
    *("activate", "award", "close", "reopen-evaluation", "resume", "suspend", "terminate"),
    *("fees", "places", "places/{id}/reinstate", "places/{id}/suspend", "places/{id}/terminate"),
    *("changes/{id}/activate", "accessions/{id}/approve", "accessions/{id}/end", "accessions/{id}/reject"),
    *("accessions/{id}/start", "saving-assumptions"),
)
_ACCEDING_STEPS = ("covered/{number}", "give-notice", "revoke-notice", "submit", "withdraw")

_CALL_OFFS = {
    "GET /call-offs": _OWN,
    "POST /call-offs": only(may(ORDER, Relation.ACCEDED), otherwise=403),
    "POST /call-offs/quote": only(may(READ), may(ORDER), also="Whether an order would be taken stands in the answer."),
    **{
        f"GET /call-offs/{{id}}{part}": _SEEN
        for part in ("", "/changes", "/deliveries", "/history", "/letter", "/letters/{reference}", "/shares")
    },
    "GET /call-offs/{id}/replies/{reply}/documents/{position}": _SEEN,
    **dict.fromkeys(("GET /call-offs/{id}/order.xml", "GET /call-offs/{id}/order-messages"), _SEEN),
    "GET /call-offs/{id}/order-messages/{message}": _SEEN,
    "POST /call-offs/{id}/order-responses": _BY_SUPPLIER,
    **dict.fromkeys(("POST /call-offs/{id}/order-changes", "POST /call-offs/{id}/order-cancellations"), _BY_BUYER),
    "GET /call-offs/{id}/explanation": only(may(READ, OWNER, BUYER, PAYER, SUPPLIER)),
    "POST /call-offs/{id}/letters/preview": _SEEN,
    **{f"POST /call-offs/{{id}}/{step}": row for step, row in _STEPS.items()},
}
_COSTS = {
    "GET /cost-splits": _OWN,
    "POST /cost-splits": only(may(ORDER)),
    "POST /cost-splits/compare": only(may(READ)),
    "GET /cost-splits/models": anyone(),
    "GET /cost-splits/{id}": only(may(READ, Relation.MAKER)),
}
_LEDGER = {
    "GET /ledger/entries": _OWN,
    "GET /ledger/entries/{id}": only(may(READ, OWNER, BUYER, PAYER, SUPPLIER)),
    "POST /ledger/entries/{id}/reverse": only(
        may(MANAGE, OWNER), may(ORDER, BUYER), but=dict.fromkeys((OWNER, BUYER, PAYER, SUPPLIER), 403)
    ),
    "GET /ledger/proof": only(may(READ), also="Each proves the ledger of the agreements that it owns."),
    "GET /ledger/spend": anyone(
        also=f"By buyer or item, of one buyer or call-off, and with `mine`, a token with `{READ}` is needed."
    ),
}
_REPORTS = {
    "GET /reports/dictionary": anyone(),
    "GET /reports/dictionary.csv": anyone(),
    "GET /reports/spend.csv": _OWN,
    "GET /reports/spend.xlsx": _OWN,
    f"GET {_AGREEMENT}/outside-buys": only(may(READ, OWNER), otherwise=403),
    "PUT /account-map": only(may(ORDER), also="Each maps its own books."),
    "GET /account-map": only(may(READ, BUYER)),
    "POST /spend-files": only(may(ORDER), also="Each sends its own books."),
    "GET /spend-files": _OWN,
    "GET /spend-files/{id}": only(may(READ, BUYER)),
    "GET /spend-files/{id}/outside-buys": only(may(READ, BUYER)),
    f"GET {_AGREEMENT}/sales-reports": _OWN,
    f"POST {_AGREEMENT}/sales-reports": only(may(SUPPLY, SUPPLIER), otherwise=403),
    **dict.fromkeys((f"GET {_SALES}", f"GET {_SALES}/lines", f"GET {_SALES}/file"), only(may(READ, OWNER, SUPPLIER))),
    f"POST {_SALES}/lines/{{position}}/explain": only(may(MANAGE, OWNER), may(SUPPLY, SUPPLIER)),
}
_OPEN_DATA = {
    operation: anyone()
    for operation in (
        *("GET /ocds", "GET /ocds/releases.json", "GET /ocds/records.json", "GET /ocds/extension/{file}"),
        *("GET /ocds/{ocid}", "GET /call-offs/{id}/ocds"),
    )
}
_AGREEMENTS = {
    "GET /framework-agreements": _OPEN,
    "POST /framework-agreements": only(may(MANAGE), also="Whoever makes it owns it."),
    "PATCH /framework-agreements/{slug}": _OF_A_DRAFT,
    **{
        f"GET {_AGREEMENT}{part}": _OPEN
        for part in (
            *("", "/accessions", "/announcement", "/capacity", "/changes", "/fees", "/fees/estimate", "/forecast"),
            *("/history", "/lots/{lot}/forecast", "/saving-assumptions", "/savings"),
            *("/places", "/places/{id}", "/places/{id}/history", "/price-lists/{id}"),
        )
    },
    f"POST {_AGREEMENT}/places/{{id}}/withdraw": only(may(SUPPLY, SUPPLIER), may(MANAGE, OWNER), otherwise=403),
    f"POST {_AGREEMENT}/changes": only(may(MANAGE, OWNER), may(SUPPLY, SUPPLIER), otherwise=403),
    f"GET {_AGREEMENT}/changes/{{id}}": _CHANGE,
    f"GET {_AGREEMENT}/changes/{{id}}/preview": _CHANGE,
    f"POST {_AGREEMENT}/changes/{{id}}/cancel": only(
        may(MANAGE, OWNER), may(SUPPLY, SUPPLIER), but=dict.fromkeys((OWNER, SUPPLIER, Relation.ACCEDED), 403)
    ),
    f"GET {_ACCESSION}": only(may(READ, ACCEDING, OWNER)),
    f"GET {_ACCESSION}/history": only(may(READ, ACCEDING, OWNER)),
    f"POST {_AGREEMENT}/accessions": only(may(APPROVE, Relation.LISTED), otherwise=403),
    **{f"POST {_ACCESSION}/{step}": only(may(APPROVE, ACCEDING), but={OWNER: 403}) for step in _ACCEDING_STEPS},
    **{f"POST {_AGREEMENT}/{step}": _BY_OWNER for step in _OWNERS_STEPS},
    f"POST {_AGREEMENT}/announce": _OF_A_DRAFT,
    f"POST {_AGREEMENT}/cancel": _OF_A_DRAFT,
    "GET /places": only(may(SUPPLY), also="Each supplier sees its own."),
    "GET /thresholds": anyone(),
    "POST /thresholds": only(may(MANAGE, Relation.KEEPER), otherwise=403),
}
_INVITED = Relation.INVITED
_COMPETITION = only(
    may(READ, OWNER, BUYER, _INVITED), also="A draft is its buyer's alone; the others see it once it is published."
)
_COMPETITIONS = {
    "GET /mini-competitions": _OWN,
    "POST /mini-competitions": only(may(ORDER, Relation.ACCEDED), otherwise=403),
    "PUT /mini-competitions/{id}": _BY_BUYER,
    **{f"GET /mini-competitions/{{id}}{part}": _COMPETITION for part in ("", "/history", "/invitations", "/questions")},
    **{f"POST /mini-competitions/{{id}}/{step}": _BY_BUYER for step in ("publish", "amend", "cancel", "open-bids")},
    "POST /mini-competitions/{id}/questions": only(may(SUPPLY, _INVITED)),
    "POST /mini-competitions/{id}/questions/{question}/answer": _BY_BUYER,
    "POST /mini-competitions/{id}/bids": only(may(SUPPLY, _INVITED)),
    **{
        f"POST /mini-competitions/{{id}}/bids/{{bid}}/{step}": only(may(SUPPLY, SUPPLIER))
        for step in ("submit", "replace", "withdraw", "discard")
    },
    "GET /mini-competitions/{id}/bids": only(
        may(READ, OWNER, BUYER, _INVITED),
        also="Each supplier sees its own; the others all of them, and none before the opening.",
    ),
    "GET /mini-competitions/{id}/bids/{bid}": only(may(READ, OWNER, BUYER, SUPPLIER)),
    "GET /mini-competitions/{id}/bids/{bid}/documents/{n}": only(may(READ, OWNER, BUYER, SUPPLIER)),
    "GET /mini-competitions/{id}/award": only(
        may(READ, OWNER, BUYER, _INVITED), also="Each bidder sees what it was told itself."
    ),
    "GET /mini-competitions/{id}/evaluation": only(
        may(READ, OWNER, BUYER), also="The framework owner sees it when an award has been announced."
    ),
    "PUT /mini-competitions/{id}/scores/{evaluator}": _BY_BUYER,
    "POST /mini-competitions/{id}/bids/{bid}/reject": _BY_BUYER,
    **{
        f"POST /mini-competitions/{{id}}/{step}": _BY_BUYER
        for step in ("announce-award", "no-valid-bids", "standstill-over", "withdraw-award")
    },
    **{f"GET /mini-competitions/{{id}}/{part}": _COMPETITION for part in ("letters", "documents/{kind}")},
    "GET /mini-competitions/{id}/letters/{reference}": only(may(READ, OWNER, BUYER, SUPPLIER)),
    "GET /mini-competitions/{id}/opening": only(may(READ, OWNER, BUYER)),
}
_PRICES = (may(ANY_TOKEN, OWNER, SUPPLIER, Relation.ACCEDED),)
_WHEN = "where it is a business secret"
_PROPERTIES = (
    Property("PriceItem.unit_price_excl_vat", _PRICES, _WHEN, f"GET {_AGREEMENT}/places/{{id}}"),
    Property("QuotedLine.unit_price_excl_vat", _PRICES, _WHEN, "POST /call-offs/quote"),
    Property("LineChange.old_unit_price_excl_vat", _PRICES, _WHEN, f"GET {_AGREEMENT}/changes/{{id}}/preview"),
    Property("CallOff.split_flagged", (may(READ, BUYER, PAYER),), shown_by="GET /call-offs/{id}"),
    Property(
        "ExplainedChoice.earlier_excl_vat",
        (may(READ, OWNER, BUYER, PAYER),),
        shown_by="GET /call-offs/{id}/explanation",
    ),
    *(
        Property(f"{thing}.state", written_by="its steps and by the calendar")
        for thing in ("FrameworkAgreement", "Accession", "Place", "CallOff", "Change-Output", "MiniCompetition", "Bid")
    ),
    *(Property(f"CallOff.{amount}", written_by="the ledger") for amount in ("reserved_excl_vat", "posted_excl_vat")),
)
PERMISSIONS = Table(
    {**_AGREEMENTS, **_CALL_OFFS, **_COMPETITIONS, **_COSTS, **_LEDGER, **_REPORTS, **_OPEN_DATA, "GET /events": _OWN},
    _ROLES,
    _PROPERTIES,
)
