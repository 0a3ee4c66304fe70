"""A component's life: who moves it on, from which state, and what its events amount to on a day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.lifecycles import rules
from services.catalog.lifecycles.rules import EventKind, LifeCycle, Standing, Step
from services.catalog.working_days import rules as working_days
from services.chassis import clock
from tests.catalog.conftest import BRONNOY, EDITOR, errors, problem
from tests.issuer import Issuer

ALSTAHAUG = "938712441"
DAY = date(2026, 5, 4)
SOON = "2099-01-01"
SHARED = {
    "slug": "fellesloesning",
    "name": {"nb": "Fellesløsning", "nn": "Fellesløysing"},
    "reuse": "shared_use",
    "operator": BRONNOY,
    "price_note": {"nb": "Etter innbyggertall"},
    "terms_url": "https://example.no/vilkaar",
    "data_processing_agreement_url": "https://example.no/avtale",
}
PATH = "/components/fellesloesning"


# ---- Rules


def test_the_moves_are_exactly_these() -> None:
    allowed = {
        (LifeCycle.UNKNOWN, Step.PROPOSE),
        (LifeCycle.REJECTED, Step.PROPOSE),
        (LifeCycle.PROPOSED, Step.APPROVE),
        (LifeCycle.PROPOSED, Step.REJECT),
        (LifeCycle.APPROVED, Step.PUBLISH),
        (LifeCycle.AVAILABLE, Step.DEPRECATE),
        (LifeCycle.DEPRECATED, Step.REINSTATE),
    } | {(state, Step.RETIRE) for state in LifeCycle if state is not LifeCycle.RETIRED}
    for state, step in product(LifeCycle, Step):
        found = rules.check_step(Standing(state, DAY), step, DAY, DAY, reason=None)
        refused = {type(one) for one in found}
        if step is Step.CALL_OFF:
            assert refused == {rules.NothingPlanned}
        else:
            assert (rules.StepRefused in refused) == ((state, step) not in allowed), (state, step)


@pytest.mark.parametrize("step", Step)
def test_beside_a_plan_nothing_moves_but_calling_it_off(step: Step) -> None:
    planned = Standing(LifeCycle.AVAILABLE, DAY, LifeCycle.DEPRECATED, DAY + timedelta(days=9))
    found = {type(one) for one in rules.check_step(planned, step, DAY, DAY, reason="x")}
    assert (rules.ChangePlanned in found) == (step is not Step.CALL_OFF)


@pytest.mark.parametrize(
    ("step", "owner", "editor", "refused"),
    [
        (step, owner, editor, step not in rules.EDITORS and not owner and not editor)
        for step in Step
        for owner in (True, False)
        for editor in (True, False)
    ],
)
def test_owners_take_their_steps_and_editors_any(step: Step, owner: bool, editor: bool, refused: bool) -> None:
    found = rules.check_actor(step, BRONNOY, BRONNOY if owner else ALSTAHAUG, editor=editor)
    assert bool(found) == refused


happenings = st.lists(
    st.tuples(
        st.sampled_from([kind for kind in EventKind if kind is not EventKind.FILED]),
        st.integers(0, 40),
        st.integers(0, 6),
    ),
    max_size=12,
)


def told(drawn: list[tuple[EventKind, int, int]]) -> list[rules.Event]:
    """Events in the order in which they were recorded, each effective up to six days from its own."""
    now = datetime(2026, 5, 4, 9, tzinfo=UTC)
    found = [rules.Event(EventKind.FILED, DAY, now, LifeCycle.UNKNOWN)]
    for place, (kind, later, ahead) in enumerate(sorted(drawn, key=lambda one: one[1]), 1):
        recorded = now + timedelta(days=later, minutes=place)
        found.append(rules.Event(kind, recorded.date() + timedelta(days=ahead), recorded))
    return found


@given(happenings, st.integers(0, 60), st.integers(0, 60))
def test_what_was_known_about_a_day_never_changes(
    drawn: list[tuple[EventKind, int, int]], day: int, known: int
) -> None:
    events, on = told(drawn), DAY + timedelta(days=day)
    known_at = datetime(2026, 5, 4, 23, 59, tzinfo=UTC) + timedelta(days=known)
    then = [event for event in events if event.recorded_at <= known_at]
    assert rules.standing_on(events, on, known_at) == rules.standing_on(then, on)


@given(happenings, st.integers(0, 60))
def test_a_state_follows_from_the_moves_only(drawn: list[tuple[EventKind, int, int]], day: int) -> None:
    events = told(drawn)
    seen = [rules.standing_on(events, DAY + timedelta(days=one)).state for one in range(day + 1)]
    steps = {(before, after) for (before, _), after in rules.MOVES.items()}
    reachable = set(steps)
    for _ in range(len(LifeCycle)):
        reachable |= {(a, d) for a, b in reachable for c, d in steps if b == c}
    for before, after in pairwise(seen):
        assert before == after or (before, after) in reachable
    if LifeCycle.RETIRED in seen:
        assert set(seen[seen.index(LifeCycle.RETIRED) :]) == {LifeCycle.RETIRED}


@given(happenings, st.integers(0, 60))
def test_a_plan_comes_about_on_its_day(drawn: list[tuple[EventKind, int, int]], day: int) -> None:
    events = told(drawn)
    standing = rules.standing_on(events, DAY + timedelta(days=day))
    if standing.next_on:
        assert rules.standing_on(events, standing.next_on - timedelta(days=1)).state == standing.state
        happens = [one for one in events if one.effective_on == standing.next_on]
        if len(happens) == 1:
            assert rules.standing_on(events, standing.next_on).state == standing.next_state


@pytest.mark.parametrize(
    ("proposed_on", "expected"),
    [
        (date(2026, 1, 5), date(2026, 2, 2)),  # no holiday between
        (date(2026, 3, 23), date(2026, 4, 23)),  # Maundy Thursday, Good Friday, Easter Monday
        (date(2026, 4, 27), date(2026, 5, 28)),  # 1 May, Ascension Day, Whit Monday; 17 May is a Sunday
        (date(2024, 4, 29), date(2024, 5, 31)),  # 1, 9, 17 and 20 May
        (date(2026, 12, 14), date(2027, 1, 13)),  # Christmas Day, New Year's Day; Christmas Eve is a working day
        (date(2026, 1, 3), date(2026, 1, 30)),  # proposed on a Saturday
    ],
)
def test_the_deadline_is_twenty_norwegian_working_days(proposed_on: date, expected: date) -> None:
    assert rules.decide_by(proposed_on) == expected


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_the_deadline_counts_working_days_and_ends_on_one(proposed_on: date) -> None:
    last = rules.decide_by(proposed_on)
    days = [proposed_on + timedelta(days=one) for one in range(1, (last - proposed_on).days + 1)]
    assert sum(working_days.is_working_day(day) for day in days) == rules.DECIDED_WITHIN
    assert working_days.is_working_day(last)
    assert not working_days.is_working_day(date(proposed_on.year, 5, 17))


# ---- Over HTTP


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return bearer(issuer, BRONNOY, "catalog.write", client="fagsystem")


def bearer(issuer: Issuer, organisation: str, *scopes: str, client: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(organisation, *scopes, client_id=client)}"}


@pytest.fixture
def take(catalog: TestClient) -> Callable[..., Any]:
    def step(name: str, headers: dict[str, str], **body: Any) -> Any:
        return catalog.post(f"{PATH}/{name}", json=body, headers=headers)

    return step


def test_from_proposal_to_retirement(
    catalog: TestClient, owner: dict[str, str], editor: dict[str, str], take: Callable[..., Any], url: str
) -> None:
    made = catalog.post("/components", json=SHARED, headers=owner).json()
    assert made["life_cycle"] == "proposed"
    assert made["decide_by_on"] == str(rules.decide_by(clock.today()))
    assert take("approve", editor).json()["life_cycle"] == "approved"
    assert catalog.get(PATH).json()["decide_by_on"] is None
    assert take("publish", owner).json()["life_cycle"] == "available"
    gone = take("deprecate", owner, reason="Ny kommer", replaced_by="id-porten", ends_on="2099-12-31")
    assert gone.json()["life_cycle"] == "deprecated"
    shown = catalog.get(PATH).json()
    assert (shown["replaced_by"], shown["ended_on"], shown["life_cycle_reason"]) == (
        "id-porten",
        "2099-12-31",
        "Ny kommer",
    )
    assert take("reinstate", owner, reason="Likevel ikke").json()["life_cycle"] == "available"
    shown = catalog.get(PATH).json()
    assert (shown["replaced_by"], shown["ended_on"]) == (None, None)
    assert take("retire", owner, reason="Slutt").json()["life_cycle"] == "retired"
    assert catalog.get(PATH).json()["ended_on"] == str(clock.today())
    assert problem(take("propose", owner)) == (409, "step-refused")
    history = catalog.get(f"{PATH}/history").json()
    kinds = ["proposed", "approved", "published", "deprecated", "reinstated", "retired"]
    assert [one["kind"] for one in history["events"]] == kinds
    feed = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert [one["type"] for one in feed if one["subject"] == PATH] == [f"component.{kind}" for kind in kinds]
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT action FROM audit WHERE subject = %s ORDER BY id", [PATH]).fetchall()
    assert [row[0] for row in rows] == [
        f"component.{one}" for one in ("register", "approve", "publish", "deprecate", "reinstate", "retire")
    ]


def test_whoever_wrote_it_does_not_approve_it(
    catalog: TestClient, issuer: Issuer, owner: dict[str, str], take: Callable[..., Any]
) -> None:
    one, other = (bearer(issuer, EDITOR, "catalog.admin", "catalog.write", client=name) for name in ("kari", "ola"))
    assert catalog.post("/components", json=SHARED, headers=one).status_code == 201
    assert problem(take("approve", one)) == (403, "own-approval")
    changed = catalog.patch(
        PATH,
        content=b'{"level": "municipal"}',
        headers=other | {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"},
    )
    assert changed.status_code == 200, changed.text
    assert problem(take("approve", other)) == (403, "own-approval"), "who changes a proposal is one of its authors"
    third = bearer(issuer, EDITOR, "catalog.admin", client="per")
    assert take("approve", third).json()["life_cycle"] == "approved"


def test_the_same_client_for_two_organisations_is_the_same_eyes(
    catalog: TestClient, issuer: Issuer, take: Callable[..., Any]
) -> None:
    assert catalog.post(
        "/components", json=SHARED, headers=bearer(issuer, BRONNOY, "catalog.write", client="vendor")
    ).is_success
    assert problem(take("approve", bearer(issuer, EDITOR, "catalog.admin", client="vendor"))) == (403, "own-approval")


def test_a_rejected_one_is_changed_and_proposed_again(
    catalog: TestClient, owner: dict[str, str], editor: dict[str, str], take: Callable[..., Any]
) -> None:
    catalog.post("/components", json=SHARED, headers=owner)
    assert take("reject", editor, reason="Finnes fra før").json()["life_cycle"] == "rejected"
    shown = catalog.get(PATH).json()
    assert (shown["life_cycle_reason"], shown["decide_by_on"]) == ("Finnes fra før", None)
    assert problem(take("publish", owner)) == (409, "step-refused")
    assert take("propose", owner).json()["decide_by_on"] == str(rules.decide_by(clock.today()))
    assert take("approve", editor).json()["life_cycle"] == "approved"


def test_it_is_published_only_with_what_its_form_entails(
    catalog: TestClient, owner: dict[str, str], editor: dict[str, str], take: Callable[..., Any]
) -> None:
    bare = {"slug": "fellesloesning", "name": {"nb": "Fellesløsning"}, "reuse": "both"}
    catalog.post("/components", json=bare, headers=owner)
    take("approve", editor)
    answer = take("publish", owner)
    assert problem(answer) == (422, "operator-missing")
    assert errors(answer) == {
        ("operator-missing", "#/operator"),
        ("price-note-missing", "#/price_note"),
        ("terms-missing", "#/terms_url"),
        ("data-processing-agreement-missing", "#/data_processing_agreement_url"),
        ("licence-missing", "#/licence"),
        ("repository-missing", "#/repositories"),
    }
    assert catalog.get(PATH).json()["life_cycle"] == "approved"


def test_a_plan_waits_for_its_day_and_can_be_called_off(
    catalog: TestClient, owner: dict[str, str], editor: dict[str, str], take: Callable[..., Any]
) -> None:
    catalog.post("/components", json=SHARED, headers=owner)
    take("approve", editor)
    assert take("publish", owner, effective_on=SOON, reason="Etter innføringen").is_success
    shown = catalog.get(PATH).json()
    assert (shown["life_cycle"], shown["planned"]) == (
        "approved",
        {"life_cycle": "available", "effective_on": SOON, "reason": "Etter innføringen"},
    )
    assert catalog.get(f"{PATH}/history", params={"on": SOON}).json()["life_cycle"] == "available"
    assert problem(take("retire", owner, reason="x")) == (409, "change-planned")
    assert take("call-off", owner, reason="Utsatt").json()["next_on"] is None
    assert catalog.get(PATH).json()["planned"] is None
    assert catalog.get(f"{PATH}/history", params={"on": SOON}).json()["life_cycle"] == "approved"


def brought_about(url: str, slug: str, on: date) -> None:
    """Let a plan have come about, as if days had passed."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE component_event DISABLE TRIGGER final")
        connection.execute(
            "UPDATE component_event SET effective_on = %s WHERE effective_on > now() AND component_id = "
            "(SELECT id FROM component WHERE slug = %s)",
            [on, slug],
        )
        connection.execute("ALTER TABLE component_event ENABLE TRIGGER final")
        connection.execute("UPDATE component SET next_on = %s WHERE slug = %s", [on, slug])


