"""The numbers that people know call-offs by."""

import psycopg

from tests.agreements.conftest import Place


def test_after_the_millionth_order_numbers_go_on_with_a_digit_more(place: Place, rows: psycopg.Connection) -> None:
    rows.execute("SELECT setval('call_off_number', 99999)")
    first = place().json()["number"]
    rows.execute("SELECT setval('call_off_number', 999998)")
    numbers = [place().json()["number"] for _ in range(3)]
    year = first.split("-")[1]
    assert [first, *numbers] == [f"AVR-{year}-{n}" for n in ("100000", "999999", "1000000", "1000001")]
