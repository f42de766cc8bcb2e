"""Bulletins whose articles are kept as golden files, and a phone to look at them."""

import base64
import io
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import segno

from app.bulletins.document import (
    BulletinDocument,
    Citation,
    Contact,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
    Subheading,
    Table,
)
from app.bulletins.taxonomy import curated
from app.ingest.reader import read_bulletin
from app.rendering.wechat import QR, pictures, render_wechat

SAMPLES = Path(__file__).parents[1] / "samples"
GOLDEN = SAMPLES / "wechat"
SCREENSHOT = GOLDEN / "2026-06-25.png"
WIDTH = 375
"""A small phone, in CSS pixels."""

TAGS = {tag.slug: tag.name for tag in curated().tags}

EVERYTHING = BulletinDocument(
    title="<专刊> & 更多",
    date=date(2026, 6, 25),
    abstract="第一段。\n第二段 <b>不是标签</b>。",
    sections=(
        Section(
            number=1,
            numeral="一",
            heading="所有的块 & 样式",
            tags=(SectionTag(slug="data-elements"), SectionTag(slug="unnamed")),
            body=(
                Paragraph(text='正文 <script>alert("x")</script> & 结束。'),
                Subheading(text="（一）小标题"),
                ListBlock(items=("甲", "乙 <i>")),
                ListBlock(ordered=True, items=("丙", "丁")),
                Table(rows=(("年份", "装机"), ("2026", "1 < 2"))),
                Table(header=False, rows=(("a", ""),)),
                Image(src="https://example.org/a.png", alt='图"一"'),
                Image(src="sha256:00ff", alt="没有上传的图"),
                Image(src="sha256:11ff"),
            ),
        ),
        Section(number=2, heading="没有正文"),
    ),
    citations=(
        Citation(
            number=1,
            purpose="用于甲。",
            sections=(1,),
            reference=ReferenceItem(
                source="某网站", title="外部文章", date=date(2026, 6, 24), url="https://example.org/?a=1&b=2"
            ),
        ),
        Citation(
            number=2,
            purpose="",
            sections=(1, 2),
            reference=ReferenceItem(
                source="", title="公众号文章", date=None, url="https://mp.weixin.qq.com/s?__biz=A&mid=1"
            ),
        ),
    ),
    contacts=(
        Contact(name="甲", description="说明。", url="https://gyznsw.cn"),
        Contact(name="乙", url="https://example.org/没有码"),
        Contact(name="丙", description="没有网址。"),
    ),
)
EVERYTHING_UPLOADED = {
    "https://example.org/a.png": "https://mmbiz.qpic.cn/a?wx_fmt=png&from=1",
    f"{QR}https://gyznsw.cn": "https://mmbiz.qpic.cn/qr.png",
}


def seed() -> BulletinDocument:
    """The real bulletin."""
    return read_bulletin(SAMPLES / "2026-06-25.txt", curated(), date(2026, 6, 26)).document


def articles() -> dict[str, str]:
    """The HTML of each golden file by its name."""
    document = seed()
    uploaded = dict.fromkeys(pictures(document), "https://mmbiz.qpic.cn/qr.png")
    return {
        "2026-06-25.html": render_wechat(document, tags=TAGS, uploaded=uploaded),
        "everything.html": render_wechat(EVERYTHING, tags=TAGS, uploaded=EVERYTHING_UPLOADED),
    }


@dataclass(frozen=True)
class Phone:
    """A browser as wide as a phone. Measurements are in CSS pixels."""

    chromium: str
    folder: Path

    def look(self, html: str) -> dict[str, Any]:
        """How wide the page is, its height, the smallest letters, and how much text can be seen."""
        dom = self._run(html, "--dump-dom", "--virtual-time-budget=2000")
        found = re.search(r"<title>(.*?)</title>", dom)
        assert found, dom
        seen: dict[str, Any] = json.loads(found[1])
        return seen

    def photograph(self, html: str, file: Path, height: int) -> None:
        self._run(html, f"--screenshot={file}", height=height)

    def _run(self, html: str, *options: str, height: int = 800) -> str:
        page = self.folder / "page.html"
        page.write_text(PAGE.replace("ARTICLE", html).replace("WIDTH", str(WIDTH)), "utf-8")
        command = [
            *(self.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            "--disable-dev-shm-usage",
            *(f"--user-data-dir={self.folder / 'profile'}", f"--window-size=500,{height}"),
            *options,
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def qr_data() -> str:
    """The QR code of the real bulletin's contact, inside an address."""
    picture = io.BytesIO()
    segno.make("https://gyznsw.cn", error="m").save(picture, kind="png", scale=8)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"


# Headless Chromium makes no window as narrow as a phone: the page stands in a frame that is.
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title></title></head>
<body style="margin:0"><iframe id="phone" style="border:0;width:WIDTHpx;height:100vh"></iframe><script>
const frame = document.getElementById("phone");
frame.srcdoc = `<!doctype html><body style="margin:0;padding:16px">ARTICLE</body>`;
frame.onload = () => {
  const page = frame.contentDocument;
  const sizes = [], hidden = [];
  for (const element of page.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own) continue;
    const box = element.getBoundingClientRect();
    sizes.push(parseFloat(getComputedStyle(element).fontSize));
    if (box.right > WIDTH || box.left < 0 || !box.height) hidden.push(element.textContent.slice(0, 20));
  }
  document.title = JSON.stringify({width: page.documentElement.scrollWidth,
    height: page.documentElement.scrollHeight, smallest: Math.min(...sizes), hidden: hidden,
    characters: page.body.innerText.length});
};
</script></body></html>"""
