"""B. Brønnøy kommune prepares a procurement together with neighbours who have the same need."""

import httpx

from services import access
from services.chassis import clock
from services.demo.calls import BRONNOY, Stopped, call
from services.settings import RunSettings

OWN = "bronnoy-trygghetstjeneste"


def walk(run: RunSettings) -> None:
    catalog = run.url("catalog")
    with httpx.Client(timeout=10) as http:
        print("1. Find a requirement specification, with a slip of the finger")
        asked = {"q": "trygghetsteneste", "type": "specification"}
        found = call(http, "GET", f"{catalog}/search", 200, params=asked)
        specifications = (call(http, "GET", f"{catalog}{one['path']}", 200, quiet=True) for one in found["items"])
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
            call(http, "POST", f"{catalog}/specifications/{source}/derive", 201, headers=mine, json=new)
        draft = http.get(own)
        if draft.json()["versions"][0]["status"] == "draft":
            print("   with a requirement of its own, published from today")
            local = {
                "obligation": "should",
                "text": {"nb": "Opplæring gis også i Velfjord (demonstrasjon)."},
                "method": "inspection",
            }
            read = mine | {"If-Match": draft.headers["ETag"]}
            call(http, "PUT", f"{own}/versions/1.0/requirements/BR-01", 200, headers=read, json=local)
            published = {"effective_on": clock.today().isoformat()}
            call(http, "POST", f"{own}/versions/1.0/publish", 200, headers=mine, json=published)
        else:
            print(f"   {OWN} is there already, from the last time.\n")
        call(http, "GET", f"{own}/upstream", 200)

        print("3. Who has the same need?")
        wanted = {"specification": source, "state": "open"}
        needs = call(http, "GET", f"{catalog}/needs", 200, params=wanted)["items"]
        if not needs:
            raise Stopped(f"nobody has a need for {source}.")
        need = max(needs, key=lambda one: int(one["organisations"]))
        partners = call(http, "GET", f"{catalog}/needs/{need['id']}/partners", 200, headers=mine, quiet=True)
        near = [one for one in partners["items"] if one["same_county"] and one["municipality"]][:4]
        if len(near) < 4:
            raise Stopped(f"only {len(near)} neighbours have the need {need['id']}.")
        print(f"   «{need['title']['nb']}»: {', '.join(one['name'] for one in near)}\n")

        print("4. The procurement pack, to put into a tender")
        asked = {"version": "1.0", "language": "nb"}
        pack = call(http, "GET", f"{own}/procurement-pack", 200, params=asked, quiet=True)
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
