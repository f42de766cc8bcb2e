from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.editorial.refused import Refused
from app.editorial.workflow import (
    ACTION_NAMES,
    ROLE_NAMES,
    RULES,
    STATE_NAMES,
    Action,
    Role,
    Situation,
    State,
    move,
)  # fmt: skip

NOW = datetime(2026, 6, 25, tzinfo=UTC)
READY = Situation(
    state=State.draft, role=Role.administrator, is_public=False, own=False, errors=(), four_eyes=True,
    now=NOW, note="说明", publish_at=NOW + timedelta(hours=1),
)  # fmt: skip
WAYS = {
    (Action.save, "draft"): "draft",
    (Action.save, "in_review"): "in_review",
    (Action.save, "published"): "draft",
    (Action.save, "corrected"): "draft",
    (Action.submit, "draft"): "in_review",
    (Action.recall, "in_review"): "draft",
    (Action.approve, "in_review"): "approved",
    **{(Action.send_back, state): "draft" for state in ("in_review", "approved", "scheduled")},
    **{(Action.publish, state): "published" for state in ("approved", "scheduled")},
    **{(Action.schedule, state): "scheduled" for state in ("approved", "scheduled")},
    (Action.cancel, "scheduled"): "approved",
    (Action.reopen, "withdrawn"): "draft",
}


@pytest.mark.parametrize(("action", "state"), list(product(Action, State)))
def test_each_action_leads_where_the_table_says_and_nowhere_else(action: Action, state: State) -> None:
    at = replace(READY, state=state)
    if action is Action.withdraw:
        assert move(action, replace(at, is_public=True)) is State.withdrawn
    elif (action, state) in WAYS:
        assert move(action, at) == WAYS[action, state]
    else:
        with pytest.raises(Refused) as refused:
            move(action, at)
        assert refused.value.code == "state.wrong"
        assert STATE_NAMES[state] in refused.value.message


@pytest.mark.parametrize(("action", "role"), list(product(Action, Role)))
def test_an_action_is_for_its_role_and_those_above(action: Action, role: Role) -> None:
    state = min(RULES[action].sources)
    at = replace(READY, state=state, role=role, is_public=action is Action.withdraw)
    if role.includes(RULES[action].role):
        move(action, at)
    else:
        with pytest.raises(Refused) as refused:
            move(action, at)
        assert refused.value.code == "role.missing"
        assert ROLE_NAMES[RULES[action].role] in refused.value.message


@pytest.mark.parametrize(
    ("action", "lack", "code"),
    [
        (Action.submit, {"errors": ("没有日期",)}, "report.errors"),
        (Action.approve, {"errors": ("没有日期",)}, "report.errors"),
        (Action.approve, {"own": True}, "four-eyes"),
        (Action.publish, {"errors": ("没有日期",)}, "report.errors"),
        (Action.publish, {"is_public": True, "note": ""}, "correction-note.missing"),
        (Action.schedule, {"publish_at": None}, "publish-at.missing"),
        (Action.schedule, {"publish_at": NOW}, "publish-at.past"),
        (Action.withdraw, {"is_public": False}, "not-public"),
        (Action.withdraw, {"is_public": True, "note": ""}, "note.missing"),
        (Action.send_back, {"note": ""}, "note.missing"),
    ],
)
def test_what_is_missing_is_named(action: Action, lack: dict[str, object], code: str) -> None:
    at = replace(READY, state=min(RULES[action].sources), is_public=action is Action.withdraw)
    move(action, at)
    with pytest.raises(Refused) as refused:
        move(action, replace(at, **lack))  # type: ignore[arg-type]
    assert refused.value.code == code


def test_everything_that_is_missing_is_said_at_once() -> None:
    at = replace(READY, state=State.in_review, errors=("没有日期",), own=True, role=Role.editor)
    with pytest.raises(Refused) as refused:
        move(Action.approve, at)
    assert [code for code, _ in refused.value.reasons] == ["role.missing", "report.errors", "four-eyes"]


def test_publishing_what_readers_see_is_a_correction() -> None:
    at = replace(READY, state=State.approved, is_public=True)
    assert move(Action.publish, at) is State.corrected


def test_everything_has_a_chinese_name() -> None:
    assert (set(ROLE_NAMES), set(STATE_NAMES), set(ACTION_NAMES)) == (set(Role), set(State), set(Action))
    assert set(RULES) == set(Action)
