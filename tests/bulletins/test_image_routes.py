import asyncio
import hashlib
import io

import httpx2
import psycopg
import pytest
from PIL import Image as Opened

from app.bulletins.document import BulletinDocument, Image
from app.kit.image_sizes import SIZES
from app.kit.image_store import image_store
from app.kit.settings import Settings
from tests.bulletins.conftest import on_the_shelf, problem, refused
from tests.conftest import Publish, Withdraw
from tests.kit.pictures import drawing, encoded

PICTURE = encoded(drawing(), "JPEG")
DIGEST = hashlib.sha256(PICTURE).hexdigest()
ADDRESS = f"/v1/images/{DIGEST}"


def illustrated(index: int = 1, src: str = f"sha256:{DIGEST}") -> BulletinDocument:
    first, *others = on_the_shelf(index).sections
    body = (*first.body, Image(src=src, alt="二维码"))
    return on_the_shelf(index).model_copy(
        update={"sections": (first.model_copy(update={"body": body}), *others)}
    )


@pytest.fixture
def stored(settings: Settings) -> None:
    asyncio.run(image_store(settings).add(PICTURE))


@pytest.mark.usefixtures("stored")
def test_a_page_shows_no_pictures_but_those_that_are_kept_here(publish: Publish, api: httpx2.Client) -> None:
    publish(illustrated())
    page = api.get(f"/v1/bulletins/{on_the_shelf(1).slug}.html")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    own, below = policy["img-src"].split()
    assert (own, policy["default-src"]) == ("'self'", "'none'")
    assert below == f"{str(api.base_url).rstrip('/')}/v1/images/"
    assert f'src="{below}{DIGEST}"' in page.text


@pytest.mark.usefixtures("stored")
def test_a_published_picture_is_served_for_ever_in_every_size(publish: Publish, api: httpx2.Client) -> None:
    problem(api.get(ADDRESS), 404, "not-found")
    publish(illustrated())
    for path in (ADDRESS, *(f"{ADDRESS}/{size}" for size in SIZES)):
        answer = api.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        image = Opened.open(io.BytesIO(answer.content))
        assert answer.headers["content-type"] == Opened.MIME[image.format or ""]
        again = api.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = api.head(path)
        assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])
        assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.usefixtures("stored")
def test_a_picture_is_public_as_long_as_a_readable_version_shows_it(
    publish: Publish, withdraw: Withdraw, api: httpx2.Client
) -> None:
    publish(illustrated(1), illustrated(2))
    publish(on_the_shelf(1))
    assert api.get(ADDRESS).status_code == 200, "version 1 can still be read"
    withdraw(illustrated(1).slug)
    assert api.get(ADDRESS).status_code == 200, "another bulletin shows it"
    withdraw(illustrated(2).slug)
    problem(api.get(ADDRESS), 404, "not-found")
    publish(illustrated(2))
    assert api.get(ADDRESS).status_code == 200


def test_a_picture_that_was_never_kept_is_not_found(publish: Publish, api: httpx2.Client) -> None:
    publish(illustrated(src=f"sha256:{'0' * 64}"), illustrated(2, src="https://example.org/a.png"))
    problem(api.get(f"/v1/images/{'0' * 64}"), 404, "not-found")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "path",
    [
        "x",
        "%00",
        "..%2F..%2Fetc%2Fpasswd",
        DIGEST.upper(),
        f"{DIGEST}/w1",
        f"{DIGEST}/..%2Ffull",
        f"{DIGEST}/",
        "%F0%9F%98%80",
    ],
)
def test_what_is_no_picture_is_not_found(publish: Publish, api: httpx2.Client, path: str) -> None:
    publish(illustrated())
    problem(api.get(f"/v1/images/{path}"), 404, "not-found")


@pytest.mark.usefixtures("stored")
def test_an_unknown_parameter_is_refused(publish: Publish, api: httpx2.Client) -> None:
    publish(illustrated())
    refused(api.get(f"{ADDRESS}?w=320"), "w")


def test_the_migration_finds_the_pictures_of_what_is_public(settings: Settings, publish: Publish) -> None:
    from importlib import import_module

    publish(illustrated(1), illustrated(2, src="https://example.org/a.png"), on_the_shelf(3))
    migration = import_module("migrations.versions.0041_published_image")
    with psycopg.connect(settings.conninfo) as connection:
        connection.execute("DELETE FROM published_image")
        connection.execute(migration.FROM_VERSIONS)
        rows = connection.execute("SELECT sha256, slug FROM published_image").fetchall()
    assert rows == [(DIGEST, illustrated(1).slug)]
