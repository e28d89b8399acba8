"""From Markdown to the bytes of one reader's mail: the quick way, held to the standard library."""

import quopri
import re
import uuid
from datetime import timedelta
from email import message_from_bytes, policy, quoprimime
from html.parser import HTMLParser

import pytest
from django.test import Client
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from foundation.roles import SENDER, as_role
from messaging.models import Campaign, MailImage
from messaging.rendering import (
    compose,
    compose_slowly,
    markdown_html,
    markdown_text,
    prepare,
    render_preview,
)
from messaging.rendering.blocks import DIVIDER, EXAMPLES
from messaging.rendering.fields import (
    fields_in_addresses,
    fields_without_default,
    unknown_fields,
)
from messaging.rendering.pictures import pictures_in, unknown_pictures
from messaging.rendering.quoted import break_line, encode
from messaging.rendering.values import Person
from messaging.sending.claims import Claimed
from tests.factories import NOW, make_announcement, make_campaign

pytestmark = pytest.mark.django_db

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
ONE_LINE = st.text(LETTERS, max_size=60)
# What breaks careless code, each with its reason to.
NAMES = ONE_LINE | st.sampled_from(
    [
        *(
            "Bjørn",
            "Ærlig Åse",
            "李小龙",
            "محمد",
            "👩🏽‍🚀",
            "e\u0301",
            "=?utf-8?q?x?=",
            "=3D",
            "a=b=" * 9,
        ),
        *(
            "[x](https://evil.example)",
            "https://evil.example",
            "<b>x</b>",
            "{first_name}",
            "\ue000",
        ),
        *("Ola\r\nBcc: x@y.test", ". .", ".", " ", "\t", "a  b ", "x" * 150, "æ" * 150, "a\u2028b"),
        *('O\'Hara & Søn "AS"', "=20" * 30, "\\1", "%s{}", "&amp;", "portal-specimen-token"),
    ]
)


def claimed(mailing=None, **values):
    kind = "optional" if isinstance(mailing, Campaign) else "service"
    defaults = {
        "id": uuid.uuid4(),
        "kind": kind if mailing else "account",
        "purpose": "test",
        "mailing_id": mailing and mailing.pk,
        "person_id": uuid.uuid4(),
        "topic_id": None,
        "to_address": "kari@example.test",
        "language": "nb",
        "sender": "",
        "subject": "",
        "text": "",
        "html": "",
        "attempts": 0,
        "first_name": "Kari",
        "last_name": "Nordmann",
    }
    return Claimed(**(defaults | values))


def slow_bytes(message, now=NOW):
    return compose_slowly(message, now=now).wire_bytes(international=False)


def parts_of(message):
    mail = message_from_bytes(compose(message, now=NOW).body, policy=policy.default)
    bodies = [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]
    return mail, *(body.replace("\r\n", "\n") for body in bodies)


PERSONAL = (
    "# Hei {first_name|du}!\n\n"
    "{last_name} står først, {first_name} og **{company|dere}** lenger ute på en linje som er så "
    "lang at den må brytes flere ganger, og {company|} kan mangle. blåbærsyltetøy = godt.\n\n"
    ".{first_name}\n\n- {first_name}\n- [{company|her}](https://portal.example/a?b=c&d={x)\n\n"
    '[Les mer, {first_name}](https://portal.example/nytt "button")\n\n---\n\n'
    "```\n  {first_name} = kode \n```\n\nFrom {first_name} \n{last_name}"
)


@pytest.fixture
def personal():
    """A campaign with fields wherever a field may stand; the examples of a test share it."""
    return make_campaign(
        subject_nb="Nyheter på høsten for {first_name|deg} og alle dere i {company|firmaet}",
        subject_en="News for {first_name|you}",
        preheader_nb="{first_name}, kort fortalt",
        body_nb=PERSONAL,
        body_en=PERSONAL,
    )


shared = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared
@given(
    names=st.tuples(NAMES, NAMES, NAMES),
    person=st.uuids(),
    seconds=st.integers(0, 10_000_000),
    language=st.sampled_from(["nb", "en"]),
)
def test_the_quick_way_writes_the_bytes_of_the_standard_library(
    personal, names, person, seconds, language
):
    fields = dict(zip(("first_name", "last_name", "company"), names, strict=True))
    message = claimed(personal, person_id=person, language=language, **fields)
    now = NOW - timedelta(seconds=seconds)
    assert compose(message, now=now).body == slow_bytes(message, now)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(subject=ONE_LINE, preheader=ONE_LINE, body=st.text(LETTERS, max_size=300), name=NAMES)
