"""Mails from Markdown to the bytes that SMTP takes."""

from messaging.rendering.blocks import markdown_html, markdown_text
from messaging.rendering.composing import Wire, compose, compose_slowly
from messaging.rendering.errors import CannotCompose
from messaging.rendering.prepared import Prepared, Rendered, prepare, render_preview

__all__ = [
    "CannotCompose",
    "Prepared",
    "Rendered",
    "Wire",
    "compose",
    "compose_slowly",
    "markdown_html",
    "markdown_text",
    "prepare",
    "render_preview",
]
