"""All operations of the editors' desk."""

from fastapi import APIRouter

from app.editorial.access import Right
from app.editorial.routes import (
    accounts,
    audit,
    comments,
    drafts,
    images,
    imports,
    logins,
    preview,
    references,
    retagging,
    revisions,
    taxonomy,
    views,
    workflow,
)
from app.editorial.workflow import Role

router = APIRouter()
for part in (logins, accounts, imports, drafts, revisions, comments, preview, workflow, views, audit):
    router.include_router(part.router)
for part in (taxonomy, references, retagging):
    router.include_router(part.router)
router.include_router(preview.links)
router.include_router(images.image_router(Right(Role.editor, between=True)))