def test_a_plan_comes_about_without_anyone_doing_anything(catalog: TestClient, issuer: Issuer, url: str) -> None:
    """No job has to run: reading, listing, filtering, and the state that a change starts from follow from the day."""
    path = "/components/felles-avtaleverktoy"
    before = catalog.get(path)
    assert (before.json()["life_cycle"], before.headers["ETag"]) == ("available", '"1"')
    brought_about(url, "felles-avtaleverktoy", clock.today())
    after = catalog.get(path)
    assert (after.json()["life_cycle"], after.json()["planned"]) == ("deprecated", None)
    assert after.headers["ETag"] == '"2"'

    def listed(state: str) -> list[str]:
        return [one["slug"] for one in catalog.get("/components", params={"life_cycle": state}).json()["items"]]

    assert "felles-avtaleverktoy" in listed("deprecated")
    assert "felles-avtaleverktoy" not in listed("available")
    writes = bearer(issuer, EDITOR, "catalog.write", client="eier")
    stale = catalog.post(f"{path}/confirm", headers=writes | {"If-Match": '"1"'})
    assert problem(stale) == (412, "stale")
    assert catalog.post(f"{path}/confirm", headers=writes | {"If-Match": '"2"'}).is_success
    settled = catalog.get(path)
    assert (settled.json()["life_cycle"], settled.headers["ETag"]) == ("deprecated", '"3"')


