"""A receipt is checked in the reader's own browser, and nothing of it leaves that browser."""

import json
import random
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from consent.proof.verifying import OF_A_CHOICE, read_keys, verify
from retention.papers.receipt import receipt_paper
from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import PATIENCE, RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible
from tests.consent import forged
from tests.consent.test_access_receipts import FORGERIES
from tests.consent.test_access_receipts import GENUINE as LOOK

EVERY_LOOK = ((LIGHT, DESKTOP), (DARK, DESKTOP), (DARK, PHONE), (LIGHT, PHONE))
ALL_STEPS = 9
WITHOUT_ED25519 = """
const known = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) => algorithm.name === "Ed25519"
  ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
  : known(format, key, algorithm, ...rest);
"""


@pytest.fixture(scope="module")
def kept() -> dict[str, Path]:
    """The receipt, downloaded once."""
    return {}


@pytest.fixture
def receipt(
    portal: RunningPortal,
    open_browser: Open,
    kept: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """As a customer gets it: signed up, the head published, the link beside the choice."""
    if "file" in kept:
        return kept["file"]
    page = open_browser("nb")
    name = walk.new_name("receipt")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    link = page.locator("#history .receipt-link").first
    address = f"{portal.web}{link.get_attribute('href')}"
    deadline = time.monotonic() + 2 * PATIENCE
    while page.request.get(address).status == 409 and time.monotonic() < deadline:
        time.sleep(1)
    with page.expect_download() as waiting:
        link.click()
    assert re.fullmatch(r"consent-receipt-[\d-]+-\w+\.json", waiting.value.suggested_filename)
    file = tmp_path_factory.mktemp("receipt") / waiting.value.suggested_filename
    waiting.value.save_as(file)
    kept["file"] = file
    return file


def choose(page: Page, portal: RunningPortal, file: Path) -> None:
    page.goto(f"{portal.web}/trust/verify/", wait_until="networkidle")
    page.set_input_files("#receipt", file)
    expect(page.locator("#verdict")).to_be_visible()


def marks(page: Page, state: str) -> int:
    return page.locator(f"#verify .steps .state.{state}").count()


@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_genuine_receipt_passes_and_the_file_stays_here(
    portal: RunningPortal, open_browser: Open, receipt: Path, language: str
) -> None:
    page = open_browser(language)
    asked: list[Request] = []
    page.goto(f"{portal.web}/trust/verify/", wait_until="networkidle")
    page.context.on("request", lambda request: asked.append(request))
    page.set_input_files("#receipt", receipt)
    verdict = page.locator("#verdict")
    expect(verdict).to_be_focused()
    expect(verdict).to_have_text(
        "The receipt is genuine." if language == "en" else "Kvitteringen er ekte."
    )
    assert marks(page, "kept") == ALL_STEPS
    told = json.loads(receipt.read_bytes())
    expect(page.locator("#facts [data-fact=person]")).to_have_text(told["pii_principal_id"])
    expect(page.locator("[data-fact=topic]")).to_have_text(
        told["pii_processing"]["purposes"][0]["name"]
    )
    assert [(each.method, urlsplit(each.url).path, each.post_data) for each in asked] == [
        ("GET", "/trust/log/keys.json", None)
    ]
    assert {urlsplit(each.url).netloc for each in asked} == {urlsplit(portal.web).netloc}
    assert not inaccessible(page, *EVERY_LOOK)


def flipped(file: bytes, before: bytes, after: bytes) -> bytes:
    assert before in file
    return file.replace(before, after, 1)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (b'"state": "dpv:Consent', b'"state": "dpv:consent', "receipt_signature"),
        (b'"leaf_index": ', b'"leaf_index":  ', "writing"),
        (b'"record_id"', b'"record_ie"', "fields"),
        (b'"events": [', b'"events": {', "json"),
        (b"/trust/log", b"/trust/Log", "receipt_signature"),
    ],
)
def test_one_changed_byte_fails_with_the_reason(
    portal: RunningPortal,
    open_browser: Open,
    receipt: Path,
    tmp_path: Path,
    before: bytes,
    after: bytes,
    step: str,
) -> None:
    changed = tmp_path / "changed.json"
    changed.write_bytes(flipped(receipt.read_bytes(), before, after))
    page = open_browser("en")
    choose(page, portal, changed)
    expect(page.locator("#verdict")).to_contain_text("The receipt is not genuine.")
    row = page.locator(f"[data-step={step}]")
    expect(row.locator(".state")).to_have_text("Not in order")
    why = row.locator("[data-why]").inner_text()
    assert why
    expect(page.locator("#verdict")).to_contain_text(why)
    expect(page.locator("#facts")).to_be_hidden()
    assert marks(page, "broken") == 1
    if step == "writing":
        assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    # The next file starts afresh.
    page.set_input_files("#receipt", receipt)
    expect(page.locator("#verdict")).to_have_text("The receipt is genuine.")
    assert marks(page, "broken") == 0


