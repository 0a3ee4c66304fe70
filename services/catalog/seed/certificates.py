"""Fictional certificates with what happened to them."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.products import store as products
from services.catalog.seed.files import told
from services.catalog.specifications import store as specifications
from services.chassis import clock


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = certificates.numbers(session)
    missing = [one for one in new if one["number"] not in known]
    for one in missing:
        product = products.find(session, one["product"])
        version = specifications.find_version(session, one["specification"], one["specification_version"])
        assert product
        assert version
        ids = {row.code: row.id for row in specifications.requirements(session, version.id)}
        recorded_at = datetime.fromisoformat(one["recorded_at"])
        granted = certificates.grant(
            session,
            certificates.Certificate(
                number="",
                product_id=product.id,
                holder_id=product.supplier_id,
                specification_version_id=version.id,
                **_scope(one["versions"], one["delivery_forms"]).detail(),
                valid_from_on=date.fromisoformat(one["valid_from_on"]),
                valid_to_on=date.fromisoformat(one["valid_to_on"]),
                decided_by=one["decided_by"],
            ),
            [_result(ids[code], result, one["evidence"], recorded_at) for code, result in one["results"].items()],
            recorded_at=recorded_at,
            today=clock.on(recorded_at),
            reason=one["reason"],
            conditions=[
                certificates.Condition(
                    certificate_id=0,
                    recorded_at=recorded_at,
                    **{**condition, "due_on": date.fromisoformat(condition["due_on"])},
                )
                for condition in one.get("conditions", ())
            ],
        )
        for event in one["then"]:
            recorded_at = datetime.fromisoformat(event["recorded_at"])
            certificates.record(
                session,
                granted.id,
                certification.EVENTS[certification.Step(event["step"])],
                effective_on=date.fromisoformat(event["effective_on"]),
                recorded_at=recorded_at,
                today=clock.on(recorded_at),
                reason=event["reason"],
                organisation=one["decided_by"],
            )
    return told(session, "certificate.seed", "/certificates", len(missing))


def _scope(versions: Any, delivery_forms: list[str]) -> certification.Scope:
    if versions == "all":
        return certification.Scope(delivery_forms=tuple(delivery_forms))
    if isinstance(versions, dict):
        return certification.Scope(None, versions["from"], versions["to"], tuple(delivery_forms))
    return certification.Scope(tuple(versions), delivery_forms=tuple(delivery_forms))


def _result(
    requirement_id: int, result: dict[str, Any], evidence: dict[str, str], recorded_at: datetime
) -> certificates.Result:
    outcome = certification.Outcome(result["outcome"])
    return certificates.Result(
        certificate_id=0,
        requirement_id=requirement_id,
        outcome=outcome,
        reason=result.get("reason"),
        evidence=[evidence] if outcome in (certification.Outcome.MET, certification.Outcome.PARTLY) else [],
        assurance=certification.Assurance(result.get("assurance", "third_party")),
        tester=result.get("tester"),
        tool=result.get("tool"),
        tool_version=result.get("tool_version"),
        lifetime_days=result.get("lifetime_days"),
        tested_on=None if result.get("assurance") == "self_declared" else date.fromisoformat(evidence["dated_on"]),
        recorded_at=recorded_at,
    )
