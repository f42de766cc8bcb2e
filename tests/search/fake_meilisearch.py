"""As much of Meilisearch as keeping an index takes, strict about it, with faults on demand.

The tests that use it run against the real one where MEILI_URL is set.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

from tests.search.http_server import Asked, Given, answering

KEY = "a-key-for-the-fake"
SETTINGS = {
    "searchableAttributes",
    "displayedAttributes",
    "filterableAttributes",
    "sortableAttributes",
    "rankingRules",
    "localizedAttributes",
    "synonyms",
    "typoTolerance",
    "pagination",
    "faceting",
    "searchCutoffMs",
}

_IN = r'(\w+) IN \[("[^"]*"(?:, "[^"]*")*)\]'
_FILTER = re.compile(rf"{_IN}(?: AND NOT {_IN})?")


@dataclass
class Task:
    """What Meilisearch says of a task, the documents it was given, and whether it is asked in vain."""

    outcome: dict[str, Any]
    documents: Sequence[dict[str, Any]]
    forgotten: bool = False

    @property
    def type(self) -> str:
        return str(self.outcome["type"])


Fault = Callable[[Task], None]
"""Changes a task before it is worked on; one that has not succeeded then does nothing."""


@dataclass
class FakeIndex:
    created: datetime
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


class _RefusalError(Exception):
    def __init__(self, status: int, code: str, type_: str = "invalid_request") -> None:
        super().__init__(code)
        self.given = Given(status, {"message": code, "code": code, "type": type_, "link": ""})


@dataclass
class FakeMeilisearch:
    """``faults`` are tried on every task; ``log`` keeps what was asked; ``refusal`` is given to all."""

    indexes: dict[str, FakeIndex] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    refusal: Given | None = None
    _uids: Iterator[int] = field(default_factory=count)
    _lock: Any = field(default_factory=Lock)
    _days: Iterator[int] = field(default_factory=count)

    def __call__(self, asked: Asked) -> Given:
        with self._lock:
            self.log.append(f"{asked.method} {asked.path}")
            if self.refusal:
                return self.refusal
            if asked.headers.get("Authorization") != f"Bearer {KEY}":
                return _RefusalError(403, "invalid_api_key", "auth").given
            try:
                return self._route(asked.method, asked.path.strip("/").split("/"), asked.body)
            except _RefusalError as refusal:
                return refusal.given

    def _route(self, method: str, path: list[str], body: Any) -> Given:
        for (wanted, *parts), answer in self._routes().items():
            if method == wanted and len(path) == len(parts):
                free = [given for given, part in zip(path, parts, strict=True) if part == "*"]
                if all(part in {given, "*"} for given, part in zip(path, parts, strict=True)):
                    return answer(*free, *([] if body is None else [body]))
        raise _RefusalError(404, "not_found")

    def _routes(self) -> dict[tuple[str, ...], Callable[..., Given]]:
        documents = ("indexes", "*", "documents")
        return {
            ("POST", "indexes"): lambda body: self._task(
                "indexCreation", body["uid"], lambda: self._create(**body)
            ),
            ("GET", "indexes", "*"): lambda uid: Given(
                200, {"uid": uid, "createdAt": self._index(uid).created.isoformat()}
            ),
            ("DELETE", "indexes", "*"): lambda uid: self._task(
                "indexDeletion", uid, lambda: self.indexes.pop(uid)
            ),
            ("GET", "indexes", "*", "settings"): lambda uid: Given(200, self._index(uid).settings),
            ("PATCH", "indexes", "*", "settings"): self._configure,
            ("GET", "indexes", "*", "stats"): self._stats,
            ("POST", *documents): self._add,
            ("POST", *documents, "delete"): lambda uid, body: self._task(
                "documentDeletion", uid, lambda: self._delete(uid, body["filter"])
            ),
            ("POST", *documents, "fetch"): lambda uid, body: self._fetch(uid, **body),
            ("POST", "swap-indexes"): lambda body: self._task(
                "indexSwap", None, lambda: self._swap(**body[0])
            ),
            ("POST", "multi-search"): lambda body: self._search(**body),
            ("GET", "tasks", "*"): self._outcome,
        }

    def _task(
        self, type_: str, index: str | None, work: Callable[[], object], documents: Sequence[Any] = ()
    ) -> Given:
        """Queue a task; it is done before anybody can ask after it."""
        uid = next(self._uids)
        head = {"indexUid": index, "type": type_, "enqueuedAt": datetime.now(UTC).isoformat()}
        counts = {"receivedDocuments": len(documents), "indexedDocuments": len(documents)}
        task = Task(head | {"uid": uid, "status": "succeeded", "details": counts}, documents)
        for fault in self.faults:
            fault(task)
        if task.outcome["status"] == "succeeded":
            try:
                work()
            except _RefusalError as refusal:
                task.outcome |= {"status": "failed", "error": refusal.given.body}
        if not task.forgotten:
            self.tasks[uid] = task
        return Given(202, head | {"taskUid": uid, "status": "enqueued"})

    def _outcome(self, uid: str) -> Given:
        if int(uid) not in self.tasks:
            raise _RefusalError(404, "task_not_found")
        return Given(200, self.tasks[int(uid)].outcome)

    def _index(self, uid: str) -> FakeIndex:
        if uid not in self.indexes:
            raise _RefusalError(404, "index_not_found")
        return self.indexes[uid]

    def _create(self, uid: str, primaryKey: str) -> None:  # noqa: N803 - as in JSON
        assert primaryKey == "id"
        if uid in self.indexes:
            raise _RefusalError(409, "index_already_exists")
        self.indexes[uid] = FakeIndex(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=next(self._days)))

    def _configure(self, uid: str, body: Mapping[str, Any]) -> Given:
        if not SETTINGS.issuperset(body):
            raise _RefusalError(400, "bad_request")
        return self._task("settingsUpdate", uid, lambda: self._index(uid).settings.update(body))

    def _stats(self, uid: str) -> Given:
        number = len(self._index(uid).documents)
        return Given(200, {"numberOfDocuments": number, "isIndexing": False, "fieldDistribution": {}})

    def _add(self, uid: str, body: list[dict[str, Any]]) -> Given:
        def work() -> None:
            self._index(uid).documents |= {document["id"]: document for document in body}

        return self._task("documentAdditionOrUpdate", uid, work, body)

    def _delete(self, uid: str, condition: str) -> None:
        known = self._index(uid).documents
        match = _FILTER.fullmatch(condition)
        assert match, condition
        having, values, but, kept = match.groups()
        gone = [
            id_
            for id_, document in known.items()
            if document[having] in json.loads(f"[{values}]")
            and not (but and document[but] in json.loads(f"[{kept}]"))
        ]
        for id_ in gone:
            del known[id_]

    def _fetch(self, uid: str, fields: list[str], limit: int, offset: int) -> Given:
        documents = list(self._index(uid).documents.values())
        page = [{name: each[name] for name in fields} for each in documents[offset : offset + limit]]
        return Given(200, {"results": page, "offset": offset, "limit": limit, "total": len(documents)})

    def _swap(self, indexes: list[str], rename: bool) -> None:
        one, other = indexes
        moved = self._index(one)
        if rename:
            assert other not in self.indexes
            self.indexes[other] = self.indexes.pop(one)
        else:
            self.indexes[one], self.indexes[other] = self._index(other), moved

    def _search(self, federation: Mapping[str, int], queries: list[Mapping[str, Any]]) -> Given:
        """Sections that have all the quoted words of one of the queries, unranked."""
        wanted = [re.findall('"([^"]+)"', query["q"]) for query in queries]
        index = self.indexes.get(queries[0]["indexUid"])
        if index is None:
            raise _RefusalError(400, "index_not_found")
        found = [
            {**document, "_rankingScore": 1.0}
            for document in index.documents.values()
            if any(all(word in _text(document) for word in words) for words in wanted)
        ]
        page = found[federation["offset"] : federation["offset"] + federation["limit"]]
        return Given(200, {"hits": page, "estimatedTotalHits": len(found), "processingTimeMs": 0})


def _text(document: Mapping[str, Any]) -> str:
    return "\n".join([document["heading"], *document["names"], document["body"]])


def failing(code: str, type_: str = "invalid_request", *, when: Callable[[Task], bool]) -> Fault:
    """Lets the tasks of which ``when`` is true fail."""

    def fault(task: Task) -> None:
        if when(task):
            error = {"code": code, "type": type_, "message": code, "link": ""}
            task.outcome |= {"status": "failed", "error": error}

    return fault


@contextmanager
def fake_meilisearch() -> Iterator[tuple[FakeMeilisearch, str]]:
    """A fake and its address."""
    fake = FakeMeilisearch()
    with answering(fake) as url:
        yield fake, url
