import socket
from urllib.parse import unquote

import httpx2
import pytest

from tests.bulletins.conftest import problem, refused
from tests.conftest import Server

NOBODY = "01999999-0000-7000-8000-000000000000"
LISTS = ["/v1/bulletins", "/v1/sections", "/v1/tags", "/v1/references", "/v1/sources"]
FILTERED = ["/v1/bulletins", "/v1/sections", "/v1/references"]
OBJECTS = [
    "/v1/bulletins/latest",
    "/v1/bulletins/2026-03-04",
    "/v1/bulletins/2026-03-04/sections/1",
    "/v1/tags/compute",
    f"/v1/references/{NOBODY}",
]
HEALTH = ["/health/live", "/health/ready"]


@pytest.mark.parametrize(
    "address",
    [
        "/v1/bulletins/2020-01-01",
        "/v1/bulletins/2026-03-04x",
        "/v1/bulletins/LATEST",
        "/v1/bulletins/%00",
        "/v1/bulletins/' OR 1=1 --",
        "/v1/bulletins/2026-03-04/sections/3",
        "/v1/bulletins/2020-01-01/sections/1",
        "/v1/bulletins/%00/sections/1",
        "/v1/tags/unknown",
        "/v1/tags/%00",
        "/v1/tags/算力",
        f"/v1/references/{NOBODY}",
        "/v1",
        "/v1/",
        "/",
        "/v1/bulletins/",
        "/v1/bulletins/2026-03-04/",
        "/v1/bulletins/2026-03-04/sections",
        "//v1/bulletins",
        "/v1//bulletins",
        "/V1/bulletins",
        "/problems/unknown",
    ],
)
def test_what_is_not_there_is_a_404(reading: httpx2.Client, address: str) -> None:
    problem(reading.get(str(reading.base_url).rstrip("/") + address), 404, "not-found")


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/v1/bulletins/2026-03-04/sections/0", "number"),
        ("/v1/bulletins/2026-03-04/sections/-1", "number"),
        ("/v1/bulletins/2026-03-04/sections/01", "number"),
        ("/v1/bulletins/2026-03-04/sections/one", "number"),
        ("/v1/bulletins/2026-03-04/sections/201", "number"),
        (f"/v1/bulletins/2026-03-04/sections/{'9' * 5000}", "number"),
        (f"/v1/bulletins/{'x' * 81}", "slug"),
        (f"/v1/bulletins/{'x' * 60_000}", "slug"),
        (f"/v1/tags/{'x' * 81}", "slug"),
        ("/v1/references/1", "id"),
        ("/v1/references/%00", "id"),
        (f"/v1/references/{NOBODY.replace('-', '')}", "id"),
        (f"/v1/references/{NOBODY}".replace("01999999", "0199ABCD"), "id"),
        (f"/v1/references/{{{NOBODY}}}", "id"),
        (f"/v1/references/urn:uuid:{NOBODY}", "id"),
    ],
)
def test_a_path_that_can_name_nothing_is_refused(
    reading: httpx2.Client, address: str, parameter: str
) -> None:
    refused(reading.get(address), parameter)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("address", [*LISTS, *OBJECTS, *HEALTH])
def test_other_methods_are_refused_with_those_that_are_allowed(
    reading: httpx2.Client, address: str, method: str
) -> None:
    answer = reading.request(method, address)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "name", ["Limit", "tags", "page", "offset", "tag.all", "q[]", "%00", "字段", "_query"]
)
@pytest.mark.parametrize("address", [*LISTS, *OBJECTS, *HEALTH])
def test_an_unknown_parameter_is_refused_by_name(reading: httpx2.Client, address: str, name: str) -> None:
    refused(reading.get(f"{address}?{name}=1"), unquote(name).replace("\0", r"\x00"))


