"""Fictional test endpoints and conformance runs."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.catalog.addresses import rules as addresses
from services.catalog.artefacts import store as artefacts
from services.catalog.conformance_runs import rules
from services.catalog.conformance_runs import store as runs
from services.catalog.conformance_runs.rules import State, Step
from services.catalog.interface_versions import store as interface_versions
from services.catalog.products import store as products
from services.catalog.seed.files import told
from services.catalog.specifications import store as specifications
from services.catalog.test_endpoints import rules as endpoint_rules
from services.catalog.test_endpoints import store as endpoints
from services.chassis.values import seed_id

CLIENT = "fiktivt-system"
TRIED_AFTER_SECONDS = 3600.0
"""A run that waits is tried when the installation has been looked at for a while; its name is then found made up."""


def load(session: Session, new: dict[str, list[dict[str, Any]]]) -> int:
    missing = [one for one in new["endpoints"] if endpoints.find(session, _id(one["id"])) is None]
    for one in missing:
        _endpoint(session, one)
    waiting = [one for one in new["runs"] if runs.locked(session, seed_id(f"conformance-run:{one['id']}")) is None]
    for one in waiting:
        _run(session, one)
    return told(session, "test-endpoint.seed", "/test-endpoints", len(missing) + len(waiting))


def _id(name: str) -> Any:
    return seed_id(f"test-endpoint:{name}")


def _endpoint(session: Session, one: dict[str, Any]) -> None:
    product = products.find(session, one["product"])
    assert product
    target = addresses.parse(one["base_url"])
    endpoint = endpoints.add(
        session,
        endpoints.Endpoint(
            uuid=_id(one["id"]),
            product_id=product.id,
            base_url=target.url,
            host=target.host,
            headers=one["headers"],
            organisation_number=product.supplier,
            client=CLIENT,
            registered_at=datetime.fromisoformat(one["registered_at"]),
        ),
    )
    if one["approved_by"]:
        event = endpoints.EndpointEvent(
            endpoint_id=endpoint.id,
            step=endpoint_rules.Step.APPROVE,
            state=endpoint_rules.State.APPROVED,
            recorded_at=datetime.fromisoformat(one["approved_at"]),
            reason=one["reason"],
            organisation_number=one["approved_by"],
            client=CLIENT,
        )
        endpoints.record(session, endpoint, event)


def _run(session: Session, one: dict[str, Any]) -> None:
    endpoint = endpoints.find(session, _id(one["endpoint"]))
    specified = specifications.find_version(session, one["specification"], one["specification_version"])
    _, version = interface_versions.of(session, one["interface"], one["interface_version"])
    assert endpoint
    assert specified
    run = runs.add(
        session,
        runs.Run(
            uuid=seed_id(f"conformance-run:{one['id']}"),
            endpoint_id=endpoint.id,
            product_id=endpoint.product_id,
            version=one["version"],
            specification_version_id=specified.id,
            requirements=one["requirements"],
            interface_version_id=version.id,
            contract_sha256=artefacts.of(session, version.id).sha256,
            organisation_number=endpoint.organisation_number,
            client=CLIENT,
            requested_at=datetime.fromisoformat(one["requested_at"]),
        ),
        in_seconds=None if "report" in one else TRIED_AFTER_SECONDS,
    )
    if "report" in one:
        begun = runs.RunEvent(
            run_id=run.id,
            step=Step.START,
            state=State.RUNNING,
            recorded_at=datetime.fromisoformat(one["started_at"]),
            detail={"attempt": 1},
        )
        runs.record(session, run, begun)
        at = datetime.fromisoformat(one["finished_at"])
        runs.end(session, run, rules.judge(one["report"]), at, one["used"])
