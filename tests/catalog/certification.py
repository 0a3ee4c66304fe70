"""From an application to a certificate, through the door, for tests that need one or look at the way."""

from collections.abc import Mapping
from typing import Any

from fastapi.testclient import TestClient

from services.chassis import clock
from tests.issuer import Issuer

FJORDVAKT, NORDLYS, HAVORN, ADVISER = "100000016", "100000024", "100000032", "100000067"
BODY, LAB, JOINT_UNIT = "100000040", "100000059", "100000008"
APPLICATIONS, ASSESSMENTS = "/certification-applications", "/certification-assessments"
DECISIONS = "/certification-decisions"
SPECIFICATION = "velferdsteknologi-datautveksling"
SUPPLIERS = {"fjordvakt": FJORDVAKT, "nordlys": NORDLYS, "havorn": HAVORN}
"""By the first word of their products' names in addresses."""


class Certification:
    """Everybody who takes part, each with a token of their own."""

    def __init__(self, catalog: TestClient, issuer: Issuer) -> None:
        self.catalog = catalog
        self._issuer = issuer
        self.assessor = issuer.bearer(LAB, "certification.assess", client="vurderer")
        self.decider = issuer.bearer(BODY, "certification.decide", client="beslutter")

    def applicant(self, organisation: str) -> dict[str, str]:
        return self._issuer.bearer(organisation, "certification.apply", client=f"søker-{organisation}")

    def draft(self, organisation: str, **wanted: Any) -> Any:
        new = {"specification": SPECIFICATION, "specification_version": "1.0"} | wanted
        return self.catalog.post(APPLICATIONS, json=new, headers=self.applicant(organisation))

    def submit(self, organisation: str, path: str, **body: Any) -> Any:
        return self.catalog.post(f"{path}/submit", json=body, headers=self.applicant(organisation))

    def submitted(self, organisation: str, **wanted: Any) -> str:
        """→ the application's path"""
        drafted = self.draft(organisation, **wanted)
        assert drafted.status_code == 201, drafted.text
        path: str = drafted.headers["Location"]
        answer = self.submit(organisation, path)
        assert answer.status_code == 200, answer.text
        return path

    def assess(self, application: str, results: Mapping[str, dict[str, Any]], recommendation: str = "grant") -> None:
        """Every must that is not named is met, tested today."""
        begun = self.catalog.post(
            ASSESSMENTS, json={"application": application.rpartition("/")[2]}, headers=self.assessor
        )
        assert begun.status_code == 201, begun.text
        path = begun.headers["Location"]
        wanted: dict[str, Any] = {
            one["requirement"]: met() for one in begun.json()["requirements"] if one["obligation"] == "must"
        }
        for requirement, result in {**wanted, **results}.items():
            put = self.catalog.put(f"{path}/results/{requirement}", json=result, headers=self.assessor)
            assert put.status_code == 200, put.text
        done = self.catalog.post(
            f"{path}/complete", json={"recommendation": recommendation, "reason": "Vurdert"}, headers=self.assessor
        )
        assert done.status_code == 200, done.text

    def decide(self, application: str, headers: dict[str, str] | None = None, **decision: Any) -> Any:
        granted = {"valid_from_on": "2027-01-01", "valid_to_on": "2029-12-31"}
        refused = decision.get("outcome") == "refused"
        new = {
            "application": application.rpartition("/")[2],
            "outcome": "granted",
            "reason": "Vedtak",
            **({} if refused else granted),
            **decision,
        }
        kept = {name: value for name, value in new.items() if value is not None}
        return self.catalog.post(DECISIONS, json=kept, headers=headers or self.decider)

    def recommended(
        self,
        *,
        product: str = "havorn-alarm",
        organisation: str | None = None,
        results: Mapping[str, dict[str, Any]] | None = None,
        recommendation: str = "grant",
        **wanted: Any,
    ) -> str:
        """An application of a product's supplier that only waits for a decision. → its path"""
        if organisation is None:
            organisation = SUPPLIERS[product.partition("-")[0]]
            wanted = {"product": product, "delivery_forms": ["saas"]} | wanted
        path = self.submitted(organisation, **wanted)
        self.assess(path, results or {}, recommendation)
        return path


def met(**changed: Any) -> dict[str, Any]:
    """A result with evidence, of today."""
    today = str(clock.today())
    evidence = [{"description": "Testrapport", "sha256": "ab" * 32, "dated_on": today}]
    return {"outcome": "met", "evidence": evidence, "tested_on": today} | changed


def certified(
    catalog: TestClient,
    issuer: Issuer,
    *,
    product: str = "havorn-alarm",
    results: Mapping[str, dict[str, Any]] | None = None,
    decision: Mapping[str, Any] | None = None,
    **wanted: Any,
) -> str:
    """The number of a certificate that went the whole way: application, assessment, decision."""
    way = Certification(catalog, issuer)
    path = way.recommended(product=product, results=results, recommendation="grant_with_conditions", **wanted)
    answer = way.decide(path, **(decision or {}))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["certificate"])
