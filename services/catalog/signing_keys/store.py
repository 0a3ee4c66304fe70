"""Signing keys as they are kept: one JWK in each file of a folder, readable by nobody else."""

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.catalog.settings import Settings
from services.catalog.signing_keys import rules
from services.catalog.signing_keys.rules import Key
from services.chassis.problems import Unavailable, refuse
from services.chassis.settings import Environment

ALGORITHM = "ES256"
PUBLIC = ("kty", "crv", "x", "y", "kid", "use", "alg")
_OURS = "samvirke"
"""The member of the JWK that says what we know of the key; others ignore it (RFC 7517, 4)."""
SETTLED_NANOSECONDS = 1_000_000_000
_log = logging.getLogger("signing_keys")


class NoSigningKey(Unavailable):
    """Nothing can be signed here, as there is no key that may sign.

    Everything else works. Whoever runs the catalogue makes one with `python -m services keys new`.
    """


class _Unusable(Exception):
    """Why a file's key is not used, in words that may stand in a log."""


@dataclass(frozen=True)
class Held:
    """A key of the folder. `private` is None once it is retired, and never shown."""

    key: Key
    public: dict[str, str]
    private: ECKey | None
    sandbox: bool

    def __repr__(self) -> str:
        return f"Held({self.key.kid})"


class Keyring:
    """The keys of a folder, read anew when the folder has changed. In production those that the sandbox made do not
    count."""

    def __init__(self, folder: Path, *, lead: timedelta, production: bool) -> None:
        self._folder, self._lead, self.production = folder, lead, production
        self._read_at: int | None = None
        self._held: dict[str, Held] = {}
        self._lock = threading.Lock()

    def held(self) -> dict[str, Held]:
        """By key id. Files that cannot be used are left out, and the log says why."""
        try:
            changed_at = self._folder.stat().st_mtime_ns
        except OSError:
            return {}
        with self._lock:
            if changed_at != self._read_at:
                found = [self._read(path) for path in sorted(self._folder.glob("*.json"))]
                self._held = {one.key.kid: one for one in found if one}
                # What changes within the same tick of the file system's clock would not be seen later.
                self._read_at = changed_at if time.time_ns() - changed_at > SETTLED_NANOSECONDS else None
            return self._held

    def every(self) -> list[Key]:
        return [one.key for one in self.held().values()]

    def signing(self, now: datetime) -> Held:
        held = self.held()
        key = rules.signing([one.key for one in held.values() if one.private], now)
        if key is None:
            raise NoSigningKey
        return held[key.kid]

    def first(self, now: datetime) -> bool:
        """Make a key that signs at once, unless there is one. → whether it was made"""
        if rules.signing(self.every(), now):
            return False
        self._make(now, now)
        return True

    def make(self, now: datetime) -> Held:
        """A new key, which is published at once and signs as soon as verifiers have had time to see it."""
        return self._make(now, now + self._lead)

    def retire(self, kid: str, now: datetime, *, compromised: bool = False) -> None:
        """Let a key sign no more, and destroy its private half; compromised, it is not published any more either."""
        refuse(rules.check_retire(kid, self.every(), now, compromised=compromised))
        old = self.held()[kid]
        retired = replace(old.key, retired_at=old.key.retired_at or now, compromised=compromised)
        self._write(Held(retired, old.public, None, old.sandbox), old.public)

    def _make(self, now: datetime, signs_from: datetime) -> Held:
        private = ECKey.generate_key("P-256")
        private = ECKey.import_key(
            private.as_dict(private=True) | {"kid": private.thumbprint(), "use": "sig", "alg": ALGORITHM}
        )
        public = _public(private)
        made = Held(Key(public["kid"], now, signs_from), public, private, sandbox=not self.production)
        self._write(made, private.as_dict(private=True))
        return made

    def _read(self, path: Path) -> Held | None:
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o007:
                raise _Unusable("others may read it: chmod 600")
            jwk = json.loads(path.read_bytes())
            if jwk.get("crv") != "P-256" or jwk.get("alg") != ALGORITHM:
                raise _Unusable("only ES256 keys sign here")
            ours = jwk.pop(_OURS)
            key = ECKey.import_key(jwk)
            if self.production and ours["sandbox"]:
                raise _Unusable("the sandbox made it, and this is production")
            retired_at = ours["retired_at"]
            known = Key(
                str(key.kid),
                datetime.fromisoformat(ours["made_at"]),
                datetime.fromisoformat(ours["signs_from"]),
                datetime.fromisoformat(retired_at) if retired_at else None,
                bool(ours["compromised"]),
            )
        except _Unusable as error:
            _log.warning("key file %s is not used: %s", path.name, error)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
            # The kind of error only: its words may quote what the file holds.
            _log.warning("key file %s is not used: %s", path.name, type(error).__name__)
        else:
            return Held(known, _public(key), key if key.is_private and not retired_at else None, bool(ours["sandbox"]))
        return None

    def _write(self, held: Held, jwk: Mapping[str, Any]) -> None:
        """Whole or not at all, and never readable by others, not even while it is written."""
        key = held.key
        ours = {
            "made_at": key.made_at.isoformat(),
            "signs_from": key.signs_from.isoformat(),
            "retired_at": key.retired_at.isoformat() if key.retired_at else None,
            "compromised": key.compromised,
            "sandbox": held.sandbox,
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{key.kid}.json"
        half = path.with_suffix(".new")
        half.unlink(missing_ok=True)
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({**jwk, _OURS: ours}, file)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
        with self._lock:
            self._read_at = None


def keyring(settings: Settings) -> Keyring:
    production = settings.env is Environment.PRODUCTION
    return Keyring(settings.signing_keys_folder, lead=settings.signing_key_lead, production=production)


def _public(key: ECKey) -> dict[str, str]:
    whole = key.as_dict(private=False)
    return {name: str(whole[name]) for name in PUBLIC}


def sign(held: Held, typ: str, claims: Mapping[str, Any]) -> str:
    """A compact JWS. `typ` keeps one kind of token from being taken for another (RFC 8725, 3.11)."""
    assert held.private
    return jwt.encode({"alg": ALGORITHM, "kid": held.key.kid, "typ": typ}, dict(claims), held.private)
