"""The journey of a bulletin into the official account, against a strict WeChat on a socket."""

import asyncio
import io
from datetime import UTC, date, datetime, timedelta

from PIL import Image as Pixels

from app.bulletins.document import BulletinDocument, Image, Section
from app.kit.image_store import image_store
from app.wechat.accounts import Mode
from app.wechat.assembling import stored
from tests.conftest import Publish, Withdraw
from tests.wechat.conftest import Newsroom, issue
from tests.wechat.simulator import Simulator

TODAY = datetime.now(UTC).date()
SLUG = TODAY.isoformat()
OLD = date(2020, 1, 2)


def test_a_published_bulletin_becomes_a_draft_and_no_more(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY, text="<正文> “甲” & 乙"))
    newsroom.follow()
    newsroom.work()
    ((draft,),) = wechat.world.drafts.values()
    assert draft["title"] == f"新质生产力每日动态 {SLUG}"
    assert draft["content_source_url"] == f"https://example.org/bulletins/{SLUG}"
    assert "“甲” &amp; 乙" in draft["content"]
    assert newsroom.state(SLUG) == "drafted"
    newsroom.work(5)
    assert newsroom.steps(SLUG) == [("add-draft", "done")]
    assert wechat.world.calls["freepublish/submit"] == 0


def test_what_wechat_strips_is_not_there_in_the_first_place(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.draft)
    newsroom.work()
    (sent,) = wechat.asked("draft/add")
    ((held,),) = wechat.world.drafts.values()
    assert held["content"].count("<") == sent["articles"][0]["content"].count("<")


