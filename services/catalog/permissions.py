"""Who may do what here: every operation, by scope and by how the caller stands to the thing (`chassis.permissions`)."""

from enum import StrEnum

from services.chassis.permissions import ANY_TOKEN, Property, Row, Table, anyone, may, only

WRITE, ADMIN = "catalog.write", "catalog.admin"
APPLY, ASSESS, DECIDE = "certification.apply", "certification.assess", "certification.decide"


class Relation(StrEnum):
    """How an organisation stands to a component, a product, a certificate, an adoption, a need …"""

    OWN = "the one whose it is"
    INTERESTED = "the owner of a component that the product is for"
    BODY = "the certification body or a laboratory"
    MEMBER = "another of its co-operation"
    MUNICIPALITY = "another municipality"
    STATE = "a state agency"
    SUPPLIER = "another supplier"
    STRANGER = "one that is not in the catalogue"


OWN, INTERESTED, BODY, MEMBER = Relation.OWN, Relation.INTERESTED, Relation.BODY, Relation.MEMBER
MUNICIPALITY, STATE, SUPPLIER, STRANGER = (
    Relation.MUNICIPALITY,
    Relation.STATE,
    Relation.SUPPLIER,
    Relation.STRANGER,
)
_MUNICIPAL = (OWN, MEMBER, MUNICIPALITY)
_PUBLIC = (*_MUNICIPAL, STATE)
_ROLES = {
    WRITE: ("municipal editor", "catalogue editor", "applicant"),
    ADMIN: ("catalogue editor",),
    APPLY: ("applicant",),
    ASSESS: ("assessor",),
    DECIDE: ("decision-maker",),
}

_OPEN = anyone()
_EDITORS = only(may(ADMIN))
_REGISTERED = only(may(WRITE).barring(STRANGER), otherwise=403, also="It is then its own.")
_OWNERS = only(may(WRITE, OWN), otherwise=403)
_OWNERS_OR_EDITORS = only(may(WRITE, OWN), may(ADMIN), otherwise=403)
_KNOWN_EDITORS = only(may(WRITE, OWN), may(ADMIN).barring(STRANGER), otherwise=403)
_PUBLIC_BODIES = only(may(WRITE, *_PUBLIC), otherwise=403)
_SEEN_BY_PUBLIC = only(
    may(ANY_TOKEN, *_PUBLIC),
    otherwise=403,
    also="A vendor that acts for a public body is none of them, unless it is one itself.",
)
_OWN_ADOPTION = only(may(WRITE, OWN), but={MEMBER: 403, MUNICIPALITY: 403, STATE: 403})
_HOLDERS = only(may(APPLY, OWN), otherwise=403)
_HIDDEN_HOLDERS = only(may(APPLY, OWN))
_ASSESSED = only(may(ASSESS).barring(OWN, INTERESTED), otherwise=403)
_DECIDED = only(may(DECIDE).barring(OWN, INTERESTED), otherwise=403)
_WATCHED = only(may(ASSESS).barring(OWN, INTERESTED), may(DECIDE).barring(OWN, INTERESTED), otherwise=403)
_PARTIES = only(may(APPLY, OWN), may(ASSESS), may(DECIDE))
_LISTED = only(may(APPLY), may(ASSESS), may(DECIDE), also="An applicant gets its own.")
_CERTIFYING = only(*(may(one).barring(STRANGER) for one in (APPLY, ASSESS, DECIDE)), otherwise=403)
_PARTS_HIDDEN = anyone(also="More is shown to those that it concerns: see the fields.")


def _rows(row: Row, *operations: str) -> dict[str, Row]:
    return dict.fromkeys(operations, row)


