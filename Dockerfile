# uuidmig as an image. Free-threaded: docker build --build-arg PYTHON=3.14t .
#   docker run --rm -e UUIDMIG_DSN=... uuidmig plan
ARG PYTHON=3.14

FROM ghcr.io/astral-sh/uv:0.13-trixie-slim AS build
ARG PYTHON
ENV UV_PYTHON_INSTALL_DIR=/opt/python UV_PROJECT_ENVIRONMENT=/opt/uuidmig \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_PREFERENCE=only-managed
WORKDIR /source
COPY . .
# psycopg's binary has no free-threaded build: there it uses the libpq of the image.
RUN set -eu; \
    case "$PYTHON" in *t) binary= ;; *) binary=yes ;; esac; \
    uv python install "$PYTHON"; \
    uv sync --frozen --no-dev --no-editable --extra fast ${binary:+--extra binary} --python "$PYTHON"

FROM debian:trixie-slim
ARG PYTHON
LABEL org.opencontainers.image.title=uuidmig \
      org.opencontainers.image.description="Turns the uuid4 keys of a live PostgreSQL database into uuid7 keys" \
      org.opencontainers.image.licenses=Apache-2.0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin uuidmig \
    && install -d -o 10001 /work
COPY --from=build /opt/python /opt/python
COPY --from=build /opt/uuidmig /opt/uuidmig
ENV PATH=/opt/uuidmig/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /work
# An image that calls itself free-threaded and has the GIL on after its imports is not made.
RUN python -c "import sys; from uuidmig.runtime import get_runtime_info; \
info = get_runtime_info(); print(info); sys.exit(info.gil_enabled == '$PYTHON'.endswith('t'))"
ENTRYPOINT ["uuidmig"]
CMD ["--help"]