def test_publishing_goes_on_to_the_article_and_its_address(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    room = newsroom.using(publish=Mode.freepublish)
    publish(issue(TODAY))
    room.follow()
    room.work(3)
    (article,) = wechat.world.live()
    row = room.article(SLUG)
    assert row
    assert (row.state, row.due_at, row.trouble) == ("published", None, None)
    assert row.article_url == article["url"].replace("http:", "https:")
    assert room.steps(SLUG) == [(step, "done") for step in ("add-draft", "submit", "poll", "poll")]


def test_pictures_are_uploaded_once_whatever_shows_them(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    data = io.BytesIO()
    Pixels.effect_noise((1_200, 900), 60).save(data, "WEBP")
    store = image_store(newsroom.desk.settings)
    kept = asyncio.run(store.add(data.getvalue()))
    newsroom.images = stored(store)
    picture = Section(number=1, heading="图", body=(Image(src=kept.src, alt="图"),))
    for day in (TODAY, TODAY - timedelta(days=1)):
        publish(BulletinDocument(title=f"t {day}", date=day, sections=(picture,)))
        newsroom.ask(day.isoformat(), Mode.draft)
    newsroom.work()
    assert len(wechat.world.drafts) == 2
    (text,), (cover,) = wechat.world.pictures.values(), wechat.world.materials.values()
    assert Pixels.open(io.BytesIO(text)).width == 1_080, "WeChat takes no WebP and nothing large"
    assert Pixels.open(io.BytesIO(cover)).size == (900, 383), "the first picture is the cover"
    for (draft,) in wechat.world.drafts.values():
        assert 'data-src="https://mmbiz.qpic.cn/' in draft["content"]


def test_a_bulletin_that_wechat_would_refuse_is_not_sent_but_explained(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY, text="字" * 20_000))
    newsroom.ask(SLUG, Mode.draft)
    newsroom.work()
    row = newsroom.article(SLUG)
    assert row
    assert row.needs_human
    assert row.trouble_code == "wechat.preflight"
    assert "第 1 条“标题”（20,000 字）" in (row.trouble or "")
    assert wechat.log == []
    publish(issue(TODAY, text="短了。"))
    newsroom.follow()
    newsroom.work()
    assert newsroom.state(SLUG) == "drafted"


def test_an_archive_that_is_imported_is_left_alone(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(OLD))
    newsroom.follow()
    newsroom.work()
    assert newsroom.article(OLD.isoformat()) is None
    newsroom.ask(OLD.isoformat(), Mode.draft)
    newsroom.work()
    assert len(wechat.world.drafts) == 1


def test_an_account_without_the_right_to_publish_gets_drafts_and_that_is_said(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    wechat.world.verified = False
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work(5)
    row = newsroom.article(SLUG)
    assert row
    assert (row.state, row.goal, row.needs_human) == ("drafted", "draft", False)
    assert row.trouble_code == "wechat.48001"
    assert "只能建草稿" in (row.trouble or "")
    assert wechat.world.calls["freepublish/submit"] == 1


def test_a_correction_updates_the_draft(newsroom: Newsroom, wechat: Simulator, publish: Publish) -> None:
    publish(issue(TODAY))
    newsroom.follow()
    newsroom.work()
    publish(issue(TODAY, text="改过的正文。"))
    newsroom.follow()
    newsroom.work()
    ((draft,),) = wechat.world.drafts.values()
    assert "改过的正文。" in draft["content"]
    assert newsroom.steps(SLUG)[-1] == ("update-draft", "done")


def test_a_correction_of_a_published_article_needs_a_person_and_says_what_changed(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work(3)
    publish(issue(TODAY, text="改过的正文。", abstract="新摘要。"))
    newsroom.follow()
    newsroom.work()
    row = newsroom.article(SLUG)
    assert row
    assert (row.needs_human, row.trouble_code) == (True, "wechat.changed")
    assert "摘要有改动；第 1 条“标题”的正文有改动" in (row.trouble or "")
    assert (row.article_url or "-") in (row.trouble or "")
    newsroom.retry(SLUG)
    newsroom.work()
    row = newsroom.article(SLUG)
    assert row
    assert (row.needs_human, row.held_version) == (False, 2), "the person has done it"
    assert len(wechat.world.live()) == 1


def test_a_withdrawn_bulletin_loses_its_draft(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, withdraw: Withdraw
) -> None:
    publish(issue(TODAY))
    newsroom.follow()
    newsroom.work()
    withdraw(SLUG, "撤回说明。")
    newsroom.follow()
    newsroom.work()
    assert wechat.world.drafts == {}
    assert newsroom.state(SLUG) == "withdrawn"


def test_a_withdrawn_bulletin_loses_its_article_and_no_other(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, withdraw: Withdraw
) -> None:
    publish(issue(TODAY), issue(OLD))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.ask(OLD.isoformat(), Mode.freepublish)
    newsroom.work(3)
    assert len(wechat.world.live()) == 2
    withdraw(SLUG, "撤回说明。")
    newsroom.follow()
    newsroom.work()
    assert [item["title"] for item in wechat.world.live()] == [f"新质生产力每日动态 {OLD}"]
    assert wechat.asked("freepublish/delete")[0]["index"] == 1
    assert newsroom.state(SLUG) == "withdrawn"


def test_a_bulletin_withdrawn_while_it_is_being_published_is_deleted_afterwards(
    newsroom: Newsroom, wechat: Simulator, publish: Publish, withdraw: Withdraw
) -> None:
    wechat.world.pending_polls = 3
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.freepublish)
    newsroom.work()
    withdraw(SLUG, "撤回说明。")
    newsroom.follow()
    newsroom.work(6)
    assert wechat.world.live() == []
    assert newsroom.state(SLUG) == "withdrawn"


def test_a_message_to_all_waits_for_the_administrator_and_for_the_quota(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    publish(issue(TODAY), issue(TODAY - timedelta(days=1)))
    newsroom.ask(SLUG, Mode.sendall)
    newsroom.work(3)
    assert (newsroom.state(SLUG), wechat.world.messages) == ("drafted", {})
    newsroom.ask(SLUG, Mode.sendall, confirm=True)
    newsroom.ask(yesterday, Mode.sendall, confirm=True)
    newsroom.work(3)
    assert len(wechat.world.messages) == 1
    states = {slug: newsroom.state(slug) for slug in (SLUG, yesterday)}
    assert sorted(states.values()) == ["drafted", "published"]
    waiting = newsroom.article(next(slug for slug, state in states.items() if state == "drafted"))
    assert waiting
    assert waiting.trouble_code == "wechat.quota"
    wechat.world.sends_left = 1
    newsroom.clock.move(days=1)
    newsroom.work(3)
    assert len(wechat.world.messages) == 2


def test_a_quota_that_wechat_says_is_spent_is_waited_for(
    newsroom: Newsroom, wechat: Simulator, publish: Publish
) -> None:
    wechat.world.sends_left = 0
    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.sendall, confirm=True)
    newsroom.work(4)
    assert wechat.world.calls["message/mass/sendall"] == 1, "it does not ask again today"
    wechat.world.sends_left = 1
    newsroom.clock.move(days=1)
    newsroom.work(3)
    assert newsroom.state(SLUG) == "published"
