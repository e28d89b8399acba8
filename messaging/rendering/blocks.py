"""The blocks a mail is written with, from Markdown to HTML and to text that reads well alone.

All of it is plain CommonMark. A link titled "button" is a button; a picture is one uploaded here;
three dashes on a line of their own divide.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import EnvType, OptionsDict

from messaging.rendering.fields import parser, place
from messaging.rendering.marks import Marks, without_marks
from messaging.rendering.pictures import Picture, find_pictures, pictures_in

BUTTON_TITLES = frozenset({"button", "knapp"})
DIVIDER = "-" * 40


class Example(NamedTuple):
    """One block, as the help beside the text shows it."""

    name: str | Promise
    markdown: str


EXAMPLES: tuple[Example, ...] = (
    Example(_("Heading"), "# Hello\n\n## A smaller one"),
    Example(_("Paragraph"), "Words with *stress*, **more stress** and [a link](https://…)."),
    Example(_("List"), "- one\n- another\n\n1. first\n2. second"),
    Example(_("Button"), '[Read more](https://… "button")'),
    Example(_("Picture"), "![What it shows](picture:0f3a…)"),
    Example(_("Divider"), "---"),
    Example(_("Personal field"), "Hello {first_name|there}"),
)


def markdown_html(
    source: str, marks: Marks | None = None, pictures: Mapping[str, Picture] | None = None
) -> str:
    """Safe HTML: raw HTML is shown as text, and a `javascript:` link is no link."""
    markdown = parser()
    source = without_marks(source)
    if pictures is None:
        pictures = find_pictures(pictures_in(source))
    env = {"marks": marks, "pictures": pictures}
    return str(_Html(markdown).render(markdown.parse(source), markdown.options, env))


class _Html(RendererHTML):
    """markdown-it's own, with the button, the pictures and the fields of mails."""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[idx]
        if token.attrs.get("title") in BUTTON_TITLES:
            token.attrs = {"class": "button", "href": token.attrs["href"]}
        return str(self.renderToken(tokens, idx, options, env))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        alt = escape("".join(_inline_text(SyntaxTreeNode(token.children or []), env["marks"])))
        picture = env["pictures"].get(str(token.attrs.get("src", "")))
        if picture is None:  # not ours: its words stand alone
            return alt
        return (
            f'<img src="{escape(picture.url)}" alt="{alt}" '
            f'width="{picture.width}" height="{picture.height}">'
        )

    def personal_field(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return escape(_field(tokens[idx], env["marks"]))


def _field(token: Token, marks: Marks | None) -> str:
    if marks is None:
        return token.content
    return place(token.meta["name"], token.meta["default"], token.content, marks)


def markdown_text(source: str, marks: Marks | None = None) -> str:
    """The same words for readers of plain text: "words (address)" for a link, lists as lists."""
    tree = SyntaxTreeNode(parser().parse(without_marks(source)))
    return _blocks_text(tree, marks)


def _blocks_text(parent: SyntaxTreeNode, marks: Marks | None) -> str:
    return "\n\n".join(_block_text(node, marks) for node in parent.children)


def _block_text(node: SyntaxTreeNode, marks: Marks | None) -> str:
    match node.type:
        case "hr":
            return DIVIDER
        case "fence":
            return _indented(node.content.rstrip("\n"), "    ", "    ")
        case "bullet_list" | "ordered_list":
            return _list_text(node, marks)
        case "blockquote":
            return _indented(_blocks_text(node, marks), "> ", "> ")
        case _:  # a paragraph or a heading
            return "".join(_inline_text(node.children[0], marks)) if node.children else ""


def _list_text(node: SyntaxTreeNode, marks: Marks | None) -> str:
    first = int(node.attrs.get("start", 1))
    items = []
    for number, item in enumerate(node.children, first):
        sign = f"{number}. " if node.type == "ordered_list" else "- "
        inside = "\n".join(_block_text(block, marks) for block in item.children)
        items.append(_indented(inside, sign, " " * len(sign)))
    return "\n".join(items)


def _indented(text: str, first: str, others: str) -> str:
    return first + text.replace("\n", f"\n{others}")


def _inline_text(parent: SyntaxTreeNode, marks: Marks | None) -> list[str]:
    parts: list[str] = []
    for node in parent.children:
        match node.type:
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "text" | "code_inline":
                parts.append(node.content)
            case "personal_field":
                assert node.token is not None
                parts.append(_field(node.token, marks))
            case "link":
                parts.append(_link_text(node, "".join(_inline_text(node, marks))))
            case _:  # stress, and the alternative words of a picture
                parts += _inline_text(node, marks)
    return parts


def _link_text(node: SyntaxTreeNode, words: str) -> str:
    address = str(node.attrs.get("href", "")).removeprefix("mailto:")
    if words == address or not address:
        return words
    is_button = node.attrs.get("title") in BUTTON_TITLES
    return f"{words}: {address}" if is_button else f"{words} ({address})"
