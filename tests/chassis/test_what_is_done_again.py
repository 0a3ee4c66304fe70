"""What a worker does beside its jobs, again and again."""

import asyncio
from functools import partial

from services.chassis import jobs


def test_what_fails_is_tried_again_though_it_has_no_name() -> None:
    tries: list[int] = []

    async def walk() -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()

        def look(times: int) -> None:
            tries.append(times)
            if len(tries) < times:
                raise RuntimeError("not yet")
            loop.call_soon_threadsafe(stopping.set)

        await asyncio.wait_for(jobs._repeat(0.001, partial(look, 3), stopping), 30)

    asyncio.run(walk())
    assert len(tries) == 3
