# One image for web, workers and beat; compose.yaml shows which command each of them runs.
FROM python:3.13-slim AS build
WORKDIR /portal
COPY requirements.txt .
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --no-create-home portal
WORKDIR /portal
ENV PATH=/portal/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /portal/.venv .venv
COPY manage.py pyproject.toml ./
COPY tests/production.env /tmp/production.env
COPY clicksend_portal clicksend_portal
COPY foundation foundation
COPY accounts accounts
COPY consent consent
COPY messaging messaging
COPY retention retention
COPY templates templates
COPY static static
COPY locale locale
COPY docs/verify_receipt.py docs/
# Shown to staff when a promise turns.
COPY docs/operations/promises.md docs/operations/
# The settings given here only let Django start; nothing of them stays in the image.
RUN python -m clicksend_portal.translations \
    && env $(sed -e '/^#/d' /tmp/production.env) python manage.py collectstatic --noinput \
    && rm /tmp/production.env
USER portal
EXPOSE 8000
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--workers=2", "--blocking-threads=4", "--no-ws", "clicksend_portal.wsgi:application"]
