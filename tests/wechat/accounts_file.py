"""An accounts file on disk."""

from pathlib import Path

from app.wechat.accounts import Account
from tests.wechat.simulator_world import SECRET


def accounts_file(folder: Path, account: Account, **more: str) -> Path:
    """The file of one account; ``more`` are further lines of it, as TOML values."""
    lines = {
        "appid": f'"{account.appid}"',
        "secret": f'"{SECRET}"',
        "token": '"AAAAA"',
        "aes_key": f'"{"A" * 43}"',
        "website": f'"{account.website}"',
        "api": f'"{account.api}"',
        **more,
    }
    file = folder / "wechat.toml"
    written = "\n".join(f"{name} = {value}" for name, value in lines.items())
    file.write_text(f"[account.{account.name}]\n{written}\n", "utf-8")
    return file
