// Renders formulas: a JSON list of them, each between its dollar signs, on standard input, on
// standard output a list of {html} or {error} in the same order.

import katex from "katex";

/** Leave one of the three copies of a formula's text, the MathML, to the search index.
 *
 * Material's indexer takes the end of any inner element of the same name for the end of what is
 * excluded, so the drawn copy, nested spans, becomes an element of another name.
 */
const searchable = (html, display) => {
  const outside = "</span>".repeat(display ? 2 : 1);
  const inside = html.slice(0, -"</span>".length - outside.length)
    .replace("<annotation ", "<annotation data-search-exclude ")
    .replace('<span class="katex-html"', '<katex-html class="katex-html" data-search-exclude');
  return `${inside}</katex-html>${outside}`;
};

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);

const rendered = JSON.parse(Buffer.concat(chunks).toString("utf8")).map((formula) => {
  const display = formula.startsWith("$$");
  const tex = (display ? formula.slice(2, -2) : formula.slice(1, -1)).trim();
  try {
    const html = katex.renderToString(tex, {
      displayMode: display,
      output: "htmlAndMathml",
      strict: "error",
      throwOnError: true,
    });
    return { html: searchable(html, display) };
  } catch (error) {
    return { error: error.message };
  }
});

process.stdout.write(JSON.stringify(rendered));
