"""An order's letter is read by the supplier's own system in SvarInn, which answers; the buyer reads the answer."""

import httpx

from tests.e2e.system import BRONNOY, System
from tests.e2e.test_story import FJORDVAKT, act, awaited, order, read
from tests.sandbox.receiving import Receiver, put_at

LISTED = 200
ANSWER = b"%PDF-1.4\n%Vi leverer 1. juni\n%%EOF\n"


def test_what_a_supplier_answers_to_an_order_stands_on_the_call_off(system: System) -> None:
    call_off = act(system, BRONNOY, "/call-offs", order(1)).raise_for_status().json()
    assert call_off["supplier_organisation_number"] == FJORDVAKT
    reference = f"call-off-{call_off['id']}-order"
    supplier = Receiver(system.url("svarut"), "fjordvakt", system.folder / "d" / "keys")

    def sent() -> list[str]:
        """What SvarUT calls the order's letter, once it has it."""
        letters = read(system, f"/call-offs/{call_off['id']}")["letters"]
        return [one["external_id"] for one in letters if one["reference"] == reference and one["external_id"]]

    def ordered() -> list[dict[str, object]]:
        """The supplier's system looks into SvarInn. A full list it takes: the oldest letters stand in it, and no more
        are listed at once."""
        letters = supplier.letters()
        found = [one for one in letters if one["eksternRef"] == reference]
        for one in letters if not found and len(letters) == LISTED else []:
            assert supplier.acknowledge(one).status_code == 200
        return found

    awaited(system, sent)
    httpx.post(f"{system.url('control')}/_sandbox/svarut/clock", json={"seconds": 60}).raise_for_status()
    (letter,) = awaited(system, ordered)
    (document,) = supplier.documents(letter).values()
    assert document.startswith(b"%PDF-")
    assert supplier.acknowledge(letter).status_code == 200
    put_at(system.url("control"), ("ordrebekreftelse.pdf", ANSWER), answers_to=letter["id"], title="Bekreftelse")

    (reply,) = awaited(system, lambda: read(system, f"/call-offs/{call_off['id']}")["replies"])
    assert (reply["title"], reply["letter_reference"]) == ("Bekreftelse", reference)
    assert (reply["sender_name"], reply["sender_organisation_number"]) == ("Fjordvakt Velferd AS (fiktiv)", FJORDVAKT)
    assert [one["filename"] for one in reply["documents"]] == ["ordrebekreftelse.pdf"]
    path = f"{system.url('agreements')}/call-offs/{call_off['id']}/replies/{reply['id']}/documents/1"
    for organisation, found in ((BRONNOY, (200, ANSWER)), (FJORDVAKT, (200, ANSWER))):
        came = httpx.get(path, headers=system.bearer("agreements.read", organisation=organisation), timeout=20)
        assert (came.status_code, came.content) == found
    stranger = httpx.get(path, headers=system.bearer("agreements.read", organisation="844824122"), timeout=20)
    assert stranger.status_code == 404

    def seen() -> bool:
        letters = read(system, f"/call-offs/{call_off['id']}")["letters"]
        return [one["status"] for one in letters if one["reference"] == reference] == ["read"]

    assert awaited(system, seen), "the buyer sees that the supplier's system has it"