_COMPONENTS = {
    **_rows(
        _OPEN,
        *("GET /components", "GET /components/{slug}", "GET /repositories"),
        *(
            f"GET /components/{{slug}}/{part}"
            for part in (
                "history",
                "quality",
                "repositories",
                "modules",
                "versions",
                "versions/{label}",
                "dependencies",
            )
        ),
    ),
    "GET /components/{slug}/impact": _PARTS_HIDDEN,
    "POST /components": _REGISTERED,
    **_rows(
        _OWNERS_OR_EDITORS,
        "PATCH /components/{slug}",
        *(
            f"POST /components/{{slug}}/{step}"
            for step in ("propose", "publish", "deprecate", "reinstate", "retire", "call-off", "transfer")
        ),
        *(f"POST /components/{{slug}}/{part}" for part in ("repositories", "modules", "versions", "dependencies")),
        "POST /components/{slug}/repositories/{repository}/move",
        "DELETE /components/{slug}/repositories/{repository}",
        "DELETE /components/{slug}/modules/{module}",
        "PATCH /components/{slug}/versions/{label}",
        "DELETE /components/{slug}/dependencies/{on}",
    ),
    "POST /components/{slug}/confirm": _OWNERS,
    "POST /components/{slug}/take-over": only(
        may(WRITE, OWN), otherwise=403, also="That is the one that it is offered to."
    ),
    **_rows(_EDITORS, "POST /components/{slug}/approve", "POST /components/{slug}/reject"),
}
_VERSION = "/interfaces/{slug}/versions/{version}"
_INTERFACES = {
    **_rows(
        _OPEN,
        *(
            "GET /interfaces",
            "GET /interfaces/{slug}",
            "GET /interfaces/{slug}/diff",
            "GET /interfaces/{slug}/versions",
        ),
        *(f"GET {_VERSION}{part}" for part in ("", "/artefact", "/artefact/about", "/impact")),
    ),
    **_rows(
        _KNOWN_EDITORS,
        *("POST /interfaces", "PATCH /interfaces/{slug}", "POST /interfaces/{slug}/confirm"),
        *("POST /interfaces/{slug}/versions", f"PUT {_VERSION}/artefact", f"POST {_VERSION}/{{step}}"),
        *(f"POST {_VERSION}/consumers", f"POST {_VERSION}/consumers/{{component}}/end"),
    ),
}
_STANDARDS = {
    **_rows(_OPEN, "GET /standards", "GET /standards/{slug}", "GET /standards/{slug}/bindings/{binding}"),
    **_rows(
        _EDITORS,
        *("POST /standards", "PATCH /standards/{slug}"),
        *(f"POST /standards/{{slug}}/{part}" for part in ("clauses", "confirm", "bindings", "bindings/{binding}/end")),
        "PATCH /standards/{slug}/bindings/{binding}",
    ),
}
_SPECIFICATION = "/specifications/{slug}"
_LABEL = f"{_SPECIFICATION}/versions/{{label}}"
_SPECIFICATIONS = {
    **_rows(
        _OPEN,
        *("GET /specifications", f"GET {_SPECIFICATION}", f"GET {_LABEL}", f"GET {_LABEL}/requirements.csv"),
        *(f"GET {_SPECIFICATION}/{part}" for part in ("diff", "upstream", "procurement-pack")),
        *(f"GET {_LABEL}/profiles", f"GET {_LABEL}/profiles/{{profile}}"),
    ),
    **_rows(
        _PUBLIC_BODIES,
        *("POST /specifications", f"POST {_SPECIFICATION}/derive"),
    ),
    **_rows(
        _OWNERS_OR_EDITORS,
        *(f"PATCH {_SPECIFICATION}", f"POST {_SPECIFICATION}/confirm", f"POST {_SPECIFICATION}/versions"),
        *(f"POST {_LABEL}/{step}" for step in ("publish", "warn", "end", "requirements")),
        *(f"{method} {_LABEL}/requirements/{{id}}" for method in ("PUT", "DELETE")),
        *(f"{method} {_LABEL}/profiles/{{profile}}" for method in ("PUT", "DELETE")),
        f"POST {_SPECIFICATION}/follow",
    ),
}
_ORGANISATIONS = {
    **_rows(
        _OPEN,
        *("GET /organisations", "GET /organisations/{id}", "GET /organisations/{id}/register-check"),
        *("GET /organisations/{id}/successors", "GET /organisations/{id}/predecessors"),
        *("GET /co-operations", "GET /co-operations/{slug}", "GET /co-operations/roll-up"),
        "GET /co-operations/{slug}/allocations",
    ),
    **_rows(
        _EDITORS,
        *("POST /organisations", "PATCH /organisations/{id}", "POST /co-operations"),
        *(f"POST /organisations/{{id}}/{step}" for step in ("merge", "split", "continue")),
        "POST /co-operations/{slug}/states",
    ),
    "POST /co-operations/{slug}/allocations": _OWNERS_OR_EDITORS,
    **_rows(
        _OWNERS,
        *(f"POST /co-operations/{{slug}}/members/{{organisation_id}}/{step}" for step in ("confirm", "decline")),
        *(f"POST /co-operations/{{slug}}/allocations/{{id}}/{step}" for step in ("confirm", "reject")),
    ),
}
_DOCUMENT = "/products/{slug}/documents/{id}"
_DOCUMENTS_DECIDED = only(
    may(ADMIN, MEMBER, MUNICIPALITY, STATE),
    but={OWN: 403},
    also="Neither by whoever uploaded it nor by the product's supplier.",
)
_PRODUCTS = {
    **_rows(
        _OPEN,
        *("GET /products", "GET /products/{slug}", "GET /products/{slug}/take-overs"),
        *("GET /products/{slug}/versions", "GET /products/{slug}/versions/{label}"),
        *("GET /products/{slug}/declarations", "GET /products/{slug}/declarations/{id}"),
    ),
    **_rows(
        anyone(also="What is not approved as public is found by public bodies, its supplier and whoever uploaded it."),
        *("GET /products/{slug}/documents", f"GET {_DOCUMENT}", f"GET {_DOCUMENT}/content"),
    ),
    "POST /products": _REGISTERED,
    **_rows(
        _OWNERS,
        *("PATCH /products/{slug}", "POST /products/{slug}/confirm", "POST /products/{slug}/take-over"),
        *("POST /products/{slug}/versions", "PATCH /products/{slug}/versions/{label}"),
        *("POST /products/{slug}/declarations", "POST /products/{slug}/declarations/{id}/withdraw"),
    ),
    "POST /products/{slug}/documents": _PUBLIC_BODIES,
    **_rows(_DOCUMENTS_DECIDED, f"POST {_DOCUMENT}/approve", f"POST {_DOCUMENT}/reject"),
    f"POST {_DOCUMENT}/withdraw": _OWN_ADOPTION,
    "POST /products/{slug}/reject-take-over": _EDITORS,
}
_ADOPTIONS = {
    "GET /adoptions": only(may(ANY_TOKEN), also="Public bodies see all, others what they claimed themselves."),
    "GET /adoptions/{id}": only(may(ANY_TOKEN, *_PUBLIC), also="Whoever claimed it finds the claim."),
    **_rows(
        _SEEN_BY_PUBLIC,
        *("GET /adoptions/{id}/allocations", "GET /contract-gaps"),
        *("GET /components/{slug}/adopters", "GET /products/{slug}/adopters"),
        *(f"GET /organisations/{{id}}/{part}" for part in ("landscape", "similar", "neighbours-use")),
    ),
    "GET /adoptions/contract-endings": only(may(ANY_TOKEN, *_MUNICIPAL), otherwise=403),
    "POST /adoptions": only(
        may(WRITE, *_PUBLIC),
        otherwise=403,
        also="For another organisation: a supplier of its product, a member for a co-operation without organisation "
        "number, an editor; it is a claim then.",
    ),
    **_rows(
        _OWN_ADOPTION,
        *("PATCH /adoptions/{id}", "POST /adoptions/{id}/{event}", "POST /adoptions/{id}/allocate"),
        "POST /adoptions/{id}/allocations/{allocation}/{answer}",
    ),
    "POST /organisations/{id}/confirm-adoptions": _OWNERS,
}
_NEEDS = {
    "GET /needs": _PARTS_HIDDEN,
    "GET /needs/{id}": _PARTS_HIDDEN,
    "GET /needs/{id}/matches": _OPEN,
    "GET /needs/{id}/partners": _SEEN_BY_PUBLIC,
    **_rows(_PUBLIC_BODIES, "POST /needs", "POST /needs/{id}/join", "POST /needs/{id}/leave"),
    **_rows(
        only(may(WRITE, OWN), otherwise=403, also=f"One that a source tells of: editors (with `{ADMIN}` besides)."),
        "PATCH /needs/{id}",
        *(f"POST /needs/{{id}}/{step}" for step in ("start", "meet", "withdraw", "reopen")),
    ),
}
_RECALLS = {
    **_rows(_PARTS_HIDDEN, "GET /recalls", "GET /recalls/{id}"),
    "GET /recall-notices": only(may(ANY_TOKEN), also="Each gets its own."),
    "GET /recall-notices/{id}": only(may(ANY_TOKEN, OWN)),
    "POST /recall-notices/{id}/acknowledge": only(may(WRITE, OWN)),
}
_CERTIFICATES = {
    **_rows(
        _OPEN,
        *("GET /verify", "POST /verify", "POST /verify/batch", "POST /verify/set", "GET /.well-known/jwks.json"),
        *("GET /status-lists", "GET /status-lists/{number}", "GET /certificates", "GET /certificates/{number}"),
        *(f"GET /certificates/{{number}}/{part}" for part in ("credential", "page", "badge.svg")),
        *("GET /supplier-suspensions", "GET /supplier-suspensions/{id}", "GET /certification-results"),
        *("GET /supplier-suspensions/{id}/certificates", "GET /certification-schemes"),
        "GET /certification-schemes/{subject_kind}",
    ),
    **_rows(
        _DECIDED,
        *(
            f"POST /certificates/{{number}}/{step}"
            for step in ("suspend", "withdraw", "restore", "reduce", "supersede", "meet-condition")
        ),
        *("POST /supplier-suspensions", "POST /supplier-suspensions/{id}/lift"),
        *("POST /integrity-flags/{id}/acknowledge", "POST /certification-decisions"),
    ),
    **_rows(_HOLDERS, "POST /certificates/{number}/relinquish", "POST /certificates/{number}/carry-over"),
    "PATCH /certification-schemes/{subject_kind}": _EDITORS,
    "GET /integrity-flags": _PARTS_HIDDEN,
}
_AFTERWARDS = {
    **_rows(_PARTS_HIDDEN, "GET /non-conformities", "GET /non-conformities/{id}", "GET /appeals", "GET /appeals/{id}"),
    "POST /non-conformities": _WATCHED,
    **_rows(
        _WATCHED,
        *(
            f"POST /non-conformities/{{id}}/{step}"
            for step in ("request-plan", "approve-plan", "return-plan", "reopen")
        ),
    ),
    **_rows(_HOLDERS, *(f"POST /non-conformities/{{id}}/{step}" for step in ("submit-plan", "resolve"))),
    **_rows(_DECIDED, *(f"POST /non-conformities/{{id}}/{step}" for step in ("close", "dismiss", "escalate"))),
    "POST /appeals": only(may(APPLY, OWN), otherwise=403, also="That is the one that it went against."),
    **_rows(
        _DECIDED,
        *(
            f"POST /appeals/{{id}}/{step}"
            for step in ("begin-review", "dismiss", "uphold", "partly-uphold", "reject", "stay", "end-stay")
        ),
    ),
    "POST /appeals/{id}/withdraw": _HIDDEN_HOLDERS,
}
_EVIDENCE = anyone(
    may(ANY_TOKEN, OWN),
    may(ASSESS),
    may(DECIDE),
    also="What it is, of a file that a certificate rests on: everybody.",
)
_EVIDENCES = {
    "GET /evidence-files": _PARTS_HIDDEN,
    **_rows(_EVIDENCE, "GET /evidence-files/{id}", "GET /evidence-files/{id}/content"),
    "POST /evidence-files": _CERTIFYING,
    "POST /evidence-files/{id}/withdraw": only(
        *(may(one, OWN) for one in (APPLY, ASSESS, DECIDE)), but={ASSESS: 403, DECIDE: 403}
    ),
    **_rows(_PARTS_HIDDEN, "GET /equivalents", "GET /equivalents/{id}"),
    "POST /equivalents": _ASSESSED,
    **_rows(_DECIDED, *(f"POST /equivalents/{{id}}/{step}" for step in ("confirm", "reject", "revoke"))),
}
_TESTS = {
    **_rows(_OPEN, "GET /testers", "GET /testers/{id}"),
    "POST /testers": _CERTIFYING,
    **_rows(only(may(DECIDE)), "POST /testers/{id}/approve", "POST /testers/{id}/reject"),
    "POST /testers/{id}/revoke": only(may(APPLY, OWN), may(ASSESS, OWN), may(DECIDE), otherwise=403),
    "GET /testers/{id}/delegations": _PARTS_HIDDEN,
    "POST /testers/{id}/delegations": _HOLDERS,
    "POST /testers/{id}/delegations/{delegation}/withdraw": only(may(APPLY, OWN), but={BODY: 403}),
    **_rows(_PARTS_HIDDEN, "GET /test-reports", "GET /test-reports/{id}"),
    "POST /test-reports": only(
        *(may(one, OWN, BODY) for one in (APPLY, ASSESS, DECIDE)),
        otherwise=403,
        also="The laboratory is the one that signed it.",
    ),
    **_rows(_ASSESSED, "POST /test-reports/{id}/approve", "POST /test-reports/{id}/reject"),
    "GET /test-endpoints": _LISTED,
    "POST /test-endpoints": _HOLDERS,
    "GET /test-endpoints/{id}": _PARTIES,
    **_rows(_ASSESSED, "POST /test-endpoints/{id}/approve", "POST /test-endpoints/{id}/refuse"),
    "POST /test-endpoints/{id}/withdraw": _HIDDEN_HOLDERS,
    "GET /conformance-runs": _LISTED,
    "POST /conformance-runs": only(may(APPLY, OWN), may(ASSESS).barring(STRANGER), but={STRANGER: 403}),
    **_rows(_PARTIES, "GET /conformance-runs/{id}", "GET /conformance-runs/{id}/report"),
    "POST /conformance-runs/{id}/cancel": only(may(APPLY, OWN), may(ASSESS)),
}
_ASSESSMENT = "/certification-assessments/{id}"
_APPLICATION = "/certification-applications/{id}"
_APPLICATIONS = {
    "GET /certification-assessments": _LISTED,
    "POST /certification-assessments": _ASSESSED,
    **_rows(_PARTIES, f"GET {_ASSESSMENT}", f"GET {_ASSESSMENT}/results/{{requirement}}"),
    **_rows(
        _ASSESSED,
        *(
            f"POST {_ASSESSMENT}/{step}"
            for step in ("join", "complete", "resume", "adopt-reports", "adopt-declaration")
        ),
        f"PUT {_ASSESSMENT}/results/{{requirement}}",
    ),
    f"POST {_ASSESSMENT}/return": _DECIDED,
    "GET /certification-applications": _LISTED,
    "POST /certification-applications": _HOLDERS,
    f"GET {_APPLICATION}": _PARTIES,
    **_rows(_HIDDEN_HOLDERS, f"PATCH {_APPLICATION}", f"POST {_APPLICATION}/submit", f"POST {_APPLICATION}/withdraw"),
    f"POST {_APPLICATION}/request-information": _ASSESSED,
    **_rows(_PARTS_HIDDEN, "GET /certification-decisions", "GET /certification-decisions/{id}"),
}
_FOUND = {
    "GET /search": anyone(also="By who has adopted it: public bodies only, with a token."),
    "GET /search/facets": anyone(also="By who has adopted it: public bodies only, with a token."),
    "GET /events": anyone(also="With a token also those that are for the organisation alone."),
    "GET /events.atom": _OPEN,
    "GET /audit": only(may(WRITE), also=f"Each its own; with `{ADMIN}` besides, a public body all."),
}

