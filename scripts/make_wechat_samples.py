"""Makes tests/samples/wechat/: golden articles and, with Chromium, the photograph of a phone."""

import tempfile
from pathlib import Path

from PIL import Image

from app.rendering.wechat import QR, render_wechat
from tests.rendering.wechat_samples import (
    GOLDEN,
    SCREENSHOT,
    TAGS,
    WIDTH,
    Phone,
    articles,
    chromium,
    qr_data,
    seed,
)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, html in articles().items():
        (GOLDEN / name).write_text(html, "utf-8")
    if browser := chromium():
        with tempfile.TemporaryDirectory() as folder:
            phone = Phone(browser, Path(folder))
            article = render_wechat(seed(), tags=TAGS, uploaded={f"{QR}https://gyznsw.cn": qr_data()})
            large = Path(folder) / "large.png"
            height = phone.look(article)["height"]
            phone.photograph(article, large, height=height)
            picture = Image.open(large).convert("RGB").crop((0, 0, WIDTH, height)).quantize(8)
            picture.save(SCREENSHOT, optimize=True)


if __name__ == "__main__":
    main()
