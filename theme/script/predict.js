// The questions below a cell. What it prints is folded, by style/predict.css, until the reader has
// chosen or asked for it. Choices are remembered with the progress: { chosen: { question: option } }.
const chosenHere = (state) => {
  const { chosen } = state.pages[here] ?? {};
  return isObject(chosen) ? chosen : {};
};

/** Show the output, and what there is to say of the option that was chosen, if any. */
const answer = (question, name) => {
  question.classList.add("answered");
  const options = [...question.querySelectorAll("[data-name]")];
  for (const option of options) {
    const isChosen = option.dataset.name === name;
    option.setAttribute("aria-pressed", isChosen);
    const whose = option.nextElementSibling;
    if (whose?.classList.contains("whose")) whose.hidden = !isChosen && !("right" in option.dataset);
  }
  const chosen = options.find((option) => option.dataset.name === name);
  const [right, wrong] = question.matches(".why")
    ? ["Right.", "Not this."] : ["Right: this is what it prints.", "Not this: see the output below."];
  question.querySelector("output").textContent = !chosen ? "" : "right" in chosen.dataset ? right : wrong;
};

for (const question of article.querySelectorAll(".predict")) {
  const cell = question.closest(".cell").id;
  question.append(make("output"));
  const before = chosenHere(load())[cell];
  if (typeof before === "string") answer(question, before);
  question.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const name = button.dataset.name ?? "";
    answer(question, name);
    if (!name) { // the button goes: on to what it has shown
      const shown = question.parentElement.querySelector(".cell-run :is(pre, summary)");
      shown.focus({ preventScroll: true });
    }
    const state = load();
    about(state, here).chosen = { ...chosenHere(state), [cell]: name };
    save(state);
  });
}
