# One image for all services; SERVICE selects the one to start. Nobody has built it yet, because no containers run where
# Greenroom is developed; a test starts the same commands as processes.
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
