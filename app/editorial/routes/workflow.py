"""One operation for each move of the workflow, with the right that its table gives."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from app.editorial import schemas, steps
from app.editorial.access import Editor, Once, Reviewer
from app.editorial.answers import ETAG, PLAIN, POSTS, WRITES, desk_router, operation
from app.editorial.audit import Actor
from app.editorial.held import DraftId, held, shown
from app.editorial.workflow import RULES, Action, Role
from app.kit.conditional import IfMatch
from app.kit.transactions import Session

router = desk_router()

Handler = Callable[..., Coroutine[Any, Any, Response]]

_RIGHTS: dict[Role, Any] = {Role.editor: Editor, Role.reviewer: Reviewer}

_SUMMARIES = {
    Action.submit: "Hand a draft in for review (提交审核).",
    Action.recall: "Take a draft back from review (撤回送审).",
    Action.approve: "Approve a draft: it can be published as it stands (批准).",
    Action.send_back: "Send a draft back with a reason; what was scheduled is cancelled (退回).",
    Action.publish: "Publish an approved draft now; of a public bulletin it is a correction (发布).",
    Action.schedule: "Let an approved draft go out by itself at a time, or at another one (定时发布).",
    Action.cancel: "Cancel a scheduled publication (取消定时).",
    Action.withdraw: "Take a bulletin from the public, with a reason that readers see (撤下).",
    Action.reopen: "Work on a withdrawn bulletin again (重新编辑).",
}


async def _take(
    request: Request, session: Session, actor: Actor, draft_id: Any, if_match: str | None, action: Action,
    body: schemas.Step,
) -> Response:  # fmt: skip
    row = await held(session, draft_id, if_match)
    state = request.app.state
    await steps.take(
        session,
        state.changes,
        actor,
        row,
        action,
        note=body.note,
        publish_at=body.publish_at if isinstance(body, schemas.ScheduleStep) else None,
        four_eyes=state.settings.four_eyes,
    )
    return await shown(request, session, row, actor)


def _handler(action: Action) -> Handler:
    right: Any = _RIGHTS[RULES[action].role]
    step: Any = schemas.ScheduleStep if action is Action.schedule else schemas.Step

    async def take(
        request: Request,
        session: Session,
        actor: right,
        _once: Once,
        draft_id: DraftId,
        body: step,
        if_match: IfMatch = None,
    ) -> Response:
        return await _take(request, session, actor, draft_id, if_match, action, body)

    take.__doc__ = _SUMMARIES[action]
    take.__name__ = f"{action}_draft"
    return take


def _camel(action: Action) -> str:
    first, *rest = action.value.split("_")
    return first + "".join(word.title() for word in rest)


for _action in _SUMMARIES:
    router.add_api_route(
        f"/drafts/{{id}}/{_action.replace('_', '-')}",
        _handler(_action),
        methods=["POST"],
        response_model=schemas.Draft,
        dependencies=PLAIN,
        **operation(f"{_camel(_action)}Draft", "not-found", *POSTS, *WRITES, headers=ETAG),
    )
