"""Somebody at a real browser, and everything the browser complains about meanwhile."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request
from pytest_playwright_axe import Axe

DESKTOP, PHONE = (1280, 900), (320, 640)
LIGHT, DARK = "light", "dark"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

# A colour on its way from light to dark stands in no style sheet.
AT_REST = "() => Promise.allSettled(document.getAnimations().map((each) => each.finished))"


@dataclass
class Watch:
    """What no page may do: ask another host, complain to the console, break its own policy."""

    origin: str
    faults: list[str] = field(default_factory=list)
    requests: int = 0

    def over(self, context: BrowserContext) -> None:
        context.on("request", self.hear_request)
        context.on("console", self.hear_console)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))

    def hear_request(self, request: Request) -> None:
        self.requests += 1
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.faults.append(f"asked {request.url}")

    def hear_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = urlsplit(message.page.url).path if message.page else ""
            self.faults.append(f"{where}: console {message.type}: {message.text}")


def inaccessible(page: Page, *looks: tuple[str, tuple[int, int]]) -> list[str]:
    """What axe finds, and what is wider than the screen, in each look; the page is left as last."""
    found = []
    for scheme, (width, height) in looks:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(AT_REST)
        where = f"{urlsplit(page.url).path} {scheme} {width}"
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        if wide > width:
            found.append(f"{where}: the page is {wide} wide")
        found += [f"{where}: {fault}" for fault in axe_faults(page)]
    return found


def axe_faults(page: Page) -> list[str]:
    options: dict[str, object] = {
        "runOnly": {"type": "tag", "values": list(RULES)},
        "resultTypes": ["violations"],
    }
    # The mail of a preview stands in a sandbox that runs no script, not even one that looks.
    # To look into imported style sheets axe would have to break the page's policy.
    options |= {"iframes": False, "preload": False}
    axe = Axe(use_minified_file=True)
    results = axe.run(
        page, options=options, html_report_generated=False, json_report_generated=False
    )
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in results["violations"]
        for node in rule["nodes"]
    ]
