"""What is wrong is refused with every rule that it breaks, and nothing of it is kept: a list, and what holds of it."""

import ast
import json
import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.chassis.http import Neighbour
from services.chassis.problems import Problem, known
from tests.agreements import scene
from tests.agreements.bad import PERSON, Case, filled
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

HERE = Path(__file__).parent
LISTS = sorted(path.stem for path in HERE.glob("bad_*.py"))
CASES: list[tuple[str, Case]] = [
    (name.removeprefix("bad_"), case) for name in LISTS for case in import_module(f"tests.agreements.{name}").CASES
]
ELSEWHERE = {
    "award-replaced": "test_awards.test_what_was_asked_about_one_award_orders_nothing_on_another",
    "bid-outdated": "test_awards.test_a_bid_that_answers_what_was_amended_keeps_the_award_until_it_is_rejected",
    "decided-by-competition": "test_awards.test_what_was_competed_for_is_ordered_as_it_is_or_not_at_all",
    "must-unmet": "test_awards.test_an_unmet_must_keeps_the_award_until_the_bid_is_rejected",
    "competition-letter-unknown": "test_competition_letters.test_a_supplier_reads_its_own_letters_and_a_stranger_none",
    "competition-letter-not-made": "test_competition_letters.test_a_supplier_reads_its_own_letters_and_a_stranger_none",
    "document-not-yet": "test_competition_letters.test_before_the_opening_there_is_no_record_for_anybody",
    "document-closed": "test_competition_letters.test_records_are_closed_to_bidders_until_the_choice_has_been_made",
    "certification-pending": "test_deliveries."
    "test_while_the_catalogue_is_away_a_delivery_is_registered_and_waits_visibly",
    "not-certified-unexplained": "test_deliveries.test_what_was_not_certified_that_day_is_accepted_only_with_a_reason",
    "certification-unknown": "test_catalogue_is_away.test_an_answer_that_cannot_be_had_is_a_503_and_reserves_nothing",
    "sealing-key-away": "test_sealed_bids.test_without_the_sealing_key_nothing_is_opened_and_nothing_changed",
    "seal-broken": "test_sealed_bids.test_one_spoilt_bid_keeps_all_of_them_shut",
    "examiners-of-bids-busy": "test_sealed_bids.test_a_bid_whose_documents_nobody_can_look_through_is_not_taken",
    "agreement-closed-meanwhile": "test_meanwhile."
    "test_no_order_is_placed_under_an_agreement_that_was_terminated_meanwhile",
    "change-replaced": "test_meanwhile.test_a_change_is_not_confirmed_by_an_answer_to_the_one_before",
    "letter-reply-not-found": "test_letter_replies.test_a_reply_s_document_is_asked_for_by_those_alone",
    "report-findings-many": "test_report_tables.test_only_so_many_findings_are_told",
    "report-file-too-costly": "test_report_tables.test_a_file_that_costs_too_much_or_must_wait_is_refused",
    "examiners-of-reports-busy": "test_report_tables.test_a_file_that_costs_too_much_or_must_wait_is_refused",
    "spend-file-replaced": "test_outside_buys.test_a_file_is_corrected_by_one_that_replaces_it_once",
    "sales-report-replaced": "test_sales_reports.test_a_report_is_corrected_by_one_that_replaces_it_once",
    "spend-report-too-long": "test_spend_exports.test_a_report_of_too_many_rows_is_refused_and_not_cut",
    "message-id-used": "messages/test_order_answers."
    "test_the_same_message_again_changes_nothing_and_another_by_its_id_is_refused",
    "notice-run-out": "test_accessions.test_notice_that_has_run_out_is_not_taken_back",
    "threshold-missing": "test_thresholds.test_an_announcement_on_a_day_without_thresholds_is_refused",
}
"""Problems that need another day, a neighbour that is away or two at once: the test that meets each."""


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


