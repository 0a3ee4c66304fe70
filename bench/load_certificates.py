"""A hundred thousand certificates for the catalogue that is measured: ten for each of its products, 2 % not valid."""

import psycopg

SPECIFICATIONS, MUSTS = 10, 4
NAMED = "maaling-krav-"
_STATEMENTS = (
    f"""
    INSERT INTO specification (slug, level, name)
    SELECT '{NAMED}' || n, 1, jsonb_build_object('nb', 'Krav ' || n || ' (måling)')
      FROM generate_series(1, {SPECIFICATIONS}) n
    """,
    f"""
    INSERT INTO specificationversion (specification_id, label)
    SELECT id, '1.0' FROM specification WHERE slug LIKE '{NAMED}%' ORDER BY id
    """,
    f"""
    INSERT INTO specificationversion_event (version_id, kind, effective_on, recorded_at, back_dated)
    SELECT v.id, 'published', '2025-01-01', '2025-01-01', false
      FROM specificationversion v JOIN specification s ON s.id = v.specification_id WHERE s.slug LIKE '{NAMED}%'
    """,
    f"""
    INSERT INTO requirement (specification_id, code, obligation, text)
    SELECT s.id, 'M' || n, 'must', jsonb_build_object('nb', 'Må-krav ' || n)
      FROM specification s, generate_series(1, {MUSTS}) n WHERE s.slug LIKE '{NAMED}%'
    """,
    f"""
    INSERT INTO specificationversion_requirement (version_id, requirement_id, place)
    SELECT v.id, q.id, row_number() OVER (PARTITION BY v.id ORDER BY q.id)
      FROM specificationversion v JOIN specification s ON s.id = v.specification_id
      JOIN requirement q ON q.specification_id = s.id WHERE s.slug LIKE '{NAMED}%'
    """,
    f"""
    INSERT INTO certificate (number, subject_kind, product_id, holder_id, specification_version_id, delivery_forms,
                             valid_from_on, valid_to_on, decided_by)
    SELECT 'MB-2026-' || lpad(CAST(row_number() OVER (ORDER BY p.id, v.id) AS text), 6, '0'), 'product', p.id,
           p.supplier_id, v.id, p.delivery_forms, '2026-01-01', '2029-12-31', '100000040'
      FROM product p, specificationversion v JOIN specification s ON s.id = v.specification_id
     WHERE p.slug LIKE 'maaling-produkt-%' AND s.slug LIKE '{NAMED}%'
     ORDER BY p.id, v.id
    """,
    """
    INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, organisation_number)
    SELECT id, 'granted', valid_from_on, '2025-12-01', false, decided_by
      FROM certificate WHERE number LIKE 'MB-%' ORDER BY id
    """,
    """
    INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, organisation_number,
                                   reason)
    SELECT id, CASE id % 100 WHEN 0 THEN 'suspended' ELSE 'withdrawn' END, '2026-06-01', '2026-06-01', false,
           decided_by, 'Måling'
      FROM certificate WHERE number LIKE 'MB-%' AND id % 100 < 2 ORDER BY id
    """,
    """
    INSERT INTO result (certificate_id, requirement_id, outcome, evidence, recorded_at, assurance)
    SELECT c.id, vr.requirement_id, 'met', '[]', '2025-12-01',
           CASE vr.place WHEN 1 THEN 'self_declared' ELSE 'third_party' END
      FROM certificate c JOIN specificationversion_requirement vr ON vr.version_id = c.specification_version_id
     WHERE c.number LIKE 'MB-%' ORDER BY c.id, vr.place
    """,
)


def load(connection: psycopg.Connection) -> int:
    """→ how many. What a certificate occupies (`certificatescope`) is left out: nothing that is measured asks for it,
    and its index takes as long as all the rest."""
    for statement in _STATEMENTS:
        connection.execute(statement)
    row = connection.execute("SELECT count(*) FROM certificate WHERE number LIKE 'MB-%'").fetchone()
    assert row
    return int(row[0])
