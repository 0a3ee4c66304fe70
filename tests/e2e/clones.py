"""Agreements like the one of the seed data with alarms, as many as wanted, each with room of its own."""

from decimal import Decimal

import psycopg

BUYERS = ("964983291", "938712441", "844824122")
LIKE, LOT, ITEM = "ra-2026-velferdsteknologi", "alarmer", "alarm"
FRAMEWORK, OF_LOT, PLACE, PARTICIPANT = 710_000_000, 720_000_000, 730_000_000, 740_000_000
"""The n-th clone's rows are numbered from here, so that their ids can be told from other numbers in statements."""
EACH = 100_000
"""So far apart are the ids of a clone's several places, and of its participants."""

_CLONES = f"""
WITH numbers AS (SELECT n FROM generate_series(CAST(%(first)s AS integer), %(first)s + %(number)s - 1) n),
     f AS (SELECT * FROM frameworkagreement WHERE slug = '{LIKE}'),
     l AS (SELECT lot.* FROM lot JOIN f ON f.id = lot.framework_id WHERE lot.slug = '{LOT}'),
     s AS (SELECT place.*, {PLACE} + rank * {EACH} AS base FROM place JOIN l ON l.id = place.lot_id),
     b AS (SELECT p.*, {PARTICIPANT} + array_position(CAST(%(buyers)s AS text[]), p.number) * {EACH} AS base
             FROM participant p JOIN f ON f.id = p.framework_id WHERE p.number = ANY(%(buyers)s)),
made AS (
    INSERT INTO frameworkagreement SELECT (jsonb_populate_record(NULL::frameworkagreement, to_jsonb(f)
        || jsonb_build_object('id', {FRAMEWORK} + n, 'slug', %(prefix)s || n, 'approval_limit', %(limit)s))).*
      FROM f, numbers
), lots AS (
    INSERT INTO lot SELECT (jsonb_populate_record(NULL::lot, to_jsonb(l)
        || jsonb_build_object('id', {OF_LOT} + n, 'framework_id', {FRAMEWORK} + n))).* FROM l, numbers
), places AS (
    INSERT INTO place SELECT (jsonb_populate_record(NULL::place, to_jsonb(s)
        || jsonb_build_object('id', base + n, 'uuid', gen_random_uuid(), 'lot_id', {OF_LOT} + n))).* FROM s, numbers
), prices AS (
    INSERT INTO price SELECT (jsonb_populate_record(NULL::price, to_jsonb(price)
        || jsonb_build_object('id', nextval('price_id_seq'), 'place_id', base + n))).*
      FROM s JOIN price ON price.place_id = s.id, numbers
), participants AS (
    INSERT INTO participant SELECT (jsonb_populate_record(NULL::participant, to_jsonb(b)
        || jsonb_build_object('id', base + n, 'framework_id', {FRAMEWORK} + n))).* FROM b, numbers
), accessions AS (
    INSERT INTO accession SELECT (jsonb_populate_record(NULL::accession, to_jsonb(a) || jsonb_build_object(
        'id', nextval('accession_id_seq'), 'uuid', gen_random_uuid(), 'framework_id', {FRAMEWORK} + n,
        'participant_id', base + n))).*
      FROM b JOIN accession a ON a.participant_id = b.id AND a.state = 'active', numbers
)
INSERT INTO balance (scope, subject_id, item, ceiling, reserved, posted)
SELECT scope, subject_id, item, CAST(%(room)s AS numeric), 0, 0 FROM (
          SELECT 'framework_agreement', {FRAMEWORK} + n, '' FROM numbers
    UNION ALL SELECT 'lot', {OF_LOT} + n, '' FROM numbers
    UNION ALL SELECT 'supplier', base + n, '' FROM s, numbers
    UNION ALL SELECT 'buyer', base + n, '' FROM b, numbers) AS level (scope, subject_id, item)
"""


def make(
    database: psycopg.Connection,
    prefix: str,
    number: int,
    *,
    first: int = 1,
    room: Decimal = Decimal(9 * 10**11),
    approval_limit: Decimal = Decimal("500000.00"),
) -> None:
    """`number` agreements called `prefix` and a number from `first` on. `room`: NOK without VAT at every level; above
    `approval_limit` an order waits for its approval, and no letter is sent."""
    database.execute(
        _CLONES.encode(),
        {
            "first": first,
            "number": number,
            "prefix": prefix,
            "room": room,
            "limit": approval_limit,
            "buyers": list(BUYERS),
        },
    )
    # Else PostgreSQL reads whole tables for each question, until it finds out by itself.
    database.execute("ANALYZE frameworkagreement, lot, place, price, participant, accession, balance")


def order(prefix: str, number: int, quantity: int, reference: str | None = None) -> dict[str, object]:
    return {
        "framework_agreement": f"{prefix}{number}",
        "lot": LOT,
        "lines": [{"item": ITEM, "quantity": quantity}],
        "needed_on": "2029-06-01",
        "reference": reference,
    }
