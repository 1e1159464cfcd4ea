// What a reader types becomes a query in the words of the index. Material itself looks for each word as the beginning
// of a word: "to" finds "tone", and in a pasted message every quotation mark and sign has a meaning of its own.
const small = new Set((
  "a about an and are as at be by can could did do does for from get had has have how i if in into is it its me my of on"
  + " or our so some that the their them then there these this to was we were what when where which while who why will"
  + " with would you your"
).split(" "));
let index, words;

/** A whole word counts more than one that begins so; a word of no page stands for those that differ in a letter or two. */
const queryFor = (typed) => {
  const separator = new RegExp(index.config.separator, "g");
  words ??= [...new Set(index.docs.flatMap(({ title, text }) =>
    `${title} ${text}`.replace(/<[^>]*>/g, " ").toLowerCase().split(separator)))];
  // Of torch.manual_seed the last part says most. Where no page has it, those before it stand for it: weights.npz.
  const known = (term) => words.some((word) => word.startsWith(term));
  const lastParts = typed.toLowerCase().replace(/([\w.]+)\.(?=([a-z_]\w*))/g, (_, owners, last) =>
    known(last) ? "" : `${owners.replaceAll(".", " ")} `);
  const terms = new Set(lastParts.split(separator).map((term) => term.replace(/[^\p{L}\w.]/gu, "")));
  terms.delete("");
  const telling = [...terms].filter((term) => !small.has(term));
  return (telling.length ? telling : [...terms]).map((term) => {
    const single = term.replace(/(?<=[a-z]{2}[^s])s$|(?<=[a-z]{6})ing$/, ""); // "backwards", "gpus", "decreasing"
    const british = term.replace(/iz(?=[aei])/, "is"); // as the pages spell "normalisation"
    if (known(single) || known(british)) return [...new Set([`${term}^4`, `${british}^4`, single])].join(" ");
    return /\d/.test(term) ? "" : `${term}~${term.length > 7 ? 2 : 1}`;
  }).join(" ");
};

const [SETUP, QUERY] = [0, 2]; // the types of Material's messages to the worker of its search
const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (message, ...options) {
  if (message.type === SETUP) index = message.data;
  const isQuery = message.type === QUERY && index;
  return postMessage.call(this, isQuery ? { ...message, data: queryFor(message.data) } : message, ...options);
};

// Material waits for a key: what is pasted with the mouse, dropped or dictated comes without one.
document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-md-component=search-query]")) target.dispatchEvent(new KeyboardEvent("keyup"));
});
