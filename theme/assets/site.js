// What Material's script adds to a page, made usable with a keyboard and with a screen reader; the
// reader's progress; large type; figures at full size. Nothing here is needed to read a page.
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
    // A few at a time: to measure what has not come into view yet takes as long as to show it.
    const waiting = [...names.keys()];
    const later = window.requestIdleCallback ?? ((then) => setTimeout(then, 50));
    const observeSome = () => {
      for (const element of waiting.splice(0, 4)) observer.observe(element);
      if (waiting.length) later(observeSome);
    };
    observeSome();
  };

  // Colours: those of a palette, or of the palette that the system asks for.
  const options = [...document.querySelectorAll(".palette input")];
  const light = matchMedia("(prefers-color-scheme: light)");
  const themeColour = document.head.appendChild(document.createElement("meta"));
  themeColour.name = "theme-color";
  const nameThemeColour = () => {
    themeColour.content = getComputedStyle(document.querySelector(".md-header")).backgroundColor;
  };

  const choose = (option) => {
    let { mdColorMedia: media } = option.dataset;
    if (media === "(prefers-color-scheme)") media = `(prefers-color-scheme: ${light.matches ? "light" : "dark"})`;
    const colours = options.find((each) => each.dataset.mdColorMedia === media).dataset;
    for (const [name, value] of Object.entries(colours)) {
      if (document.body.dataset[name] !== value) document.body.dataset[name] = value;
    }
    option.checked = true;
    for (const each of options) each.nextElementSibling.hidden = each !== option;
  };

  const chosen = () => options[window.__md_get?.("__palette")?.index] ?? options[0];
  const keepPalette = ({ target }) => {
    const { mdColorMedia: media, mdColorScheme: scheme, mdColorPrimary: primary, mdColorAccent: accent } =
      target.dataset;
    window.__md_set?.("__palette", {
      index: options.indexOf(target), color: { media, scheme, primary, accent },
    });
    choose(target);
    nameThemeColour();
  };
  if (options.length) {
    choose(chosen());
    const form = options[0].form;
    form.addEventListener("change", keepPalette);
    form.addEventListener("keydown", ({ key: pressed }) => {
      if (pressed !== "Enter") return;
      const next = options[(options.findIndex((each) => each.checked) + 1) % options.length];
      next.click();
      next.focus();
    });
    light.addEventListener("change", () => {
      choose(options.find((each) => each.checked));
      nameThemeColour();
    });
  }

  // In labs Material wraps tables when its own script runs, before "load".
  window.addEventListener("load", () => {
    for (const box of article.querySelectorAll(".task-list-control input")) {
      box.setAttribute("aria-label", box.closest("li").textContent.trim().split("\n")[0]);
    }
    watchWidths();
    // Material opens a phone's drawer by a label, which no key reaches; its script knows what to
    // do with Enter on one.
    const drawer = document.querySelector(".md-header [for=__drawer]");
    drawer.tabIndex = 0;
    drawer.title = "Pages";
    nameThemeColour();
  });

  // What is folded opens where an address leads into it, and on paper.
  const unfold = () => {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch { /* no text in UTF-8 */ }
    const closed = target?.closest("details:not([open])");
    if (!closed) return;
    for (let each = closed; each; each = each.parentElement.closest("details")) each.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", unfold);
  unfold();

  let unfolded = [];
  matchMedia("print").addEventListener("change", ({ matches: onPaper }) => {
    if (onPaper) unfolded = [...article.querySelectorAll("details:not([open])")];
    for (const each of unfolded) each.open = onPaper;
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

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const worded = (heading) => {
    const copy = heading.cloneNode(true);
    for (const link of copy.querySelectorAll(".headerlink, .anchor-link")) link.remove();
    return copy.textContent.trim();
  };

  // The reader's progress: {last, pages: {tensors: {read, at, heading, done: [exercise]}}}.
  // It is kept by this browser and sent nowhere. Where storage is refused it lasts as long as the page.
  const site = window.__md_scope ?? new URL(".", location);
  const key = `${site.pathname}.progress`;
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  let unsaved = null;

  const load = () => {
    let state = unsaved;
    try {
      state ??= JSON.parse(localStorage.getItem(key));
    } catch { /* refused, or not ours */ }
    return isObject(state) && isObject(state.pages) ? state : { pages: {} };
  };

  const save = (state) => {
    try {
      localStorage.setItem(key, JSON.stringify(state));
      unsaved = null;
    } catch {
      unsaved = state;
    }
    show();
  };

  /** `tensors` or `labs/tensors`: how a page is called in the progress. */
  const nameOf = (address) => {
    const { pathname } = new URL(address, location);
    return pathname.slice(site.pathname.length).replace(/\.html$/, "") || "index";
  };

  const here = nameOf(location.href);
  const isLesson = Boolean(article.querySelector(".lesson-facts"));
  const about = (state, page) => {
    if (!isObject(state.pages[page])) state.pages[page] = {};
    return state.pages[page];
  };
  const doneOn = (state, page) => {
    const done = state.pages[page]?.done;
    return Array.isArray(done) ? done : [];
  };

  // The pages that there are: what is kept of a page that has another name by now is not shown.
  const pages = new Map();
  for (const link of document.querySelectorAll(".md-nav--primary a.md-nav__link[href]")) {
    const name = nameOf(link.href);
    if (link.closest(".md-nav--secondary")) continue;
    if (!pages.has(name)) pages.set(name, { title: link.textContent.trim(), links: [] });
    pages.get(name).links.push(link);
  }
  const path = document.querySelector(".path");
  for (const link of path?.querySelectorAll("a[href]") ?? []) pages.get(nameOf(link.href))?.links.push(link);
  const stations = [...(path?.querySelectorAll(":scope > ol > li") ?? [])];
  const counts = [...(path?.querySelectorAll(".exercises") ?? [])].map((element) => ({
    element, text: element.textContent, total: parseInt(element.textContent, 10),
  }));
  const resume = document.querySelector(".resume");
  const facts = resume?.innerHTML;
  const boxes = new Map();
  let forget;

  const show = () => {
    const state = load();
    const isRead = (name) => state.pages[name]?.read === true;
    for (const [name, { links }] of pages) {
      for (const link of links) {
        if (link.classList.contains("read") === isRead(name)) continue;
        link.classList.toggle("read", isRead(name));
        if (isRead(name)) link.append(make("span", { className: "said" }, " (read)"));
        else link.querySelector(".said").remove();
      }
    }
    for (const station of stations) {
      const links = [...station.querySelectorAll("a[href]")];
      station.classList.toggle("read", links.every((link) => isRead(nameOf(link.href))));
    }
    for (const { element, text, total } of counts) {
      const done = Math.min(doneOn(state, element.dataset.page).length, total);
      element.textContent = done ? `${done} of ${text}` : text;
    }
    for (const [id, box] of boxes) box.checked = doneOn(state, here).includes(id);
    if (resume) showWhere(state, isRead);
    forget?.classList.toggle("nothing", !forget.undo && !Object.keys(state.pages).length);
  };

  /** A link to the last heading seen, or to the next lesson after a page that was read. */
  const showWhere = (state, isRead) => {
    const order = [...pages.keys()];
    let page = pages.has(state.last) ? state.last : null;
    let { at, heading } = state.pages[page] ?? {};
    if (page && isRead(page)) {
      const onPath = (name) => pages.get(name).links.some((link) => path?.contains(link));
      page = order.slice(order.indexOf(page)).find((name) => onPath(name) && !isRead(name));
      ({ at, heading } = state.pages[page] ?? {});
    }
    if (!page) {
      resume.innerHTML = facts;
      return;
    }
    const link = make("a", { href: `${page}.html${at ? `#${at}` : ""}` });
    link.textContent = `${at ? "Continue where you stopped" : "Go on with"}: ${pages.get(page).title}`;
    if (at && heading) link.textContent += `, ${heading}`;
    resume.replaceChildren(link);
  };

  if (isLesson) {
    const headings = [...article.querySelectorAll("h2[id], h3[id]")];

    for (const exercise of article.querySelectorAll(".exercise[id]")) {
      const above = headings.filter((each) => each.compareDocumentPosition(exercise) & 4).pop();
      const box = make("input", { type: "checkbox", autocomplete: "off" });
      const name = make("span", { className: "said" }, `: ${above ? worded(above) : exercise.id}`);
      exercise.append(make("label", { className: "done" }, box, "Done", name));
      boxes.set(exercise.id, box);
      box.addEventListener("change", () => {
        const state = load();
        const others = doneOn(state, here).filter((id) => id !== exercise.id && boxes.has(id));
        about(state, here).done = box.checked ? [...others, exercise.id] : others;
        save(state);
      });
    }

    // On leaving; "pagehide" does not come where a phone ends the browser.
    const leave = () => {
      const seen = headings.filter((each) => each.getBoundingClientRect().top < innerHeight * 0.4).pop();
      const state = load();
      if (!seen && here in state.pages) return; // a look at the top does not lose the place
      state.last = here;
      if (seen) Object.assign(about(state, here), { at: seen.id, heading: worded(seen) });
      else about(state, here);
      save(state);
    };
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });

    new IntersectionObserver(([entry], observer) => {
      if (!entry.isIntersecting) return;
      observer.disconnect();
      const state = load();
      about(state, here).read = true;
      save(state);
    }).observe(document.querySelector(".md-footer"));
  }

  // Who speaks to the computer, or hits keys by accident, can switch off shortcuts of a single key,
  // Material's as well: this hears of a key before any other script does.
  const writing = "input:not([type=checkbox], [type=radio]), textarea, select, dialog";
  let keysOff;
  const keysAreOff = () => keysOff ?? window.__md_get?.("__keys") === false;
  window.addEventListener("keydown", (event) => {
    const { target, key: pressed, ctrlKey, metaKey, altKey } = event;
    if (pressed.length > 1 || pressed === " " || ctrlKey || metaKey || altKey) return;
    if (keysAreOff() && !target.closest?.(writing)) event.stopImmediatePropagation();
  }, true);

  const remembered = document.querySelector(".remembered");
  if (remembered) {
    forget = make("button", { type: "button", className: "forget", undo: null }, "Forget it all");
    forget.addEventListener("click", () => {
      const before = forget.undo;
      forget.undo = before ? null : load();
      forget.textContent = before ? "Forget it all" : "Bring it back";
      save(before ?? { pages: {} });
      tell(before ? "Your progress is back" : "Your progress is forgotten");
    });
    remembered.append(forget);
  }

  const keys = document.querySelector("p.keys");
  if (keys) {
    const box = make("input", { type: "checkbox", autocomplete: "off", checked: !keysAreOff() });
    box.addEventListener("change", () => {
      keysOff = !box.checked;
      window.__md_set?.("__keys", box.checked);
    });
    keys.replaceChildren(make("label", {}, box, ...keys.childNodes));
  }

  show();
  window.addEventListener("storage", show); // another tab
  window.addEventListener("pageshow", (event) => { if (event.persisted) show(); }); // by "back"

  // Large type, for a class. The head of the page sets it before anything is painted.
  const root = document.documentElement;
  const wide = matchMedia("(min-width: 60em)");
  const large = make("button", {
    type: "button", className: "md-header__button md-icon large-type", title: "Large type (L)",
    ariaLabel: "Large type, for a class", ariaPressed: root.classList.contains("large"),
  });

  const switchType = () => {
    // What is at the top of the window stays there.
    const top = document.querySelector(".md-header").offsetHeight + 1;
    const kept = [...article.querySelectorAll(".md-content__inner > *")]
      .find((each) => each.getBoundingClientRect().bottom > top);
    const before = kept?.getBoundingClientRect().top;
    const isLarge = root.classList.toggle("large");
    large.ariaPressed = isLarge;
    window.__md_set?.("__large", isLarge);
    if (scrollY > 0 && before !== undefined) scrollBy(0, kept.getBoundingClientRect().top - before);
    said.textContent = isLarge ? "Large type" : "Ordinary type";
  };

  large.addEventListener("click", switchType);
  document.querySelector(".md-header__title").after(large);
  document.addEventListener("keydown", (event) => {
    const { target, key: pressed, ctrlKey, metaKey, altKey, shiftKey } = event;
    const typing = target.closest?.(writing);
    if (pressed !== "l" || ctrlKey || metaKey || altKey || shiftKey || typing || !wide.matches) return;
    if (!document.getElementById("__search")?.checked) switchType();
  });

  // Figures that are shown smaller than they were drawn open at full size.
  let viewer;
  const enlarge = (figure) => {
    const image = [...figure.querySelectorAll("img")].find((each) => each.offsetWidth);
    if (!viewer) {
      const close = make("button", { type: "button", className: "close" }, "Close");
      viewer = make("dialog", { className: "viewer" }, close, make("div", { tabIndex: 0 }));
      close.addEventListener("click", () => viewer.close());
      viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
      document.body.append(viewer);
    }
    const copy = make("img", { src: image.src.split("#")[0], alt: image.alt });
    copy.width = image.getAttribute("width");
    copy.height = image.getAttribute("height");
    viewer.ariaLabel = "Figure at full size";
    viewer.lastChild.setAttribute("role", "region");
    viewer.lastChild.ariaLabel = "Figure";
    viewer.lastChild.replaceChildren(copy);
    viewer.showModal();
  };

  const sizes = new ResizeObserver((entries) => {
    const small = entries.map(({ target }) => [...target.querySelectorAll("img")].some(
      (each) => each.offsetWidth && each.offsetWidth < 0.9 * each.getAttribute("width"),
    ));
    entries.forEach(({ target }, index) => {
      target.classList.toggle("small", small[index]);
      if (!small[index] || target.querySelector(".enlarge")) return;
      const button = make("button", { type: "button", className: "enlarge" }, "Full size");
      const cell = target.closest(".cell")?.id;
      if (cell) button.append(make("span", { className: "said" }, ` of the figure of ${cell}`));
      target.append(button);
    });
  });
  for (const figure of article.querySelectorAll(".cell-figure")) sizes.observe(figure);
  article.addEventListener("click", ({ target }) => {
    const figure = target.closest?.(".cell-figure.small :is(img, .enlarge)")?.closest("figure");
    if (figure) enlarge(figure);
  });
}