@example("", "", "", "")
@example("\ue000", "\ue000", "\ue000 portal-specimen-html\r\n", "x")
@example("Hei {first_name}", "", "<pre>\n {first_name} \n\n\n x", "x")
def test_whatever_the_author_writes_both_ways_agree(subject, preheader, body, name):
    fields = {"subject_nb": subject, "preheader_nb": preheader, "body_nb": body}
    for make in (make_campaign, make_announcement):
        message = claimed(make(**fields), first_name=name)
        assert compose(message, now=NOW).body == slow_bytes(message)


@given(ONE_LINE | NAMES | st.text("ab =\t.é", max_size=200))
@example("=" * 76)
@example("a" * 75 + " ")
@example("a" * 74 + " ")
@example("a" * 76)
@example("a" * 77)
def test_a_line_is_quoted_as_the_standard_library_quotes_it(line):
    assume(not re.search("[\r\n]", line))
    expected = quoprimime.body_encode(line.encode().decode("latin-1"), 76).replace("\n", "\r\n")
    assert break_line(encode(line)) == expected.encode() + b"\r\n"
    assert quopri.decodestring(break_line(encode(line))) == line.encode() + b"\r\n"


@shared
@given(name=NAMES)
def test_what_leaves_keeps_to_the_standards_and_says_what_was_meant(personal, name):
    message = claimed(personal, first_name=name)
    body = compose(message, now=NOW).body
    head, _, rest = body.partition(b"\r\n\r\n")
    assert body.isascii()
    assert body.endswith(b"--\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", body)
    assert max(map(len, rest.split(b"\r\n"))) <= 76
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^\s?]+\?[bq]\?[^?]*\?=", head))
    mail, text, html = parts_of(message)
    assert not mail.defects
    assert mail["Subject"] == compose_slowly(message, now=NOW).subject
    slow = compose_slowly(message, now=NOW)
    assert text == slow.body
    assert html == slow.alternatives[0][0]


class Seen(HTMLParser):
    """The links and the words of a page."""

    def __init__(self, html):
        super().__init__()
        self.links, self.words, self.tags = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.words += data


@pytest.mark.slow
@shared
@given(name=NAMES)
def test_no_name_becomes_a_link_or_markup(personal, name):
    plain = claimed(personal, first_name="", last_name="", company="")
    named = claimed(
        personal,
        id=plain.id,
        person_id=plain.person_id,
        first_name=name,
        last_name=name,
        company=name,
    )
    (_, _, without), (_, text, html) = parts_of(plain), parts_of(named)
    assert Seen(html).tags == Seen(without).tags
    assert Seen(html).links == Seen(without).links
    assert "\nBcc" not in text
    words = re.sub(r"http\S+(portal\.example|localhost:8000/\w)\S*", "", text)
    assert not re.search(r"https?://|\w\.\w|\w@\w", words)


@pytest.mark.parametrize("name", ["[x](https://evil.example)", "https://evil.example", "<b>x</b>"])
def test_a_name_that_looks_like_a_link_is_shown_as_its_letters(name):
    _, text, html = parts_of(claimed(make_campaign(body_nb="Hei {first_name}."), first_name=name))
    for shown in (text, Seen(html).words):
        assert f"Hei {name}." in shown.replace("\u200b", "")


@pytest.mark.parametrize(
    ("written", "name", "read"),
    [
        ("Hei {first_name},", "Kari", "Hei Kari,"),
        ("Hei {first_name},", "", "Hei,"),
        ("Hei {first_name|},", " ", "Hei,"),
        ("Hei {first_name|du der},", "", "Hei du der,"),
        ("Hei { first_name | du },", "\u202e", "Hei du,"),
        ("Hei {first_name|du},", "  Kari \n Mari ", "Hei Kari Mari,"),
        ("Hei **{first_name|du}**,", "Kari", "Hei Kari,"),
        ("Hei \\{first_name},", "Kari", "Hei {first_name},"),
        ("Hei {first_name|_x_ *y*},", "", "Hei _x_ *y*,"),
    ],
)
def test_a_field_reads_well_whether_it_is_known_or_not(written, name, read):
    campaign = make_campaign(subject_nb=written.replace("*", ""), body_nb=written)
    mail, text, html = parts_of(claimed(campaign, first_name=name))
    assert read in text
    assert read in Seen(html).words
    assert mail["Subject"] == read.replace("*", "")


