"""Far more is asked for than there is room for, at once, through two processes: every krone is accounted for."""

import asyncio
from contextlib import closing

from services.agreements.ledger import store as ledger
from services.chassis import db
from tests.e2e import flood, rush
from tests.e2e.serving import beside
from tests.e2e.system import System

AGREEMENTS, ORDERS = 50, 5_000
SENT_AT_ONCE = 1_500
"""NOK without VAT: one order of ten is sent as it is placed, by letter; the others are reserved, and count alike."""
SCOPES = ("agreements.order", "agreements.read")


def test_of_twice_what_there_is_room_for_nothing_is_exceeded_lost_or_adrift(system: System) -> None:
    with system.database("agreements") as database, beside(system, "services", "serve", "agreements") as second:
        flood.fields(database, AGREEMENTS, ORDERS, approval_limit=SENT_AT_ONCE)

        def bearer(buyer: str) -> dict[str, str]:
            return system.bearer(*SCOPES, organisation=buyer)

        urls = [system.url("agreements"), second]
        poured = asyncio.run(flood.pour(urls, bearer, agreements=AGREEMENTS, orders=ORDERS, at_once=64))
        flood.accounted(database, poured)
        assert poured.statuses[409] > ORDERS / 4, "most agreements came to their ceiling"
        assert len(poured.cancelled) > ORDERS / 50
        with closing(db.Database(system.database_url("agreements"))) as agreements, agreements.reading() as reader:
            adrift = ledger.unproven(reader)
        # The build that reads first and inserts oversold this one, in the same system.
        assert [one for one in adrift if one.framework_agreement != rush.GPS.agreement] == []
