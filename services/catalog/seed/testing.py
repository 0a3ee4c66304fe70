"""Fictional evidence files, test tools with their keys, and what they reported."""

from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from services.catalog.certificates.rules import Assurance
from services.catalog.delegations import store as delegations
from services.catalog.evidence_files import store as evidence_files
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.seed.files import DATA, told
from services.catalog.specifications import store as specifications
from services.catalog.test_reports import rules as report_rules
from services.catalog.test_reports import store as test_reports
from services.catalog.testers import rules as tester_rules
from services.catalog.testers import signatures
from services.catalog.testers import store as testers
from services.chassis.values import seed_id

BODY, TESTER, DECIDER = "100000040", "fiktiv-tester", "fiktiv-avgjorer"
FILES = {
    "report": ("100000016", "Testrapport fra leverandøren (fiktiv)"),
    "spare": ("100000016", "Testrapport, lastet opp to ganger (fiktiv)"),
    "inspection": (BODY, "Protokoll fra tilsyn (fiktiv)"),
}


def load(session: Session, new: dict[str, Any]) -> int:
    known = evidence_files.uuids(session) | testers.uuids(session) | delegations.uuids(session)
    known |= test_reports.uuids(session)
    owners = organisations.ids_by_number(session)
    loaded = 0
    for name, (organisation, title) in FILES.items():
        if seed_id(f"evidence-file:{name}") not in known:
            _file(session, name, title, owners[organisation])
            loaded += 1
    for kind, add in (("tester", _tester), ("delegation", _delegation), ("test-report", _report)):
        for one in new[{"tester": "testers", "delegation": "delegations", "test-report": "reports"}[kind]]:
            if seed_id(f"{kind}:{one['name']}") not in known:
                add(session, one, owners)
                loaded += 1
    return told(session, "testing.seed", "/testers", loaded)


def file_hash() -> str:
    return sha256((DATA / "fictional" / "document.pdf").read_bytes()).hexdigest()


def _file(session: Session, name: str, title: str, uploaded_by_id: int) -> None:
    evidence_files.keep(
        session,
        content=(DATA / "fictional" / "document.pdf").read_bytes(),
        media_type="application/pdf",
        file_name=f"{name}.pdf",
        title={"nb": title},
        uploaded_by_id=uploaded_by_id,
        client=TESTER,
        at=datetime.fromisoformat("2026-09-01T09:00:00Z"),
        uuid=seed_id(f"evidence-file:{name}"),
    )


def _tester(session: Session, one: dict[str, Any], owners: dict[str, int]) -> None:
    key, wrong = tester_rules.key(one["key"])
    assert key
    assert not wrong
    added = testers.Tester(
        uuid=seed_id(f"tester:{one['name']}"),
        organisation_id=owners[one["organisation"]],
        tool=one["tool"],
        jwk=dict(key.jwk),
        key_id=key.id,
        valid_from_on=date.fromisoformat(one["valid_from_on"]),
        valid_to_on=date.fromisoformat(one["valid_to_on"]),
    )
    testers.add(session, added)
    for kind, at, who in (
        (tester_rules.EventKind.REGISTERED, one["registered_at"], (one["organisation"], TESTER)),
        (tester_rules.EventKind.APPROVED, one["approved_at"], (BODY, DECIDER)),
    ):
        if at:
            testers.record(
                session,
                testers.TesterEvent(
                    tester_id=added.id,
                    kind=kind,
                    recorded_at=datetime.fromisoformat(at),
                    organisation_number=who[0],
                    client=who[1],
                ),
            )


def _delegation(session: Session, one: dict[str, Any], owners: dict[str, int]) -> None:
    product = products.find(session, one["product"])
    assert product
    delegations.add(
        session,
        delegations.Delegation(
            uuid=seed_id(f"delegation:{one['name']}"),
            tester_id=testers.by_uuid(session, seed_id(f"tester:{one['tester']}")).id,
            product_id=product.id,
            until_on=date.fromisoformat(one["until_on"]),
            given_at=datetime.fromisoformat(one["given_at"]),
            organisation_number=one["organisation"],
            client=TESTER,
        ),
    )


def _report(session: Session, one: dict[str, Any], owners: dict[str, int]) -> None:
    signed = report_rules.opened(one["signed"].encode())
    report, wrong = report_rules.report(signed.claims)
    assert report
    assert not wrong
    tester = testers.by_uuid(session, report.tester)
    assert signatures.verify(tester.jwk, signed.covered, signed.signature)
    product = products.find(session, report.product)
    version = specifications.find_version(session, report.specification, report.specification_version)
    assert product
    assert version
    at = datetime.fromisoformat(one["received_at"])
    kept = evidence_files.keep(
        session,
        content=one["signed"].encode(),
        media_type=report_rules.MEDIA_TYPE,
        file_name=f"{report.id}.jose",
        title={"nb": f"Signert testrapport: {report.tool}"},
        uploaded_by_id=tester.organisation_id,
        client=TESTER,
        at=at,
        readers=[product.supplier_id],
        uuid=seed_id(f"evidence-file:test-report:{one['name']}"),
    )
    ids = {row.code: row.id for row in specifications.requirements(session, version.id)}
    test_reports.add(
        session,
        test_reports.TestReport(
            uuid=seed_id(f"test-report:{one['name']}"),
            tester_id=tester.id,
            jti=report.id,
            product_id=product.id,
            version=report.version,
            specification_version_id=version.id,
            tool=report.tool,
            tool_version=report.tool_version,
            assurance=Assurance.THIRD_PARTY,
            state=report_rules.first_state(result.outcome for result in report.results),
            issued_at=report.issued_at,
            received_at=at,
            evidence_file_id=kept.id,
            organisation_number=tester.organisation or "",
            client=TESTER,
        ),
        [
            test_reports.TestReportResult(
                test_report_id=0,
                requirement_id=ids[result.requirement],
                outcome=result.outcome,
                reason=result.reason,
                log_sha256=result.log_sha256,
                ran_on=result.ran_on,
            )
            for result in report.results
        ],
    )
