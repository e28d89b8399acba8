"""A campaign's mail as its reader gets it, and the page on which it is written.

The mail is the one that came by SMTP: on every screen, in light and dark, at twice the size, and as
text alone.
"""

import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FrameLocator, Page, expect
from pytest_playwright_axe import Axe

from tests.browser import walk
from tests.browser.conftest import LOCALES, Open
from tests.browser.portal import Mail, RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

EVERY_LOOK = [(scheme, size) for scheme in (LIGHT, DARK) for size in (PHONE, DESKTOP)]
# Twice the size on a screen of 1280 is a page of 640 (WCAG 1.4.4), four times one of 320 (1.4.10).
TWICE = (640, 450)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
BODIES = {
    "nb": """# Hei {first_name|der}

Nå kan du **planlegge sendinger** på norsk tid, også på lange ord som
distribusjonslisteadministrasjon og menneskerettighetsorganisasjonene.

PICTURE

## Slik gjør du

- Velg dag og klokkeslett
- Se hvem som får den

[Les mer om planlegging](https://clicksend.example/planlegging "knapp")

---

Spør oss: [hjelp](https://clicksend.example/hjelp).""",
    "en": """# Hello {first_name|there}

You can now **schedule campaigns** in Norwegian time.

PICTURE

## How to

- Choose day and hour
- See who gets it

[Read more about scheduling](https://clicksend.example/scheduling "button")

---

Ask us: [help](https://clicksend.example/help).""",
}


