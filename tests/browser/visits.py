"""One visit to a page, in which everything is found out that its tests assert."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.browser.server import Sent, Server
from tutorial.lesson import files
from tutorial.lesson.project import Project
from tutorial.site import notebook_page

DESKTOP, PHONE = (1280, 900), (390, 844)
COMBINATIONS = [(scheme, device) for scheme in ("light", "dark") for device in ("desktop", "phone")]
SIZES = {"desktop": DESKTOP, "phone": PHONE}
# Axe's rules by colour and width are asked in all four, the others in these two: what is in the
# other two is in one of these as well (see facts.test_what_is_shown_...).
ALL_RULES = [("light", "desktop"), ("dark", "phone")]
# The theme's script has run to its end.
LISTENING = "() => Boolean(window.component$)"
PAPER = (718, 1046)  # A4 less margins of 1 cm, in CSS pixels

# Before any script of the page. Shifts within half a second of an input do not count, nor one that
# is too small to be seen: Lighthouse rounds to a thousandth as well.
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput || value < 0.0005) continue;
    const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 100) ?? node?.nodeName);
    window.shifts.push(`${value.toFixed(4)}: ${moved.join(" and ")}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visit:
    """What was found in a page. Lists hold what is wrong, a line each, unless they say more."""

    path: str
    messages: list[str] = field(default_factory=list)  # of the console, of errors and failures
    asked: list[str] = field(default_factory=list)  # addresses of all requests
    loaded: list[Sent] = field(default_factory=list)  # what was sent until the page was idle
    elements: int = 0
    shifts: dict[str, list[str]] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)  # text of the code, in order
    buttons: int = 0  # to copy one
    misdirected: list[str] = field(default_factory=list)  # those that copy another one
    copied_outputs: list[str] = field(default_factory=list)
    sticks_out: list[str] = field(default_factory=list)
    paper: dict = field(default_factory=dict)
    axe: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    shown_elsewhere: list[str] = field(default_factory=list)


def pages(project: Project) -> list[str]:
    """Every page that the site should have."""
    docs = project.root / "docs"
    paths = [
        file.relative_to(docs).with_suffix(".html").as_posix()
        for file in files.visible(docs, "**/*.md")
    ]
    return sorted([*paths, notebook_page.PAGE.replace(".ipynb", ".html"), "404.html"])


def watch(page: Page, visit: Visit) -> None:
    """Take down what the console says and what is asked for."""

    def said(message) -> None:
        if message.type in ("error", "warning"):
            visit.messages.append(f"{message.type}: {message.text}")

    page.on("console", said)
    page.on("pageerror", lambda error: visit.messages.append(f"error: {error}"))
    page.on("request", lambda request: visit.asked.append(request.url))

    def failed(request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the reload below came first
            visit.messages.append(f"failed: {request.url}: {request.failure}")

    page.on("requestfailed", failed)


def wait_until_idle(page: Page, server: Server) -> None:
    """Until the theme's script has run, and half a second has passed in which nothing was sent.

    On a busy machine the script takes longer than what Playwright calls an idle network.
    """
    page.wait_for_function(LISTENING)
    sent = -1
    while sent != len(server.sent):
        sent = len(server.sent)
        page.wait_for_timeout(500)


def wait_until_laid_out(page: Page) -> None:
    """Until then the theme has not made what can now be scrolled reachable by Tab."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def show(page: Page, scheme: str, size: tuple[int, int]) -> None:
    """Bring a page into a palette and a width, in place."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    name = {"light": "default", "dark": "slate"}[scheme]
    page.wait_for_function("name => document.body.dataset.mdColorScheme === name", arg=name)
    wait_until_laid_out(page)


def visit(browser: Browser, server: Server, path: str, prepare: Callable[[Page], None]) -> Visit:
    found = Visit(path)
    context = browser.new_context(
        base_url=server.origin,
        viewport={"width": PHONE[0], "height": PHONE[1]},
        color_scheme="light",
        reduced_motion="reduce",
    )
    try:
        context.set_default_timeout(60_000)  # a machine may have much else to do
        context.add_init_script(WATCH_SHIFTS)
        page = context.new_page()
        watch(page, found)
        server.sent.clear()
        page.goto(path)
        wait_until_idle(page, server)
        found.loaded = list(server.sent)
        found.elements = page.locator("*").count()
        prepare(page)
        for device in ("phone", "desktop"):
            if device == "desktop":
                page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
                page.reload(wait_until="load")
                prepare(page)
            page.evaluate("checks.scrollThrough()")
            found.shifts[device] = page.evaluate("shifts")
        _look(page, found)
    finally:
        context.close()
    return found


def _look(page: Page, found: Visit) -> None:
    page.evaluate("checks.expose()")
    page.evaluate("checks.scrollThrough()")  # a block gets its button when it comes into view
    found.blocks = page.evaluate("checks.blocks()")
    found.buttons = page.evaluate("checks.buttons()")
    found.misdirected = page.evaluate("checks.misdirected()")
    found.copied_outputs = page.evaluate("checks.copiedOutputs()")
    page.set_viewport_size({"width": 320, "height": 640})
    found.sticks_out = page.evaluate("checks.sticksOut()")

    show(page, "dark", PAPER)
    page.emulate_media(media="print")
    found.paper = page.evaluate("checks.onPaper()")
    page.emulate_media(media="screen")

    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        page.evaluate("name => checks.remember(name)", f"{scheme} {device}")
    found.shown_elsewhere = page.evaluate(
        "names => checks.shownOnlyOutside(names)", [" ".join(each) for each in ALL_RULES]
    )
    page.evaluate("checks.thin()")
    for combination in COMBINATIONS:
        scheme, device = combination
        show(page, scheme, SIZES[device])
        found.axe[combination] = page.evaluate("all => checks.audit(all)", combination in ALL_RULES)


def same_origin(server: Server, address: str) -> bool:
    return f"{urlsplit(address).scheme}://{urlsplit(address).netloc}" == server.origin


def sources(project: Project, path: str) -> list[str]:
    """The code of every block that a page shows to be copied, in order."""
    page = Path(path).with_suffix(".md")
    if page.parent.name == "notebook":
        notebook = json.loads((project.site / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        return ["".join(cell["source"]) for cell in cells]
    found: list[str] = []
    lines = iter(project.pages.get(project.root / "docs" / page, []))
    for line in lines:
        mark, fence, kind = line.partition("```")
        if mark.strip() or not fence:
            continue
        body = []
        while not (line := next(lines)).strip().startswith("```"):
            body.append(line.removeprefix(mark))
        found += _shown(project, kind.strip(), body)
    return found


def _shown(project: Project, kind: str, body: list[str]) -> list[str]:
    from tutorial.lesson.labs import Lab

    if kind in ("section", "error", "results", "figure", "calls", "bench"):
        return []
    if kind not in ("cell", "exercise"):
        return ["\n".join(body)]
    script, _, name = body[0].strip().partition(".py::")
    if kind == "cell":
        return [cell.source for cell in project.sections[script].cells if cell.name == name]
    lab = Lab(project, script)
    exercise = lab.exercises[name]
    return [exercise.stub, exercise.check, exercise.solution]


def as_shown(text: str) -> str:
    return text.expandtabs(4).strip("\n").rstrip()
