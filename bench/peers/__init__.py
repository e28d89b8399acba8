"""Other senders beside ours, once: no part of `make bench`, and nothing the project depends on.

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install "django>=6.0,<6.1" django-post-office django-newsletter \
        sorl-thumbnail "psycopg[binary]"
    PEERS_PYTHON=/tmp/peers/bin/python python -m bench.peers
"""