def test_the_browser_and_the_command_agree_wherever_a_bit_is_flipped(
    portal: RunningPortal, open_browser: Open, receipt: Path
) -> None:
    page = open_browser("nb")
    page.goto(f"{portal.web}/trust/verify/", wait_until="networkidle")
    keys = read_keys(page.request.get(f"{portal.web}/trust/log/keys.json").body())
    file, chance = receipt.read_bytes(), random.Random(9162)
    for at in sorted(chance.sample(range(len(file)), 80)):
        flipped_one = bytearray(file)
        flipped_one[at] ^= 1 << chance.randrange(8)
        changed = bytes(flipped_one)
        page.set_input_files(
            "#receipt", {"name": f"{at}.json", "mimeType": "application/json", "buffer": changed}
        )
        expect(page.locator("[data-name]")).to_have_text(f"{at}.json")
        expect(page.locator("#verdict")).to_be_visible()
        broken = page.locator("[data-step]:has(.state.broken)")
        assert broken.get_attribute("data-step") == verify(changed, keys).step, at


def test_without_ed25519_it_says_what_was_not_checked(
    portal: RunningPortal, open_browser: Open, receipt: Path, tmp_path: Path
) -> None:
    page = open_browser("en")
    page.add_init_script(WITHOUT_ED25519)
    choose(page, portal, receipt)
    expect(page.locator("#verdict")).to_contain_text("We cannot say for certain")
    expect(page.locator("#verdict")).to_contain_text("cannot check Ed25519")
    assert marks(page, "unknown") == 2
    assert marks(page, "kept") == ALL_STEPS - 2
    assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    # What needs no signature is still found out.
    changed = tmp_path / "changed.json"
    changed.write_bytes(flipped(receipt.read_bytes(), b'"undone": false', b'"undone": true'))
    page.set_input_files("#receipt", changed)
    expect(page.locator("[data-step=leaf] .state")).to_have_text("Not in order")


def test_a_key_that_the_log_does_not_publish_is_refused(
    portal: RunningPortal, open_browser: Open, receipt: Path
) -> None:
    page = open_browser("en")
    page.route("**/trust/log/keys.json", lambda route: route.fulfill(json={"keys": []}))
    choose(page, portal, receipt)
    expect(page.locator("[data-step=key] .state")).to_have_text("Not in order")


def test_without_the_published_keys_nothing_is_called_genuine(
    portal: RunningPortal, open_browser: Open, receipt: Path
) -> None:
    page = open_browser("en")
    page.route("**/trust/log/keys.json", lambda route: route.fulfill(body="busy"))
    choose(page, portal, receipt)
    expect(page.locator("#verdict")).to_contain_text("We cannot say for certain")
    expect(page.locator("[data-step=key] .state")).to_have_text("Not checked")


