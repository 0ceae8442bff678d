"""How fast pages come: Lighthouse's scores of four of them, and when each is first seen on a slow line.

`python -m benchmarks.pages` needs Chromium, Lighthouse (`npm ci`) and an idle machine. The scores are medians of three.
"""

import os
import statistics
from collections.abc import Iterator
from typing import Any

LINE = 1.6e6 / 8  # bytes a second, as Lighthouse's slow 4G
SLOWER = 4  # times, of the processor
LATENCIES = (0, 20, 40, 80, 150)  # ms from a request to its answer; the last is Lighthouse's
ROUNDS = 7
WANTED = 800  # ms until the first contentful paint
PAINTED = """() => new Promise((done) => {
    const seen = () => performance.getEntriesByName("first-contentful-paint")[0];
    if (seen()) done(seen().startTime);
    new PerformanceObserver(() => seen() && done(seen().startTime)).observe({ type: "paint", buffered: true });
})"""
CATEGORIES = ("performance", "accessibility", "best-practices")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.settings"
    from playwright.sync_api import sync_playwright

    from secretly.tests import lighthouse
    from secretly.tests.installation import installed

    with installed() as site, sync_playwright() as playwright:
        pages = lighthouse.pages_of(site)
        print("Lighthouse, median of three: " + ", ".join(CATEGORIES))
        for line in scores(playwright.chromium, pages):
            print(line, flush=True)
        print(f"First contentful paint in ms, median of {ROUNDS}, by latency in ms: {LATENCIES}; wanted {WANTED}")
        for line in paints(playwright.chromium, pages):
            print(line, flush=True)


def scores(kind: Any, pages: Any) -> Iterator[str]:
    from secretly.tests import lighthouse

    for preset in ("desktop", "mobile"):
        words = ["--throttling-method=simulate", *(["--preset=desktop"] if preset == "desktop" else [])]
        for name in pages.addresses:
            reports = []
            for _ in range(3):
                with lighthouse.chromium(kind) as judge:  # with nothing in its cache
                    reports.append(judge.report(pages, name, CATEGORIES, *words))
            found = [lighthouse.scores_of(report) for report in reports]
            medians = [statistics.median(score[category] for score in found) for category in CATEGORIES]
            yield f"{name:<10} {preset:<8} {medians} {lighthouse.faults(reports[0]) or ''}"


def paints(kind: Any, pages: Any) -> Iterator[str]:
    from secretly.tests import lighthouse

    browser = kind.launch(executable_path=lighthouse.CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
    for name, url in pages.addresses.items():
        session = "" if name == "sign-in" else pages.session
        medians = [
            statistics.median(painted(browser, url, session, latency) for _ in range(ROUNDS)) for latency in LATENCIES
        ]
        yield f"{name:<10} {[round(median) for median in medians]}"
    browser.close()


def painted(browser: Any, url: str, session: str, latency: int) -> float:
    """Milliseconds until something is seen on a phone that was never here, on the slow line."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, service_workers="block")
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    line = {"offline": False, "latency": latency, "downloadThroughput": LINE, "uploadThroughput": LINE / 2}
    devtools.send("Network.emulateNetworkConditions", line)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url, wait_until="commit")
    took = page.evaluate(PAINTED)
    context.close()
    return float(took)


if __name__ == "__main__":
    main()
