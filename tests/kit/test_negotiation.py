import time

import pytest

from app.kit.negotiation import negotiate

OFFERED = ["application/json", "text/html", "text/markdown"]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        (BROWSER, "text/html"),
        ("text/*", "text/html"),
        ("TEXT/HTML", "text/html"),
        ("text/markdown, text/html;q=0.9", "text/markdown"),
        ("text/html;q=0.8, text/markdown;q=0.9, */*;q=0.1", "text/markdown"),
        ("text/html, application/json", "application/json"),
        ("text/*;q=0.3, text/html;q=0.7, application/json;q=0.5", "text/html"),
        ("text/html;q=0.2, */*;q=0.4", "application/json"),
        ("application/json;q=0, */*", "text/html"),
        ("application/json;q=0.001, text/html;q=0.000", "application/json"),
        ("text/html;charset=utf-8", "text/html"),
        ('text/html;charset="UTF-8" ; q=0.5', "text/html"),
        ("text/html;level=1, text/markdown;q=0.1", "text/markdown"),
        ('text/html;x="a,b;q=1", text/markdown;q=0.1', "text/markdown"),
        ("text/html;q=2, text/markdown;q=0.1", "text/markdown"),
        ("text/html;q=nan, text/markdown;q=0.1", "text/markdown"),
        ("nonsense", "application/json"),
        ("image/png", None),
        ("*/*;q=0", None),
        ("application/json;q=0, text/*;q=0", None),
        ("text/html;level=1", None),
    ],
)
def test_the_form_is_the_one_the_request_likes_best(accept: str | None, chosen: str | None) -> None:
    assert negotiate(accept, OFFERED) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("text/html;" * 10_000 + ", image/png", None),
        ('"' * 60_000, "application/json"),
        ('"' * 59_999, "application/json"),
        ("," * 60_000, "application/json"),
        ("a/b;" + " " * 60_000 + "x", "application/json"),
        ("a/b;" + "x=1;" * 15_000 + "=", "application/json"),
    ],
)
def test_a_very_long_header_is_read_at_once(accept: str, chosen: str | None) -> None:
    before = time.process_time()
    assert negotiate(accept, OFFERED) == chosen
    assert time.process_time() - before < 1
