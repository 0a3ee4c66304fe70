"""A certificate with everything that one can have, for whatever shows them."""

from datetime import date, timedelta
from typing import Any

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, ConditionKind, Outcome
from services.catalog.products import store as products
from services.catalog.specifications import store as specifications
from services.chassis import clock
from services.chassis.db import Database

BODY = "100000040"


def granted_with_everything(database: Database) -> str:
    """The number of a certificate with conditions, a dispensation, and results of each kind."""
    now = clock.now()
    today = clock.on(now)
    with database.writing() as session:
        product = products.find(session, "havorn-alarm")
        version = specifications.find_version(session, "velferdsteknologi-datautveksling", "1.0")
        assert product
        assert version
        ids = {one.code: one.id for one in specifications.requirements(session, version.id)}
        told: dict[str, Any] = {
            "VT1-01": {
                "outcome": Outcome.MET,
                "assurance": Assurance.THIRD_PARTY,
                "tester": "100000059",
                "tool": "Prøveverktøy",
                "tool_version": "3.1",
                "tested_on": date(2026, 10, 1),
            },
            "VT1-02": {"outcome": Outcome.MET, "assurance": Assurance.SELF_DECLARED},
            "VT1-03": {"outcome": Outcome.NOT_TESTED, "assurance": Assurance.SELF_DECLARED},
        }
        evidence = [{"description": "Rapport", "sha256": "ab" * 32, "dated_on": "2026-10-01"}]
        return certificates.grant(
            session,
            certificates.Certificate(
                number="",
                product_id=product.id,
                holder_id=product.supplier_id,
                version_from="1.0",
                specification_version_id=version.id,
                delivery_forms=["saas"],
                valid_from_on=today,
                valid_to_on=today + timedelta(days=700),
                decided_by=BODY,
            ),
            [
                certificates.Result(
                    certificate_id=0, requirement_id=ids[code], evidence=evidence, recorded_at=now, **one
                )
                for code, one in told.items()
            ],
            recorded_at=now,
            today=today,
            reason="Vedtak (fiktivt)",
            conditions=[
                certificates.Condition(
                    certificate_id=0,
                    key=key,
                    kind=kind,
                    requirement=requirement,
                    text=text,
                    due_on=today + timedelta(days=90),
                    recorded_at=now,
                )
                for key, kind, requirement, text in (
                    ("1", ConditionKind.CONDITION, "VT1-02", "Universell utforming rettes (fiktivt)"),
                    ("2", ConditionKind.DISPENSATION, "VT1-03", "Kan leveres uten dette (fiktivt)"),
                )
            ],
        ).number
