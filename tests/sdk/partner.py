"""A partner's program on the generated client: it follows a topic, and fails if anything is missing.

Run as ``python partner.py ADDRESS KEY`` where the package ``client`` can be imported.
"""

import sys

from client import AuthenticatedClient, Client
from client.api.content import get_bulletin, get_reference, list_bulletins, list_sections
from client.api.exports import list_exports
from client.api.knowledge import get_stats, get_tag_timeline, list_related_tags, list_trending_tags
from client.api.partners import get_topic, get_usage, save_topic, sync
from client.api.search import search
from client.models import GetTagTimelineInterval, NewTopic, ProblemDetails, TopicQuery
from client.types import UNSET


def follow(client: AuthenticatedClient) -> dict[tuple[str, str], object]:
    """A copy of the topic, by what each thing is and its id."""
    copy, token, more = {}, UNSET, True
    while more:
        page = sync.sync(
            client=client, tag=["data-elements"] if token is UNSET else UNSET, token=token, limit=5
        )
        for item in page.items:
            if item.action == "put":
                copy[item.object_, item.id] = item
            else:
                copy.pop((item.object_, item.id), None)
        token, more = page.token, page.more
    return copy


def subscribe(address: str, key: str) -> None:
    client = AuthenticatedClient(base_url=address, token=key, raise_on_unexpected_status=True)
    copy = follow(client)
    listed = list_bulletins.sync(client=client, tag=["data-elements"], limit=200).items
    assert {id_ for kind, id_ in copy if kind == "bulletin"} == {bulletin.slug for bulletin in listed}
    known = copy["bulletin", listed[0].slug]
    assert (known.version, known.bulletin.content_hash) == (listed[0].version, listed[0].content_hash)

    wanted = NewTopic(name="湖北的数据要素", query=TopicQuery(tag=["data-elements"], q="湖北"))
    topic = save_topic.sync(client=client, body=wanted, idempotency_key="tour")
    assert get_topic.sync(topic.id, client=client).items
    assert get_usage.sync(client=client).plan == "partner"
    refused = sync.sync(client=AuthenticatedClient(base_url=address, token="nqpf_live_no"))
    assert isinstance(refused, ProblemDetails)


def main(address: str, key: str) -> None:
    client = Client(base_url=address, raise_on_unexpected_status=True)
    sections = []
    cursor = None
    while True:
        page = list_sections.sync(client=client, tag=["data-elements"], limit=5, cursor=cursor)
        sections += page.items
        cursor = page.next_
        if cursor is None:
            break
    assert len(sections) > 5, "the topic has more than a page of sections"

    newest = list_bulletins.sync(client=client, limit=1, source=["reuters"]).items[0]
    bulletin = get_bulletin.sync(newest.slug, client=client)
    assert [section.number for section in bulletin.sections] == [1, 2, 3, 4, 5]
    cited = get_reference.sync(bulletin.citations[0].reference.id, client=client)
    assert newest.slug in [use.bulletin.slug for use in cited.cited_by]

    weeks = get_tag_timeline.sync("data-elements", client=client, interval=GetTagTimelineInterval.WEEK)
    assert sum(point.sections for point in weeks.items) == len(sections)
    assert list_related_tags.sync("data-elements", client=client).items[0].lift > 0
    assert list_trending_tags.sync(client=client).total > 0
    assert get_stats.sync(client=client).totals.bulletins == 31
    assert search.sync(client=client, q="数据要素 湖北").engine == "postgres"
    assert list_exports.sync(client=client).items == []

    refused = list_bulletins.sync(client=client, tag=["no-such-topic"])
    assert isinstance(refused, ProblemDetails)
    assert refused.errors[0].parameter == "tag"
    subscribe(address, key)
    sys.stdout.write(f"{len(sections)} sections\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
