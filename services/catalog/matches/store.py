"""What is asked of certificates, declarations and products when a need is matched; each question once."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.catalog.certificates.store import HISTORY

MOST = 1_000
"""Certificates, declarations and products that are looked at, each; beyond it the answer says that it is not whole."""

# Certificates that may be in force on the day; status and scope are a rule's affair.
_CERTIFICATES = sa.text(
    f"""
    SELECT c.id, c.number, c.product_id, s.slug AS specification, v.label AS specification_version,
           p.version AS current_version, {HISTORY}
      FROM certificate c
      JOIN product p ON p.id = c.product_id
      JOIN specificationversion v ON v.id = c.specification_version_id
      JOIN specification s ON s.id = v.specification_id
     WHERE c.valid_from_on <= :on
       AND (c.valid_to_on >= :on
            OR EXISTS (SELECT 1 FROM certificate_event e WHERE e.certificate_id = c.id AND e.kind = 'renewed'))
       AND EXISTS (SELECT 1 FROM result r WHERE r.certificate_id = c.id AND r.requirement_id = ANY(:requirements))
     ORDER BY c.number DESC LIMIT :rows
    """  # noqa: S608  # put together from our own constants only
)
_RESULTS = sa.text(
    """
    SELECT certificate_id, requirement_id, outcome FROM result
     WHERE certificate_id = ANY(:certificates) AND requirement_id = ANY(:requirements)
    """
)
_DECLARATIONS = sa.text(
    """
    SELECT d.product_id, d.uuid, q.id AS requirement_id, q.obligation, a.answer
      FROM (SELECT * FROM declaration d
             WHERE d.declared_on <= :on AND (d.withdrawn_on IS NULL OR d.withdrawn_on > :on)
               AND EXISTS (SELECT 1 FROM specificationversion_requirement vr
                            WHERE vr.version_id = d.specification_version_id
                              AND vr.requirement_id = ANY(:requirements))
             ORDER BY d.id DESC LIMIT :rows) AS d
      JOIN specificationversion_requirement vr
        ON vr.version_id = d.specification_version_id AND vr.requirement_id = ANY(:requirements)
      JOIN requirement q ON q.id = vr.requirement_id
      LEFT JOIN declaration_answer a ON a.declaration_id = d.id AND a.requirement_id = q.id
    """
)
_PRODUCTS = sa.text(
    """
    SELECT p.id, p.slug, p.name, p.delivery_forms, p.supplier_id,
           ARRAY(SELECT p.component_id WHERE p.component_id IS NOT NULL UNION
                 SELECT pc.component_id FROM productcomponent pc WHERE pc.product_id = p.id) AS components
      FROM product p WHERE p.id = ANY(:ids)
    """
)
_COMPONENTS = sa.text("SELECT id, slug, name FROM component WHERE id = ANY(:ids)")


def certificates(session: Session, requirements: Collection[int], on: date) -> Sequence[sa.Row[Any]]:
    """Those with a result for one of the requirements, MOST + 1 at most."""
    values = {"requirements": list(requirements), "on": on, "rows": MOST + 1}
    return session.execute(_CERTIFICATES, values).all()


def results(session: Session, certificates: Collection[int], requirements: Collection[int]) -> Sequence[sa.Row[Any]]:
    values = {"certificates": list(certificates), "requirements": list(requirements)}
    return session.execute(_RESULTS, values).all()


def declarations(session: Session, requirements: Collection[int], on: date) -> Sequence[sa.Row[Any]]:
    """Each requirement of each declaration in force on the day, with its answer where there is one."""
    values = {"requirements": list(requirements), "on": on, "rows": MOST + 1}
    return session.execute(_DECLARATIONS, values).all()


def products(session: Session, ids: Collection[int]) -> Sequence[sa.Row[Any]]:
    return session.execute(_PRODUCTS, {"ids": list(ids)}).all()


def components(session: Session, ids: Collection[int]) -> Sequence[sa.Row[Any]]:
    return session.execute(_COMPONENTS, {"ids": list(ids)}).all()
