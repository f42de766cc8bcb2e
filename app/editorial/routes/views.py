"""What waits for somebody, what is missing, how much there is."""

from datetime import date, timedelta
from typing import Annotated, Self

from fastapi import Query as QueryParameters
from fastapi import Request, Response
from pydantic import Field, model_validator

from app.editorial import present, queries, schemas
from app.editorial.access import Editor
from app.editorial.answers import PLAIN, desk_router, operation
from app.editorial.revisions import today
from app.editorial.workflow import Role, State
from app.kit.caching import private
from app.kit.parameters import Day, Query
from app.kit.transactions import Session

router = desk_router()

MOST_DAYS = 400


class CalendarQuery(Query):
    first: Annotated[Day, Field(alias="from", description="The first day", examples=["2026-06-01"])]
    last: Annotated[Day, Field(alias="to", description="The last day", examples=["2026-06-30"])]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) <= self.last - self.first < timedelta(days=MOST_DAYS):
            raise ValueError(f"from and to are at most {MOST_DAYS} days, in this order")
        return self


@router.get("/queue", response_model=schemas.Queue, dependencies=PLAIN, **operation("getQueue"))
async def get_queue(request: Request, session: Session, actor: Editor) -> Response:
    """What waits for the one who asks: to be written on, reviewed, published."""
    reviews = actor.role.includes(Role.reviewer)
    four_eyes = request.app.state.settings.four_eyes
    waiting = {
        state: [present.item(row) for row in await queries.in_state(session, state)]
        for state in ((State.draft, State.in_review, State.approved) if reviews else (State.draft,))
    }
    return private(
        schemas.Queue(
            to_write=[item for item in waiting[State.draft] if item.author == actor.name],
            to_review=[
                item
                for item in waiting.get(State.in_review, ())
                if not (four_eyes and item.author == actor.name)
            ],
            to_publish=waiting.get(State.approved, []),
        )
    )


@router.get("/calendar", response_model=schemas.Calendar, **operation("getCalendar"))
async def get_calendar(
    session: Session, _actor: Editor, query: Annotated[CalendarQuery, QueryParameters()]
) -> Response:
    """Days with the state of their issue; until today in Shanghai, a day without one is `missing`."""
    rows = await queries.of_days(session, query.first, query.last)
    now = today()
    days = (query.first + timedelta(days=n) for n in range((query.last - query.first).days + 1))
    items: list[schemas.CalendarDay] = []
    for day in days:
        if row := rows.get(day):
            items.append(_day(day, present.item(row)))
        elif day <= now:
            items.append(schemas.CalendarDay(date=day, state="missing", draft=None))
    return private(schemas.Calendar(items=items))


def _day(day: date, item: schemas.DraftItem) -> schemas.CalendarDay:
    return schemas.CalendarDay(date=day, state=item.state, draft=item)


@router.get("/counts", response_model=schemas.Counts, dependencies=PLAIN, **operation("getCounts"))
async def get_counts(session: Session, _actor: Editor) -> Response:
    """How many drafts stand in each state."""
    found = await queries.counts(session)
    return private(schemas.Counts(**{state: found.get(state, 0) for state in State}))
