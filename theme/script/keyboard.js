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

const keys = document.querySelector("p.keys");
if (keys) {
  const box = make("input", { type: "checkbox", autocomplete: "off", checked: !keysAreOff() });
  box.addEventListener("change", () => {
    keysOff = !box.checked;
    window.__md_set?.("__keys", box.checked);
  });
  keys.replaceChildren(make("label", {}, box, ...keys.childNodes));
}

window.addEventListener("load", () => {
  // Material opens a phone's drawer by a label, which no key reaches; its script knows what to
  // do with Enter on one.
  const drawer = document.querySelector(".md-header [for=__drawer]");
  drawer.tabIndex = 0;
  drawer.title = "Pages";
});
