"""One transaction per request, committed before its answer is sent."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import idempotency


class Transactional(APIRoute):
    """An operation with a :data:`Session`: GET reads a snapshot, other methods write.

    A failure of any kind, the commit's included, undoes everything and answers with the problem.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_transaction(request: Request) -> Response:
            database = request.app.state.database
            async with database.snapshot() if request.method == "GET" else database.session() as session:
                request.state.session = session
                response = await handle(request)
                await idempotency.keep(session, request, response)
            return response

        return handle_in_transaction


async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


Session = Annotated[AsyncSession, Depends(_session)]
"""The session of the request's transaction."""
