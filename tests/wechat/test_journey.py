"""From the editors' publication to the article in the account: follower, worker, WeChat, callback."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import worker
from app.kit.settings import Settings
from app.wechat.accounts import Account
from tests.conftest import Publish, serving
from tests.wechat.accounts_file import accounts_file
from tests.wechat.conftest import Newsroom, issue
from tests.wechat.reader import Reader
from tests.wechat.simulator import Simulator

TODAY = datetime.now(UTC).date()
SLUG = TODAY.isoformat()
VARIANTS = {
    "article": "<article_id><![CDATA[{article_id}\n]]></article_id>",
    "no-article": "",
}


def work_until(settings: Settings, done: Callable[[], bool]) -> None:
    """Run the worker until something is so."""

    async def run() -> None:
        async with worker.job_app(settings) as app:
            working = asyncio.create_task(app.run_worker_async(install_signal_handlers=False))
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(done):  # noqa: ASYNC110 - it is another process's database
                    await asyncio.sleep(0.05)
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    asyncio.run(run())


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_publication_becomes_an_article_and_wechats_report_ends_the_waiting(
    settings: Settings,
    wechat: Simulator,
    account: Account,
    newsroom: Newsroom,
    publish: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
) -> None:
    file = accounts_file(tmp_path, account, publish='"freepublish"')
    monkeypatch.setenv("NQPF_WECHAT", str(file))
    configured = settings.model_copy(update={"wechat": file})
    wechat.world.pending_polls = 1 if variant == "no-article" else 1_000
    with serving(configured) as server:
        reader = Reader(server.client)

        def report(publish_id: str) -> None:
            job = wechat.world.jobs[publish_id]
            article = VARIANTS[variant].format(article_id=job.article_id)
            (item,) = wechat.world.articles[job.article_id]
            detail = f"<count>1</count><item><idx>1</idx><article_url>{item['url']}</article_url></item>"
            reader.event(
                "PUBLISHJOBFINISH",
                f"<PublishEventInfo><publish_id>{publish_id}</publish_id><publish_status>0</publish_status>"
                f"{article}<article_detail>{detail}</article_detail></PublishEventInfo>",
            )

        wechat.world.on_finish = report
        publish(issue(TODAY))
        work_until(configured, lambda: bool(wechat.world.jobs) and newsroom.state(SLUG) == "submitted")
        (publish_id,) = wechat.world.jobs
        if wechat.world.jobs[publish_id].status == 1:
            wechat.world.finish(publish_id)
        work_until(configured, lambda: newsroom.state(SLUG) == "published")
    (article,) = wechat.world.live()
    row = newsroom.article(SLUG)
    assert row
    assert row.article_url == article["url"].replace("http:", "https:")
    assert row.article_id in wechat.world.articles


@pytest.mark.parametrize(("status", "state"), [("send success", "published"), ("err(10001)", "submitted")])
def test_the_report_of_a_message_to_all_is_taken_too(
    settings: Settings,
    wechat: Simulator,
    account: Account,
    newsroom: Newsroom,
    publish: Publish,
    tmp_path: Path,
    status: str,
    state: str,
) -> None:
    from app.wechat.accounts import Mode

    publish(issue(TODAY))
    newsroom.ask(SLUG, Mode.sendall, confirm=True)
    newsroom.work()
    (msg_id,) = wechat.world.messages
    with serving(settings.model_copy(update={"wechat": accounts_file(tmp_path, account)})) as server:
        Reader(server.client).event(
            "MASSSENDJOBFINISH",
            f"<MsgID>{msg_id}</MsgID><Status><![CDATA[{status}]]></Status><ArticleUrlResult><Count>1</Count>"
            "<ResultList><item><ArticleIdx>1</ArticleIdx><ArticleUrl>http://mp.weixin.qq.com/s/9</ArticleUrl>"
            "</item></ResultList></ArticleUrlResult>",
        )
    row = newsroom.article(SLUG)
    assert row
    assert row.state == state
    if state == "published":
        assert row.article_url == "https://mp.weixin.qq.com/s/9"
