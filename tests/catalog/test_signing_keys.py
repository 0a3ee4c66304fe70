"""Keys come and go with overlap: known before they sign, and kept for as long as what they signed counts."""

import json
import logging
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.catalog.settings import Settings
from services.catalog.signing_keys import rules, store
from services.catalog.signing_keys.rules import Key, KeyNeeded, KeyRetired, KeyUnknown, State
from services.catalog.signing_keys.store import Keyring, NoSigningKey
from services.chassis import db

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LISTS_LIVE = timedelta(hours=24)


def ring(folder: Path, *, production: bool = False, lead: timedelta = DAY) -> Keyring:
    return Keyring(folder, lead=lead, production=production)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "catalog"


def states(keys: Keyring, now: datetime, *needed: str) -> list[State]:
    every = sorted(keys.every(), key=lambda key: key.made_at)
    return [rules.state(key, every, now, needed=needed, lists_live=LISTS_LIVE) for key in every]


def test_a_new_key_is_published_before_it_signs_and_the_old_one_stays(folder: Path) -> None:
    keys = ring(folder)
    assert keys.first(NOW)
    assert not keys.first(NOW)
    old = keys.signing(NOW).key
    new = keys.make(NOW + DAY).key
    before, after = NOW + 2 * DAY - timedelta(seconds=1), NOW + 2 * DAY
    assert keys.signing(before).key == old
    assert states(keys, before) == [State.SIGNING, State.COMING]
    assert keys.signing(after).key == new
    assert states(keys, after) == [State.KEPT, State.SIGNING]


def test_a_retired_key_is_published_while_anything_that_it_signed_counts(folder: Path) -> None:
    keys = ring(folder, lead=timedelta())
    keys.first(NOW)
    old = keys.signing(NOW).key.kid
    keys.make(NOW + DAY)
    retired_at = NOW + 2 * DAY
    keys.retire(old, retired_at)
    assert states(keys, retired_at + LISTS_LIVE - timedelta(seconds=1))[0] is State.RETIRED
    assert states(keys, retired_at + LISTS_LIVE)[0] is State.GONE
    assert states(keys, retired_at + 900 * DAY, old)[0] is State.RETIRED
    keys.retire(old, retired_at + DAY, compromised=True)
    assert states(keys, retired_at + DAY, old)[0] is State.GONE
    assert keys.held()[old].key.retired_at == retired_at


def test_what_is_retired_has_no_private_half_left(folder: Path) -> None:
    keys = ring(folder, lead=timedelta())
    keys.first(NOW)
    old = keys.signing(NOW)
    keys.make(NOW + DAY)
    keys.retire(old.key.kid, NOW + DAY)
    assert all("d" not in json.loads(path.read_text()) for path in folder.glob(f"{old.key.kid}*"))
    assert keys.held()[old.key.kid].private is None
    assert keys.signing(NOW + DAY).key.kid != old.key.kid


def test_the_last_key_is_not_retired_unless_others_have_it(folder: Path) -> None:
    keys = ring(folder)
    keys.first(NOW)
    only = keys.signing(NOW).key.kid
    keys.make(NOW)  # signs tomorrow
    with pytest.raises(KeyNeeded):
        keys.retire(only, NOW)
    with pytest.raises(KeyUnknown):
        keys.retire("another", NOW)
    keys.retire(only, NOW, compromised=True)
    with pytest.raises(NoSigningKey):
        keys.signing(NOW)
    with pytest.raises(KeyRetired):
        keys.retire(only, NOW, compromised=True)


def test_of_several_keys_the_one_that_began_last_signs_whatever_their_order() -> None:
    keys = [Key(kid, NOW, NOW + DAY * begins) for kid, begins in (("a", -2), ("b", -1), ("c", 1))]
    keys.append(Key("d", NOW, NOW, retired_at=NOW))
    for some in permutations(keys):
        found = rules.signing(some, NOW)
        assert found
        assert found.kid == "b"


def test_files_are_for_the_owner_only_and_a_key_that_others_may_read_is_not_used(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = ring(folder)
    keys.first(NOW)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING), pytest.raises(NoSigningKey):
        ring(folder).signing(NOW)
    assert "chmod 600" in caplog.text


def test_no_log_line_and_no_printed_key_shows_a_private_half(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = ring(folder)
    keys.first(NOW)
    (path,) = folder.iterdir()
    jwk = json.loads(path.read_text())
    for place, broken in enumerate(
        [json.dumps(jwk)[:-2], json.dumps(jwk | {"x": "AA"}), json.dumps(jwk | {"crv": "P-384"}), json.dumps([jwk])]
    ):
        (folder / f"broken{place}.json").write_text(broken)
        (folder / f"broken{place}.json").chmod(0o600)
    with caplog.at_level(logging.DEBUG):
        held = ring(folder).held()
    assert list(held) == [jwk["kid"]]
    assert caplog.text.count("is not used") == 4
    assert jwk["d"] not in caplog.text + repr(held) + json.dumps(held[jwk["kid"]].public)


def test_another_process_sees_a_new_key_at_once(folder: Path) -> None:
    one, other = ring(folder, lead=timedelta()), ring(folder, lead=timedelta())
    assert other.every() == []
    one.first(NOW)
    assert other.every() == one.every()
    one.make(NOW + DAY)
    assert other.signing(NOW + DAY) == one.signing(NOW + DAY)


def test_also_one_that_was_made_in_the_same_tick_of_the_file_systems_clock(folder: Path) -> None:
    one, other = ring(folder, lead=timedelta()), ring(folder, lead=timedelta())
    tick = time.time_ns() + 10**10
    for made in (1, 2):
        one.make(NOW + made * DAY)
        os.utime(folder, ns=(tick, tick))
        assert len(other.every()) == made


def test_production_does_not_sign_with_a_key_that_the_sandbox_made(folder: Path) -> None:
    ring(folder).first(NOW)
    production = ring(folder, production=True)
    with pytest.raises(NoSigningKey):
        production.signing(NOW)
    made = production.make(NOW - 2 * DAY)
    assert production.signing(NOW).key == made.key


def test_settings_give_a_day_of_lead_where_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"database_url": "postgresql://127.0.0.1/none"}
    assert Settings(**given).signing_key_lead == timedelta()
    monkeypatch.setenv("SAMVIRKE_ENV", "production")
    real: dict[str, Any] = given | {"issuers": [], "public_url": "https://catalog.example/"}
    assert Settings(**real).signing_key_lead == DAY
    assert Settings(**real).public_url == "https://catalog.example"
    assert store.keyring(Settings(**real)).production
    with pytest.raises(ValueError, match="plain http"):
        Settings(**given, issuers=[])


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In an environment that says nothing but where the data is."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "services", "keys", *words],
        env=kept | {"SAMVIRKE_DATA": str(folder)},
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_makes_lists_and_retires_keys(tmp_path: Path) -> None:
    made = command(tmp_path, "new")
    assert (made.returncode, made.stderr) == (0, "")
    kid = made.stdout.split()[0]
    (file,) = (tmp_path / "keys" / "catalog").iterdir()
    assert file.stem == kid
    listed = command(tmp_path, "list")
    assert listed.stdout.split()[:2] == [kid, "signing"]
    assert json.loads(file.read_text())["d"] not in made.stdout + listed.stdout
    refused = command(tmp_path, "retire", kid)
    assert refused.returncode == 1
    assert refused.stderr.startswith("samvirke: No other key could sign in its place")
