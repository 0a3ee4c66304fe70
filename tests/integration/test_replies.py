"""Letters that come to us: fetched from the sandbox's SvarInn, kept, acknowledged, and told of; whatever goes wrong."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from services.chassis.db import Database
from services.chassis.values import new_id
from services.integration import jobs
from services.integration.replies.fetching import Receiving
from services.integration.replies.fetching import new_receiving as new_receiving_of
from services.integration.settings import SvarInnAccount
from tests.integration.conftest import FJORDVAKT, HandIn, NewPost, settings_for, work_off
from tests.issuer import Issuer
from tests.sandbox.receiving import put
from tests.sandbox.running import RunningSandbox

JOINT_UNIT = "100000008"
PDF = b"%PDF-1.4\n%svar\n%%EOF\n"
LIST = "/tjenester/svarinn/mottaker/hentNyeForsendelser"
NewReceiving = Callable[..., Receiving]


@pytest.fixture
def joint_unit(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "dispatch.read", "dispatch.admin")


@pytest.fixture
def new_receiving(url: str, sandbox: RunningSandbox, issuer: Issuer) -> Iterator[NewReceiving]:
    """What a worker does about replies, to be done look by look: without waiting between two."""
    closing: list[Callable[[], None]] = []

    def create(*, svarinn_accounts: list[SvarInnAccount] | None = None, **changes: Any) -> Receiving:
        settings = settings_for(
            url,
            sandbox,
            issuer,
            svarinn_url=f"{sandbox.svarut_url}/tjenester",
            svarinn_accounts=svarinn_accounts or [account(sandbox)],
            **{"svarinn_every_seconds": 0.001, **changes},
        )
        database, accounts = Database(url, connections=8), jobs.new_svarinn(settings)
        closing.extend([database.close, *(one.close for one in accounts)])
        return new_receiving_of(database, settings, accounts)

    yield create
    for close in closing:
        close()


@pytest.fixture(autouse=True)
def _empty(sandbox: RunningSandbox, sandbox_of_all: RunningSandbox) -> Iterator[None]:
    """What a test leaves in SvarInn would come to the next."""
    yield
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults")
    listed = sandbox.http.get(f"{sandbox.svarut_url}{LIST}", auth=("samvirke", "sandkasse")).json()
    for one in listed:
        acknowledged = f"{sandbox.svarut_url}/tjenester/svarinn/kvitterMottak/forsendelse/{one['id']}"
        sandbox.http.post(acknowledged, auth=("samvirke", "sandkasse")).raise_for_status()


def account(sandbox: RunningSandbox, user: str = "samvirke", **changes: Any) -> SvarInnAccount:
    values: dict[str, Any] = {
        "user": user,
        "password": SecretStr("sandkasse"),
        "organisation": JOINT_UNIT,
        "certificate_file": sandbox.keys_folder / f"svarinn-{user}.crt.pem",
        "key_file": sandbox.keys_folder / f"svarinn-{user}.key.pem",
    }
    return SvarInnAccount(**(values | changes))


def waiting(sandbox: RunningSandbox) -> list[str]:
    answer = sandbox.http.get(f"{sandbox.svarut_url}{LIST}", auth=("samvirke", "sandkasse"))
    return [one["id"] for one in answer.raise_for_status().json()]


def failures(sandbox: RunningSandbox, id: str) -> list[tuple[str, bool]]:
    found = sandbox.http.get(f"{sandbox.control_url}/_sandbox/svarinn/letters/{id}/failures").json()["items"]
    return [(one["message"], one["permanent"]) for one in found]


def replies(api: TestClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    return list(api.get("/replies", headers=headers, params=query).raise_for_status().json()["items"])


def by_svarut(api: TestClient, headers: dict[str, str], id: str) -> dict[str, Any]:
    (found,) = [one for one in replies(api, headers) if one["external_id"] == id]
    return found


def sent(sandbox: RunningSandbox, hand_in: HandIn, post: jobs.Post, api: TestClient, bronnoy: dict[str, str]) -> Any:
    handed_in = hand_in().json()
    work_off(post, handed_in["id"])
    return api.get(f"/dispatches/{handed_in['id']}", headers=bronnoy).json()


def test_an_answer_is_fetched_kept_acknowledged_and_linked_to_its_letter(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    alstahaug: dict[str, str],
    hand_in: HandIn,
    new_post: NewPost,
    new_receiving: NewReceiving,
) -> None:
    order = sent(sandbox, hand_in, new_post(), api, bronnoy)
    documents = ("svar.pdf", PDF), ("vedlegg æ.pdf", PDF + b"2")
    case = {"metadataFraAvleverendeSystem": {"saksaar": 2026}}
    id = put(sandbox, *documents, answers_to=order["external_id"], more=case)
    new_receiving().fetch_replies()
    assert waiting(sandbox) == []
    (reply,) = replies(api, bronnoy, dispatch=order["id"])
    assert (reply["status"], reply["external_id"], reply["title"]) == ("received", id, "Svar på bestilling")
    assert (reply["dispatch"], reply["dispatch_reference"]) == (order["id"], order["reference"])
    assert (reply["sender_organisation_number"], reply["sender_name"]) == (FJORDVAKT, "Fjordvakt Velferd AS (fiktiv)")
    assert reply["sender_case"] == {"case_year": 2026}
    assert reply["told_at"] >= reply["received_at"] >= reply["listed_at"]
    assert [(one["filename"], one["media_type"], one["sha256"]) for one in reply["documents"]] == [
        (name, "application/pdf", hashlib.sha256(content).hexdigest()) for name, content in documents
    ]
    second = api.get(f"/replies/{reply['id']}/documents/2", headers=bronnoy)
    assert (second.content, second.headers["content-type"]) == (PDF + b"2", "application/octet-stream")
    assert second.headers["content-disposition"] == "attachment; filename*=UTF-8''vedlegg%20%C3%A6.pdf"
    assert second.headers["x-content-type-options"] == "nosniff"
    assert api.get(f"/replies/{reply['id']}/documents/3", headers=bronnoy).status_code == 404
    assert api.get(f"/replies/{reply['id']}", headers=alstahaug).status_code == 404
    assert replies(api, alstahaug) == []
    (told,) = [one for one in api.get("/events", headers=bronnoy).json()["items"] if one["type"] == "reply.received"]
    assert told["subject"] == f"/replies/{reply['id']}"
    assert (told["data"]["reference"], told["data"]["dispatch"]) == (order["reference"], order["id"])
    assert [one["filename"] for one in told["data"]["documents"]] == ["svar.pdf", "vedlegg æ.pdf"]
    assert 'replies{state="received"} 1.0' in api.get("/metrics").text


def test_an_answer_finds_its_letter_by_our_reference_only_from_whom_it_went_to(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    joint_unit: dict[str, str],
    hand_in: HandIn,
    new_post: NewPost,
    new_receiving: NewReceiving,
) -> None:
    order = sent(sandbox, hand_in, new_post(), api, bronnoy)
    right = put(sandbox, external_reference=order["reference"])
    stranger = {"organisation_number": "100000024", "name": "Nordlys"}
    wrong = put(sandbox, external_reference=order["reference"], sender=stranger)
    new_receiving().fetch_replies()
    assert by_svarut(api, bronnoy, right)["dispatch"] == order["id"]
    assert by_svarut(api, joint_unit, wrong)["dispatch"] is None


def test_an_answer_that_came_before_we_knew_of_the_letter_finds_it_later(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    joint_unit: dict[str, str],
    hand_in: HandIn,
    database: Database,
    new_receiving: NewReceiving,
) -> None:
    handed_in, external_id = hand_in().json(), str(new_id())
    id, receiving = put(sandbox, answers_to=external_id), new_receiving()
    receiving.fetch_replies()
    assert by_svarut(api, joint_unit, id)["dispatch"] is None
    with database.writing() as session:
        session.connection().exec_driver_sql(
            "UPDATE dispatch SET external_id = %s WHERE uuid = %s", (external_id, handed_in["id"])
        )
    receiving.fetch_replies()
    assert by_svarut(api, bronnoy, id)["dispatch"] == handed_in["id"]
    assert replies(api, joint_unit) == []
    assert [one["type"] for one in api.get("/events", headers=bronnoy).json()["items"]].count("reply.received") == 1


BAD = {
    "other_certificate": "It is encrypted for another certificate or key than this account's.",
    "cut": "The envelope ends too early.",
    "changed_byte": "The envelope's content is damaged, or its key is for another.",
    "other_content": "Document 1 has another SHA-256 than SvarInn lists.",
    "no_archive": "What is in the envelope is no ZIP archive.",
    "bomb": "Document 1 unpacks to more than 1000000 bytes.",
}


def test_bad_letters_keep_nobody_waiting_and_wait_for_an_administrator(
    sandbox: RunningSandbox,
    api: TestClient,
    joint_unit: dict[str, str],
    issuer: Issuer,
    new_receiving: NewReceiving,
) -> None:
    two = ("a.pdf", PDF), ("b.pdf", PDF + bytes(range(256)) * 8)
    bad = {kind: put(sandbox, *(two if kind == "no_archive" else two[:1]), spoilt=kind) for kind in BAD}
    good, receiving = put(sandbox, *two), new_receiving(svarinn_largest_bytes=1_000_000)
    for _ in range(2):
        receiving.fetch_replies()
    assert by_svarut(api, joint_unit, good)["status"] == "received"
    for kind, id in bad.items():
        shown = by_svarut(api, joint_unit, id)
        assert (kind, shown["status"], shown["detail"]) == (kind, "failed", BAD[kind])
        assert failures(sandbox, id) == [(BAD[kind], False)], "told once, and not for good: that might mean paper"
        assert shown["told_at"]
    assert set(waiting(sandbox)) == set(bad.values()), "SvarInn keeps them"
    assert len(replies(api, joint_unit, status="failed")) == len(BAD)

    one = by_svarut(api, joint_unit, bad["cut"])
    reader = issuer.bearer(JOINT_UNIT, "dispatch.read")
    assert api.post(f"/replies/{one['id']}/retry", headers=reader, json={}).status_code == 403
    tried = api.post(f"/replies/{one['id']}/retry?dry_run=true", headers=joint_unit, json={}).json()
    assert tried["status"] == "waiting"
    again = api.post(f"/replies/{one['id']}/retry", headers=joint_unit, json={"reason": "Ny nøkkel"}).json()
    assert (again["status"], again["detail"], again["told_at"]) == ("waiting", "Ny nøkkel", None)
    receiving.fetch_replies()
    assert by_svarut(api, joint_unit, bad["cut"])["status"] == "failed"
    given_up = api.post(f"/replies/{one['id']}/give-up", headers=joint_unit, json={"reason": "Sendes på nytt"})
    assert (given_up.status_code, given_up.json()["status"]) == (200, "given_up")
    assert api.post(f"/replies/{one['id']}/retry", headers=joint_unit, json={}).status_code == 409
    receiving.fetch_replies()
    assert failures(sandbox, bad["cut"])[-1] == ("Sendes på nytt", True)
    assert bad["cut"] not in waiting(sandbox)


def test_a_letter_that_fails_for_want_of_a_key_is_read_when_the_key_is_there(
    sandbox: RunningSandbox, api: TestClient, joint_unit: dict[str, str], tmp_path: Path, new_receiving: NewReceiving
) -> None:
    id, missing = put(sandbox), account(sandbox, key_file=tmp_path / "none.pem")
    new_receiving(svarinn_accounts=[missing]).fetch_replies()
    assert replies(api, joint_unit) == [], "nothing is fetched that could not be read"
    wrong = account(sandbox, key_file=sandbox.keys_folder / "svarinn-fjordvakt.key.pem")
    new_receiving(svarinn_accounts=[wrong]).fetch_replies()
    failed = by_svarut(api, joint_unit, id)
    assert (failed["status"], failed["detail"]) == ("failed", BAD["other_certificate"])
    api.post(f"/replies/{failed['id']}/retry", headers=joint_unit, json={}).raise_for_status()
    new_receiving().fetch_replies()
    assert by_svarut(api, joint_unit, id)["status"] == "received"


ODD: list[dict[str, Any]] = [
    {"svarSendesTil": {"orgnr": None, "fnr": "15847500050", "navn": "En person"}, "avsender": None},
    {"metadataFraAvleverendeSystem": dict.fromkeys(("saksaar", "journalaar", "journalpostnummer", "tittel"))},
    {"metadataFraAvleverendeSystem": None, "metadataForImport": None, "svarSendesTil": None, "lenker": None},
    {"nyttFelt": {"dypt": [1, 2, {"a": None}]}, "niva": 4, "metadataForImport": {"dokumentetsDato": "2026-11-02"}},
    {"mottaker": {"orgnr": None}, "date": None, "eksternRef": "", "svarPaForsendelse": "tull"},
    {"tittel": "Svar\u0007med rare\ntegn", "filmetadata": [{"filnavn": None, "sha256hash": None, "size": 0}]},
]


@pytest.mark.parametrize("listed", ODD)
def test_a_letter_that_is_listed_oddly_is_taken(
    sandbox: RunningSandbox,
    api: TestClient,
    joint_unit: dict[str, str],
    new_receiving: NewReceiving,
    listed: dict[str, Any],
) -> None:
    id = put(sandbox, listed=listed)
    new_receiving().fetch_replies()
    shown = by_svarut(api, joint_unit, id)
    assert shown["status"] == "received"
    assert api.get(f"/replies/{shown['id']}/documents/1", headers=joint_unit).content.startswith(b"%PDF")
    assert "15847500050" not in str(shown)


DOWNLOAD = "/tjenester/svarinn/forsendelse"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (LIST, {"kind": "status", "status": 503}),
        (LIST, {"kind": "status", "status": 200, "body": "<html>Vedlikehold</html>"}),
        (LIST, {"kind": "truncated"}),
        (DOWNLOAD, {"kind": "status", "status": 503}),
        (DOWNLOAD, {"kind": "status", "status": 401}),
        (DOWNLOAD, {"kind": "status", "status": 500}),
        (DOWNLOAD, {"kind": "status", "status": 200, "body": "<html>Vedlikehold</html>"}),
        (DOWNLOAD, {"kind": "truncated"}),
    ],
    ids=str,
)
def test_an_outage_stops_the_look_and_the_next_goes_on(
    sandbox: RunningSandbox,
    api: TestClient,
    joint_unit: dict[str, str],
    new_receiving: NewReceiving,
    path: str,
    fault: dict[str, Any],
) -> None:
    ids, receiving = [put(sandbox) for _ in range(2)], new_receiving()
    sandbox.fault(stand_in="svarut", path_prefix=path, times=1000, **fault)
    receiving.fetch_replies()
    assert waiting_for(sandbox, path) == ids, "nothing is acknowledged that is not kept"
    assert {one["status"] for one in replies(api, joint_unit)} <= {"waiting", "failed"}
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults").raise_for_status()
    for one in replies(api, joint_unit, status="failed"):  # an answer that is no envelope at all
        api.post(f"/replies/{one['id']}/retry", headers=joint_unit, json={}).raise_for_status()
    receiving.fetch_replies()
    assert {one["external_id"] for one in replies(api, joint_unit, status="received")} == set(ids)
    assert waiting(sandbox) == []


def waiting_for(sandbox: RunningSandbox, path: str) -> list[str]:
    if path == LIST:
        sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults").raise_for_status()
    return waiting(sandbox)


def test_a_letter_that_never_comes_through_stands_behind_the_others(
    sandbox: RunningSandbox, api: TestClient, joint_unit: dict[str, str], new_receiving: NewReceiving
) -> None:
    bad, receiving = put(sandbox), new_receiving(svarinn_attempts=3)
    sandbox.fault(stand_in="svarut", kind="status", path_prefix=f"/tjenester/svarinn/forsendelse/{bad}", times=1000)
    receiving.fetch_replies()
    good = put(sandbox)
    for _ in range(3):
        receiving.fetch_replies()
    assert by_svarut(api, joint_unit, good)["status"] == "received"
    shown = by_svarut(api, joint_unit, bad)
    assert (shown["status"], shown["detail"]) == ("waiting", "SvarInn is not available (503).")
    assert shown["failures"] >= 3, "an outage is no reason to give a letter up"


def test_what_is_kept_but_was_not_acknowledged_is_not_fetched_twice(
    sandbox: RunningSandbox, api: TestClient, joint_unit: dict[str, str], new_receiving: NewReceiving
) -> None:
    """Also when the acknowledgement came to SvarInn, and its answer not to us."""
    first, second, receiving = put(sandbox), put(sandbox), new_receiving()
    acknowledging = "/tjenester/svarinn/kvitterMottak/forsendelse"
    sandbox.fault(stand_in="svarut", kind="status", status=503, path_prefix=f"{acknowledging}/{first}")
    receiving.fetch_replies()
    shown = by_svarut(api, joint_unit, first)
    assert (shown["status"], shown["told_at"]) == ("received", None)
    sandbox.fault(stand_in="svarut", kind="drop_after", path_prefix=f"{acknowledging}/{first}")
    downloads = f"/tjenester/svarinn/forsendelse/{first}"
    sandbox.fault(stand_in="svarut", kind="status", status=418, path_prefix=downloads)
    for _ in range(2):
        receiving.fetch_replies()
    assert waiting(sandbox) == []
    assert {one["external_id"] for one in replies(api, joint_unit, status="received")} == {first, second}
    assert all(one["told_at"] and one["failures"] == 0 for one in replies(api, joint_unit))
    faults = sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]
    assert [one["path_prefix"] for one in faults] == [downloads], "it was never downloaded again"


def test_several_workers_keep_a_letter_once(
    sandbox: RunningSandbox, api: TestClient, joint_unit: dict[str, str], new_receiving: NewReceiving
) -> None:
    ids = {put(sandbox) for _ in range(5)}
    workers = [new_receiving() for _ in range(3)]
    with ThreadPoolExecutor(3) as many:
        list(many.map(lambda one: one.fetch_replies(), workers * 2))
    workers[0].fetch_replies()
    assert sorted(one["external_id"] for one in replies(api, joint_unit, status="received")) == sorted(ids)
    feed = api.get("/events", headers=joint_unit).json()["items"]
    assert [one["type"] for one in feed] == ["reply.received"] * 5


def test_each_account_is_read_with_its_own_key_and_one_that_fails_stops_no_other(
    sandbox: RunningSandbox, api: TestClient, joint_unit: dict[str, str], issuer: Issuer, new_receiving: NewReceiving
) -> None:
    system = {
        **{"user_name": "to", "password": "sandkasse", "name": "To"},
        "takes": [{"organisation_number": one} for one in ("100000040", "100000059")],
        "certificate": (sandbox.keys_folder / "svarinn-fjordvakt.crt.pem").read_text(),
    }
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/svarinn/receiving-systems", json=system).raise_for_status()
    to_body, to_lab = ({"organisation_number": one, "name": one} for one in ("100000040", "100000059"))
    body, lab, ours = put(sandbox, recipient=to_body), put(sandbox, recipient=to_lab), put(sandbox)
    fjordvakts = {name: getattr(account(sandbox, "fjordvakt"), name) for name in ("certificate_file", "key_file")}
    accounts = [
        account(sandbox, "nobody"),
        account(sandbox, password=SecretStr("feil"), user="fjordvakt"),
        account(sandbox, **fjordvakts, user="to"),
        account(sandbox),
    ]
    new_receiving(svarinn_accounts=accounts).fetch_replies()
    for id, organisation in ((body, "100000040"), (lab, "100000059"), (ours, JOINT_UNIT)):
        owner = issuer.bearer(organisation, "dispatch.read")
        assert [(one["external_id"], one["status"]) for one in replies(api, owner)] == [(id, "received")]
