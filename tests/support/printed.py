"""A page as it is printed on A4: what would be cut off on paper, and which controls are still on it."""

from typing import Any

PAPER = {"width": 718, "height": 1046}  # A4 at 96 pixels an inch, within margins of a centimetre
FAULTS = """() => {
  const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 1;
  const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + "." + (e.getAttribute("class") || "");
  const controls = "nav, button, select, input:not([type=checkbox]), textarea, .button, .skip";
  const found = [...document.querySelectorAll("body *")].filter(seen).flatMap((e) => {
    const hides = getComputedStyle(e).overflow !== "visible" && !(e instanceof SVGElement);
    const cut = hides && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
    return [
      ...(cut || e.getBoundingClientRect().right > innerWidth + 1 ? ["cut off: " + name(e)] : []),
      ...(e.matches(controls) ? ["a control: " + name(e)] : []),
      ...(e.matches("section") && e.innerText.trim().split("\\n").length < 2 ? ["empty: " + e.innerText] : []),
    ];
  });
  const dark = (colour) => colour.match(/\\d+/g).slice(0, 3).every((part) => part < 110);
  return [...found, ...(dark(getComputedStyle(document.body).color) ? [] : ["pale ink"])];
}"""


def printed(page: Any) -> list[str]:
    """What is wrong with it on paper; the page stays in this state. It prints without a fault of the browser too."""
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    faults: list[str] = page.evaluate(FAULTS)
    assert page.pdf(format="A4").startswith(b"%PDF")
    return faults