@pytest.fixture
def goodbye(portal: RunningPortal, open_browser: Open, tmp_path: Path) -> Path:
    """The receipt of a deletion, from the page that says it is done."""
    page = open_browser("en")
    name = walk.new_name("leaver")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    page.goto(f"{portal.web}/data/requests/")  # its words go, and that it was answered stays
    page.locator("main form [name=kind][value=objection]").check()
    page.locator("main form [name=text]").fill("Stop that.")
    page.get_by_role("button", name="Send the request").click()
    page.goto(f"{portal.web}/data/delete/")
    page.locator("main form [name=when][value=now]").click()
    link = page.locator("a[href$='/receipt/']")
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as waiting:
        link.click()
    assert re.fullmatch(r"deletion-receipt-[\d-]+\.json", waiting.value.suggested_filename)
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def test_the_receipt_of_a_deletion_passes_the_steps_that_apply_to_it(
    portal: RunningPortal, open_browser: Open, goodbye: Path, receipt: Path, tmp_path: Path
) -> None:
    page = open_browser("en")
    choose(page, portal, goodbye)
    expect(page.locator("#verdict")).to_have_text("The receipt is genuine.")
    told = json.loads(goodbye.read_bytes())
    assert marks(page, "kept") == ALL_STEPS - len(OF_A_CHOICE)
    for other in OF_A_CHOICE:
        expect(page.locator(f"[data-step={other}] .state")).to_have_text("Does not apply")
    facts = page.locator("#deletion-facts")
    expect(facts.locator("[data-fact=what]")).to_have_text("A deletion")
    expect(facts.locator("[data-fact=reference]")).to_have_text(told["reference"])
    lines = facts.locator("[data-fact=deleted] li").all_inner_texts()
    assert lines == [
        f"{row['title']}: {row['count']}"
        for row in told["deletion"]["removed"]
        if row["method"] == "deleted"
    ]
    said = " ".join(facts.locator("[data-fact=blanked] li").all_inner_texts())
    laws = [row["law"] for row in told["deletion"]["removed"] if row["method"] == "blanked"]
    assert laws
    assert [law for law in laws if law not in said] == []
    expect(page.locator("#facts")).to_be_hidden()
    assert not inaccessible(page, *EVERY_LOOK)
    # One changed byte, then a receipt of the other kind, on the same page.
    for before, after, step in (
        (b'"method": "del', b'"method": "Del', "fields"),
        (b'"source": "c', b'"source": "C', "receipt_signature"),
    ):
        changed = tmp_path / f"{step}.json"
        changed.write_bytes(flipped(goodbye.read_bytes(), before, after))
        page.set_input_files("#receipt", changed)
        expect(page.locator(f"[data-step={step}] .state")).to_have_text("Not in order")
        expect(facts).to_be_hidden()
    # The same on paper, whole and with one byte of the file inside it changed.
    paper, broken = tmp_path / "receipt.pdf", tmp_path / "broken.pdf"
    paper.write_bytes(receipt_paper(goodbye.read_bytes()))
    page.set_input_files("#receipt", paper)
    expect(page.locator("#verdict")).to_contain_text("The words of the PDF itself are not signed")
    expect(facts.locator("[data-fact=reference]")).to_have_text(told["reference"])
    broken.write_bytes(flipped(paper.read_bytes(), b'"source": "c', b'"source": "C'))
    page.set_input_files("#receipt", broken)
    expect(page.locator("[data-step=receipt_signature] .state")).to_have_text("Not in order")
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(paper.read_bytes()[:1000])
    page.set_input_files("#receipt", cut)
    expect(page.locator("[data-step=json] .state")).to_have_text("Not in order")
    page.set_input_files("#receipt", receipt)
    expect(page.locator("#verdict")).to_have_text("The receipt is genuine.")
    assert marks(page, "kept") == ALL_STEPS
    expect(facts).to_be_hidden()


def test_without_javascript_the_page_names_the_script(
    portal: RunningPortal, open_browser: Open
) -> None:
    page = open_browser("en", java_script_enabled=False)
    page.goto(f"{portal.web}/trust/verify/")
    expect(page.locator("#receipt")).to_be_hidden()
    expect(page.locator("noscript .note")).to_be_visible()
    expect(page.locator("main pre")).to_have_text("python verify_receipt.py receipt.json keys.json")


def test_the_receipt_of_a_look_takes_the_same_steps_and_fails_at_the_same(
    portal: RunningPortal, open_browser: Open
) -> None:
    page = open_browser("nb")
    page.route("**/trust/log/keys.json", lambda route: route.fulfill(body=forged.keys_json()))
    page.goto(f"{portal.web}/trust/verify/", wait_until="networkidle")

    def give(name: str, file: bytes) -> None:
        page.set_input_files(
            "#receipt", {"name": name, "mimeType": "application/json", "buffer": file}
        )
        expect(page.locator("[data-name]")).to_have_text(name)
        expect(page.locator("#verdict")).to_be_visible()

    give("genuine.json", LOOK)
    expect(page.locator("#verdict")).to_have_text("Kvitteringen er ekte.")
    assert marks(page, "kept") == ALL_STEPS
    told = json.loads(LOOK)
    expect(page.locator("#access-facts [data-fact=words]")).to_have_text(told["access"]["in_words"])
    expect(page.locator("#facts")).to_be_hidden()
    assert not inaccessible(page, *EVERY_LOOK)
    for number, (change, step) in enumerate(FORGERIES.values()):
        give(f"{number}.json", forged.changed(LOOK, change))
        broken = page.locator("[data-step]:has(.state.broken)")
        assert broken.get_attribute("data-step") == step, number
    expect(page.locator("#access-facts")).to_be_hidden()
