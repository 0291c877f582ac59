"""Looks at one page as its users do: axe with target size, things that overflow, and focus that something covers.

axe alone misses the last two: a bar that sticks to the screen can hide the field that has the focus.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

SIZES: tuple[tuple[int, int], ...] = ((320, 640), (1280, 800))
SCHEMES = ("light", "dark")

_AXE = """async () => {
  const found = await axe.run(document, {
    runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    rules: {"target-size": {enabled: true}},
  });
  return found.violations.map((v) =>
    `axe ${v.id} x${v.nodes.length}: ${v.nodes[0].target} ${v.nodes[0].failureSummary}`);
}"""

_OVERFLOW = """() => {
  const out = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    const all = [...document.querySelectorAll("body *")];
    const wide = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    out.push(`page scrolls sideways: ${wide.slice(0, 3).map((e) => e.className || e.tagName)}`);
  }
  for (const e of document.querySelectorAll("body *")) {
    const scrolls = /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
    const named = e.getAttribute("role") === "region" && e.tabIndex === 0 && e.getAttribute("aria-label");
    if (scrolls && !named) out.push(`scrolls inside without a name: ${e.className || e.tagName}`);
  }
  return out;
}"""

_HIDDEN_FOCUS = """async () => {
  const out = [];
  const stops = [...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex="0"]')]
    .filter((e) => e.checkVisibility() && e.type !== "hidden");
  for (const e of stops) {
    e.focus();
    await new Promise((done) => requestAnimationFrame(done));
    const box = e.getBoundingClientRect();
    let seen = false;
    for (const fx of [.1, .5, .9]) for (const fy of [.1, .5, .9]) {
      const x = box.left + box.width * fx, y = box.top + box.height * fy;
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
      const top = document.elementFromPoint(x, y);
      const above = top && top.contains(e) && !/sticky|fixed/.test(getComputedStyle(top).position);
      if (top && (top === e || e.contains(top) || above)) seen = true;
    }
    if (!seen) out.push(`focus hidden: ${e.id || e.name || e.textContent.trim().slice(0, 30)}`);
  }
  return out;
}"""


@cache
def _axe_source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def inspect(page: Page) -> list[str]:
    """Return the problems of the page as it stands now, at its present size and colour scheme."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_axe_source())
    found: list[str] = []
    for script in (_AXE, _OVERFLOW, _HIDDEN_FOCUS):
        answer: Any = page.evaluate(script)
        found.extend(str(line) for line in answer)
    return found


def probe(page: Page, url: str) -> list[str]:
    """Open the address in every size and colour scheme and return the problems, each with where it was seen.

    page: any Playwright page; signed in already, if the address asks for it. An empty list is a pass.
    """
    found: list[str] = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            answer = page.goto(url)
            if answer is None or answer.status >= 500:
                return [f"{url}: the server answered {answer.status if answer else 'nothing'}"]
            found.extend(f"{url} {width} {scheme}: {line}" for line in inspect(page))
    return found
