"""Measures the WeChat callback on the database of DATABASE_URL: ``python -m scripts.bench_wechat [READERS]``.

Every reader asks one question after the other, in safe mode, over a socket to the API in a process of its
own; the questions are words of the archive. Prints percentiles in milliseconds, and the time to render an
article.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles

import httpx2

from app.bulletins.taxonomy import curated
from app.rendering.wechat import render_wechat
from app.wechat.crypto import Crypter, signature
from scripts.archive import generate

TOKEN, KEY, APPID = "bench", "A" * 43, "wxba5fad812f8e6fb9"
QUESTIONS = (
    "数据要素流通 湖北",
    "算力 电力 协同",
    "机器人 制造能力",
    "人工智能 政策 落地",
    "低空经济 城市",
    "国家数据局 案例",
)
SECONDS = 15.0


def message(question: str, place: int) -> tuple[dict[str, str], bytes]:
    now = str(int(time.time()))
    xml = (
        f"<xml><ToUserName>gh</ToUserName><FromUserName>o{place}</FromUserName><CreateTime>{now}</CreateTime>"
        f"<MsgType>text</MsgType><Content>{question}</Content>"
        f"<MsgId>{secrets.randbits(60)}</MsgId></xml>"
    )
    encrypted = Crypter(APPID, [KEY]).encrypt(xml.encode())
    nonce = secrets.token_hex(8)
    params = {
        "timestamp": now,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": signature(TOKEN, now, nonce, encrypted),
    }
    return params, f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()


async def load(address: str, readers: int) -> list[float]:
    """Milliseconds of each answer."""
    taken: list[float] = []
    end = time.monotonic() + SECONDS
    async with httpx2.AsyncClient(
        base_url=address, timeout=30, limits=httpx2.Limits(max_connections=readers)
    ) as client:

        async def ask(reader: int) -> None:
            for place, question in enumerate(islice(cycle(QUESTIONS), reader % len(QUESTIONS), None)):
                if time.monotonic() > end:
                    return
                params, body = message(question, 1_000 * reader + place)
                begun = time.perf_counter()
                answer = await client.post("/wechat/callback", params=params, content=body)
                taken.append(1_000 * (time.perf_counter() - begun))
                answer.raise_for_status()

        await asyncio.gather(*map(ask, range(readers)))
    return taken


def rendering() -> float:
    """Milliseconds for one article of the archive, the median of 200."""
    names = {tag.slug: tag.name for tag in curated().tags}
    times = []
    for document in generate(200, seed=1, until=date(2026, 6, 24)):
        begun = time.perf_counter()
        render_wechat(document, tags=names, uploaded={})
        times.append(1_000 * (time.perf_counter() - begun))
    return median(times)


def main() -> None:
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    print(f"render: {rendering():.2f} ms an article")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wechat.toml"
        file.write_text(
            f'[account.bench]\nappid = "{APPID}"\nsecret = "none"\ntoken = "{TOKEN}"\naes_key = "{KEY}"\n'
            'website = "https://example.org/{slug}"\nsearch = "https://example.org/?q={q}"\n',
            "utf-8",
        )
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
        server = subprocess.Popen(command, env={**os.environ, "NQPF_WECHAT": str(file)})  # noqa: S603
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                try:
                    httpx2.get(f"{address}/health/live")
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
            asyncio.run(load(address, 2))
            for number in (1, readers):
                taken = asyncio.run(load(address, number))
                cuts = quantiles(taken, n=100)
                print(
                    f"callback, {number} readers: {len(taken) / SECONDS:.0f} a second, "
                    f"median {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms, "
                    f"longest {max(taken):.0f} ms"
                )
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
