# One image for web and worker; the lock file decides every version.
FROM python:3.12-slim-bookworm
WORKDIR /noriai
RUN useradd --create-home noriai && chown noriai /noriai
COPY --chown=noriai requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.lock
COPY --chown=noriai api api
COPY --chown=noriai dispatch dispatch
COPY --chown=noriai ivr_stub ivr_stub
COPY --chown=noriai routing routing
COPY --chown=noriai simulations simulations
RUN pip install --no-cache-dir --no-deps .
USER noriai
RUN noriai warm
EXPOSE 8000
CMD ["noriai", "serve"]