def upload_picture(page: Page, portal: RunningPortal) -> str:
    """A wide picture; the line to paste."""
    file = BytesIO()
    Image.new("RGB", (1600, 600), "#0b6b5d").save(file, "PNG")
    page.goto(f"{portal.web}/admin/messaging/mailimage/add/")
    page.fill("[name=name]", "Et grønt felt")
    page.set_input_files(
        "[name=file]", {"name": "felt.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.locator("[name=_save]").click()
    return page.locator(".portal-paste").inner_text()


def write(page: Page, portal: RunningPortal, picture: str) -> str:
    """A draft with every block; the address of its page."""
    page.goto(f"{portal.web}/admin/messaging/campaign/add/")
    page.select_option("[name=topic]", index=1)
    for code, body in BODIES.items():
        page.fill(f"[name=subject_{code}]", f"Every block {code}")
        page.fill(f"[name=preheader_{code}]", "In short")
        page.fill(f"[name=body_{code}]", body.replace("PICTURE", picture))
    page.locator("[name=_continue]").click()
    page.wait_for_url("**/change/")
    return page.url


@pytest.fixture(scope="module")
def kept() -> dict[str, object]:
    return {}


@pytest.fixture
def staff(open_browser: Open, staff_state: dict[str, object]) -> Page:
    return open_browser("nb", storage_state=staff_state, viewport={"width": 1280, "height": 900})


@pytest.fixture
def mails(
    portal: RunningPortal, open_browser: Open, staff: Page, kept: dict[str, object]
) -> dict[str, Mail]:
    """One campaign, sent to a reader of each language; sent once for all tests here."""
    if "mails" not in kept:
        readers = {}
        for language in LOCALES:
            name = walk.new_name("mail")
            page = open_browser(language)
            walk.open_account(page, portal, walk.sign_up(page, portal, name))
            readers[language] = walk.address_of(name)
        write(staff, portal, upload_picture(staff, portal))
        walk.take_step(staff, "approve")
        walk.take_step(staff, "start")
        kept["mails"] = {
            language: portal.mail_to(address, number=2) for language, address in readers.items()
        }
    found: dict[str, Mail] = kept["mails"]  # type: ignore[assignment]
    return found


def faults(page: Page) -> list[str]:
    """What axe says against a document that is no page: a mail has no landmarks."""
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    results = Axe(use_minified_file=True).run(
        page, options=options, html_report_generated=False, json_report_generated=False
    )
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_a_mail_is_read_on_every_screen(
    open_browser: Open, mails: dict[str, Mail], language: str, scheme: str
) -> None:
    page = open_browser(language, color_scheme=scheme)
    page.set_content(mails[language].html, wait_until="networkidle")
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Kari")
    for width, height in (PHONE, TWICE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert not faults(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(each) for each in re.findall(r"\d+", ground)[:3]) < 3 * 64) is (scheme == DARK)


def test_a_mail_shows_its_picture_in_words_and_in_the_right_size(
    open_browser: Open, mails: dict[str, Mail]
) -> None:
    page = open_browser("nb")
    page.set_content(mails["nb"].html, wait_until="networkidle")
    picture = page.get_by_role("img", name="Et grønt felt")
    for size in (DESKTOP, PHONE):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        assert picture.evaluate("(image) => image.complete && image.naturalWidth") == 1200
        shown = picture.bounding_box()
        assert shown is not None
        assert shown["width"] <= min(520, size[0])
        assert shown["width"] / shown["height"] == pytest.approx(1600 / 600, rel=0.02)


def test_no_reader_is_told_from_another_by_a_link_or_a_picture(mails: dict[str, Mail]) -> None:
    """But for the links of the way out, which carry the reader's own token."""
    for mail in mails.values():
        for address in re.findall(r'(?:href|src)="([^"]+)"', mail.html):
            if "/u/" not in address and "/p/" not in address:
                assert "?" not in address
                assert re.fullmatch(
                    r"https://clicksend\.example/[a-z]+|\S+/mail/pictures/[0-9a-f]{64}\.png",
                    address,
                )


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_text_part_says_the_same_alone(mails: dict[str, Mail], language: str) -> None:
    text = mails[language].text
    for mark in ("**", "](", "{", "picture:", "<", '"'):
        assert mark not in text, mark
    for words in BODIES[language].split("\n"):
        if re.fullmatch(r"[A-Z][\w ,]+\.", words):
            assert words in text
    assert "Et grønt felt" in text
    assert re.findall(r"https://clicksend\.example/\w+", text) == re.findall(
        r"https://clicksend\.example/\w+", BODIES[language]
    )
    assert mails[language].link_to("u")


# --- the page it is written on ---------------------------------------------------------------


def shown_mail(page: Page) -> FrameLocator:
    return page.frame_locator(".portal-mail:not(.loading)")


def test_the_preview_follows_the_words_and_fills_no_history(
    portal: RunningPortal, staff: Page
) -> None:
    address = write(staff, portal, "PICTURE")
    visits = staff.evaluate("history.length")
    for words in ("Første", "Andre", "Tredje"):
        staff.fill("[name=body_nb]", f"# {words} forsøk")
        expect(shown_mail(staff).locator("h1")).to_have_text(f"{words} forsøk")
    staff.fill("[name=body_en]", "# In English")
    expect(shown_mail(staff).locator("h1")).to_have_text("In English")
    expect(staff.locator("[name=look_language][value=en]")).to_be_checked()
    staff.locator("[name=look_width][value=text]").check(force=True)
    expect(shown_mail(staff).locator("h1")).to_have_count(0)
    expect(shown_mail(staff).locator("body")).to_contain_text("In English")
    assert staff.evaluate("history.length") == visits
    staff.goto(address)
    expect(staff.locator("[name=body_nb]")).to_have_value(re.compile("Nå kan du"), timeout=5_000)


def test_without_javascript_a_button_shows_the_preview(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object]
) -> None:
    page = open_browser("nb", storage_state=staff_state, java_script_enabled=False)
    page.goto(f"{portal.web}/admin/messaging/serviceannouncement/add/")
    page.fill("[name=body_nb]", "# Uten skript")
    page.locator("[name=look_scheme][value=dark]").check(force=True)
    page.locator("#show-draft").click()
    expect(shown_mail(page).locator("h1")).to_have_text("Uten skript")
    assert page.url.endswith("/add/")
    expect(page.locator("[name=body_nb]")).to_have_value("# Uten skript")


def test_a_block_is_inserted_and_the_checklist_leads_to_the_words(
    portal: RunningPortal, staff: Page
) -> None:
    write(staff, portal, "\n😀😀 ![](picture:0123456789ab)")
    staff.fill("[name=body_en]", "Words")
    staff.locator(".portal-toolbar").nth(1).locator("button").nth(3).click()
    expect(staff.locator("[name=body_en]")).to_have_value(re.compile(r'^Words\n\n\[.+"button"\)'))
    staff.locator("#checklist .stop a").first.click()
    selected = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert staff.evaluate(f"({selected})(document.activeElement)") == "picture:0123456789ab"


def test_the_pages_of_a_writer_are_for_everybody(portal: RunningPortal, staff: Page) -> None:
    address = write(staff, portal, "![](picture:0123456789ab)")
    found = []
    for page in (
        address,
        address.replace("/change/", "/preview/"),
        address.replace("/change/", "/report/"),
        f"{portal.web}/admin/messaging/mailimage/",
        f"{portal.web}/admin/messaging/mailimage/add/",
    ):
        staff.goto(page, wait_until="networkidle")
        for summary in staff.locator(".portal-blocks summary").all():
            summary.click()
        found += inaccessible(staff, *EVERY_LOOK)
    assert not found, "\n".join(found)
