"""Alembic's entry: runs the migrations on the connection it is given, or on DATABASE_URL's."""

from alembic import context
from sqlalchemy import Connection

import app.bulletins.models
import app.bulletins.schedule
import app.editorial.models
import app.kit.changes
import app.kit.idempotency
import app.kit.throttle
import app.partners.models
import app.partners.tokens
import app.search.models
import app.search.suggest_models
import app.wechat.models  # noqa: F401 - the imports fill the metadata
from app.kit.connections import synchronous
from app.kit.db import Base
from app.kit.settings import Settings


def ours(name: str | None, kind: str, _: object) -> bool:
    """procrastinate's tables are its own: migrations install them, models do not describe them."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=ours,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with synchronous(Settings.load().conninfo).connect() as own:
        run(own)
