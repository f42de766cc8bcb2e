"""The other reference of the benchmarks: a bulletin as FastAPI and an ORM are commonly used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import aliased, selectinload

from app.bulletins.models import Bulletin, Section
from app.bulletins.schemas import Bulletin as BulletinSchema
from app.kit.db import connect
from app.kit.settings import Settings


def create_app() -> FastAPI:
    """One handler: the rows of a bulletin with what belongs to it, through a response model."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with connect(Settings.load()) as database:
            app.state.database = database
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/bulletins/{slug}", response_model=BulletinSchema)
    async def bulletin(slug: str) -> Any:
        other = aliased(Bulletin)
        before = select(other.slug).where(other.date < Bulletin.date).order_by(other.date.desc()).limit(1)
        after = select(other.slug).where(other.date > Bulletin.date).order_by(other.date).limit(1)
        query = (
            select(Bulletin, before.scalar_subquery(), after.scalar_subquery())
            .where(Bulletin.slug == slug)
            .options(
                selectinload(Bulletin.tags),
                selectinload(Bulletin.sections).selectinload(Section.tags),
                selectinload(Bulletin.citations),
            )
        )
        async with app.state.database.session() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            raise HTTPException(404)
        row, previous, following = found
        return {
            **_columns(row),
            "tags": [_columns(tag) for tag in row.tags],
            "sections": [
                {
                    **_columns(section),
                    "anchor": f"section-{section.number}",
                    "tags": [_columns(tag) for tag in section.tags],
                }
                for section in row.sections
            ],
            "citations": [
                {**_columns(citation), "reference": {"id": citation.reference_id, **citation.item}}
                for citation in row.citations
            ],
            "previous": previous,
            "next": following,
        }

    return app


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
