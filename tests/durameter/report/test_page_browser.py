"""The page in a real browser: it asks for nothing, can be read in light and dark, and fits a telephone."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from page_samples import BOOKS, profile, projection, report, result
from playwright.async_api import Browser, Page, async_playwright

from durameter.report.render_html import write_page

pytestmark = pytest.mark.long

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TEXTS = """() => {
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return parts.length < 4 ? [...parts, 1] : parts;
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parse(getComputedStyle(at).backgroundColor);
      if (found[3] === 1) return found;
    }
    throw new Error('no background');
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('script, title, desc')) continue;
    const svg = !!element.closest('svg');
    const style = getComputedStyle(element);
    const [a, b] = [parse(svg ? style.fill : style.color), behind(element)].map(light);
    found.push({text: node.data.trim(), svg, contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)});
  }
  return found;
}"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        why = "no chromium, chromium-browser or google-chrome is on the PATH"
        if os.environ.get("DURAMETER_TESTS_NEED_BROWSER"):
            pytest.fail(f"DURAMETER_TESTS_NEED_BROWSER is set, and {why}")
        pytest.skip(why)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    found = result()
    profiles = [profile(), profile("inngest", exact=False)]
    write_page(path, report(found), profiles, projection(), engines=found.measurement.engines, books=BOOKS)
    return path


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    opened = await browser.new_page()
    yield opened
    await opened.close()


async def test_it_loads_alone_and_without_complaint(page: Page, file: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(file.as_uri(), wait_until="networkidle")
    assert (asked, said) == ([file.as_uri()], [])
    assert await page.locator("svg").count() == 9
    assert await page.locator("svg[role=img] > title").count() == 9
    data: Any = await page.evaluate("JSON.parse(document.getElementById('data-report').textContent)")
    assert data["workload"] == "durameter/support_agent"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(page: Page, file: Path, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(file.as_uri())
    await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    texts = await page.evaluate(TEXTS)
    assert min(texts, key=lambda each: each["contrast"])["contrast"] >= 4.5
    assert sum(each["svg"] for each in texts) > 50
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 23, 26)"}[scheme]


@pytest.mark.parametrize("width", [375, 1280])
async def test_nothing_runs_over_the_side(page: Page, file: Path, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(file.as_uri())
    await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    # Words of a plot end inside the window.
    ends = await page.evaluate("[...document.querySelectorAll('svg text')].map((t) => t.getBoundingClientRect().right)")
    starts = await page.evaluate(
        "[...document.querySelectorAll('svg text')].map((t) => t.getBoundingClientRect().left)"
    )
    assert max(ends) <= width
    assert min(starts) >= 0
