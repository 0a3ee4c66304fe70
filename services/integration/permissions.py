"""Who may do what here: every operation, by scope and by whose letter it is (`chassis.permissions`)."""

from enum import StrEnum

from services.chassis.permissions import Property, Table, may, only

WRITE, READ, ADMINISTER = "dispatch.write", "dispatch.read", "dispatch.admin"


class Relation(StrEnum):
    """How an organisation stands to a letter."""

    SENDER = "the sender"
    RECIPIENT = "the recipient"
    CO_OPERATION = "another of the same co-operation"
    MUNICIPALITY = "another municipality"
    SUPPLIER = "a supplier"
    STRANGER = "somebody else"


_ADMINISTRATOR = ("platform administrator",)
_STEPS = ("give-up", "manual", "retry")
PERMISSIONS = Table(
    {
        "GET /dispatches": only(may(READ), also="Each sees its own letters."),
        "POST /dispatches": only(may(WRITE), also="Whoever hands a letter in is its sender."),
        "GET /dispatches/{id}": only(may(READ, Relation.SENDER)),
        "GET /dispatches/{id}/documents/{position}": only(may(READ, Relation.SENDER)),
        **{f"POST /dispatches/{{id}}/{step}": only(may(ADMINISTER, Relation.SENDER)) for step in _STEPS},
        "POST /dispatches/{id}/cancel": only(may(WRITE, Relation.SENDER)),
        "GET /concerns": only(may(ADMINISTER), also="Each sees what is the matter with its own letters."),
        "GET /accounts": only(may(ADMINISTER), also="The accounts are everybody's."),
        "POST /accounts/{konto}/resume": only(may(ADMINISTER), also="The accounts are everybody's."),
        "GET /replies": only(may(READ), also="Each sees the letters that came to it."),
        "GET /replies/{id}": only(may(READ, Relation.RECIPIENT)),
        "GET /replies/{id}/documents/{position}": only(may(READ, Relation.RECIPIENT)),
        "POST /replies/{id}/retry": only(may(ADMINISTER, Relation.RECIPIENT)),
        "POST /replies/{id}/give-up": only(may(ADMINISTER, Relation.RECIPIENT)),
        "GET /lookups": only(may(READ)),
        "GET /lookups/{number}": only(may(READ)),
        "GET /events": only(may(READ), also="Each sees its own."),
    },
    roles={READ: _ADMINISTRATOR, ADMINISTER: _ADMINISTRATOR},
    properties=(
        Property("Dispatch.status", written_by="its steps and by what SvarUT tells"),
        Property("Reply.status", written_by="its steps and by what SvarInn tells"),
    ),
)
