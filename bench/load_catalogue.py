"""A seeded catalogue filled to the size that it is designed for. `python -m bench.load_catalogue URL`"""

import json
import random
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench import load_certificates, words
from services.catalog.adopters import store as adopters
from services.catalog.products import store as products
from services.catalog.releases import rules as releases
from services.catalog.seed import index
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.values import sort_key

COMPONENTS, RELEASES_EACH, PRODUCTS, ADOPTIONS, SUPPLIERS = 5_000, 3, 10_000, 60_000, 300
DAY = date(2026, 1, 1)
STATUSES = ("planned", "pilot", "in_use", "in_use", "in_use", "phasing_out")
Row = Mapping[str, Any]


def load(url: str) -> dict[str, int]:
    """→ how many of what. About a minute."""
    chance = random.Random(4)  # the same catalogue in every run
    with psycopg.connect(url) as connection:
        municipalities = _ids(connection, "organisation", "'municipality' = ANY (kinds)")
        suppliers = _copy(connection, "organisation", _suppliers())
        components = _copy(connection, "component", _components(chance, municipalities))
        _copy(connection, "component_event", _events(components), returning=False)
        versions = _copy(connection, "componentversion", _versions(components))
        offered = _copy(connection, "product", _products(chance, suppliers, components))
        versions += _copy(connection, "productversion", _product_versions(offered))
        certified = load_certificates.load(connection)
        used = list(_adoptions(chance, municipalities, components, offered))
        adopted = _copy(connection, "adoption", used)
        _copy(connection, "adoption_event", _adoption_events(adopted, used), returning=False)
    database = Database(url, connections=1)
    with database.writing() as session:
        found = index.anew(session)
        adopters.count_all(session, clock.today())
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return {
        "components": len(components),
        "versions": len(versions),
        "products": len(offered),
        "certificates": certified,
        "adoptions": len(adopted),
        "entries of the search": found,
    }


def _ids(connection: psycopg.Connection, table: str, condition: str) -> list[int]:
    return [key for (key,) in connection.execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id").fetchall()]


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[Row], *, returning: bool = True) -> list[int]:
    """Columns that are not named keep their defaults. → the new internal keys, in the order of the rows"""
    every = list(rows)
    names = list(every[0])
    (before,) = connection.execute(f"SELECT COALESCE(max(id), 0) FROM {table}").fetchone() or (0,)
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for row in every:
            copy.write_row([Jsonb(one) if isinstance(one, dict) else one for one in row.values()])
    return _ids(connection, table, f"id > {before}") if returning else []


def _suppliers() -> Iterable[Row]:
    for place in range(SUPPLIERS):
        name = f"Leverandør {place} AS (måling)"
        yield {
            "uuid": uuid.UUID(int=place + 1),
            "kinds": ["supplier"],
            "name": name,
            "sort_key": sort_key(name),
            "organisation_number": f"9{place:08}",
            "fictional": True,
        }


def _components(chance: random.Random, owners: Sequence[int]) -> Iterable[Row]:
    for place, (name, summary) in enumerate(words.texts(COMPONENTS)):
        chosen = {facet: chance.choice(values) or None for facet, values in words.FACETS.items()}
        yield {
            "slug": f"maaling-{place}",
            "name": {"nb": name},
            "summary": {"nb": summary},
            "sort_key": sort_key(name),
            "owner_id": chance.choice(owners),
            **chosen,
        }


def _events(components: Sequence[int]) -> Iterable[Row]:
    for key in components:
        yield {
            "component_id": key,
            "kind": "filed",
            "filed_as": "available",
            "effective_on": DAY,
            "recorded_at": datetime(2026, 1, 1, tzinfo=UTC),
            "back_dated": False,
            "client": "bench",
        }


def _versions(components: Sequence[int]) -> Iterable[Row]:
    for key in components:
        for number in range(1, RELEASES_EACH + 1):
            label = f"{number}.0.0"
            released_on = DAY - timedelta(days=300 * (RELEASES_EACH - number))
            yield {
                "component_id": key,
                "label": label,
                "semantic_key": releases.semantic_key(label),
                "released_on": released_on,
                "supported_from_on": released_on,
                "supported_to_on": released_on + timedelta(days=900),
                "breaking": True,
            }


def _products(chance: random.Random, suppliers: Sequence[int], components: Sequence[int]) -> Iterable[Row]:
    for place, (name, _) in enumerate(words.texts(PRODUCTS, seed=5)):
        forms = chance.choice((["saas"], ["on_premises"], ["saas", "on_premises"]))
        yield {
            "slug": f"maaling-produkt-{place}",
            "name": {"nb": name},
            "supplier_id": chance.choice(suppliers),
            "component_id": chance.choice(components),
            "delivery_forms": forms,
            "hosting_countries": {form: chance.choice(("NO", "SE", "IE")) for form in forms},
            "version": "1.0",
        }


def _product_versions(offered: Sequence[int]) -> Iterable[Row]:
    for key in offered:
        yield {"product_id": key, "label": "1.0", "order_key": products.order_key("1.0"), "breaking": False}


def _adoptions(
    chance: random.Random, municipalities: Sequence[int], components: Sequence[int], offered: Sequence[int]
) -> Iterable[Row]:
    """Few are used by many: what is used follows Zipf's law."""
    seen: set[tuple[int, int | None, int | None]] = set()
    things: list[tuple[int | None, int | None]] = [(key, None) for key in components]
    things += [(None, key) for key in offered]
    chance.shuffle(things)
    frequency = [1 / (rank + 50) for rank in range(len(things))]
    while len(seen) < ADOPTIONS:
        for thing in chance.choices(things, frequency, k=ADOPTIONS):
            one = (chance.choice(municipalities), *thing)
            if one in seen or len(seen) == ADOPTIONS:
                continue
            seen.add(one)
            organisation, component, product = one
            yield {
                "uuid": uuid.UUID(int=len(seen)),
                "organisation_id": organisation,
                "component_id": component,
                "product_id": product,
                "environment": "production",
                "status": chance.choice(STATUSES),
                "status_since_on": DAY,
                "claim": "confirmed",
                "last_confirmed_on": DAY,
            }


def _adoption_events(adopted: Sequence[int], used: Sequence[Row]) -> Iterable[Row]:
    for key, row in zip(adopted, used, strict=True):
        yield {
            "adoption_id": key,
            "step": "register",
            "status": row["status"],
            "claim": row["claim"],
            "effective_on": DAY,
            "recorded_at": datetime(2026, 1, 1, tzinfo=UTC),
        }


if __name__ == "__main__":
    began = time.monotonic()
    print(json.dumps(load(sys.argv[1])), f"in {time.monotonic() - began:.0f} s")
