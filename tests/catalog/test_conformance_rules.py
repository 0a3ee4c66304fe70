"""The rules of conformance tests: which addresses, which steps, which headers, which verdict."""

import ipaddress
from itertools import product as pairs
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.addresses import rules as addresses
from services.catalog.addresses.rules import UrlUnusable, exempt, parse, refusal, refusals
from services.catalog.conformance_runs import rules as runs
from services.catalog.conformance_runs.rules import OPEN, Outcome, Reason, State, Step, Verdict
from services.catalog.test_endpoints import rules as endpoints
from services.chassis.problems import Conflict

PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:400f:80d::200e"]
PRIVATE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "64:ff9b::7f00:1", "64:ff9b::5db8:d70e"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:5db8:d70e::", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_the_internet_reaches_may_be_called(address: str) -> None:
    assert refusal(address, 443, []) is None


@pytest.mark.parametrize("address", [*PRIVATE, "localhost", "", "1.2.3", "0x7f000001", "2130706433"])
def test_nothing_else_may(address: str) -> None:
    assert refusal(address, 443, [])


@given(st.ip_addresses())
def test_python_and_we_agree_on_what_is_not_global(address: Any) -> None:
    if not address.is_global or address.is_multicast or address.is_loopback or address.is_link_local:
        assert refusal(str(address), 443, [])


@given(st.lists(st.sampled_from(PUBLIC), max_size=3), st.lists(st.sampled_from(PRIVATE), max_size=3))
def test_one_address_that_may_not_be_called_spoils_the_name(good: list[str], bad: list[str]) -> None:
    assert bool(refusals(good + bad, 443, [])) == (bool(bad) or not good)


def test_what_the_settings_open_is_exactly_one_network_and_port() -> None:
    opened = [exempt("127.0.0.1/32:8080"), exempt("::1/128:8443")]
    assert refusal("127.0.0.1", 8080, opened) is None
    assert refusal("::1", 8443, opened) is None
    for address, port in (("127.0.0.1", 8081), ("127.0.0.2", 8080), ("::1", 8080), ("::ffff:127.0.0.1", 8080)):
        assert refusal(address, port, opened)


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "127.0.0.1:80", "127.0.0.1/32", "127.0.0.1/33:80", "a/8:80", "10.0.0.0/8:0"]
)
def test_an_exemption_is_written_in_full(text: str) -> None:
    with pytest.raises(ValueError, match="is not written like"):
        exempt(text)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://test.example/api/", "https://test.example/api"),
        ("https://TEST.example:443", "https://test.example"),
        ("https://test.example:8443/a-b/c_d", "https://test.example:8443/a-b/c_d"),
        ("http://test.example:80/", "http://test.example"),
        ("https://[2606:4700:4700::1111]/x", "https://[2606:4700:4700::1111]/x"),
    ],
)
def test_a_url_is_kept_in_one_way_of_writing(url: str, kept: str) -> None:
    assert parse(url).url == kept
    assert parse(kept) == parse(url)


