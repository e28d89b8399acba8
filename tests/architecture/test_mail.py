"""Whatever leaves goes through the outbox."""

import ast
from pathlib import Path

from django.conf import settings

ELSEWHERE = ("accounts", "clicksend_portal", "consent", "foundation", "retention")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_only_messaging_touches_djangos_mail_and_smtp():
    root = Path(settings.BASE_DIR)
    strays = [
        str(path.relative_to(root))
        for app in ELSEWHERE
        for path in (root / app).rglob("*.py")
        if imported(path) & {"django.core.mail", "smtplib"}
    ]
    assert not strays