def test_a_field_nobody_has_is_found_while_writing():
    text = (
        "# {frist_name}\n\n{first_name} {first_name|x} {company|} {Company|x} `{code}` \\{no}\n\n"
    )
    text += '- {"json": 1} {a b} {} {x\ny}\n\n```\n{code}\n```\n\n{frist_name}'
    assert unknown_fields(text) == ["{frist_name}", "{Company|x}"]
    assert fields_without_default(text) == ["{first_name}"]
    _, rendered, _ = parts_of(claimed(make_campaign(body_nb="Hei {frist_name}")))
    assert "Hei {frist_name}" in rendered


def test_no_address_names_the_reader():
    text = "[a](https://x.example/{first_name}) ![b](picture:{company}) [c](https://x.example/%7Bq)"
    assert fields_in_addresses(text) == [
        "https://x.example/%7Bfirst_name%7D",
        "picture:%7Bcompany%7D",
    ]
    _, text, html = parts_of(claimed(make_campaign(body_nb=text), first_name="Zebra"))
    assert "Zebra" not in text + html


@pytest.mark.parametrize(
    ("markdown", "html", "text"),
    [
        ("# One", "<h1>One</h1>", "One"),
        ("One *two* **three**", "<p>One <em>two</em> <strong>three</strong></p>", "One two three"),
        ("One\ntwo\\\nthree", "<p>One\ntwo<br>\nthree</p>", "One two\nthree"),
        ("One\n---\ntwo", "<p>One</p>\n<hr>\n<p>two</p>", f"One\n\n{DIVIDER}\n\ntwo"),
        (
            "[Buy](https://x.example/?a=1&b=2)",
            '<p><a href="https://x.example/?a=1&amp;b=2">Buy</a></p>',
            "Buy (https://x.example/?a=1&b=2)",
        ),
        (
            '[Buy *now*](https://x.example "button")',
            '<p><a class="button" href="https://x.example">Buy <em>now</em></a></p>',
            "Buy now: https://x.example",
        ),
        (
            '[Kjøp](https://x.example "knapp")',
            '<p><a class="button" href="https://x.example">Kjøp</a></p>',
            "Kjøp: https://x.example",
        ),
        (
            "<https://x.test> <a@b.t>",
            '<p><a href="https://x.test">https://x.test</a> <a href="mailto:a@b.t">a@b.t</a></p>',
            "https://x.test a@b.t",
        ),
        (
            "- a\n- b\n  1. c\n  2. d",
            "<ul>\n<li>a</li>\n<li>b\n<ol>\n<li>c</li>\n<li>d</li>\n</ol>\n</li>\n</ul>",
            "- a\n- b\n  1. c\n  2. d",
        ),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>', "3. a\n4. b"),
        ("> a\n>\n> b", "<blockquote>\n<p>a</p>\n<p>b</p>\n</blockquote>", "> a\n> \n> b"),
        ("```\na\n  b\n```", "<pre><code>a\n  b\n</code></pre>", "    a\n      b"),
        ("    four spaces", "<p>four spaces</p>", "four spaces"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>", "<b>x</b>"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>", "[x](javascript:alert)"),
        ("![Words](https://x.example/a.png)", "<p>Words</p>", "Words"),
        ('![A "b" *c*](picture:0123)', "<p>A &quot;b&quot; c</p>", 'A "b" c'),
    ],
)
def test_each_block_as_page_and_as_text(markdown, html, text):
    assert markdown_html(markdown).strip() == html
    assert markdown_text(markdown) == text


def test_the_help_shows_blocks_that_work():
    for block in EXAMPLES:
        assert markdown_text(block.markdown)
        assert unknown_fields(block.markdown) == []
    assert 'class="button"' in "".join(markdown_html(block.markdown) for block in EXAMPLES)


def picture(start, **values):
    defaults = {"name": "x", "content_type": "image/jpeg", "width": 1040, "height": 500, "size": 1}
    digest = start.ljust(64, "0")  # texts name the first twelve
    return MailImage.objects.create(digest=digest, data=b"x", **(defaults | values))


