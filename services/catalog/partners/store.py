"""Needs that have something in common with one."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.catalog.needs.rules import LIVE, STATES

MOST = 500
"""Needs that are looked at: those with most in common first."""
_LIVE = ", ".join(f"'{kind}'" for kind, state in STATES.items() if state in LIVE)
_OVERLAPPING = sa.text(
    f"""
    WITH hits AS (
        SELECT need_id, 100 AS worth FROM need_requirement
         WHERE requirement_id = ANY(:requirements)
         UNION ALL
        SELECT need_id, 10 FROM need_component
         WHERE component_id IN (SELECT component_id FROM need_component WHERE need_id = :need)
         UNION ALL
        SELECT id, 1 FROM need WHERE area = (SELECT area FROM need WHERE id = :need)
         UNION ALL
        SELECT :need, 1000000),
    best AS (
        SELECT n.id FROM need n JOIN hits ON hits.need_id = n.id
         WHERE n.id = :need
            OR (SELECT e.kind FROM need_event e WHERE e.need_id = n.id ORDER BY e.id DESC LIMIT 1) IN ({_LIVE})
         GROUP BY n.id ORDER BY sum(hits.worth) DESC, n.id DESC LIMIT :rows)
    SELECT n.id, n.uuid, n.owner_id, n.title, n.area,
           ARRAY(SELECT component_id FROM need_component WHERE need_id = n.id) AS components,
           ARRAY(SELECT requirement_id FROM need_requirement WHERE need_id = n.id) AS requirements
      FROM need n JOIN best ON best.id = n.id
    """  # noqa: S608  # put together from our own constants only
)
_SLUGS = sa.text("SELECT id, slug FROM component WHERE id = ANY(:ids)")
_CODES = sa.text("SELECT id, code FROM requirement WHERE id = ANY(:ids)")
_NAMES = sa.text(
    """
    SELECT k.id, o.name FROM cooperation k JOIN organisation o ON o.id = k.organisation_id WHERE k.id = ANY(:ids)
    """
)


def overlapping(session: Session, need_id: int, requirements: Collection[int]) -> Sequence[sa.Row[Any]]:
    """The need itself, and those open or in progress that share one of the requirements, a component or the area with
    it; MOST + 1 at most."""
    values = {"need": need_id, "requirements": list(requirements), "rows": MOST + 1}
    return session.execute(_OVERLAPPING, values).all()


def names(session: Session, needs: Sequence[Any]) -> tuple[dict[int, str], dict[int, str]]:
    """What the components and requirements of these needs are called: (slugs, ids), by internal key."""
    components = {one for need in needs for one in need.components}
    requirements = {one for need in needs for one in need.requirements}
    return (
        {row.id: row.slug for row in session.execute(_SLUGS, {"ids": list(components)})},
        {row.id: row.code for row in session.execute(_CODES, {"ids": list(requirements)})},
    )


def co_operation_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(_NAMES, {"ids": list(ids)})}
