# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.txt requirements/production.txt requirements/
RUN python -m venv /venv
RUN /venv/bin/pip install --require-hashes --requirement requirements/production.txt
RUN python -m pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md ./
COPY app app
COPY migrations migrations
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .
RUN /venv/bin/pip install --no-deps --no-index --find-links /wheel nqpf

FROM python:3.13-slim AS run
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin nqpf
RUN install --directory --owner nqpf /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 NQPF_HOST=0.0.0.0 NQPF_LOG_FORMAT=json NQPF_DATA=/data
USER nqpf
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health/ready', timeout=4)"]
CMD ["nqpf", "serve"]
