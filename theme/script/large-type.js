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
