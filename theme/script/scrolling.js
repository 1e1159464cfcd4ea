const scrolling = {
  "div.formula": "Formula",
  ".md-typeset__scrollwrap": "Table",
  ".highlight pre > code": "Code",
};

/** Let the keyboard scroll what is wider than its place, and name it; show code that waits (code.css),
 *  so that a picture of the whole page has no blank in it. */
const watchWidths = () => {
  const names = new Map();
  for (const [selector, kind] of Object.entries(scrolling)) {
    article.querySelectorAll(selector).forEach((element, index) => {
      names.set(element, `${kind} ${index + 1}`);
    });
  }
  const observer = new ResizeObserver((entries) => {
    // All reading before any writing: a page has a hundred of these, and is laid out once.
    const wide = entries.map(({ target }) => target.scrollWidth > target.clientWidth + 1);
    entries.forEach(({ target }, index) => {
      if (wide[index]) {
        target.tabIndex = 0;
        target.setAttribute("role", "region");
        target.setAttribute("aria-label", names.get(target));
      } else if (target.hasAttribute("role")) {
        for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
      }
    });
  });
  // A few at a time: to measure what has not come into view yet takes as long as to show it.
  const waiting = [...names.keys()];
  const later = window.requestIdleCallback ?? ((then) => setTimeout(then, 50));
  const observeSome = () => {
    for (const element of waiting.splice(0, 4)) {
      element.style.contentVisibility = "visible";
      observer.observe(element);
    }
    if (waiting.length) later(observeSome);
  };
  observeSome();
};

// Material wraps tables when its own script runs, before "load".
window.addEventListener("load", watchWidths);
