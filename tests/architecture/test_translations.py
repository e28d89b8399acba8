"""Nothing a reader sees in Bokmål is left in English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
CATALOGUES = sorted((ROOT / "locale").glob("**/nb/LC_MESSAGES/*.po"))
APPS = ("accounts", "clicksend_portal", "consent", "foundation", "messaging", "retention")
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "npgettext"}


def marked_in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FUNCTIONS:
            texts = [
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            ]
            context = "pgettext" in getattr(node.func, "id", "")
            yield from texts[1:2] if context else texts[:1]


def marked_in_template(path: Path) -> Iterator[str]:
    """`templatize` turns a template into calls that xgettext, and so this test, can read."""
    for match in re.finditer(
        r"gettext\(u?(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", templatize(path.read_text())
    ):
        yield ast.literal_eval(match["text"])


def marked() -> set[str]:
    python = (path for app in APPS for path in (ROOT / app).rglob("*.py"))
    templates = (
        path for kind in ("html", "txt") for path in (ROOT / "templates").rglob(f"*.{kind}")
    )
    return {text for path in python for text in marked_in_python(path)} | {
        text for path in templates for text in marked_in_template(path)
    }


def test_every_text_has_its_bokmaal():
    translated = {
        entry.msgid
        for path in CATALOGUES
        for entry in polib.pofile(str(path))
        if entry.translated()
    }
    missing = {text for text in marked() if text.strip() and text not in translated}
    assert not missing


def test_there_is_something_to_translate():
    assert len(marked()) > 500


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_translation_keeps_every_placeholder_and_none_is_fuzzy(path):
    for entry in polib.pofile(str(path)):
        assert not entry.fuzzy, entry.msgid
        versions = [entry.msgstr] if entry.msgstr else list(entry.msgstr_plural.values())
        for version in versions:
            assert placeholders(version) <= placeholders(entry.msgid + entry.msgid_plural), version
            if not entry.msgid_plural:
                assert placeholders(version) == placeholders(entry.msgid), version
