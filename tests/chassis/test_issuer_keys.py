"""An issuer's keys: how often they are fetched, what becomes of rotation, removal and outage."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from services.chassis.auth import Gate, IssuerAway, TokenInvalid
from services.chassis.settings import IssuerKind, ServiceSettings
from tests.chassis.forging import ORGANISATION, public
from tests.issuer import Issuer

LIVES, PAUSE, OUTAGE = 100.0, 10.0, 50.0


@dataclass
class Stopwatch:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def own() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.close()


@pytest.fixture
def gate(own: Issuer, stopwatch: Stopwatch) -> Gate:
    rules = ServiceSettings(
        database_url="postgresql://127.0.0.1/none",
        port=1,
        keys_seconds=LIVES,
        keys_pause_seconds=PAUSE,
        keys_outage_seconds=OUTAGE,
        remembered_tokens=500,
    )
    return Gate([own.trusted(IssuerKind.MACHINE)], scope_prefix="samvirke", rules=rules, stopwatch=stopwatch)


def opens(gate: Gate, token: str) -> bool:
    """As the door does it."""
    try:
        return (gate.remembered(token) or gate.verify(token, fetching=True)) is not None
    except TokenInvalid:
        return False


def by(key: RSAKey, own: Issuer, kid: str) -> str:
    header = {"alg": "RS256", "kid": kid}
    before, own.key = own.key, key
    token = own.token(ORGANISATION, header=header)
    own.key = before
    return token


NEW = RSAKey.generate_key(2048, {"kid": "test-2", "use": "sig"})


def test_keys_are_fetched_once_for_many_tokens(gate: Gate, own: Issuer) -> None:
    assert all(opens(gate, own.token(ORGANISATION)) for _ in range(20))
    assert own.asked == 1


def test_a_remembered_token_is_neither_verified_nor_asked_about(
    gate: Gate, own: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    monkeypatch.setattr(jwt, "decode", None)
    own.away = True
    assert opens(gate, token)
    assert own.asked == 1


def test_unknown_key_ids_make_one_fetch_in_a_while(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    assert opens(gate, own.token(ORGANISATION))
    for number in range(30):
        assert not opens(gate, by(NEW, own, f"made-up-{number}"))
    assert own.asked == 1
    stopwatch.seconds += PAUSE
    for number in range(30):
        assert not opens(gate, by(NEW, own, f"made-up-{number}"))
    assert own.asked == 2


def test_both_keys_are_good_while_they_overlap(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    assert opens(gate, own.token(ORGANISATION))
    own.published = {"keys": [public(own.key), public(NEW)]}
    stopwatch.seconds += PAUSE
    assert opens(gate, by(NEW, own, "test-2"))
    assert opens(gate, own.token(ORGANISATION))


def test_a_key_that_is_seen_to_be_removed_counts_no_more(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    """Not even for tokens that were verified with it before."""
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    own.published = {"keys": [public(NEW)]}
    stopwatch.seconds += PAUSE
    assert opens(gate, by(NEW, own, "test-2"))
    assert gate.remembered(token) is None
    assert not opens(gate, token)


def test_another_key_by_the_same_name_is_another_key(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    own.published = {"keys": [public(NEW) | {"kid": "test-1"}]}
    stopwatch.seconds += LIVES
    assert not opens(gate, token)


@pytest.mark.parametrize(("after", "expected"), [(LIVES - 1, True), (LIVES, False)])
def test_a_removed_key_lives_as_long_as_settings_say(
    gate: Gate, own: Issuer, stopwatch: Stopwatch, after: float, expected: bool
) -> None:
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    own.published = {"keys": [public(NEW)]}
    stopwatch.seconds += after
    assert opens(gate, token) is expected


def test_when_all_keys_are_removed_none_is_good(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    own.published = {"keys": []}
    stopwatch.seconds += LIVES
    assert not opens(gate, token)


NONSENSE: list[Any] = ["<html>", {"jwks": []}, {"keys": "none"}, [1], {"keys": [1]}]


@pytest.mark.parametrize("page", [None, *NONSENSE])
def test_an_outage_is_survived_for_a_while(gate: Gate, own: Issuer, stopwatch: Stopwatch, page: Any) -> None:
    token = own.token(ORGANISATION)
    assert opens(gate, token)
    own.published, own.away = page, page is None
    stopwatch.seconds += LIVES
    assert opens(gate, token)
    assert opens(gate, own.token(ORGANISATION))
    assert own.asked == 2, "it is tried once in a while only"
    stopwatch.seconds += OUTAGE
    with pytest.raises(IssuerAway):
        opens(gate, token)
    own.published, own.away = None, False
    stopwatch.seconds += PAUSE
    assert opens(gate, token)


def test_without_any_keys_the_issuer_is_not_besieged(gate: Gate, own: Issuer, stopwatch: Stopwatch) -> None:
    own.away = True
    for _ in range(30):
        with pytest.raises(IssuerAway):
            opens(gate, own.token(ORGANISATION))
    assert own.asked == 1
    own.away = False
    stopwatch.seconds += 1
    assert opens(gate, own.token(ORGANISATION)), "soon after the issuer is back"


UNUSABLE: dict[str, Callable[[], dict[str, Any]]] = {
    "a private key": lambda: dict(NEW.as_dict(private=True)),
    "a shared secret": lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "test-2"},
    "a short key": lambda: public(NEW) | {"n": "x" * 171},
    "a key for encryption": lambda: public(NEW) | {"use": "enc"},
    "a key of a kind from the future": lambda: {"kty": "MLDSA", "kid": "test-2"},
    "half a key": lambda: {"kty": "RSA", "n": public(NEW)["n"], "kid": "test-2"},
    "a key without a name": lambda: {name: value for name, value in public(NEW).items() if name != "kid"},
    "a key for PS256 only": lambda: public(NEW) | {"alg": "PS256"},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_key_is_not_used_and_spoils_nothing(gate: Gate, own: Issuer, name: str) -> None:
    own.published = {"keys": [UNUSABLE[name](), public(own.key)]}
    assert opens(gate, own.token(ORGANISATION))
    assert not opens(gate, by(NEW, own, "test-2"))


def test_a_key_needs_no_algorithm_of_its_own(gate: Gate, own: Issuer) -> None:
    """Real key pages may lack `alg` and `use`."""
    own.published = {"keys": [{name: public(NEW)[name] for name in ("kty", "n", "e", "kid")}]}
    assert opens(gate, by(NEW, own, "test-2"))


def test_only_algorithms_of_the_issuer_are_taken(own: Issuer) -> None:
    elliptic = ECKey.generate_key("P-256", {"kid": "test-1"})
    own.published = {"keys": [public(elliptic)]}
    claims = jwt.decode(own.token(ORGANISATION), own.key).claims
    token = jwt.encode({"alg": "ES256", "kid": "test-1"}, claims, elliptic, default_type=None)
    trusted = own.trusted()
    assert opens(Gate([trusted], scope_prefix="samvirke"), token)
    strict = trusted.model_copy(update={"algorithms": ["RS256"]})
    assert not opens(Gate([strict], scope_prefix="samvirke"), token)


def test_no_more_tokens_are_remembered_than_settings_say(gate: Gate, own: Issuer) -> None:
    first, *_, last = tokens = [own.token(ORGANISATION) for _ in range(501)]
    assert all(opens(gate, token) for token in tokens)
    assert gate.remembered(first) is None
    assert gate.remembered(last)
    assert sum(gate.remembered(token) is not None for token in tokens) <= 500
