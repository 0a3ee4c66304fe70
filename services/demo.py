"""`make demo`: two stories of Brønnøy kommune, step by step over HTTP, against the running services. It orders safety
alarms; and it prepares a procurement together with neighbours who have the same need."""

import json
import time
from datetime import timedelta
from typing import Any

import httpx

from services import access
from services.chassis import clock
from services.chassis.values import new_id
from services.settings import RunSettings

BRONNOY = "964983291"
OWN = "bronnoy-trygghetstjeneste"
LETTER_SECONDS = 30.0
SHOWN = 700
"""Characters of an answer that are printed."""


class Stopped(Exception):
    """The demonstration could not go on; told as one plain sentence."""


def walk(run: RunSettings) -> None:
    print("A. An order, from the catalogue to the letter\n")
    _order(run)
    print("\nB. A specification of one's own, and neighbours with the same need\n")
    _prepare(run)


def _order(run: RunSettings) -> None:
    catalog, agreements, control = run.url("catalog"), run.url("agreements"), run.url("control")
    with httpx.Client(timeout=10) as http:
        print("1. Find a shared component")
        found = _call(http, "GET", f"{catalog}/components", 200, params={"q": "velferdsteknologi"})
        component = found["items"][0]["slug"]

        print("2. Get a token from Maskinporten's stand-in, as Brønnøy kommune")
        token = access.token(run, BRONNOY, "agreements.read", "agreements.order")
        mine = {"Authorization": f"Bearer {token}"}
        print(f"   {token[:40]}…\n")

        print(f"3. Which agreement offers {component}, and what is left of it")
        slug = "ra-2026-velferdsteknologi"
        agreement = _call(http, "GET", f"{agreements}/framework-agreements/{slug}", 200, headers=mine)
        places = _call(http, "GET", f"{agreements}/framework-agreements/{slug}/places", 200, headers=mine)
        first = places["items"][0]
        alarm = next(price for price in first["prices"] if price["item"] == "alarm")
        needed_on = (clock.today() + timedelta(days=60)).isoformat()

        print("4. Is its product certified on the day of delivery?")
        asked = {"product": alarm["product"], "specification": agreement["specification"], "on": needed_on}
        verdict = _call(http, "POST", f"{catalog}/verify", 200, json=asked)
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
        placed = _call(http, "POST", f"{agreements}/call-offs", 201, headers=once, json=order)

        print("6. The same request again is the same call-off")
        again = _call(http, "POST", f"{agreements}/call-offs", 201, headers=once, json=order, quiet=True)
        if again != placed:
            raise Stopped("the repeated request gave another answer.")
        print(f"   the same: {again['number']}, {again['id']}\n")

        print("7. Wait until SvarUT has the letter")
        letter = _await_letter(http, f"{agreements}/call-offs/{placed['id']}", mine)
        print(f"   {letter['kind']}: {letter['status']} as SvarUT's {letter['external_id']}, {letter['received_at']}\n")

        print("8. Look in the sandbox's SvarUT: one letter, not two")
        ours = _call(
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


def _prepare(run: RunSettings) -> None:
    catalog = run.url("catalog")
    with httpx.Client(timeout=10) as http:
        print("1. Find a requirement specification, with a slip of the finger")
        asked = {"q": "trygghetsteneste", "type": "specification"}
        found = _call(http, "GET", f"{catalog}/search", 200, params=asked)
        specifications = (_call(http, "GET", f"{catalog}{one['path']}", 200, quiet=True) for one in found["items"])
        known = next((one for one in specifications if not one["derived_from"]), None)
        if known is None:
            raise Stopped("the search finds no specification that is not derived itself.")
        source = known["slug"]

        print(f"2. Derive it: {source} as Brønnøy's own")
        mine = {"Authorization": f"Bearer {access.token(run, BRONNOY, 'catalog.write')}"}
        own = f"{catalog}/specifications/{OWN}"
        if http.get(own).status_code == 404:
            new = {
                "slug": OWN,
                "name": {"nb": "Trygghetstjeneste i Brønnøy (demonstrasjon)"},
                "from_version": known["versions"][0]["version"],  # what products are certified against today
            }
            _call(http, "POST", f"{catalog}/specifications/{source}/derive", 201, headers=mine, json=new)
        draft = http.get(own)
        if draft.json()["versions"][0]["status"] == "draft":
            print("   with a requirement of its own, published from today")
            local = {
                "obligation": "should",
                "text": {"nb": "Opplæring gis også i Velfjord (demonstrasjon)."},
                "method": "inspection",
            }
            read = mine | {"If-Match": draft.headers["ETag"]}
            _call(http, "PUT", f"{own}/versions/1.0/requirements/BR-01", 200, headers=read, json=local)
            published = {"effective_on": clock.today().isoformat()}
            _call(http, "POST", f"{own}/versions/1.0/publish", 200, headers=mine, json=published)
        else:
            print(f"   {OWN} is there already, from the last time.\n")
        _call(http, "GET", f"{own}/upstream", 200)

        print("3. Who has the same need?")
        wanted = {"specification": source, "state": "open"}
        needs = _call(http, "GET", f"{catalog}/needs", 200, params=wanted)["items"]
        if not needs:
            raise Stopped(f"nobody has a need for {source}.")
        need = max(needs, key=lambda one: int(one["organisations"]))
        partners = _call(http, "GET", f"{catalog}/needs/{need['id']}/partners", 200, headers=mine, quiet=True)
        near = [one for one in partners["items"] if one["same_county"] and one["municipality"]][:4]
        if len(near) < 4:
            raise Stopped(f"only {len(near)} neighbours have the need {need['id']}.")
        print(f"   «{need['title']['nb']}»: {', '.join(one['name'] for one in near)}\n")

        print("4. The procurement pack, to put into a tender")
        asked = {"version": "1.0", "language": "nb"}
        pack = _call(http, "GET", f"{own}/procurement-pack", 200, params=asked, quiet=True)
        for one in pack["requirements"]:
            print(f"   {one['id']}  {one['obligation']:<6}  {next(iter(one['text'].values()))}")
        for one in pack["certified_against_source"]:
            print(f"   {one['certificate']}: {one['product']} from {one['supplier']}, to {one['valid_to_on']}")
        print(f"   {pack['citation']['nb']}\n")
        document = http.get(f"{own}/procurement-pack", params=asked, headers={"Accept": "application/pdf"})
        if document.status_code != 200:
            raise Stopped(f"the pack did not come as a document: {document.text}")
        file = run.data / f"{OWN}.pdf"
        file.write_bytes(document.content)
        print(f"Done. The same as a document: {file}")


def _await_letter(http: httpx.Client, url: str, headers: dict[str, str]) -> dict[str, Any]:
    deadline = time.monotonic() + LETTER_SECONDS
    while time.monotonic() < deadline:
        shown = _call(http, "GET", url, 200, headers=headers, quiet=True)
        if shown["letters"] and shown["letters"][0]["external_id"]:
            letter: dict[str, Any] = shown["letters"][0]
            return letter
        time.sleep(0.3)
    raise Stopped(f"the letter has not reached SvarUT after {LETTER_SECONDS:.0f} s.")


def _call(http: httpx.Client, method: str, url: str, expected: int, *, quiet: bool = False, **request: Any) -> Any:
    try:
        answer = http.request(method, url, **request)
    except httpx.TransportError as error:
        raise Stopped(f"nothing answers at {url}; is `make run` running?") from error
    if not quiet:
        body = f" {json.dumps(request['json'], ensure_ascii=False)}" if "json" in request else ""
        print(f"   → {method} {answer.request.url}{body}")
        text = answer.text if len(answer.text) <= SHOWN else answer.text[:SHOWN] + " …"
        print(f"   ← {answer.status_code} {text}\n")
    if answer.status_code != expected:
        raise Stopped(f"{method} {url} answered {answer.status_code}: {answer.text}")
    return answer.json()
