// What Material's script adds to a page, made usable with a keyboard and with a screen reader.
// Nothing here is needed to read a page.
{
  const article = document.querySelector(".md-content");

  /** Let the keyboard scroll an element that is wider or higher than its place, and name it. */
  const makeScrollable = (element, name) => {
    const overflows =
      element.scrollWidth > element.clientWidth + 1 ||
      element.scrollHeight > element.clientHeight + 1;
    if (overflows) {
      element.tabIndex = 0;
      element.setAttribute("role", "region");
      element.setAttribute("aria-label", name);
    } else {
      for (const attribute of ["tabindex", "role", "aria-label"]) {
        element.removeAttribute(attribute);
      }
    }
  };

  // Every code block has a bar of buttons, all without a name of their own.
  const nameBars = () => {
    const blocks = [...article.querySelectorAll("pre")];
    for (const bar of article.querySelectorAll(".md-code__nav:not([aria-label])")) {
      const number = blocks.indexOf(bar.closest("pre")) + 1;
      bar.setAttribute("aria-label", `Code block ${number}`);
    }
  };
  new MutationObserver(nameBars).observe(article, { childList: true, subtree: true });

  for (const box of article.querySelectorAll(".task-list-control input")) {
    box.setAttribute("aria-label", box.closest("li").innerText.trim().split("\n")[0]);
  }

  const kinds = {
    "div.formula": "Formula",
    ".md-typeset__scrollwrap": "Table",
    ".highlight pre > code": "Code",
  };
  // Material wraps tables and adds the buttons when its own script runs, which is before "load".
  window.addEventListener("load", () => {
    nameBars();
    for (const [selector, kind] of Object.entries(kinds)) {
      const elements = [...article.querySelectorAll(selector)];
      const sizes = new ResizeObserver((entries) => {
        for (const { target } of entries) {
          makeScrollable(target, `${kind} ${elements.indexOf(target) + 1}`);
        }
      });
      for (const element of elements) sizes.observe(element);
    }
  });
}
