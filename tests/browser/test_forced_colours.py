"""Pages where the system imposes its colours, as Windows does with a contrast theme."""

import pytest

# An icon that is drawn by a mask is a piece of ground, which the system paints like all the rest.
VANISHED = """() => {
  const button = document.body.appendChild(document.createElement("p"));
  button.style.color = "ButtonText";
  const colour = getComputedStyle(button).color;
  const vanished = [];
  for (const element of document.querySelectorAll("body *")) {
    for (const part of [null, "::before", "::after"]) {
      const style = getComputedStyle(element, part);
      if (part && ["none", "normal"].includes(style.content)) continue;
      if (style.maskImage === "none" && style.webkitMaskImage === "none") continue;
      if (style.forcedColorAdjust === "none" && style.backgroundColor === colour) continue;
      vanished.push(`${part ?? ""} of ${checks.name(element)}: ${style.backgroundColor}`);
    }
  }
  return vanished;
}"""


@pytest.mark.parametrize("path", ["index.html", "session.html", "tensors.html", "results.html"])
def test_icons_keep_a_colour_of_their_own(new_page, prepare, path):
    page = new_page(path, forced_colors="active")
    prepare(page)
    page.evaluate("checks.expose()")
    page.evaluate("checks.scrollThrough()")  # gives each block its buttons
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    vanished = page.evaluate(VANISHED)
    page.context.close()
    assert not vanished, "\n".join(vanished)


def test_the_chosen_tab_is_told_from_the_others(new_page):
    page = new_page("index.html", forced_colors="active", reduced_motion="reduce")
    page.locator(".tabbed-labels").first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # its line has stopped moving
    line, paper = page.evaluate("""() => [
      getComputedStyle(document.querySelector(".tabbed-labels"), "::before").backgroundColor,
      getComputedStyle(document.body).backgroundColor,
    ]""")
    page.context.close()
    assert line != paper
