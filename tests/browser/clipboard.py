"""What a click or a key puts into the clipboard."""

NOTHING_YET = "nothing yet"

# While something is being written the clipboard may be empty for a moment.
COPIED = """async (before) => {
  const end = performance.now() + 30_000;
  let text = before;
  while (!text || text === before) {
    if (performance.now() > end) throw new Error("nothing was copied within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
    text = await navigator.clipboard.readText();
  }
  return text;
}"""


def clear(page) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", NOTHING_YET)


def copied(page) -> str:
    """The text that was copied since `clear`, once it is there."""
    return page.evaluate(COPIED, NOTHING_YET)
