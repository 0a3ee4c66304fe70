"""Fictional interfaces with versions, artefacts and consumers."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.artefacts import examination
from services.catalog.artefacts import rules as artefact_rules
from services.catalog.artefacts import store as artefacts
from services.catalog.components import store as components
from services.catalog.consumers import store as consumers
from services.catalog.interface_versions import rules as version_rules
from services.catalog.interface_versions import store as versions
from services.catalog.interfaces import store as interfaces
from services.catalog.interfaces.rules import Kind, Status
from services.catalog.organisations import store as organisations
from services.catalog.seed.files import DATA, told
from services.chassis.problems import refuse

ARTEFACTS = DATA / "fictional" / "artefacts"


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = interfaces.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        interface = interfaces.add(
            session,
            interfaces.new(
                one["slug"],
                one["name"],
                kind=Kind(one["kind"]),
                summary=one["summary"],
                owner_id=ids[one["owner"]],
                provided_by_id=components.find(session, one["provided_by"]),
                confirmed_on=date.fromisoformat(one["confirmed_on"]),
            ),
        )
        kept = {
            version["version"]: versions.add(
                session,
                versions.InterfaceVersion(
                    interface_id=interface.id,
                    label=version["version"],
                    notes=version["notes"],
                    registered_at=datetime.fromisoformat(version["registered_at"]),
                ),
            )
            for version in one["versions"]
        }
        for version in one["versions"]:
            row = kept[version["version"]]
            if version["artefact"]:
                _describe(session, interface, row, version["artefact"])
            _live(session, row, version["then"], kept, one["owner"])
            for use in version["consumers"]:
                component_id = components.find(session, use["component"])
                assert component_id
                since_on = date.fromisoformat(use["since_on"])
                use_of_it = consumers.Consumer(version_id=row.id, component_id=component_id, since_on=since_on)
                consumers.add(session, use_of_it)
    return told(session, "interface.seed", "/interfaces", len(missing))


def _describe(
    session: Session, interface: interfaces.Interface, row: versions.InterfaceVersion, artefact: dict[str, str]
) -> None:
    content = (ARTEFACTS / artefact["file"]).read_bytes()
    examined = examination.examine(content, artefact["media_type"])
    refuse(artefact_rules.check(examined, interface.kind))
    artefacts.put(session, row.id, content, artefact["media_type"], examined, row.registered_at)


def _live(
    session: Session,
    row: versions.InterfaceVersion,
    then: list[dict[str, Any]],
    kept: dict[str, versions.InterfaceVersion],
    owner: str,
) -> None:
    status = Status.DRAFT
    for event in then:
        step = version_rules.Step(event["step"])
        status = version_rules.MOVES[status, step]
        versions.record(
            session,
            versions.Event(
                version_id=row.id,
                step=step,
                status=status,
                effective_on=date.fromisoformat(event["effective_on"]),
                recorded_at=datetime.fromisoformat(event["recorded_at"]),
                reason=event["reason"],
                organisation=owner,
            ),
        )
        if event.get("replaced_by"):
            row.replaced_by_id = kept[event["replaced_by"]].id
    session.flush()
