// What Material's script adds to a page, made usable with a keyboard and with a screen reader.
// Nothing here is needed to read a page.
{
  const article = document.querySelector(".md-content");
  const scrolling = {
    "div.formula": "Formula",
    ".md-typeset__scrollwrap": "Table",
    ".highlight pre > code": "Code",
  };

  /** Let the keyboard scroll what is wider than its place, and name it. */
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
    for (const element of names.keys()) observer.observe(element);
  };

  // Material wraps tables and adds buttons to code when its own script runs, before "load".
  window.addEventListener("load", () => {
    article.querySelectorAll(".md-code__nav").forEach((bar, index) => {
      bar.setAttribute("aria-label", `Code block ${index + 1}`);
    });
    for (const box of article.querySelectorAll(".task-list-control input")) {
      box.setAttribute("aria-label", box.closest("li").textContent.trim().split("\n")[0]);
    }
    watchWidths();
  });

  // Links to text that is copied rather than downloaded, where the browser lets a page do that.
  const said = document.createElement("p");
  said.className = "said";
  said.setAttribute("role", "status");
  document.body.append(said);

  /** Tell it to the eye, as Material's copy button does, and to a screen reader. */
  const tell = (words) => {
    window.alert$?.next(words);
    said.textContent = "";
    setTimeout(() => { said.textContent = words; }, 50); // the same words twice are a change too
  };

  const copyFrom = async (address) => {
    const text = fetch(address).then((reply) => {
      if (!reply.ok) throw new Error(reply.statusText);
      return reply.text();
    });
    if (window.ClipboardItem) {
      // Safari lets a page copy at the click alone, so that it gets the promise of a text.
      const blob = text.then((found) => new Blob([found], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    } else {
      await navigator.clipboard.writeText(await text);
    }
    return text;
  };

  article.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a.copy-program, a.copy-page");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    try {
      const lines = (await copyFrom(link.href)).trimEnd().split("\n").length;
      tell(link.matches(".copy-page") ? "Copied the page" : `Copied a program of ${lines} lines`);
    } catch {
      link.cloneNode().click(); // not in the page, so that it downloads
    }
  });
}
