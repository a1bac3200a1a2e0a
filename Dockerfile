# engagement in a container: the wheel, with the dashboard's files from npm, and no root.
FROM node:22-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc web/vendor.mjs ./
RUN npm ci --silent && node vendor.mjs

FROM python:3.13-slim AS wheel
WORKDIR /source
COPY requirements.lock pyproject.toml hatch_build.py README.md LICENSE ./
RUN python -m venv /opt/engagement \
    && /opt/engagement/bin/python -m pip install --quiet --require-hashes -r requirements.lock
COPY engagement engagement
COPY sql sql
COPY schemas schemas
COPY config config
COPY migrations migrations
COPY docs docs
COPY --from=web /engagement/api/vendor engagement/api/vendor
RUN /opt/engagement/bin/python -m pip install --quiet --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=wheel /opt/engagement /opt/engagement
ENV PATH=/opt/engagement/bin:$PATH \
    ENGAGEMENT_DB=/data/engagement.duckdb
RUN useradd --system --create-home engagement && install -d -o engagement /data
USER engagement
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["engagement"]
CMD ["serve", "--host", "0.0.0.0", "--public"]
