"""A. Brønnøy kommune orders safety alarms."""

import json
from datetime import timedelta
from typing import Any

import httpx

from services import access
from services.chassis import clock
from services.chassis.values import new_id
from services.demo.calls import BRONNOY, Stopped, awaited, call
from services.settings import RunSettings


def walk(run: RunSettings) -> None:
    catalog, agreements, control = run.url("catalog"), run.url("agreements"), run.url("control")
    with httpx.Client(timeout=10) as http:
        print("1. Find a shared component")
        found = call(http, "GET", f"{catalog}/components", 200, params={"q": "velferdsteknologi"})
        component = found["items"][0]["slug"]

        print("2. Get a token from Maskinporten's stand-in, as Brønnøy kommune")
        token = access.token(run, BRONNOY, "agreements.read", "agreements.order")
        mine = {"Authorization": f"Bearer {token}"}
        print(f"   {token[:40]}…\n")

        print(f"3. Which agreement offers {component}, and what is left of it")
        slug = "ra-2026-velferdsteknologi"
        agreement = call(http, "GET", f"{agreements}/framework-agreements/{slug}", 200, headers=mine)
        places = call(http, "GET", f"{agreements}/framework-agreements/{slug}/places", 200, headers=mine)
        first = places["items"][0]
        lot = next(one for one in agreement["lots"] if one["slug"] == first["lot"])
        alarm = next(price for price in first["prices"] if price["item"] == "alarm")
        needed_on = (clock.today() + timedelta(days=60)).isoformat()

        print("4. Is its product certified on the day of delivery?")
        asked = {"product": alarm["product"], "specification": lot["specification"], "on": needed_on}
        verdict = call(http, "POST", f"{catalog}/verify", 200, json=asked)
        if verdict["verdict"] != "valid":
            raise Stopped(f"{alarm['product']} is not certified: {verdict['code']}.")

        print("5. Call off three")
        order = {
            "framework_agreement": slug,
            "lot": first["lot"],
            "lines": [{"item": "alarm", "quantity": 3}],
            "needed_on": needed_on,
            "reference": "Demonstrasjon",
        }
        once = mine | {"Idempotency-Key": f"demo-{new_id()}"}
        placed = call(http, "POST", f"{agreements}/call-offs", 201, headers=once, json=order)

        print("6. The same request again is the same call-off")
        again = call(http, "POST", f"{agreements}/call-offs", 201, headers=once, json=order, quiet=True)
        if again != placed:
            raise Stopped("the repeated request gave another answer.")
        print(f"   the same: {again['number']}, {again['id']}\n")

        print("7. Wait until SvarUT has the letter")
        letter = awaited("the letter to SvarUT", lambda: _letter(http, f"{agreements}/call-offs/{placed['id']}", mine))
        print(f"   {letter['kind']}: {letter['status']} as SvarUT's {letter['external_id']}, {letter['received_at']}\n")

        print("8. Look in the sandbox's SvarUT: one letter, not two")
        ours = call(
            http,
            "GET",
            f"{control}/_sandbox/svarut/letters",
            200,
            params={"external_reference": letter["reference"]},
            quiet=True,
        )["items"]
        print(json.dumps(ours, ensure_ascii=False, indent=3))
        if len(ours) != 1:
            raise Stopped(f"there are {len(ours)} letters for one call-off.")
        print(f"\nDone. The letter can be read in the inbox: {control}/")


def _letter(http: httpx.Client, url: str, headers: dict[str, str]) -> dict[str, Any] | None:
    shown = call(http, "GET", url, 200, headers=headers, quiet=True)
    letters: list[dict[str, Any]] = [one for one in shown["letters"] if one["external_id"]]
    return letters[0] if letters else None