@pytest.fixture(scope="module")
def agreements(
    apps: Callable[[str], FastAPI], url: str, catalog_api: TestClient, issuer: Issuer
) -> Iterator[TestClient]:
    app = apps("agreements")
    app.state.catalog = Catalog(Neighbour("The catalogue", catalog_api))
    with serving(app, url) as client:
        yield client


@pytest.fixture(scope="module")
def names(agreements: TestClient, issuer: Issuer) -> dict[str, str]:
    return scene.names(agreements, issuer)


Unchanged = Callable[[], bool]


@pytest.fixture(scope="module")
def unchanged(url: str, names: dict[str, str]) -> Iterator[Unchanged]:
    """Whether the database is as it was the last time that this was asked."""
    with psycopg.connect(url, autocommit=True) as connection:
        last = [kept(connection)]

        def same() -> bool:
            last.append(kept(connection))
            return last[-2] == last[-1]

        yield same


def kept(connection: psycopg.Connection) -> list[tuple[str, int, int]]:
    """Each table with its number of rows and the newest transaction that wrote one. The audit trail is sealed on its
    own time, so of that only the number of rows counts."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    newest = "coalesce(max(xmin::text::bigint), 0)"
    counts = " UNION ALL ".join(
        f"SELECT '{name}', count(*), {0 if name == 'audit' else newest} FROM {name}"
        for (name,) in names
        if name != "audit_seal"
    )
    return sorted(connection.execute(counts).fetchall())


@pytest.mark.parametrize(("part", "case"), CASES, ids=[f"{part}: {case.name}" for part, case in CASES])
def test_all_that_is_wrong_is_told_and_nothing_is_kept(
    part: str,
    case: Case,
    agreements: TestClient,
    names: dict[str, str],
    unchanged: Unchanged,
    issuer: Issuer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {"Idempotency-Key": f"wrong-{case.name}".encode("ascii", "replace").decode()} | filled(
        dict(case.headers), names
    )
    if case.organisation:
        headers = issuer.bearer(case.organisation, *case.scopes) | headers
    content = case.content
    if content is None and case.body is not None:
        content = json.dumps(filled(case.body, names)).encode()
    if content is not None:
        headers["Content-Type"] = case.media
    with caplog.at_level(logging.DEBUG):
        answer = agreements.request(case.method, filled(case.path, names), content=content, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    failed = [
        f"{one['type'].removeprefix('/problems/')} {one.get('pointer', '')}".strip()
        for one in told.get("errors", [told])
    ]
    assert (answer.status_code, failed) == (case.status, list(case.fails)), told
    assert told["status"] == case.status
    assert told["type"].removeprefix("/problems/") == case.fails[0].partition(" ")[0], "the first gives the type"
    assert unchanged(), "something was kept"
    for leaked in ("Traceback", "psycopg", "sqlalchemy", "site-packages", "SELECT ", "INSERT "):
        assert leaked not in answer.text
    assert PERSON not in answer.text + str(answer.headers)
    assert PERSON not in caplog.text.replace(str(answer.request.url), ""), "the client's own line names the address"


def test_every_problem_s_type_is_resolvable(agreements: TestClient) -> None:
    told = {(case.fails[0].partition(" ")[0], case.status) for _, case in CASES}
    for slug, status in sorted(told - {("about:blank", 404), ("about:blank", 405)}):
        assert agreements.get(f"/problems/{slug}").json()["status"] == status, slug


def test_they_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 60
    assert len({(part, case.name) for part, case in CASES}) == len(CASES)


def test_no_problem_of_agreements_is_left_out(apps: Callable[[str], FastAPI]) -> None:
    apps("agreements")  # with it every problem's module is there
    own = {one.slug() for one in known(Problem) if one.__module__.startswith("services.agreements.")}
    listed = {failed.partition(" ")[0] for _, case in CASES for failed in case.fails}
    assert own - listed == ELSEWHERE.keys(), "each stands in a list, or in the test that is named for it"
    for slug, test in ELSEWHERE.items():
        module, _, name = test.partition(".")
        text = (HERE / f"{module}.py").read_text()
        assert slug in text, f"{module} never meets {slug}"
        functions = [one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)]
        assert name in functions, test
