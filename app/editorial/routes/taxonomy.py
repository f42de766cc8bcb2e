"""Tags at the desk: made, changed, merged."""

from typing import Annotated, Any

from fastapi import Path, Request, Response

from app.bulletins import models
from app.editorial import taxonomy, taxonomy_schemas
from app.editorial.access import Editor, Once, Reviewer
from app.editorial.answers import desk_router
from app.editorial.taxonomy_schemas import NewTag, Tag, TagChange, TagMerge
from app.kit.caching import private
from app.kit.conditional import IfMatch, demand_match
from app.kit.operations import ETAG, LOCATION, PLAIN, POSTS, WRITES, operation
from app.kit.parameters import is_slug
from app.kit.problems import Problem
from app.kit.transactions import Session

router = desk_router()

TagSlug = Annotated[str, Path(alias="slug", max_length=80, examples=["low-altitude-economy"])]


@router.post(
    "/tags",
    response_model=Tag,
    dependencies=PLAIN,
    **operation("createTag", "refused", *POSTS, status=201, headers=ETAG | LOCATION),
)
async def create_tag(
    request: Request, session: Session, actor: Editor, _once: Once, body: NewTag
) -> Response:
    """Make a tag; import suggests it from now on."""
    changes = request.app.state.changes
    at = await changes.begin(session)
    row = await taxonomy.create(session, changes, actor, body.model_dump(mode="json"), at)
    return await _shown(session, row, status=201)


@router.get(
    "/tags/{slug}",
    response_model=Tag,
    dependencies=PLAIN,
    **operation("getDeskTag", "not-found", headers=ETAG),
)
async def get_tag(session: Session, _actor: Editor, slug: TagSlug) -> Response:
    """One tag with all that editors decide about it; `listTags` has them all."""
    return await _shown(session, await _found(session, slug))


@router.patch(
    "/tags/{slug}",
    response_model=Tag,
    dependencies=PLAIN,
    **operation("changeTag", "not-found", "http", "too-large", *WRITES, headers=ETAG),
)
async def change_tag(
    request: Request,
    session: Session,
    actor: Reviewer,
    slug: TagSlug,
    body: TagChange,
    if_match: IfMatch = None,
) -> Response:
    """Rename a tag, put it below another one, set its aliases; published versions keep their names."""
    changes = request.app.state.changes
    at = await changes.begin(session)
    row = await _held(session, slug, if_match)
    await taxonomy.change(session, changes, actor, row, body.model_dump(mode="json"), at)
    return await _shown(session, await _found(session, slug))


@router.post(
    "/tags/{slug}/merge",
    response_model=Tag,
    dependencies=PLAIN,
    **operation("mergeTag", "not-found", *POSTS, *WRITES, headers=ETAG),
)
async def merge_tag(
    request: Request,
    session: Session,
    actor: Reviewer,
    _once: Once,
    slug: TagSlug,
    body: TagMerge,
    if_match: IfMatch = None,
) -> Response:
    """Merge a tag into another one, for ever.

    All that is public has the other one instead, its address leads there, its names find it; published
    versions stay as they were.
    """
    changes = request.app.state.changes
    at = await changes.begin(session)
    row = await _held(session, slug, if_match)
    return await _shown(session, await taxonomy.merge(session, changes, actor, row, body.into, at))


async def _found(session: Session, slug: str) -> models.Tag:
    row = await taxonomy.find(session, slug) if is_slug(slug) else None
    if row is None:
        raise Problem("not-found", f"没有标签 {slug}。")
    return row


async def _held(session: Session, slug: str, if_match: str | None) -> models.Tag:
    """The tag, as read by whoever changes it; nobody else writes tags once the change has begun."""
    row = await _found(session, slug)
    demand_match(if_match, taxonomy.etag(await taxonomy.facts(session, row)))
    return row


async def _shown(session: Session, row: models.Tag, status: int = 200) -> Response:
    facts: dict[str, Any] = await taxonomy.facts(session, row)
    headers = {"ETag": taxonomy.etag(facts)}
    if status == 201:
        headers["Location"] = f"/v1/editorial/tags/{row.slug}"
    shown = taxonomy_schemas.Tag(
        **facts,
        edited=row.edited,
        bulletin_count=row.bulletin_count,
        section_count=row.section_count,
    )
    return private(shown, status=status, headers=headers)