def test_what_is_kept_beside_the_events_is_what_they_amount_to(catalog: TestClient, url: str) -> None:
    """Every seeded component, today and on the day after everything that is planned."""
    for one in catalog.get("/components", params={"limit": 200}).json()["items"]:
        derived = catalog.get(f"/components/{one['slug']}/history").json()
        assert derived["life_cycle"] == one["life_cycle"]
        assert derived["next_on"] == (one["planned"] or {}).get("effective_on")
        assert derived["next_life_cycle"] == (one["planned"] or {}).get("life_cycle")
        assert derived["events"], one["slug"]


def test_events_are_never_changed(catalog: TestClient, url: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in ("DELETE FROM component_event", "UPDATE component_event SET reason = 'x'"):
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"), connection.transaction():
                connection.execute(statement)


def test_what_is_overdue_is_found(catalog: TestClient, url: str) -> None:
    def overdue(value: str) -> set[str]:
        return {
            one["slug"] for one in catalog.get("/components", params={"overdue": value, "limit": 200}).json()["items"]
        }

    with psycopg.connect(url) as connection:
        connection.execute("UPDATE component SET decide_by_on = %s WHERE decide_by_on IS NOT NULL", [clock.today()])
    assert overdue("true") == set()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE component SET decide_by_on = decide_by_on - 1 WHERE decide_by_on IS NOT NULL")
    assert overdue("true") == {"felles-innbyggerportal"}
    assert overdue("false") | overdue("true") == overdue("false") | {"felles-innbyggerportal"}
    assert not overdue("false") & overdue("true")


def test_a_dry_run_tells_and_keeps_nothing(
    catalog: TestClient, owner: dict[str, str], editor: dict[str, str], take: Callable[..., Any]
) -> None:
    catalog.post("/components", json=SHARED, headers=owner)
    answer = catalog.post(f"{PATH}/approve", params={"dry_run": "true"}, json={}, headers=editor)
    assert (answer.status_code, answer.headers["Dry-Run"], answer.json()["life_cycle"]) == (200, "true", "approved")
    assert catalog.get(PATH).json()["life_cycle"] == "proposed"
    assert len(catalog.get(f"{PATH}/history").json()["events"]) == 1


# ---- Looking after it


def test_a_component_changes_hands_when_the_other_takes_it(
    catalog: TestClient, issuer: Issuer, owner: dict[str, str]
) -> None:
    catalog.post("/components", json=SHARED, headers=owner)
    other = bearer(issuer, ALSTAHAUG, "catalog.write", client="alstahaug")
    assert problem(catalog.post(f"{PATH}/take-over", headers=other)) == (403, "not-offered-to-you")
    offer = {"to": ALSTAHAUG, "reason": "Vi slutter"}
    assert problem(catalog.post(f"{PATH}/transfer", json=offer, headers=other)) == (403, "component-not-yours")
    assert catalog.post(f"{PATH}/transfer", json=offer, headers=owner).json()["transfer_to"] == ALSTAHAUG
    assert catalog.get(PATH).json()["owner"]["organisation_number"] == BRONNOY
    assert catalog.post(f"{PATH}/take-over", headers=other).json()["owner"] == ALSTAHAUG
    assert catalog.get(PATH).json()["transfer_to"] is None
    assert problem(catalog.post(f"{PATH}/confirm", headers=owner)) == (403, "component-not-yours")
    assert catalog.post(f"{PATH}/confirm", headers=other).is_success
    assert problem(catalog.post(f"{PATH}/take-over", headers=other)) == (403, "not-offered-to-you")


def test_what_nobody_has_confirmed_for_a_year_is_stale(catalog: TestClient, issuer: Issuer, url: str) -> None:
    path = "/components/felles-kartvisning"

    def confirmed(days_ago: int) -> bool:
        with psycopg.connect(url) as connection:
            day = clock.today() - timedelta(days=days_ago)
            connection.execute("UPDATE component SET confirmed_on = %s WHERE slug = 'felles-kartvisning'", [day])
        stale = bool(catalog.get(path).json()["stale"])
        listed = catalog.get("/components", params={"stale": "true", "limit": 200}).json()["items"]
        assert ("felles-kartvisning" in [one["slug"] for one in listed]) == stale
        return not stale

    assert confirmed(365)
    assert not confirmed(366)
    answer = catalog.post(f"{path}/confirm", headers=bearer(issuer, EDITOR, "catalog.write", client="eier"))
    assert (answer.json()["stale"], answer.json()["confirmed_on"]) == (False, str(clock.today()))
    assert catalog.get("/components/noark").json()["stale"], "never confirmed"
