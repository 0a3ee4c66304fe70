"""Needs: the projects that a report of 2019 tells of, without saying whose they are, and fictional ones."""

from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.joinings import store as joinings
from services.catalog.needs import store as needs
from services.catalog.needs.rules import Area, Audience, EventKind, ProjectStatus
from services.catalog.organisations import store as organisations
from services.catalog.seed.files import read, told
from services.chassis import clock
from services.chassis.values import seed_id

SOURCE = "Vivento/Agenda Kaupang: Digitale Helgeland, februar 2019"
REPORTED_AT = datetime(2019, 2, 1, tzinfo=UTC)
STATUSES = {"gjennomført": ProjectStatus.CARRIED_OUT, "planlagt": ProjectStatus.PLANNED}
AREAS = {
    "Oppvekst (oppfyllelse av § 13-10, barnehage- og skoleadministrative systemer)": Area.EDUCATION,
    "Svar-ut/ servicetorg": Area.CITIZEN_SERVICES,
    "Digitalisering av skjemaer": Area.CITIZEN_SERVICES,
    "Velferdsteknologi": Area.HEALTH_AND_CARE,
    "Infrastruktur": Area.INFRASTRUCTURE,
    "GDPR": Area.SECURITY_AND_PRIVACY,
    "Elektronisk arkiv": Area.ARCHIVE_AND_CASES,
    "Innføring Office 365": Area.INFRASTRUCTURE,
    "Digitalisering av tjenester og beredskap": Area.PREPAREDNESS,
    "Kommuneplan på digitalisering og IKT": Area.STRATEGY,
    "Digitalisering nettbrett og digitale læringsmidler": Area.EDUCATION,
    "Digitalisering byggsak": Area.PLANNING_AND_BUILDING,
    "Organisering av IT-drift/ skyløsninger": Area.INFRASTRUCTURE,
    "Infrastruktur- fiber/bredbånd": Area.INFRASTRUCTURE,
    "Informasjon til publikum": Area.CITIZEN_SERVICES,
    "Informasjonssikkerhet": Area.SECURITY_AND_PRIVACY,
    "Compilo": Area.OTHER,
    "Digitaliseringsstrategi": Area.STRATEGY,
    "Robot- fakturahåndtering": Area.FINANCE_AND_STAFF,
    "Oppgradering sak/ arkiv": Area.ARCHIVE_AND_CASES,
    "Ny hjemmeside/ selvbetjeningsløsninger": Area.CITIZEN_SERVICES,
    "Felles digital plattform med Bodø": Area.INFRASTRUCTURE,
}
"""Under which area each is filed here; ours, as the source has none."""


def load(session: Session) -> int:
    known = needs.uuids(session)
    loaded = 0
    for row in read("helgeland_projects_2018_2019.csv"):
        uuid = seed_id(f"need:helgeland:{row['year']}:{row['project_area']}")
        if uuid in known:
            continue
        status = STATUSES[row["status"]]
        need = needs.Need(
            uuid=uuid,
            title={"nb": row["project_area"]},
            area=AREAS[row["project_area"]],
            project_status=status,
            project_year=int(row["year"]),
            audience=Audience.PUBLIC,
            source={
                "source": SOURCE,
                "title_in_source": row["project_area"],
                "status_in_source": row["status"],
                "year": int(row["year"]),
                "municipality_count_in_source": int(row["municipality_count"]),
            },
            posted_at=REPORTED_AT,
        )
        now = clock.now()
        needs.add(session, need, [], [], None, kind=EventKind.REPORTED, recorded_at=now)
        if status is ProjectStatus.CARRIED_OUT:
            needs.record(session, need.id, EventKind.MET, now, None, "Gjennomført ifølge kilden")
        loaded += 1
    return told(session, "need.seed", "/needs", loaded)


def load_fictional(session: Session, new: list[dict[str, Any]]) -> int:
    known = needs.uuids(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if seed_id(f"need:{one['id']}") not in known]
    for one in missing:
        asked = [(specification, code) for specification, code in one["requirements"]]
        keys = needs.requirement_ids(session, asked)
        posted_at = datetime.fromisoformat(one["posted_at"])
        need = needs.Need(
            uuid=seed_id(f"need:{one['id']}"),
            owner_id=ids[one["owner"]],
            title=one["title"],
            description=one["description"],
            area=Area(one["area"]),
            project_status=ProjectStatus(one["project"]["status"]),
            project_year=one["project"]["year"],
            wanted_by_on=date.fromisoformat(one["wanted_by_on"]) if one["wanted_by_on"] else None,
            audience=Audience(one["audience"]),
            fictional=True,
            posted_at=posted_at,
        )
        linked = [components.find(session, slug) or 0 for slug in one["components"]]
        needs.add(session, need, linked, [keys[pair] for pair in asked], one["owner"])
        for number in one["joined"]:
            joinings.join(session, need.id, ids[number], posted_at, for_members=False)
        if one["state"] == "met":
            needs.record(session, need.id, EventKind.MET, posted_at, one["owner"], None)
    return told(session, "need.seed", "/needs", len(missing))
