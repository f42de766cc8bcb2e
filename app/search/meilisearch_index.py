"""An index of Meilisearch, administered: made, filled, compared, put in another's place.

All of it blocks: it is for the worker and the command line, one thread at a time. Meilisearch queues
what it is told as tasks; every task is awaited here, and what it did is checked. A killed writer leaves
nothing to remember: what it sends is whole documents, and whoever comes next sends them again.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import meilisearch
import structlog
from meilisearch.errors import MeilisearchApiError
from meilisearch.models.task import Task, TaskInfo

from app.kit.settings import Settings
from app.search.meilisearch_query import either
from app.search.meilisearch_schema import INDEX

log = structlog.get_logger(__name__)

TIMEOUT = 30
"""Seconds that one request may take."""
PATIENCE = 300
"""Seconds that a task may take, those before it in the queue included."""

_ATTEMPTS = 3
_BATCH_BYTES = 10_000_000
_PAGE = 1_000

Document = Mapping[str, Any]


class IndexingError(Exception):
    """Meilisearch has not done what it was told; nothing may be taken for done."""


class Index:
    """The index ``uid`` of the server that MEILI_URL names."""

    def __init__(self, settings: Settings, uid: str = INDEX) -> None:
        key_ = settings.meili_key.get_secret_value() if settings.meili_key else None
        url = (settings.meili_url or "").rstrip("/")
        self.uid = uid
        self._settings = settings
        self._client = meilisearch.Client(url, key_, timeout=TIMEOUT)
        self._index = self._client.index(uid)

    def beside(self) -> "Index":
        """The index in which a new one is built."""
        return Index(self._settings, f"{self.uid}_next")

    def created(self) -> str | None:
        """When it was made (RFC 3339, in UTC); None while there is no such index."""
        try:
            raw = self._client.get_raw_index(self.uid)
        except MeilisearchApiError as error:
            if error.code == "index_not_found":
                return None
            raise
        return str(raw["createdAt"])

    def create(self) -> None:
        self._succeed(lambda: self._client.create_index(self.uid, {"primaryKey": "id"}))

    def drop(self) -> None:
        self._succeed(lambda: self._client.delete_index(self.uid))

    def configure(self, wanted: Mapping[str, Any]) -> bool:
        """Bring the settings to these; whether that changed any."""
        current = self._index.get_settings()
        changed = {name: value for name, value in wanted.items() if _differs(name, value, current)}
        if changed:
            self._succeed(lambda: self._index.update_settings(changed))
        return bool(changed)

    def count(self) -> int:
        """How many documents it holds."""
        return int(self._index.get_stats().number_of_documents)

    def stamps(self) -> dict[str, str]:
        """The stamp of every document by its id."""
        found: dict[str, str] = {}
        while True:
            wanted = {"fields": ["id", "stamp"], "limit": _PAGE, "offset": len(found)}
            page = self._index.get_documents(wanted)
            found |= {document.id: document.stamp for document in page.results}
            if len(page.results) < _PAGE:
                return found

    def replace(self, slugs: Sequence[str], documents: Sequence[Document]) -> None:
        """Make these the only documents of these bulletins.

        A document that Meilisearch refuses by itself is logged and left out; it shows as drift.

        :raises IndexingError: not all has been done.
        """
        for batch in _batches(documents):
            self._put(batch)
        gone = either("slug", slugs)
        if documents:
            gone += f" AND NOT {either('id', [document['id'] for document in documents])}"
        self._succeed(lambda: self._index.delete_documents(filter=gone))

    def give_place_to(self, other: "Index") -> None:
        """Let the other index be found under this name, in one moment; what was here is at the other's."""
        names = [other.uid, self.uid]
        rename = self.created() is None
        self._succeed(lambda: self._client.swap_indexes([{"indexes": names, "rename": rename}]))

    def _put(self, documents: Sequence[Document]) -> None:
        try:
            task = self._settled(lambda: self._index.add_documents(documents))
        except MeilisearchApiError as error:
            if error.code != "payload_too_large":
                raise
            failure = {"type": error.type, "code": error.code, "message": error.message}
        else:
            details = task.details or {}
            if task.status == "succeeded":
                if details.get("indexedDocuments") == details.get("receivedDocuments") == len(documents):
                    return
                raise IndexingError(f"{len(documents)} documents were sent, but the task says {details}")
            failure = task.error or {}
        if failure.get("code") in _HOPELESS:
            _fail(failure)
        if len(documents) > 1:
            middle = len(documents) // 2
            self._put(documents[:middle])
            self._put(documents[middle:])
        elif failure.get("type") == "invalid_request":
            log.error("search.document-refused", id=documents[0]["id"], reason=failure.get("message"))
        else:
            _fail(failure)

    def _succeed(self, send: Callable[[], TaskInfo]) -> None:
        task = self._settled(send)
        if task.status != "succeeded":
            _fail(task.error or {})

    def _settled(self, send: Callable[[], TaskInfo]) -> Task:
        """Send, and send again while nobody can say what became of it; a task succeeded or failed."""
        for _ in range(_ATTEMPTS):
            uid = send().task_uid
            try:
                task = self._client.wait_for_task(uid, timeout_in_ms=PATIENCE * 1_000)
            except MeilisearchApiError as error:
                if error.code != "task_not_found":
                    raise
                continue
            if task.status in {"succeeded", "failed"}:
                return task
        raise IndexingError(f"the outcome of a task stayed unknown {_ATTEMPTS} times")


_HOPELESS = frozenset({"index_not_found", "no_space_left_on_device", "invalid_api_key"})
"""Failures that smaller batches meet too."""


def _differs(name: str, value: Any, current: Mapping[str, Any]) -> bool:
    known = current.get(name)
    if isinstance(value, dict) and isinstance(known, dict) and name != "synonyms":
        # Meilisearch adds the options that nobody has set.
        return any(known.get(option) != each for option, each in value.items())
    return bool(known != value)


def _fail(failure: Mapping[str, Any]) -> NoReturn:
    raise IndexingError(f"a task failed: {failure.get('code')}: {failure.get('message')}")


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """The documents in portions that are well below the largest payload."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        length = len(json.dumps(document))
        if batch and size + length > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch
