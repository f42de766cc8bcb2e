"""``python -m app.cli`` is the ``nqpf`` command."""

from app.cli.main import main

main()
