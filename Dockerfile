# One image for web and worker; the lock files decide every version.
FROM node:20-bookworm-slim AS pages
WORKDIR /noriai/api/web
COPY api/web/package.json api/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY api/web ./
# The generated API types say nothing to the bundler, so no Python is needed here.
RUN npm run build

FROM python:3.12-slim-bookworm
WORKDIR /noriai
# pg_dump and pg_restore for `noriai backup`, of the same version as the server in docker-compose.yml.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home noriai \
 && install --directory --owner=noriai /noriai /backups
COPY --chown=noriai requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.lock
COPY --chown=noriai api api
COPY --chown=noriai dispatch dispatch
COPY --chown=noriai ivr_stub ivr_stub
COPY --chown=noriai routing routing
COPY --chown=noriai simulations simulations
COPY --chown=noriai --from=pages /noriai/api/static api/static
# Editable: pages, towns and sentences are read from where they lie.
RUN pip install --no-cache-dir --no-deps --editable .
USER noriai
RUN noriai warm
EXPOSE 8000
CMD ["noriai", "serve"]
