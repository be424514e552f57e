# One image for every service; SERVICE says which one it starts. Written and read, never built where Greenroom is
# developed, because no containers run there: tests/contract starts the same commands as processes.
FROM python:3.12-slim AS dependencies
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock

FROM python:3.12-slim
ARG SERVICE=synthesizer
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app:/app/client:/app/protos/gen \
    PYTHONUNBUFFERED=1 \
    GREENROOM_DATA_DIR=/data \
    NUMBA_CACHE_DIR=/tmp/numba \
    SERVICE=$SERVICE
RUN useradd --system --uid 10001 --home-dir /app greenroom && install --directory --owner greenroom /data
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY client client
COPY protos/gen protos/gen
COPY shared shared
COPY services services
COPY cli cli
COPY tools/healthcheck.py tools/healthcheck.py
USER greenroom
VOLUME /data
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["python", "tools/healthcheck.py"]
CMD ["sh", "-c", "exec python -m services.$SERVICE"]
