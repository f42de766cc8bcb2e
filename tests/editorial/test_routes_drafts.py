from datetime import date
from functools import reduce
from operator import getitem
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.bulletins.document import Evidence, Paragraph, SectionTag
from app.kit.settings import Settings
from tests.editorial.conftest import Login, approved, begin, body, bulletin, codes
from tests.editorial.test_routes_imports import upload


def test_a_draft_begins_with_a_document_and_what_the_checks_say_of_it(editor: httpx2.Client) -> None:
    document = bulletin(day=None)
    draft = begin(editor, document)
    assert draft.seen["document"] == body(document)
    assert (draft.seen["state"], draft.seen["slug"], draft.seen["revision"]) == ("draft", None, 1)
    assert [(f["code"], f["severity"]) for f in draft.seen["findings"]] == [("date.missing", "error")]
    assert draft.read().seen == draft.seen
    assert draft.read().etag == draft.etag


def test_a_date_has_one_draft(editor: httpx2.Client) -> None:
    begin(editor)
    again = editor.post("/v1/editorial/drafts", json={"document": body(bulletin())})
    assert codes(again) == ["date.taken"]
    undated = begin(editor, bulletin(day=None))
    assert codes(undated.patch(date="2026-06-25")) == ["date.taken"]
    assert undated.patch(date="2026-06-26").status_code == 200
    assert undated.seen["slug"] == "2026-06-26"


def test_what_was_published_keeps_its_date(editor: httpx2.Client, reviewer: httpx2.Client) -> None:
    draft = approved(editor, reviewer)
    draft.step("publish")
    draft.client = editor
    for day, shown in ((date(2026, 6, 26), "2026-06-26"), (None, "空")):
        refused = draft.send("PUT", "/document", body(bulletin(day=day)))
        assert codes(refused) == ["date.published"]
        assert f"稿件里的日期是 {shown}" in refused.json()["reasons"][0]["message"]
    assert draft.read().seen["document"]["date"] == "2026-06-25"


def test_every_save_is_a_revision_and_the_checks_are_made_again(editor: httpx2.Client) -> None:
    draft = begin(editor)
    assert draft.patch(sections=[], citations=[]).status_code == 200
    assert draft.seen["revision"] == 2
    assert "sections.missing" in [finding["code"] for finding in draft.seen["findings"]]
    replaced = draft.send("PUT", "/document?note=重写", body(bulletin("新的")))
    assert replaced.status_code == 200
    assert (draft.seen["revision"], draft.seen["note"], draft.seen["findings"]) == (3, "重写", [])
    listed = editor.get(f"{draft.path}/revisions").json()["items"]
    assert [(item["number"], item["author"], item["note"]) for item in listed] == [
        (3, "eva", "重写"),
        (2, "eva", ""),
        (1, "eva", ""),
    ]


def test_a_save_that_changes_nothing_is_no_revision(editor: httpx2.Client) -> None:
    draft = begin(editor)
    etag = draft.etag
    assert draft.patch(title="标题").status_code == 200
    assert (draft.etag, draft.seen["revision"]) == (etag, 1)


def test_a_merge_patch_replaces_lists_and_null_gives_the_default(editor: httpx2.Client) -> None:
    draft = begin(editor)
    draft.patch(abstract=None, producers=["甲", "乙"], contacts=[])
    document = draft.seen["document"]
    assert (document["abstract"], document["producers"], document["contacts"]) == ("", ["甲", "乙"], [])
    assert document["sections"] == body(bulletin())["sections"]


def test_one_section_is_patched_heading_blocks_and_tags(editor: httpx2.Client) -> None:
    draft = begin(editor)
    patch = {
        "heading": "新标题",
        "body": [{"type": "paragraph", "text": "新正文"}],
        "tags": [{"slug": "hubei"}],
    }
    assert draft.send("PATCH", "/document/sections/2", patch).status_code == 200
    first, second = draft.seen["document"]["sections"]
    assert (first["heading"], second["heading"], second["number"]) == ("条目1", "新标题", 2)
    assert [tag["slug"] for tag in second["tags"]] == ["hubei"]
    assert draft.send("PATCH", "/document/sections/3", patch).status_code == 404


