// What the other scripts share.
const article = document.querySelector(".md-content");

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

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
