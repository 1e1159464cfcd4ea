// What the tests ask of a page. Evaluated in it.
window.checks = (() => {
  const rules = [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice",
  ];
  // Rules whose answer follows from colours or from widths. The others ask for names, roles and
  // structure, which differ between palettes and widths only by what is shown at all.
  const byColour = ["color-contrast"];
  const byWidth = ["target-size", "scrollable-region-focusable", "link-in-text-block"];
  const inCode = "pre > code";

  const sheet = (text) => {
    const added = new CSSStyleSheet();
    added.replaceSync(text);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, added];
  };

  const name = (element) =>
    element.cloneNode().outerHTML.slice(0, 120) + element.textContent.trim().slice(0, 40);

  const shown = (element) => element.checkVisibility({ visibilityProperty: true });

  /** Show all that a reader can bring to view: folded, in another tab, not rendered yet. */
  const expose = async () => {
    sheet(`
      * {
        content-visibility: visible !important;
        scroll-behavior: auto !important;
        transition: none !important;
        animation: none !important;
      }
      .md-typeset .tabbed-block { display: block !important; }
    `);
    for (const details of document.querySelectorAll("details")) details.open = true;
    await frame(); // until then what was left out has no text
    await frame();
  };

  /** Whether each element of a kind that is shown is wider than its place, and its name. */
  const scrollsSideways = (selector) => [...document.querySelectorAll(selector)]
    .filter((each) => each.checkVisibility())
    .map((each) => [each.scrollWidth > each.clientWidth + 1, name(each)]);

  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  /** Scroll to the end in steps, as a reader does; all pictures are there when it returns. */
  const scrollThrough = async () => {
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
      scrollTo({ top: y, behavior: "instant" });
      await frame(); // its callback comes before it is drawn: one for each step is enough
    }
    await frame();
    const pictures = [...document.images].filter((image) => image.checkVisibility());
    await Promise.all(pictures.map((image) => image.complete || image.decode()));
    await frame();
    scrollTo({ top: 0, behavior: "instant" });
    await frame();
  };

  // The text of a page, by what its contrast follows from: its colour, its size and weight, and
  // every ground below it.

  const style = (element) => {
    const all = getComputedStyle(element);
    return [all.color, all.fontSize, all.fontWeight, all.textShadow, all.visibility].join();
  };

  const grounds = (element, known) => {
    if (!element) return "";
    if (!known.has(element)) {
      const all = getComputedStyle(element);
      const own = [all.backgroundColor, all.backgroundImage, all.opacity, all.filter].join();
      const below = grounds(element.parentElement, known);
      const none = own === "rgba(0, 0, 0, 0),none,1,none";
      known.set(element, none ? below : `${own}|${below}`);
    }
    return known.get(element);
  };

  const withText = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (walker.nextNode()) {
      if (walker.currentNode.data.trim()) found.add(walker.currentNode.parentElement);
    }
    return [...found].filter(shown);
  };

  const looks = new Map(); // of each token of the code, in all combinations seen
  const seenIn = new Map(); // the combinations in which an element is shown

  /** Take down how code looks and what is shown in one combination of palette and width. */
  const remember = (combination) => {
    const known = new Map();
    for (const element of withText()) {
      const look = `${style(element)};${grounds(element, known)}`;
      looks.set(element, `${looks.get(element) ?? ""}\n${combination};${look}`);
    }
    for (const element of document.body.querySelectorAll("*")) {
      if (!shown(element)) continue;
      if (!seenIn.has(element)) seenIn.set(element, []);
      seenIn.get(element).push(combination);
    }
  };

  /** What is shown in some combination but in none of these. */
  const shownOnlyOutside = (combinations) =>
    [...seenIn].filter(([, found]) => !found.some((each) => combinations.includes(each)))
      .map(([element]) => name(element));

  /** Make plain text of tokens of code that look like another one in every combination.
   *
   * A token is a span with a class and text: no rule but those of colour looks at it, and those
   * see its like. Records of runs are folded where another one of the same markup and looks is
   * open. This leaves half of a page's elements, and axe takes a third of the time.
   */
  const thin = () => {
    const kept = new Set();
    let removed = 0;
    for (const record of document.querySelectorAll("details.run-record")) {
      const inside = [...record.querySelectorAll("dl, dl *")];
      const look = inside.map((each) => each.cloneNode().outerHTML + looks.get(each)).join();
      if (kept.has(look)) record.open = false;
      kept.add(look);
    }
    for (const code of document.querySelectorAll(inCode)) {
      for (const token of code.querySelectorAll("span")) {
        const plain = token.getAttributeNames().every((each) => each === "class");
        if (!plain || token.childElementCount) continue;
        const look = looks.get(token) ?? "";
        if (look && !kept.has(look)) {
          kept.add(look);
        } else {
          token.replaceWith(token.textContent);
          removed += 1;
        }
      }
      code.normalize();
    }
    return removed;
  };

  /** One element of each look. */
  const oneOfEach = () => {
    const known = new Map(), found = new Map();
    for (const element of withText()) {
      const look = `${style(element)};${grounds(element, known)}`;
      if (!found.has(look)) found.set(look, element);
    }
    return [...found.values()];
  };

  /** A line for each element that axe objects to.
   *
   * all: every rule on everything; else those by width, and those by colour on one of each look.
   */
  const audit = async (all) => {
    const options = { resultTypes: ["violations"], selectors: false };
    const asked = all ? [[document, rules]]
      : [[document, { type: "rule", values: byWidth }],
         [{ include: oneOfEach() }, { type: "rule", values: byColour }]];
    const violations = [];
    for (const [context, runOnly] of asked) {
      const found = await axe.run(context, { ...options, runOnly });
      if (!found.violations.length && !found.passes.length) throw new Error("axe saw nothing");
      violations.push(...found.violations);
    }
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => {
        const why = [...node.any, ...node.all, ...node.none].map((check) => check.message);
        return `${id}: ${node.html.slice(0, 150)}: ${why.join("; ")}`;
      }));
  };

  /** What sticks out of the window, if the document can be scrolled sideways. */
  const sticksOut = () => {
    const root = document.documentElement;
    if (root.scrollWidth <= innerWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > innerWidth + 0.5,
    );
    return [`${root.scrollWidth} px in ${innerWidth} px`, ...wide.slice(0, 5).map(name)];
  };

  /** The text of each block of code that can be copied, in order. */
  const blocks = () =>
    [...document.querySelectorAll("article pre > code")]
      .filter((code) => !code.closest(".no-copy, .cell-run"))
      .map((code) => code.innerText);

  /** The buttons that would copy something else than the code they stand on. */
  const misdirected = () => {
    const buttons = [...document.querySelectorAll("article [data-clipboard-target]")].filter(
      (button) => document.querySelector(button.dataset.clipboardTarget)
        !== button.closest("pre").querySelector("code"));
    return buttons.map((button) => name(button.closest("pre")));
  };

  /** How many buttons there are to copy a block of code. */
  const buttons = () =>
    document.querySelectorAll("article [data-clipboard-target]").length;

  const copiedOutputs = () =>
    [...document.querySelectorAll(".cell-run :is(.md-code__nav, [data-clipboard-target])")]
      .map(name);

  // Paper

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** Contrast of a colour, in whatever notation, with white. */
  const contrastWithWhite = (colour) => {
    canvas.fillStyle = "#ffffff";
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const channels = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((each) => {
      const c = each / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    const [r, g, b] = channels;
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
  };

  const clips = (element) => {
    const { overflowX, overflowY } = getComputedStyle(element);
    return overflowX !== "visible" || overflowY !== "visible";
  };

  /** What of a page is hard to read on paper. */
  const onPaper = () => {
    const contrasts = new Map();
    const pale = withText().filter((element) => {
      if (!element.checkVisibility({ opacityProperty: true })) return false;
      const { color } = getComputedStyle(element);
      if (!contrasts.has(color)) contrasts.set(color, contrastWithWhite(color));
      return contrasts.get(color) < 4.5;
    });
    const dark = [document.documentElement, document.body].filter(
      (element) => contrastWithWhite(getComputedStyle(element).backgroundColor) > 1.01,
    );
    const cut = [];
    // Of a formula what is drawn: its MathML, which is not to be seen, does not wrap with it.
    const read = "article :is(pre > code, table, .katex-html, .cell-figure img, svg)";
    for (const element of document.querySelectorAll(read)) {
      if (!element.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(element);
      const inner = element.matches("img, svg") ? element.getBoundingClientRect()
        : range.getBoundingClientRect();
      let edge = innerWidth, end = Infinity;
      for (let each = element; each && each !== document.body; each = each.parentElement) {
        if (!clips(each)) continue;
        const box = each.getBoundingClientRect();
        edge = Math.min(edge, box.right);
        end = Math.min(end, box.bottom);
      }
      if (inner.right > edge + 1 || inner.bottom > end + 1) {
        const [right, below] = [inner.right - edge, inner.bottom - end].map(Math.round);
        cut.push(`${Math.max(right, below)} px of ${name(element)}`);
      }
    }
    const twins = [...document.querySelectorAll("article img[src*='#only-']")];
    return {
      pale: pale.map((element) => `${getComputedStyle(element).color}: ${name(element)}`),
      dark: dark.map(name),
      cut,
      wide: sticksOut(),
      twins: twins.length,
      wrong: twins.filter((image) => image.checkVisibility() !== image.src.endsWith("#only-light"))
        .map(name),
    };
  };

  return {
    audit, blocks, buttons, contrastWithWhite, copiedOutputs, expose, misdirected, name, onPaper, remember,
    scrollThrough, scrollsSideways, shown, shownOnlyOutside, sticksOut, thin,
  };
})();