def test_one_citation_is_patched_and_says_which_sections_use_it(editor: httpx2.Client) -> None:
    draft = begin(editor)
    patch = {"sections": [1, 2], "reference": {"title": "另一条消息"}}
    assert draft.send("PATCH", "/document/citations/1", patch).status_code == 200
    (citation,) = draft.seen["document"]["citations"]
    assert citation["sections"] == [1, 2]
    assert (citation["reference"]["title"], citation["reference"]["source"]) == ("另一条消息", "新华社")


def test_sections_change_their_order_and_citations_and_comments_follow(editor: httpx2.Client) -> None:
    draft = begin(editor, bulletin(sections=3))
    for section in (1, 2, 3):
        content = {"text": f"关于第 {section} 条", "section": section}
        assert editor.post(f"{draft.path}/comments", json=content).status_code == 201
    assert draft.send("PUT", "/document/section-order", {"order": [3, 2]}).status_code == 200
    document = draft.seen["document"]
    assert [(s["number"], s["heading"]) for s in document["sections"]] == [(1, "条目3"), (2, "条目2")]
    assert document["citations"][0]["sections"] == [2]
    comments = editor.get(f"{draft.path}/comments").json()["items"]
    assert [(item["text"][-3], item["section"]) for item in comments] == [("1", None), ("2", 2), ("3", 1)]
    assert draft.send("PUT", "/document/section-order", {"order": [1]}).status_code == 200
    assert draft.seen["document"]["citations"][0]["sections"] == []


@pytest.mark.parametrize("order", [[1, 1], [3], [0], []])
def test_an_order_names_what_is_there_once_and_never_nothing(editor: httpx2.Client, order: list[int]) -> None:
    draft = begin(editor)
    answer = draft.send("PUT", "/document/section-order", {"order": order})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


def test_evidence_goes_with_the_words_that_it_stood_on(editor: httpx2.Client) -> None:
    document = bulletin()
    evidence = Evidence(where="body", index=0, start=0, text="正文")
    first = document.sections[0].model_copy(
        update={"tags": (SectionTag(slug="hubei", evidence=(evidence,)),)}
    )
    draft = begin(editor, document.model_copy(update={"sections": (first, document.sections[1])}))
    assert draft.seen["document"]["sections"][0]["tags"][0]["evidence"]
    draft.send("PATCH", "/document/sections/1", {"body": [{"type": "paragraph", "text": "别的话"}]})
    assert draft.seen["document"]["sections"][0]["tags"] == [{"slug": "hubei", "evidence": []}]


def test_an_unknown_tag_is_an_error_of_its_section(editor: httpx2.Client) -> None:
    draft = begin(editor, bulletin(tag="no-such-tag"))
    findings = [f for f in draft.seen["findings"] if f["code"] == "tag.unknown"]
    assert [(f["severity"], f["position"]["section"]) for f in findings] == [("error", 1), ("error", 2)]


@pytest.mark.parametrize(
    ("method", "path", "content", "place"),
    [
        ("PATCH", "/document", {"sections": [{"number": 1, "heading": ""}]}, "sections.0.heading"),
        ("PATCH", "/document", {"colour": "red"}, "colour"),
        ("PATCH", "/document", {"title": "a\x00b"}, "title"),
        ("PATCH", "/document", {"date": "2026-02-30"}, "date"),
        ("PATCH", "/document/sections/1", {"number": 2}, "body"),
        ("PATCH", "/document/citations/1", {"reference": None}, "citations.0.reference"),
        ("PUT", "/document", {"title": "x"}, "date"),
        ("PUT", "/document", [], "body"),
        ("PATCH", "/document", [], "body"),
    ],
)
def test_what_is_no_document_is_refused_by_its_place(
    editor: httpx2.Client, method: str, path: str, content: object, place: str
) -> None:
    draft = begin(editor)
    answer = draft.send(method, path, content)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert place in [error["parameter"] for error in answer.json()["errors"]], answer.text
    assert draft.read().etag == draft.etag