def test_a_picture_of_ours_is_shown_from_our_own_address_at_its_size(settings):
    settings.PORTAL_URL = "https://portal.example"
    wide, small = picture("abcd1234"), picture("ffff", content_type="image/png", width=200)
    _, text, html = parts_of(
        claimed(
            make_campaign(
                body_nb="![Wide & more](picture:abcd12340000)\n\n![Small](picture:ffff00000000)"
            )
        )
    )
    tags = re.findall("<img[^>]+>", html)
    assert f'src="https://portal.example/mail/pictures/{wide.digest}.jpg"' in tags[0]
    assert all(part in tags[0] for part in ('width="520"', 'height="250"', 'alt="Wide &amp; more"'))
    assert f'src="https://portal.example/mail/pictures/{small.digest}.png"' in tags[1]
    assert all(part in tags[1] for part in ('width="200"', 'height="500"', "max-width: 100%"))
    assert "Wide & more\n\nSmall" in text
    assert Client().get(f"/mail/pictures/{wide.digest}.jpg").status_code == 200


def test_a_picture_that_will_not_be_shown_is_found_while_writing():
    picture("aaaaaaaaaaaa1"), picture("aaaaaaaaaaaa2"), picture("bbbb")
    text = (
        "![a](picture:aaaaaaaaaaaa) ![b](picture:bbbb00000000) ![c](picture:cccccccccccc) "
        "![d](https://x.example/d.png)"
    )
    assert len(pictures_in(text)) == 4
    assert unknown_pictures(text) == [
        "picture:aaaaaaaaaaaa",
        "picture:cccccccccccc",
        "https://x.example/d.png",
    ]


def test_a_mailing_is_prepared_once_for_each_language(django_assert_num_queries):
    picture("abcd")
    for mailing in (make_campaign(body_nb="![x](picture:abcd00000000)"), make_announcement()):
        for language in ("nb", "en"):
            compose(claimed(mailing, language=language), now=NOW)
        with django_assert_num_queries(0):
            for language in ("nb", "en"):
                compose(claimed(mailing, language=language), now=NOW)


def test_a_preview_shows_what_is_written_now():
    campaign = make_campaign()
    compose(claimed(campaign), now=NOW)
    campaign.body_nb = "Skrevet {first_name} om"
    campaign.save()
    assert "Skrevet Kari om" in render_preview(campaign, "nb").text
    assert "Skrevet Ola om" in render_preview(campaign, "nb", person=Person("Ola")).text
    assert "/u/preview/" in render_preview(campaign, "nb").html


def test_the_sending_role_composes_with_pictures():
    picture("abcd")
    campaign = make_campaign(body_nb="![x](picture:abcd00000000)")
    with as_role(SENDER):
        assert b"<img" in compose(claimed(campaign), now=NOW).body


def test_the_text_part_reads_well_alone():
    campaign = make_campaign(
        body_nb="# Hei {first_name|du}\n\nVi har *laget* noe nytt.\n\n- raskere\n- enklere\n\n"
        '[Se hva](https://portal.example/nytt "button")\n\n---\n\nHilsen oss',
    )
    _, text, _ = parts_of(claimed(campaign))
    assert text.startswith(
        f"Hei Kari\n\nVi har laget noe nytt.\n\n- raskere\n- enklere\n\n"
        f"Se hva: https://portal.example/nytt\n\n{DIVIDER}\n\nHilsen oss\n\n{DIVIDER}\n"
        "Du får denne e-posten fordi du har sagt ja til «Nyhetsbrev».\n\nMeld meg av:\nhttp"
    )


def test_the_page_is_legible_in_the_dark_and_loads_no_style():
    html = prepare(make_announcement(body_nb="# A\n\n> b\n\n---"), "nb").html
    assert "prefers-color-scheme: dark" in html
    assert '<h1 style="' in html
    assert '<blockquote style="' in html
    assert "<link" not in html
    assert "color-scheme" in html


def test_an_announcement_says_why_it_came_and_how_to_stop_it():
    _, text, _ = parts_of(claimed(make_announcement(), language="en"))
    assert "Deactivating the account stops service messages." in text
    assert "Unsubscribe" not in text
