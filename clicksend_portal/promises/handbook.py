"""What to do when a promise turns: its section of docs/operations/promises.md, for staff."""

import re
from functools import cache

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

PAGE = settings.BASE_DIR / "docs" / "operations" / "promises.md"


INTRODUCTION = ""


@cache
def sections() -> dict[str, str]:
    """By the id of the promise, each from its heading to the next; empty without the file.

    What stands before them all, such as what to do when a promise is unknown, has the empty name.
    """
    if not PAGE.is_file():
        return {}
    first, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = {name.strip(): body.strip() for name, _, body in (p.partition("\n") for p in parts)}
    return {INTRODUCTION: first.partition("\n")[2].strip(), **named}


def section_html(promise_id: str) -> SafeString:
    """As a page shows it; raw HTML would be shown as text. The file is ours.

    Links between the files of the documentation lead nowhere on a page, so their words stand alone.
    """
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"`\1`", sections().get(promise_id, ""))
    markdown = MarkdownIt("commonmark", {"html": False})
    html: SafeString = mark_safe(markdown.render(text))  # noqa: S308  (escaped above)
    return html
