"""What becomes of the journey when WeChat refuses, fails or says nothing, and when people act meanwhile."""

from datetime import UTC, date, datetime

import pytest

from app.wechat.accounts import Mode
from tests.conftest import Publish
from tests.wechat.conftest import Newsroom, issue
from tests.wechat.simulator import Simulator

TODAY = datetime.now(UTC).date()
SLUG = TODAY.isoformat()
OLD = date(2020, 1, 2)


@pytest.mark.parametrize("goal", [Mode.draft, Mode.freepublish, Mode.sendall])
@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("how", [{"drop": True}, {"status": 502}])
def test_a_lost_answer_never_makes_a_second_article(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, goal: Mode, works: bool, how: dict[str, object]
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, goal, confirm=True)
    for path in ("draft/add", "freepublish/submit", "message/mass/sendall"):
        wechat.fail(path, works=works and "drop" in how, **how)
    wechat.world.pending_polls = 4
    wechat.world.sends_left = 2
    newsroom.work(90)
    row = newsroom.article(SLUG)
    assert row
    assert (row.state, row.calling, row.needs_human) == (
        "drafted" if goal == Mode.draft else "published",
        None,
        False,
    )
    assert len(wechat.world.drafts) + len(wechat.world.live()) == 1
    assert len(wechat.world.jobs) <= 1
    assert len(wechat.world.messages) <= 1


def test_a_submission_whose_answer_was_lost_is_not_repeated_while_wechat_is_at_it(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    wechat.world.pending_polls = 1_000
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    wechat.fail("freepublish/submit", drop=True, works=True)
    newsroom.work(10)
    assert newsroom.state(SLUG) == "drafted"
    assert len(wechat.world.jobs) == 1
    wechat.world.finish(next(iter(wechat.world.jobs)))
    newsroom.report(publish_id="somebody-s", status="0", article_id="x")
    newsroom.work()
    assert newsroom.state(SLUG) == "published"
    assert len(wechat.world.live()) == 1


@pytest.mark.parametrize("code", [53503, 53504, 53505, 47001, 45166, 99_999])
def test_what_only_a_person_can_mend_waits_for_one(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, code: int
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    wechat.fail("freepublish/submit", code=code)
    newsroom.work(30)
    row = newsroom.article(SLUG)
    assert row
    assert (row.needs_human, row.trouble_code, row.calling) == (True, f"wechat.{code}", None)
    assert wechat.world.jobs == {}
    newsroom.retry(SLUG)
    newsroom.work(3)
    assert newsroom.state(SLUG) == "published"


@pytest.mark.parametrize("status", [2, 3, 4, 5, 6])
def test_a_publication_that_wechat_refuses_says_why(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, status: int
) -> None:
    wechat.world.publish_status = status
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work(5)
    row = newsroom.article(SLUG)
    assert row
    assert (row.needs_human, row.trouble_code) == (True, f"wechat.publish-{status}")


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}, {"code": -1}, {"code": 45009}])
@pytest.mark.parametrize("path", ["material/add_material", "freepublish/get", "draft/update"])
def test_what_passes_is_tried_again(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, path: str, fault: dict[str, int]
) -> None:
    publish(issue(TODAY))
    if path == "draft/update":
        newsroom.ask(SLUG, Mode.draft)
        newsroom.work()
        publish(issue(TODAY, text="新。"))
    newsroom.ask(SLUG, Mode.freepublish)
    for _ in range(4):
        wechat.fail(path, **fault)
    for _ in range(6):
        newsroom.work(3)
        newsroom.clock.move(days=1)
    assert newsroom.state(SLUG) == "published"
    assert len(wechat.world.live()) == 1


def test_a_finishing_event_ends_the_waiting(newsroom: Newsroom, wechat: Simulator, publish: Publish) -> None:
    wechat.world.pending_polls = 100
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work()
    row = newsroom.article(SLUG)
    assert row
    newsroom.report(
        publish_id=row.publish_id, status="0", article_id="a-1", urls={1: "http://mp.weixin.qq.com/s/1"}
    )
    row = newsroom.article(SLUG)
    assert row
    assert (row.state, row.article_url) == ("published", "https://mp.weixin.qq.com/s/1")
    polls = wechat.world.calls["freepublish/get"]
    newsroom.work(5)
    assert wechat.world.calls["freepublish/get"] == polls


def test_a_draft_that_an_editor_published_by_hand_is_recognised(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.draft)
    newsroom.work()
    (media_id,) = wechat.world.drafts
    wechat.world._submit({}, {"media_id": media_id}, b"")
    wechat.world.finish(next(iter(wechat.world.jobs)))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work()
    assert newsroom.state(SLUG) == "published"
    assert len(wechat.world.live()) == 1


def test_a_draft_that_somebody_deleted_is_made_anew_when_a_person_says_so(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.draft)
    newsroom.work()
    wechat.world.drafts.clear()
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work(3)
    row = newsroom.article(SLUG)
    assert row
    assert (row.needs_human, row.trouble_code) == (True, "wechat.draft-gone")
    newsroom.retry(SLUG)
    newsroom.work(3)
    assert newsroom.state(SLUG) == "published"


def test_a_cover_that_wechat_has_lost_is_uploaded_again(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY), issue(OLD))
    newsroom.ask(SLUG, Mode.draft)
    newsroom.work()
    wechat.world.materials.clear()
    newsroom.ask(OLD.isoformat(), Mode.draft)
    newsroom.work()
    newsroom.retry(OLD.isoformat())
    newsroom.work()
    assert newsroom.state(OLD.isoformat()) == "drafted"
