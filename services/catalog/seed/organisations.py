"""Real municipalities since 2010, counties and agencies, and fictional organisations."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind, LanguageForm, Relation
from services.catalog.organisations.store import Organisation, Succession
from services.catalog.periods import store as periods
from services.catalog.periods.rules import day_before
from services.catalog.periods.store import CountyPeriod, FormerName, MunicipalityNumber, Population
from services.catalog.seed import structures
from services.catalog.seed.files import read, told
from services.catalog.seed.structures import Body
from services.chassis.values import seed_id, sort_key

OSLO = "958935420"
AUST_AGDER = "943039046"
LANGUAGE_FORMS = {"bokmål": LanguageForm.NB, "nynorsk": LanguageForm.NN, "nøytral": LanguageForm.NEUTRAL}
NO_STATE_AGENCY = {"KS"}
RECORDED_AT = datetime(2026, 11, 25, tzinfo=UTC)


def load(session: Session, *, made_up: bool = True) -> int:
    known = organisations.ids_by_uuid(session)
    before = len(known)
    by_year = {year: read(f"municipalities_{year}.csv") for year in structures.YEARS}
    bodies = structures.read_together(by_year)
    for body in bodies:
        kinds = [Kind.MUNICIPALITY, Kind.COUNTY] if body.organisation_number == OSLO else [Kind.MUNICIPALITY]
        _add(
            session,
            known,
            body.key,
            body.name,
            kinds,
            official_name=body.official_name,
            organisation_number=body.organisation_number,
        )
    for row in read("counties_2024.csv"):
        began = structures.county_began(row["county_number"], row["name"], by_year)
        _add(
            session,
            known,
            f"organisation:{row['organisation_number']}",
            row["legal_name"],
            [Kind.COUNTY],
            organisation_number=row["organisation_number"],
            county_number=row["county_number"],
            existed_from_on=began,
            existence_basis="The structures that show the county" if began else None,
        )
    _add(
        session,
        known,
        f"organisation:{AUST_AGDER}",
        "Aust-Agder fylkeskommune",
        [Kind.COUNTY],
        organisation_number=AUST_AGDER,
        county_number="09",
        existed_to_on=day_before(structures.start(2020)),
        existence_basis="SSB's structures of 2015 and 2020: its municipalities lie in Agder",
    )
    for row in read("shared_components.csv"):
        # An owner with its number stands first alone in the file; «Kartverket og KS» comes later.
        number = row["owner_today_organisation_number"]
        if number:
            kind = Kind.OTHER if row["owner_today"] in NO_STATE_AGENCY else Kind.STATE_AGENCY
            _add(session, known, f"organisation:{number}", row["owner_today"], [kind], organisation_number=number)
    for row in read("fictional/organisations.csv") if made_up else ():
        _add(
            session,
            known,
            f"organisation:{row['organisation_number']}",
            row["name"],
            [Kind(row["kind"])],
            organisation_number=row["organisation_number"],
            fictional=True,
        )
    if not _has_history(session):
        _history(session, bodies, known)
    _language_forms(session, by_year[2024])
    return told(session, "organisation.seed", "/organisations", len(known) - before)


def _add(session: Session, known: dict[UUID, int], key: str, name: str, kinds: list[Kind], **rest: Any) -> None:
    uuid = seed_id(key)
    if uuid not in known:
        known[uuid] = organisations.add(session, organisations.new(name, kinds, uuid=uuid, **rest)).id


def _language_forms(session: Session, rows: Sequence[Mapping[str, str]]) -> None:
    """Also of those that were loaded before it was told of them; what an editor has said stays."""
    here = Organisation.__table__.c  # type: ignore[attr-defined]  # SQLModel adds it
    session.execute(
        sa.update(Organisation.__table__)  # type: ignore[attr-defined]  # SQLModel adds it
        .where(here.organisation_number == sa.bindparam("of"), here.language_form.is_(None))
        .values(language_form=sa.bindparam("form")),
        [{"of": row["organisation_number"], "form": LANGUAGE_FORMS[row["language_form"]]} for row in rows],
    )
    session.expire_all()


def _has_history(session: Session) -> bool:
    query = select(Population.organisation_id).where(col(Population.counted_on) == structures.start(2010)).limit(1)
    return session.exec(query).first() is not None


def _history(session: Session, bodies: list[Body], known: dict[UUID, int]) -> None:
    """Everything dated, anew, also for those whose numbers were loaded before there was a history."""
    ids = {body.key: known[seed_id(body.key)] for body in bodies}
    for table in (MunicipalityNumber, CountyPeriod, Population):
        session.execute(sa.delete(table).where(col(table.organisation_id).in_(ids.values())))
    here = Organisation.__table__.c  # type: ignore[attr-defined]
    session.execute(
        sa.update(Organisation.__table__)  # type: ignore[attr-defined]
        .where(here.id == sa.bindparam("key"))
        .values(
            {
                name: sa.bindparam(f"new_{name}")
                for name in (
                    *("existed_from_on", "existed_to_on", "existence_basis"),
                    *("county_number", "population", "population_on"),
                )
            }
        ),
        [_newest(body, ids[body.key]) for body in bodies],
    )
    session.expire_all()
    for body in bodies:
        id = ids[body.key]
        session.add_all(periods.number(id, one) for one in body.numbers)
        session.add_all(
            CountyPeriod(
                organisation_id=id,
                county_number=one.number,
                county_name=one.name,
                valid_from_on=one.valid_from_on,
                valid_to_on=one.valid_to_on,
            )
            for one in body.counties
        )
        session.add_all(
            FormerName(
                organisation_id=id,
                name=one.name,
                sort_key=sort_key(one.name),
                valid_from_on=one.valid_from_on,
                valid_to_on=one.valid_to_on,
            )
            for one in body.former
        )
        session.add_all(
            Population(organisation_id=id, counted_on=day, inhabitants=number)
            for day, number in body.populations.items()
        )
        session.add_all(
            _succession(id, ids[one.successor], one.kind, one.effective_on, one.source) for one in body.followed_by
        )
    agder = next(row["organisation_number"] for row in read("counties_2024.csv") if row["county_number"] == "42")
    session.add(
        _succession(
            known[seed_id(f"organisation:{AUST_AGDER}")],
            known[seed_id(f"organisation:{agder}")],
            Relation.MERGER,
            structures.start(2020),
            "SSB's structures of 2015 and 2020: its municipalities lie in Agder; dated to the later one's first day",
        )
    )
    session.flush()


def _newest(body: Body, id: int) -> dict[str, Any]:
    counted_on: date | None = max(body.populations, default=None)
    return {
        "key": id,
        "new_existed_from_on": body.from_on,
        "new_existed_to_on": body.to_on,
        "new_existence_basis": body.basis,
        "new_county_number": body.counties[-1].number,
        "new_population": body.populations[counted_on] if counted_on else None,
        "new_population_on": counted_on,
    }


def _succession(predecessor: int, successor: int, kind: Relation, effective_on: date, source: str) -> Succession:
    return Succession(
        predecessor_id=predecessor,
        successor_id=successor,
        kind=kind,
        effective_on=effective_on,
        source=source,
        recorded_at=RECORDED_AT,
    )
