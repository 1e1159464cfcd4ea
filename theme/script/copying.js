// Links to text that is copied rather than downloaded, where the browser lets a page do that.
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

// Material puts the button of each block into a "nav": dozens of landmarks without a name.
new MutationObserver((changes) => {
  for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    if (node.matches?.(".md-code__nav")) node.setAttribute("role", "none");
  }
}).observe(article, { childList: true, subtree: true });
