"""The portal as `make run` starts it, once for all journeys, and readers at real browsers."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import walk
from tests.browser.browsers import ARGUMENTS, CHROMIUM
from tests.browser.portal import RunningPortal, portal_of, running_portal
from tests.browser.reader import Watch

LOCALES = {"nb": "nb-NO", "en": "en-GB"}
Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser, the journeys in which nobody clicks as well."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return {"executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def portal() -> Iterator[RunningPortal]:
    """Its folder is reachable for the account PostgreSQL runs as when the tests run as root.

    RUNNING_PORTAL names the portal.json of one that runs already, to try a journey quickly.
    """
    if facts := os.environ.get("RUNNING_PORTAL"):
        yield portal_of(json.loads(Path(facts).read_text()))
        return
    with tempfile.TemporaryDirectory(prefix="portal-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with running_portal(folder) as portal:
            yield portal


@pytest.fixture
def open_browser(browser: Browser, portal: RunningPortal) -> Iterator[Open]:
    """Opens browsers that remember nothing; at the end none may have had to complain."""
    watch = Watch(portal.web)

    def open_one(language: str = "nb", **options: object) -> Page:
        settings = {"locale": LOCALES[language], "reduced_motion": "reduce", **options}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        watch.over(context)
        contexts.append(context)
        return context.new_page()

    contexts: list[object] = []
    yield open_one
    for context in contexts:
        context.close()  # type: ignore[attr-defined]
    assert not watch.faults, "\n".join(dict.fromkeys(watch.faults))


@pytest.fixture(scope="session")
def staff_state(browser: Browser, portal: RunningPortal) -> dict[str, object]:
    """A member of staff signs in once: a code of the authenticator works only once."""
    context = browser.new_context(locale="en-GB")
    walk.sign_in_as_staff(context.new_page(), portal)
    state = dict(context.storage_state())
    context.close()
    return state
