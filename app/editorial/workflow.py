"""How a draft moves from hand to hand: one table of who may do what, from where to where."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.editorial.refused import NO_REASON, NOT_PUBLIC, Refused, with_errors


class Role(StrEnum):
    """What a member of staff may do; each role may do what the one before it may."""

    editor = "editor"
    reviewer = "reviewer"
    administrator = "administrator"

    def includes(self, other: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class State(StrEnum):
    """Where a draft stands. What is public stays so while a correction of it is prepared."""

    draft = "draft"
    in_review = "in_review"
    approved = "approved"
    scheduled = "scheduled"
    published = "published"
    corrected = "corrected"
    withdrawn = "withdrawn"


class Action(StrEnum):
    save = "save"
    submit = "submit"
    recall = "recall"
    approve = "approve"
    send_back = "send_back"
    publish = "publish"
    schedule = "schedule"
    cancel = "cancel"
    withdraw = "withdraw"
    reopen = "reopen"


ROLE_NAMES: Mapping[Role, str] = {
    Role.editor: "编辑",
    Role.reviewer: "审核人",
    Role.administrator: "管理员",
}
STATE_NAMES: Mapping[State, str] = {
    State.draft: "草稿",
    State.in_review: "待审核",
    State.approved: "已批准",
    State.scheduled: "已定时",
    State.published: "已发布",
    State.corrected: "已更正",
    State.withdrawn: "已撤下",
}
ACTION_NAMES: Mapping[Action, str] = {
    Action.save: "修改",
    Action.submit: "提交审核",
    Action.recall: "撤回送审",
    Action.approve: "批准",
    Action.send_back: "退回",
    Action.publish: "发布",
    Action.schedule: "定时发布",
    Action.cancel: "取消定时",
    Action.withdraw: "撤下",
    Action.reopen: "重新编辑",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision depends on.

    ``is_public`` says whether readers see a version of it now.
    ``own`` says that the acting person wrote the latest revision, ``errors`` are the messages of its
    report's errors. ``note`` and ``publish_at`` come with the request; ``now`` is the database's clock.
    """

    state: State
    role: Role
    is_public: bool
    own: bool
    errors: tuple[str, ...]
    four_eyes: bool
    now: datetime
    note: str = ""
    publish_at: datetime | None = None


Need = Callable[[Situation], tuple[str, str] | None]
"""The code and message of what is missing; None when nothing is."""


def _clean(at: Situation) -> tuple[str, str] | None:
    return with_errors(at.errors).reasons[0] if at.errors else None


def _other_eyes(at: Situation) -> tuple[str, str] | None:
    mine = at.four_eyes and at.own
    return ("four-eyes", "最后一次修改是您自己做的，须由另一位审核人批准。") if mine else None


def _reason(at: Situation) -> tuple[str, str] | None:
    return None if at.note else NO_REASON


def _correction_note(at: Situation) -> tuple[str, str] | None:
    missing = at.is_public and not at.note
    return ("correction-note.missing", "这是对已发布内容的更正，请写明更正说明。") if missing else None


def _future(at: Situation) -> tuple[str, str] | None:
    if at.publish_at is None:
        return "publish-at.missing", "请写明发布时间。"
    past = at.publish_at <= at.now
    return ("publish-at.past", "发布时间已过，请另选时间或直接发布。") if past else None


def _public(at: Situation) -> tuple[str, str] | None:
    return None if at.is_public else NOT_PUBLIC


@dataclass(frozen=True, slots=True)
class Rule:
    """An action: who may do it, from which states, to which one (None: as before), and what it needs."""

    role: Role
    sources: frozenset[State]
    target: State | None
    needs: tuple[Need, ...] = ()


_WAITING = frozenset({State.approved, State.scheduled})
_OUT = frozenset({State.published, State.corrected})

RULES: Mapping[Action, Rule] = {
    Action.save: Rule(Role.editor, frozenset({State.draft, State.in_review}) | _OUT, None),
    Action.submit: Rule(Role.editor, frozenset({State.draft}), State.in_review, (_clean,)),
    Action.recall: Rule(Role.editor, frozenset({State.in_review}), State.draft),
    Action.approve: Rule(Role.reviewer, frozenset({State.in_review}), State.approved, (_clean, _other_eyes)),
    Action.send_back: Rule(Role.reviewer, frozenset({State.in_review}) | _WAITING, State.draft, (_reason,)),
    Action.publish: Rule(Role.reviewer, _WAITING, State.published, (_clean, _correction_note)),
    Action.schedule: Rule(Role.reviewer, _WAITING, State.scheduled, (_clean, _correction_note, _future)),
    Action.cancel: Rule(Role.reviewer, frozenset({State.scheduled}), State.approved),
    Action.withdraw: Rule(Role.reviewer, frozenset(State), State.withdrawn, (_public, _reason)),
    Action.reopen: Rule(Role.editor, frozenset({State.withdrawn}), State.draft),
}
"""All moves. Publishing what was public before leads to ``corrected``, saving what is out to ``draft``."""


def move(action: Action, at: Situation) -> State:
    """The state that the action leads to.

    :raises Refused: with everything that is missing.
    """
    if missing := list(missing_for(action, at)):
        (code, message), *more = missing
        raise Refused(code, message, tuple(more))
    target = RULES[action].target
    if action is Action.publish and at.is_public:
        return State.corrected
    if action is Action.save and at.state in _OUT:
        return State.draft
    return target or at.state


def missing_for(action: Action, at: Situation) -> Iterator[tuple[str, str]]:
    """What the action still needs, as codes and messages; nothing when it may be done."""
    rule = RULES[action]
    if not at.role.includes(rule.role):
        yield "role.missing", f"“{ACTION_NAMES[action]}”须由{ROLE_NAMES[rule.role]}来做。"
    if at.state not in rule.sources:
        yield "state.wrong", f"稿件现在是“{STATE_NAMES[at.state]}”，不能{ACTION_NAMES[action]}{_hint(at)}。"
        return
    for need in rule.needs:
        if missing := need(at):
            yield missing


def _hint(at: Situation) -> str:
    possible = [
        ACTION_NAMES[action]
        for action, rule in RULES.items()
        if at.state in rule.sources
        and at.role.includes(rule.role)
        and (at.is_public or action is not Action.withdraw)
    ]
    return f"；可以：{'、'.join(possible)}" if possible else ""