_TO_PARTIES = (may(APPLY, OWN), may(ASSESS), may(DECIDE))
_TO_UPLOADER = (may(ANY_TOKEN, OWN), may(ASSESS), may(DECIDE))
_READ = (
    Property("Adoption.contract", (may(ANY_TOKEN, *_MUNICIPAL),), shown_by="GET /adoptions/{id}"),
    Property(
        "services__catalog__dependencies__api__Impact.adopting_organisations",
        (may(ANY_TOKEN, *_PUBLIC),),
        shown_by="GET /components/{slug}/impact",
    ),
    Property(
        "Recall.numbers",
        (may(ANY_TOKEN, *_PUBLIC), may(ASSESS), may(DECIDE)),
        shown_by="GET /recalls/{id}",
    ),
    Property("NonConformity.plan", _TO_PARTIES, shown_by="GET /non-conformities/{id}"),
    Property("Resolution-Output.evidence", _TO_PARTIES, shown_by="GET /non-conformities/{id}"),
    Property("Appeal.attachments", (may(APPLY, OWN), may(DECIDE)), shown_by="GET /appeals/{id}"),
    Property("EvidenceFile.title", _TO_UPLOADER, shown_by="GET /evidence-files/{id}"),
    Property("EvidenceFile.file_name", _TO_UPLOADER, shown_by="GET /evidence-files/{id}"),
    Property(
        "Need.holders",
        (may(ANY_TOKEN, *_PUBLIC),),
        when="Unless its audience is `public`",
        shown_by="GET /needs/{id}",
    ),
)
_WRITTEN = tuple(
    Property(name, written_by=steps)
    for name, steps in (
        ("Component.life_cycle", "the steps of its life"),
        ("Keeping.kept_by", "a take-over and its rejection"),
        ("services__catalog__certificates__shapes__Certificate.status", "its events and the day"),
        ("Adoption.claim", "the organisation's answer"),
        ("NonConformity.state", "its steps"),
        ("Appeal.state", "its steps"),
        ("Application.status", "its steps and the decision"),
        ("Assessment.state", "its steps"),
        ("Decision.status", "appeals"),
        ("Document.state", "its steps"),
        ("Tester.state", "its steps"),
        ("TestReport.state", "its steps"),
        ("Endpoint.state", "its steps"),
        ("Run.verdict", "the run itself"),
        ("Recall.state", "the certificate's events"),
        ("Need.state", "its steps"),
    )
)

PERMISSIONS = Table(
    {
        **_COMPONENTS,
        **_INTERFACES,
        **_STANDARDS,
        **_SPECIFICATIONS,
        **_ORGANISATIONS,
        **_PRODUCTS,
        **_ADOPTIONS,
        **_NEEDS,
        **_RECALLS,
        **_CERTIFICATES,
        **_AFTERWARDS,
        **_EVIDENCES,
        **_TESTS,
        **_APPLICATIONS,
        **_FOUND,
    },
    _ROLES,
    properties=(*_READ, *_WRITTEN),
)