@given(st.text(max_size=60) | st.text(alphabet="htps:/.@\\?#%[]0178aex-", max_size=40))
def test_a_url_is_understood_in_one_way_or_refused(text: str) -> None:
    try:
        target = parse(f"https://{text}")
    except UrlUnusable:
        return
    assert set(target.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-:")
    assert parse(target.url) == target
    assert (
        target.host.rpartition(".")[2].isdigit() == (addresses.address(target.host) is not None) or ":" in target.host
    )


@pytest.mark.parametrize(("state", "step"), list(pairs(State, Step)))
def test_a_run_takes_the_steps_of_the_table_and_no_other(state: State, step: Step) -> None:
    expected = {
        (State.QUEUED, Step.START): State.RUNNING,
        (State.QUEUED, Step.CANCEL): State.CANCELLED,
        (State.RUNNING, Step.START): State.RUNNING,
        (State.RUNNING, Step.FINISH): State.FINISHED,
        (State.RUNNING, Step.FAIL): State.ERROR,
        (State.RUNNING, Step.TIME_OUT): State.TIMED_OUT,
        (State.RUNNING, Step.GIVE_UP): State.ERROR,
        (State.RUNNING, Step.CANCEL): State.CANCELLED,
    }
    if (state, step) in expected:
        assert runs.after(state, step) is expected[state, step]
    else:
        with pytest.raises(Conflict):
            runs.after(state, step)


def test_every_run_comes_to_an_end_that_stays() -> None:
    left = {state for state, _ in runs.MOVES}
    assert left == OPEN


@pytest.mark.parametrize(("state", "step"), list(pairs(endpoints.State, endpoints.Step)))
def test_an_endpoint_takes_the_steps_of_the_table_and_no_other(state: endpoints.State, step: endpoints.Step) -> None:
    expected = {
        endpoints.State.PROPOSED: {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"},
        endpoints.State.APPROVED: {"refuse": "refused", "withdraw": "withdrawn"},
    }
    following = expected.get(state, {}).get(step)
    if following:
        assert endpoints.after(state, step) == following
    else:
        with pytest.raises(Conflict):
            endpoints.after(state, step)


def report(**other: Any) -> dict[str, Any]:
    return {"failures": [], "stopped": None, "operations": [{"operation": "GET /", "cases": 1}], **other}


FAILURE = {"finding": "server_error"}
UNCALLED = {"operation": "GET /b", "cases": 0}


@pytest.mark.parametrize(
    ("told", "step", "verdict", "reason"),
    [
        (report(), Step.FINISH, Verdict.PASSED, None),
        (report(failures=[FAILURE]), Step.FINISH, Verdict.FAILED, None),
        (report(failures=[FAILURE], stopped="time", operations=[UNCALLED]), Step.FINISH, Verdict.FAILED, None),
        (report(stopped="time"), Step.TIME_OUT, None, Reason.TOO_MUCH_TIME),
        (report(operations=[UNCALLED]), Step.FAIL, None, Reason.CONTRACT_UNUSABLE),
        (report(operations=[]), Step.FAIL, None, Reason.CONTRACT_UNUSABLE),
    ],
)
def test_passed_is_only_what_was_called_to_its_end_and_never_failed(
    told: dict[str, Any], step: Step, verdict: Verdict | None, reason: Reason | None
) -> None:
    judged = runs.judge(told)
    assert isinstance(judged, Outcome)
    assert (judged.step, judged.verdict, judged.reason) == (step, verdict, reason)


def test_a_run_is_begun_three_times_and_then_given_up() -> None:
    assert [runs.check_begin(attempts) for attempts in range(4)] == [*[Step.START] * 3, Step.GIVE_UP]


@pytest.mark.parametrize(
    "name", ["Authorization", "COOKIE", "X-Auth", "api-key", "X-Token", "Proxy-X", "Ocp-Apim-Subscription-Key"]
)
def test_a_header_that_sounds_like_a_secret_is_none_for_us(name: str) -> None:
    assert [type(one) for one in endpoints.check_headers({name: "a"})] == [endpoints.SecretRefused]


@pytest.mark.parametrize("value", ["fiktiv-kommune", "1813", "kommune 1813", "a" * 40])
def test_a_header_that_tells_which_tenant_is_fine(value: str) -> None:
    assert endpoints.check_headers({"X-Test-Tenant": value}) == []


@given(st.text(max_size=10), st.text(max_size=10))
def test_no_header_breaks_a_request(name: str, value: str) -> None:
    if not endpoints.check_headers({name: value}):
        assert name.isascii()
        assert value.isascii()
        assert not set("\r\n\0") & set(name + value)


def test_the_traps_stand_where_we_say() -> None:
    assert not any(ipaddress.ip_address(one.partition("%")[0]).is_global for one in ("127.0.0.2", "::1", "fe80::1"))