@pytest.mark.parametrize(
    "query", ["limit=5&limit=5", "q=a&q=b", "fields=slug&limit=5&fields=slug", "cursor=a&cursor=a"]
)
@pytest.mark.parametrize("address", LISTS)
def test_a_parameter_given_twice_is_refused(reading: httpx2.Client, address: str, query: str) -> None:
    refused(reading.get(f"{address}?{query}"), query.partition("=")[0])


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "201",
        "1.5",
        "many",
        "",
        "1e3",
        "0x10",
        "1_0",
        "2.0",
        "%2B1",
        "1%0a",
        "9" * 5000,
        "%00",
        "NaN",
    ],
)
@pytest.mark.parametrize("address", LISTS)
def test_a_limit_out_of_range_is_refused_and_never_clamped(
    reading: httpx2.Client, address: str, limit: str
) -> None:
    refused(reading.get(f"{address}?limit={limit}"), "limit")


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-30",
        "from=2026-2-3",
        "to=20260203",
        "to=2026-02-03T00:00:00",
        "from=1767225600",
        "from=yesterday",
        "from=",
        "to=0000-01-01",
        "to=10000-01-01",
        "from=２０２６-02-03",
        "from=2026-03-04%00",
        "to=2026-03-04%0A",
        "tag=Compute",
        "tag=-",
        "tag=a_b",
        "tag.any=%00",
        "tag.not=",
        "tag=" + "x" * 81,
        "tag=unknown",
        "tag.any=compute&tag.any=unknown",
        "tag.not=unknown",
        "source=unknown",
        "source=Reuters&source=路透社",
        "source=",
        "source=%20",
        "source=a%00b",
        "source=%1B",
        "source=" + "源" * 201,
        "source=%ED%A0%80",
        "q=",
        "q=%20%E3%80%80",
        "q=a%00",
        "q=%7F",
        "q=%0A",
        "q=" + "字" * 201,
        "fields=",
        "fields=slug,unknown",
        "fields=title,",
        "fields=title%20,slug",
        "fields=title%0A",
        "cursor=",
        "cursor=a b",
        "cursor=%00",
        "cursor=" + "a" * 501,
    ],
)
@pytest.mark.parametrize("address", FILTERED)
def test_a_value_that_means_nothing_is_refused(reading: httpx2.Client, address: str, query: str) -> None:
    refused(reading.get(f"{address}?{query}"), query.partition("=")[0])


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/v1/bulletins?order=number", "order"),
        ("/v1/sections?order=", "order"),
        ("/v1/bulletins?include=tags", "include"),
        ("/v1/bulletins?include=", "include"),
        ("/v1/bulletins?include=sections,,contacts", "include"),
        ("/v1/sections?include=sections", "include"),
        ("/v1/references?order=date", "order"),
        ("/v1/tags?kind=thing", "kind"),
        ("/v1/tags?parent=unknown", "parent"),
        ("/v1/tags?parent=%00", "parent"),
        ("/v1/tags?q=%00", "q"),
        ("/v1/tags?tag=compute", "tag"),
        ("/v1/tags?fields=slug,children", "fields"),
        ("/v1/sources?q=%00", "q"),
        ("/v1/sources?fields=id", "fields"),
        ("/v1/bulletins/latest?fields=unknown", "fields"),
        ("/v1/bulletins/2026-03-04?fields=", "fields"),
        ("/v1/bulletins/2026-03-04/sections/1?fields=text", "fields"),
        ("/v1/tags/compute?fields=lookalikes", "fields"),
        (f"/v1/references/{NOBODY}?fields=text", "fields"),
    ],
)
def test_a_choice_that_is_not_offered_is_refused(
    reading: httpx2.Client, address: str, parameter: str
) -> None:
    refused(reading.get(address), parameter)


@pytest.mark.parametrize("octets", ["%FF", "%F0%9F%98%80%FF", "%ED%A0%80", "%C0%AF", "%A4%A4"])
@pytest.mark.parametrize("address", ["/v1/bulletins", "/v1/search", "/health/live", "/nowhere"])
def test_an_address_that_is_not_utf8_is_refused(reading: httpx2.Client, address: str, octets: str) -> None:
    refused(reading.get(f"{address}?limit=1&q={octets}"), "q")
    refused(reading.get(f"{address}?q=a&{octets}=b"), unquote(octets))
    refused(reading.get(f"{address}/{octets}"), "path")
    head = reading.head(f"{address}/{octets}")
    assert (head.status_code, head.content) == (422, b"")


def test_an_unknown_field_is_named_beside_those_that_exist(reading: httpx2.Client) -> None:
    (error,) = reading.get("/v1/sources?fields=slug,id").json()["errors"]
    assert error["detail"] == "there is no 'id'; there are slug, name, reference_count"
    (error,) = reading.get("/v1/bulletins?include=tags").json()["errors"]
    assert error["detail"] == "there is no 'tags'; there are sections, citations, contacts"


@pytest.mark.parametrize("address", FILTERED)
def test_an_end_before_the_beginning_is_refused(reading: httpx2.Client, address: str) -> None:
    refused(reading.get(f"{address}?from=2026-03-05&to=2026-03-04"), "to")
    assert reading.get(f"{address}?from=2026-03-05&to=2026-03-05").status_code == 200


def test_every_refused_parameter_is_named(reading: httpx2.Client) -> None:
    answer = reading.get("/v1/bulletins?limit=0&from=x&order=x&tag=X&unknown=1")
    refused(answer, "limit", "tag", "from", "order", "unknown")


@pytest.mark.parametrize("name", ["tag", "tag.any", "tag.not", "source"])
def test_thousands_of_filters_are_refused(reading: httpx2.Client, name: str) -> None:
    for number in (51, 4_000):
        refused(reading.get(f"/v1/bulletins?{'&'.join([f'{name}=energy'] * number)}"), name)


def test_as_many_filters_as_are_allowed_work(reading: httpx2.Client) -> None:
    query = "&".join(["tag=energy"] * 50 + ["tag.any=compute"] * 50 + ["tag.not=5g"] * 50)
    assert reading.get(f"/v1/bulletins?{query}&q={'%20'.join('增' * 100)}").status_code == 200


@pytest.mark.parametrize("query", ["&".join(["tag=energy"] * 10_000), "q=" + "x" * 200_000])
def test_an_address_longer_than_the_server_reads_is_refused(shelf_server: Server, query: str) -> None:
    # The HTTP parser refuses it before there is a request, so the answer is the server's own.
    with socket.create_connection(("127.0.0.1", shelf_server.port), timeout=20) as connection:
        connection.sendall(f"GET /v1/bulletins?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 431 ")


def test_every_problem_type_explains_itself(reading: httpx2.Client) -> None:
    for address, status in [("/v1/nothing", 404), ("/v1/tags?limit=0", 422), ("/v1/tags?cursor=a", 422)]:
        kind = reading.get(address).json()["type"]
        explained = reading.get(kind).json()
        assert (explained["type"], explained["status"]) == (kind, status)
        assert explained["advice"]