@pytest.mark.parametrize("number", [10_000_000_000, 2**63, 10**30])
@pytest.mark.parametrize(
    "place",
    [
        "sections.0.number",
        "sections.0.page",
        "sections.0.tags.0.evidence.0.index",
        "sections.0.tags.0.evidence.0.start",
        "citations.0.number",
        "citations.0.sections.0",
    ],
)
def test_a_number_that_no_column_holds_is_refused_at_save(
    editor: httpx2.Client, place: str, number: int
) -> None:
    draft = begin(editor)
    document = draft.seen["document"]
    evidence = {"where": "body", "index": 0, "start": 0, "text": "正文"}
    document["sections"][0]["tags"] = [{"slug": "hubei", "evidence": [evidence]}]
    *path, last = (int(part) if part.isdecimal() else part for part in place.split("."))
    reduce(getitem, path, document)[last] = number
    answer = draft.send("PUT", "/document", document)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


def test_an_order_of_numbers_that_cannot_be_is_refused(editor: httpx2.Client) -> None:
    draft = begin(editor)
    for what in ("section", "citation"):
        answer = draft.send("PUT", f"/document/{what}-order", {"order": [10**30]})
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "odd", ['{"a":' * 200 + "1" + "}" * 200, "[" * 100_000, '{"title": "\\ud800"}', "{", "1e999", "1" * 5_000]
)
def test_odd_json_is_a_problem_and_no_failure(editor: httpx2.Client, odd: str) -> None:
    draft = begin(editor)
    headers = {"If-Match": draft.etag, "Content-Type": "application/merge-patch+json"}
    answer = editor.patch(f"{draft.path}/document", content=odd, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_of_many_megabytes_is_a_413(editor: httpx2.Client) -> None:
    draft = begin(editor)
    answer = draft.send("PUT", "/document", {"title": "长" * 2_000_000})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_of_two_editors_saving_at_once_one_wins_and_the_other_loses_nothing(
    editor: httpx2.Client, login: Login
) -> None:
    first = begin(editor)
    second = first.read(login("ulf"))
    assert first.patch(title="第一").status_code == 200
    lost = second.patch(title="第二", abstract="我的摘要")
    assert (lost.status_code, lost.json()["type"]) == (412, "/problems/precondition-failed")
    assert lost.headers["etag"] == first.etag
    again = second.read()
    assert again.patch(title="第二", abstract="我的摘要").status_code == 200
    titles = [
        editor.get(f"/v1/editorial/revisions/{item['id']}").json()["document"]["title"]
        for item in editor.get(f"{first.path}/revisions").json()["items"]
    ]
    assert titles == ["第二", "第一", "标题"]


def test_a_write_without_if_match_is_a_428(editor: httpx2.Client) -> None:
    draft = begin(editor)
    answer = editor.patch(f"{draft.path}/document", json={"title": "x"})
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/precondition-required")


def test_revisions_are_compared_by_words(editor: httpx2.Client) -> None:
    draft = begin(editor, bulletin("国家数据局发布湖北案例"))
    draft.send(
        "PATCH", "/document/sections/1", {"body": [{"type": "paragraph", "text": "国家数据局发布广东案例1"}]}
    )
    difference = editor.get(f"{draft.path}/diff", params={"from": 1, "to": 2}).json()
    (section,) = difference["sections"]
    assert section["new"]["number"] == 1
    changed = [piece for piece in section["body"][0]["words"] if piece["op"] != "same"]
    assert changed == [{"op": "removed", "text": "湖北"}, {"op": "added", "text": "广东"}]
    assert editor.get(f"{draft.path}/diff", params={"from": 1, "to": 9}).status_code == 404


def test_an_earlier_revision_is_restored_as_a_new_one(editor: httpx2.Client) -> None:
    draft = begin(editor)
    draft.patch(title="改了")
    assert draft.send("POST", "/restore", {"revision": 1}).status_code == 200
    assert (draft.seen["revision"], draft.seen["document"]["title"]) == (3, "标题")
    assert draft.seen["note"] == "恢复修订 1"
    assert draft.send("POST", "/restore", {"revision": 9}).status_code == 404


def test_a_revision_cannot_be_changed(editor: httpx2.Client) -> None:
    draft = begin(editor)
    (item,) = editor.get(f"{draft.path}/revisions").json()["items"]
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        assert editor.request(method, f"/v1/editorial/revisions/{item['id']}", json={}).status_code == 405


def test_the_same_new_draft_sent_twice_is_made_once(editor: httpx2.Client) -> None:
    content, key = {"document": body(bulletin(day=None))}, {"Idempotency-Key": "k"}
    first, again = (editor.post("/v1/editorial/drafts", json=content, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]
    assert len(editor.get("/v1/editorial/drafts").json()["items"]) == 1


def test_drafts_are_listed_by_page_and_filter(editor: httpx2.Client, login: Login) -> None:
    for day in range(1, 6):
        begin(editor, bulletin(day=date(2026, 6, day)))
    begin(login("ulf"), bulletin(day=None)).patch(title="百分号%")

    def slugs(**query: Any) -> list[str]:
        found = editor.get("/v1/editorial/drafts", params=query).json()
        items = found["items"]
        while found["next"]:
            found = editor.get("/v1/editorial/drafts", params={**query, "cursor": found["next"]}).json()
            items += found["items"]
        return [item["slug"] and item["slug"][-2:] for item in items]

    assert slugs(limit=2) == [None, "05", "04", "03", "02", "01"]
    assert slugs(author="eva", limit=2) == ["05", "04", "03", "02", "01"]
    assert slugs(**{"from": "2026-06-02", "to": "2026-06-03"}) == ["03", "02"]
    assert slugs(q="%") == [None]
    assert slugs(state="published") == []
    for wrong in ({"state": "x"}, {"limit": 500}, {"colour": "red"}, {"cursor": "x"}):
        assert editor.get("/v1/editorial/drafts", params=wrong).status_code == 422


def test_comments_stand_on_a_draft_or_a_section_and_are_resolved_once(
    editor: httpx2.Client, reviewer: httpx2.Client
) -> None:
    draft = begin(editor)
    address = f"{draft.path}/comments"
    assert codes(reviewer.post(address, json={"text": "？", "section": 3})) == ["section.missing"]
    made = reviewer.post(address, json={"text": "请再核对。"}).json()
    assert (made["author"], made["revision"], made["section"]) == ("rui", 1, None)
    resolved = editor.post(f"{address}/{made['id']}/resolve").json()
    assert resolved["resolved_by"] == "eva"
    assert reviewer.post(f"{address}/{made['id']}/resolve").json() == resolved
    assert draft.read().etag == draft.etag


def count(settings: Settings, table: str) -> int:
    with psycopg.connect(settings.conninfo) as connection:
        counted = SQL("SELECT count(*) FROM {}").format(Identifier(table))
        (found,) = connection.execute(counted).fetchone() or (0,)
        return int(found)


def imported(client: httpx2.Client, year: int, said: str) -> dict[str, Any]:
    text = f"新质生产力每日动态\n{year} 年 6 月 25 日\n摘要\n{said}\n一、要闻\n{said * 9}\n"
    answer = upload(client, text.encode())
    assert answer.status_code == 201, answer.text
    draft: dict[str, Any] = answer.json()["draft"]
    return draft


def test_a_draft_that_was_never_public_is_deleted_with_all_that_is_its_own(
    editor: httpx2.Client, administrator: httpx2.Client, settings: Settings
) -> None:
    for said in ("列车今天开出。", "列车今天开出了。"):
        first = imported(editor, 2026, said)
    other = imported(editor, 2025, "飞机昨天降落。")
    path = f"/v1/editorial/drafts/{first['id']}"
    editor.post(f"{path}/comments", json={"text": "请再核对。"})
    assert (count(settings, "revision"), count(settings, "source_file")) == (3, 3)
    stale = editor.delete(path, headers={"If-Match": '"1.0"'})
    assert (stale.status_code, editor.delete(path).status_code) == (412, 428)
    match = {"If-Match": stale.headers["etag"]}
    gone = editor.delete(path, headers=match)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (editor.get(path).status_code, editor.delete(path, headers=match).status_code) == (404, 404)
    assert [count(settings, table) for table in ("revision", "comment", "source_file")] == [1, 0, 1]
    assert [item["id"] for item in editor.get("/v1/editorial/drafts").json()["items"]] == [other["id"]]
    (entry,) = administrator.get("/v1/editorial/audit", params={"action": "draft.delete"}).json()["items"]
    assert (entry["actor"], entry["object"], entry["after"]) == ("eva", "draft:2026-06-25", None)
    assert (entry["before"]["revision"], entry["before"]["title"]) == (2, first["title"])
    assert begin(editor).seen["slug"] == "2026-06-25", "the date is free again"


def test_a_file_that_another_draft_came_from_too_stays(editor: httpx2.Client, settings: Settings) -> None:
    draft, _ = imported(editor, 2026, "列车今天开出。"), imported(editor, 2025, "飞机昨天降落。")
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("UPDATE revision SET source_file = (SELECT min(sha256) FROM source_file)")
    path = f"/v1/editorial/drafts/{draft['id']}"
    kept = count(settings, "source_file")
    assert editor.delete(path, headers={"If-Match": editor.get(path).headers["etag"]}).status_code == 204
    assert count(settings, "source_file") == kept == 2


def test_a_draft_that_was_public_or_is_approved_is_not_deleted(
    editor: httpx2.Client, reviewer: httpx2.Client
) -> None:
    draft = approved(editor, reviewer)
    assert codes(draft.send("DELETE", "", None)) == ["state.wrong"]
    assert draft.step("publish").status_code == 200
    assert codes(draft.send("DELETE", "", None)) == ["draft.published"]
    draft.step("withdraw", note="有误")
    draft.step("reopen")
    assert codes(draft.send("DELETE", "", None)) == ["draft.published"]


def test_text_of_any_kind_stays_text(editor: httpx2.Client) -> None:
    evil = "<script>alert(1)</script>&amp;\"'"
    document = bulletin().model_copy(update={"title": evil, "abstract": evil, "producers": (evil,)})
    section = document.sections[0].model_copy(update={"heading": evil, "body": (Paragraph(text=evil),)})
    draft = begin(editor, document.model_copy(update={"sections": (section, document.sections[1])}))
    answer = editor.get(draft.path)
    assert answer.json()["document"]["sections"][0]["heading"] == evil
    comment = editor.post(f"{draft.path}/comments", json={"text": evil})
    assert comment.json()["text"] == evil
    for each in (answer, comment):
        assert each.headers["content-type"] == "application/json"
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["cache-control"] == "no-store"


def test_a_draft_that_is_not_there_is_a_404(editor: httpx2.Client) -> None:
    nobody = "0197a3f2-6f3a-7c40-9a7e-1f2b3c4d5e6f"
    for path in ("", "/document", "/revisions", "/comments"):
        assert editor.get(f"/v1/editorial/drafts/{nobody}{path}").status_code == 404
    headers = {"If-Match": '"1.0"'}
    assert (
        editor.patch(f"/v1/editorial/drafts/{nobody}/document", json={}, headers=headers).status_code == 404
    )


def test_each_save_is_in_the_audit_log_with_what_was_before_and_after(
    editor: httpx2.Client, settings: Settings
) -> None:
    begin(editor).patch(title="改了")
    with psycopg.connect(settings.conninfo) as connection:
        rows = connection.execute(
            "SELECT actor, action, object, before ->> 'revision', after ->> 'revision', ip <> '', "
            "request_id <> '' FROM audit_entry ORDER BY id"
        ).fetchall()
    assert rows == [
        ("eva", "draft.create", "draft:2026-06-25", None, "1", True, True),
        ("eva", "draft.save", "draft:2026-06-25", "1", "2", True, True),
    ]
