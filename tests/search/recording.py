"""Conversations with a live Meilisearch, written down once and replayed to the letter.

A file holds one JSON value on each line: what server was seen and when, then each request with its
answer, in order. Long requests are kept as their SHA-256; of a task that was polled, only the last
answer. ``scripts/record_meilisearch`` writes them.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from tests.search.http_server import Asked, Given, answering

FOLDER = Path(__file__).with_name("recordings")
LIVE = os.environ.get("MEILI_URL")
KEY = os.environ.get("MEILI_KEY", "a-key-for-replays")
RECORDING = bool(LIVE and os.environ.get("RECORD_MEILISEARCH"))

_LONG = 4_000


@contextmanager
def conversation(name: str) -> Iterator[str]:
    """The address of Meilisearch: the live one where MEILI_URL is set, else one that replays the file.

    A request that differs from the recorded one is answered with 500 and fails the test; so does one
    that is recorded and never made.
    """
    file = FOLDER / f"{name}.jsonl"
    if LIVE and not RECORDING:
        yield LIVE
    elif RECORDING:
        with _recorded(file) as url:
            yield url
    else:
        with replayed(file) as url:
            yield url


def server_seen(file: Path) -> str:
    """The version of the server that a recording was made with."""
    return str(json.loads(file.read_text("utf-8").partition("\n")[0])["server"])


@contextmanager
def _recorded(file: Path) -> Iterator[str]:
    lines: list[Any] = []
    with httpx2.Client(base_url=LIVE or "", headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as live:
        version = live.get("/version").json()["pkgVersion"]
        lines.append({"server": version, "recorded": datetime.now(UTC).date().isoformat()})
        lock = threading.Lock()

        def answer(asked: Asked) -> Given:
            with lock:
                response = live.request(asked.method, asked.path, json=asked.body)
                given = Given(response.status_code, response.json() if response.content else None)
                if not _unfinished(asked, given):
                    lines.append({**_request(asked), "status": given.status, "answer": given.body})
                return given

        with answering(answer) as url:
            yield url
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


@dataclass
class _Replay:
    expected: list[Any]
    place: int = 0
    unexpected: Any = None

    def __call__(self, asked: Asked) -> Given:
        request = _request(asked)
        if self.place == len(self.expected):
            return self._refuse({"asked": request, "recorded": None})
        line = dict(self.expected[self.place])
        given = Given(line.pop("status"), line.pop("answer"))
        if request != line:
            return self._refuse({"asked": request, "recorded": line})
        self.place += 1
        return given

    def _refuse(self, difference: Any) -> Given:
        self.unexpected = self.unexpected or difference
        return Given(500, {"code": "not_recorded", "message": "scripts/record_meilisearch"})


@contextmanager
def replayed(file: Path) -> Iterator[str]:
    """The address of a server that answers as the file says."""
    assert file.exists(), f"{file.name} is not recorded: run scripts/record_meilisearch"
    _, *expected = map(json.loads, file.read_text("utf-8").splitlines())
    replay = _Replay(expected)
    with answering(replay) as url:
        yield url
    assert replay.unexpected is None, f"not as recorded: {replay.unexpected}"
    assert replay.place == len(expected), f"never asked: {expected[replay.place]}"


def _unfinished(asked: Asked, given: Given) -> bool:
    return asked.path.startswith("/tasks/") and given.body.get("status") in {"enqueued", "processing"}


def _request(asked: Asked) -> dict[str, Any]:
    request: dict[str, Any] = {"method": asked.method, "path": asked.path}
    text = json.dumps(asked.body, ensure_ascii=False, sort_keys=True)
    if len(text) > _LONG:
        return request | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    return request | {"body": asked.body}
