// Renders formulas: a JSON list of {tex, display} on standard input, on standard output
// {version, rendered: [{html} or {error}, ...]} in the same order.

import katex from "katex";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);

const rendered = JSON.parse(Buffer.concat(chunks).toString("utf8")).map(({ tex, display }) => {
  try {
    return {
      html: katex.renderToString(tex, {
        displayMode: display,
        output: "htmlAndMathml",
        strict: "error",
        throwOnError: true,
      }),
    };
  } catch (error) {
    return { error: error.message };
  }
});

process.stdout.write(JSON.stringify({ version: katex.version, rendered }));
