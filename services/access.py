"""A token for any organisation of the seed data, from its own client at the sandbox's Maskinporten."""

import csv

import httpx

from services.chassis import tokens
from services.chassis.db import PROJECT
from services.chassis.values import seed_id
from services.settings import RunSettings

REGISTERS = {4: ("municipalities_2024.csv", "municipality_number"), 2: ("counties_2024.csv", "county_number")}
"""Where a number with so many digits is looked up, and in which column."""


class NoToken(Exception):
    """Told to the user as one plain sentence."""


def token(run: RunSettings, organisation: str, *scopes: str) -> str:
    """A token of the organisation's own client at the sandbox; without a key yet, it gets one first. Scopes without a
    prefix get ours."""
    client = str(seed_id(f"client:{organisation}"))
    key_file = run.data / "keys" / f"{organisation}.json"
    if not key_file.exists():
        key = tokens.new_key(str(seed_id(f"key:{client}")))
        url = f"{run.url('control')}/_sandbox/maskinporten/clients/{client}/jwks"
        answer = httpx.post(url, json=key.as_dict(private=False))
        if answer.status_code >= 400:
            raise NoToken(f"The sandbox takes no key for this organisation: {answer.text}")
        tokens.write_key(key, key_file)
    machine = tokens.MachineToken(
        issuer=run.issuer,
        token_url=run.url("maskinporten") + "/token",
        client=client,
        key_file=key_file,
        scope=" ".join(scope if ":" in scope else f"{run.scope_prefix}:{scope}" for scope in scopes),
    )
    try:
        return machine.current()
    except httpx.TransportError as error:
        raise NoToken(f"The sandbox gives no token. {error}") from error


def organisation(number: str) -> str:
    """`1820` (a municipality), `18` (a county) or `964983291` → the organisation number."""
    if len(number) not in REGISTERS:
        return number
    name, column = REGISTERS[len(number)]
    with (PROJECT / "data" / name).open(newline="", encoding="utf-8") as file:
        found = [row["organisation_number"] for row in csv.DictReader(file) if row[column] == number]
    if not found:
        raise NoToken(f"No municipality or county had the number {number} in 2024.")
    return found[0]
