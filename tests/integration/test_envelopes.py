"""What SvarInn encrypts is opened, whoever wrote it and however; and what cannot be opened says why."""

import base64
import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import db
from services.integration.replies import archives, envelope, rules
from services.integration.replies.envelope import Key
from services.integration.replies.rules import Event, File, Limits, Listed, State
from services.integration.svarinn_client import listed

KNOWN = json.loads((db.PROJECT / "tests" / "data" / "envelopes.json").read_text())
PLAIN = base64.b64decode(KNOWN["plain"])
ENVELOPES = {name: base64.b64decode(text) for name, text in KNOWN["envelopes"].items()}


@pytest.fixture
def key(tmp_path: Path) -> Key:
    made = Key(tmp_path / "crt.pem", tmp_path / "key.pem")
    made.certificate.write_text(KNOWN["certificate"])
    made.private.touch(mode=0o600)
    made.private.write_text(KNOWN["key"])
    return made


def opened(sealed: bytes, key: Key, folder: Path) -> bytes:
    (folder / "sealed").write_bytes(sealed)
    envelope.opened(folder / "sealed", folder / "content", key)
    return (folder / "content").read_bytes()


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelopes_of_three_writers_are_opened(name: str, key: Key, tmp_path: Path) -> None:
    assert opened(ENVELOPES[name], key, tmp_path) == PLAIN
    assert ("ber" in name) == (ENVELOPES[name][:2] == b"\x30\x80"), "indefinite length"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A key of somebody else."""
    folder = tmp_path_factory.mktemp("stranger")
    made = Key(folder / "crt.pem", folder / "key.pem")
    told = ["-newkey", "rsa:2048", "-keyout", str(made.private), "-out", str(made.certificate), "-subj", "/CN=fremmed"]
    subprocess.run(["openssl", "req", "-x509", "-nodes", *told], check=True, capture_output=True)
    return made


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_that_cannot_be_opened_says_why(name: str, key: Key, stranger: Key, tmp_path: Path) -> None:
    right = ENVELOPES[name]
    with pytest.raises(rules.CutOff, match="ends too early"):
        opened(right[: len(right) // 2], key, tmp_path)
    with pytest.raises(rules.NotForUs):
        opened(right, stranger, tmp_path)
    with pytest.raises((rules.NotForUs, rules.Damaged) if "v15" in name else rules.NotForUs):
        opened(right, Key(key.certificate, stranger.private), tmp_path)


def test_what_is_no_envelope_or_is_damaged_says_so(key: Key, tmp_path: Path) -> None:
    for other in (b"%PDF-1.7 not encrypted at all", b"\x30\x03\x02\x01\x05"):
        with pytest.raises(rules.NoEnvelope):
            opened(other, key, tmp_path)
    with pytest.raises(rules.CutOff):
        opened(b"", key, tmp_path)
    changed = bytearray(ENVELOPES["openssl-der-oaep"])
    changed[-20] ^= 1
    with pytest.raises(rules.Damaged):
        opened(bytes(changed), key, tmp_path)


def test_a_byte_that_was_changed_unseen_shows_in_the_hash(key: Key, tmp_path: Path) -> None:
    """AES in CBC mode tells nothing of a changed byte in the middle."""
    changed = bytearray(ENVELOPES["openssl-der-oaep"])
    changed[600] ^= 1
    content = opened(bytes(changed), key, tmp_path)
    assert content != PLAIN
    sha256 = hashlib.sha256(PLAIN)
    for written in (sha256.hexdigest(), sha256.hexdigest().upper(), base64.b64encode(sha256.digest()).decode()):
        of = File("svar.pdf", "application/pdf", written)
        assert rules.document(of, "svar.pdf", 1, PLAIN, hashes=True).sha256 == sha256.hexdigest()
        with pytest.raises(rules.ContentChanged):
            rules.document(of, "svar.pdf", 1, content, hashes=True)
        assert rules.document(of, "svar.pdf", 1, content, hashes=False).content == content


def test_a_key_that_others_can_read_or_that_is_missing_is_not_used(key: Key) -> None:
    envelope.check(key)
    key.private.chmod(0o640)
    with pytest.raises(rules.NotAdmitted, match=r"Others can read the private key key\.pem"):
        envelope.check(key)
    key.private.unlink()
    with pytest.raises(rules.NotAdmitted, match=r"The file key\.pem is missing"):
        envelope.check(key)


def letter(*filenames: str) -> Listed:
    return Listed(
        id=UUID(int=1), title="Svar", download_url="", files=[File(one, "application/pdf") for one in filenames]
    )


def archive(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return made.getvalue()


def unpacked(content: bytes, folder: Path, of: Listed, limits: Limits | None = None) -> list[rules.Document]:
    (folder / "content").write_bytes(content)
    return list(archives.documents(folder / "content", "application/zip", of, limits or Limits(), hashes=True))


def test_documents_keep_their_order_and_lose_their_paths(tmp_path: Path) -> None:
    entries = [
        ("b.pdf", b"1"),
        ("../../etc/a.pdf", b"2"),
        ("C:\\mappe\\a\u030a.pdf", b"3"),
        ("mappe/", b""),
        ("..", b"4"),
    ]
    found = unpacked(archive(*entries), tmp_path, letter("b.pdf"))
    assert [(one.filename, one.content) for one in found] == [
        ("b.pdf", b"1"),
        ("a.pdf", b"2"),
        ("å.pdf", b"3"),
        ("..", b"4"),
    ]
    assert [one.media_type for one in found] == ["application/pdf", *["application/octet-stream"] * 3]


def test_archives_that_want_too_much_are_not_opened(tmp_path: Path) -> None:
    bomb = archive(("a.pdf", bytes(3_000_000)), ("b.pdf", bytes(3_000_000)))
    assert len(bomb) < 10_000
    small = Limits(unpacked=5_000_000, document=4_000_000)
    with pytest.raises(rules.ArchiveRefused, match="Document 2 unpacks to more"):
        unpacked(bomb, tmp_path, letter(), small)
    with pytest.raises(rules.ArchiveRefused, match="Document 1 unpacks to more"):
        unpacked(bomb, tmp_path, letter(), Limits(document=1_000_000))
    with pytest.raises(rules.ArchiveRefused, match="lists 1001 documents"):
        unpacked(archive(*((f"{number}", b"") for number in range(1001))), tmp_path, letter())
    locked = bytearray(archive(("a.pdf", b"x")))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(rules.ArchiveRefused, match="password"):
        unpacked(bytes(locked), tmp_path, letter())
    with pytest.raises(rules.DocumentMissing, match="lists 2 documents, 1 are there"):
        unpacked(archive(("a.pdf", b"x")), tmp_path, letter("a.pdf", "b.pdf"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 255))
def test_whatever_was_done_to_an_archive_it_is_read_or_refused(
    folder: Path, tail: bytes, place: int, byte: int
) -> None:
    right = bytearray(archive(("a.pdf", b"%PDF-1.4 " * 40), ("b.pdf", b"%PDF-1.4 " * 40)))
    right[place % len(right)] = byte
    try:
        unpacked(bytes(right) + tail, folder, letter())
    except rules.Unreadable:
        return


def test_letters_are_listed_however_little_or_odd_is_told_of_them() -> None:
    id = "018f5e9c-7d2b-7c3a-9f00-000000000001"
    bare = listed({"id": id})
    assert bare
    assert (bare.title, bare.files, bare.case, bare.sender_number) == ("(uten tittel)", [], {}, None)
    wrong: tuple[object, ...] = (None, [], {"id": None}, {"id": "1"}, {})
    assert [listed(one) for one in wrong] == [None] * 5
    nulls = dict.fromkeys(("tittel", "avsender", "mottaker", "date", "filmetadata", "svarPaForsendelse", "downloadUrl"))
    assert listed({"id": id, **nulls}) == bare
    odd = listed(
        {
            "id": id,
            "tittel": "Svar\x00 på\nbrev",
            "date": "2026-11-02T10:00:00+01:00",
            "nyttFelt": {"a": [1]},
            "svarSendesTil": {"fnr": "15847500050", "orgnr": None, "navn": "En person"},
            "svarPaForsendelse": {"id": id},
            "metadataFraAvleverendeSystem": {
                "saksaar": 0,
                "sakssekvensnummer": None,
                "journalaar": 2026,
                "tittel": " ",
            },
            "filmetadata": [None, {"filnavn": "a.pdf", "size": 0, "nytt": 1}],
        }
    )
    assert odd
    assert (odd.title, odd.case, odd.sender_number, odd.sender_name) == (
        "Svar  på brev",
        {"journal_year": 2026},
        None,
        "En person",
    )
    assert odd.answers_to == UUID(id)
    assert odd.sent_at == listed({"id": id, "date": 1793610000000}).sent_at  # type: ignore[union-attr]  # it has an id
    assert [one.filename for one in odd.files] == ["a.pdf"]
    assert "15847500050" not in repr(odd)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_reply_moves_by_its_table(state: State, event: Event) -> None:
    table = {
        (State.WAITING, Event.RECEIVE): State.RECEIVED,
        (State.WAITING, Event.FAIL): State.FAILED,
        (State.FAILED, Event.RETRY): State.WAITING,
        (State.FAILED, Event.GIVE_UP): State.GIVEN_UP,
    }
    if (state, event) in table:
        assert rules.after(state, event) is table[state, event]
    else:
        with pytest.raises(rules.ReplyMoveRefused):
            rules.after(state, event)


@given(st.lists(st.integers(0, 20), max_size=20))
def test_what_failed_most_comes_last_and_the_rest_as_listed(failures: list[int]) -> None:
    listed = [(UUID(int=place), one) for place, one in enumerate(failures)]
    found = list(rules.in_order(listed))
    assert found == [id for id, _ in sorted(listed, key=lambda one: (one[1], one[0].int))]


@given(st.integers(1, 100), st.floats(1, 1000))
def test_the_wait_doubles_up_to_its_longest(failures: int, longest: float) -> None:
    wait = rules.wait_after(failures, longest)
    assert wait == min(2 ** min(failures - 1, 30), longest)
