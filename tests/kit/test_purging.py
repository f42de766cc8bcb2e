import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from app.kit import purging
from app.kit.changes import ChangeLog, catch_up
from app.kit.db import connect
from app.kit.settings import Settings
from tests.kit.change_log import LOG, record


@dataclass
class Cdn:
    """What a cache in front was told, and how it answers."""

    url: str = ""
    status: int = 200
    told: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    """An HTTP server that takes purges."""
    cdn = Cdn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            cdn.told.append((dict(self.headers.items()), body))
            self.send_response(cdn.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cdn.url = f"http://127.0.0.1:{server.server_port}/purge"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield cdn
        server.shutdown()
        thread.join()


def purged(settings: Settings, cdn: Cdn, *subjects: str, form: str = "generic") -> None:
    """Change subjects, and let the follower catch up."""
    told = settings.model_copy(
        update={"purge_url": cdn.url, "purge_key": SecretStr("secret"), "purge_form": form}
    )

    async def run() -> None:
        async with connect(settings) as database:
            for subject in subjects:
                await record(database, subject)
            await catch_up(database, purging.FOLLOWER, purging.follower(lambda: told))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("form", "name", "header", "secret"),
    [
        ("generic", "keys", "Authorization", "Bearer secret"),
        ("fastly", "surrogate_keys", "Fastly-Key", "secret"),
        ("cloudflare", "tags", "Authorization", "Bearer secret"),
    ],
)
def test_what_changes_touch_is_purged_once(
    settings: Settings, cdn: Cdn, form: str, name: str, header: str, secret: str
) -> None:
    purged(settings, cdn, "a", "b", form=form)
    ((headers, body),) = cdn.told
    assert headers[header] == secret
    assert body == {name: ["a", "tag:compute", "b"]}
    purged(settings, cdn, form=form)
    assert len(cdn.told) == 1
    purged(settings, cdn, "c", form=form)
    assert cdn.told[1][1] == {name: ["c", "tag:compute"]}


def test_what_is_not_acknowledged_is_sent_again(settings: Settings, cdn: Cdn) -> None:
    cdn.status = 503
    with pytest.raises(Exception, match="503"):
        purged(settings, cdn, "a")
    cdn.status = 200
    purged(settings, cdn, "b")
    assert cdn.told[1][1] == {"keys": ["a", "tag:compute", "b"]}


def test_many_keys_are_sent_in_parts(settings: Settings, cdn: Cdn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "MOST", 2)
    purged(settings, cdn, "a", "b", "c")
    assert [body["keys"] for _, body in cdn.told] == [["a", "tag:compute"], ["b", "c"]]


def test_without_an_address_it_only_moves_on(settings: Settings, cdn: Cdn) -> None:
    async def run() -> None:
        async with connect(settings) as database:
            await record(database, "a", ChangeLog())
            await catch_up(database, purging.FOLLOWER, purging.follower(lambda: settings))

    asyncio.run(run())
    purged(settings, cdn)
    assert cdn.told == []
    assert LOG.followers == {}
