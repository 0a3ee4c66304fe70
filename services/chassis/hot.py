"""A measured hot read past FastAPI's own machinery, which costs more than the question to the database."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute


def add_hot_read(
    router: APIRouter,
    path: str,
    whole: Callable[..., Any],
    plain: Callable[[Request], Awaitable[Response]],
    **described: Any,
) -> None:
    """A GET that `whole` describes and answers, like any route. Asked without a query it is answered by `plain`: no
    dependency, no validation of parameters; problems are told as always. Measured with one component by its name:
    0.46 of a bare route's answers per second instead of 0.33."""

    class HotRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            with_query = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await (with_query(request) if request.scope["query_string"] else plain(request))

            return handle

    router.add_api_route(path, whole, methods=["GET"], route_class_override=HotRoute, **described)
