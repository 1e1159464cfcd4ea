const worded = (heading) => heading.textContent.replace("¶", "").trim();

// The reader's progress: { last, pages: { tensors: { read, at, heading, done: [exercise] } } }.
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

show();
window.addEventListener("storage", show); // another tab
window.addEventListener("pageshow", (event) => { if (event.persisted) show(); }); // by "back"
