"""Tell the style sheet how many lines each block of code has.

A Python-Markdown extension, `tutorial.page.code_blocks`. From the number of lines the browser knows
the height of a block that is far from the window, and need not lay it out (`content-visibility`).
"""

import html
import re
import textwrap

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

# How pymdownx.highlight writes a block. Outputs are written otherwise.
BLOCK = re.compile(r"<pre><span></span><code>(.*?)</code></pre>", re.DOTALL)
# After the raw HTML of other extensions has come back (30).
PRIORITY = 20
PHONE = 43  # characters that a phone shows in a line; longer lines are wrapped there
TAG = re.compile(r"<[^>]+>")


class CodeBlocksExtension(Extension):
    """Adds LineCounter."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.postprocessors.register(LineCounter(md), "code_blocks", PRIORITY)


class LineCounter(Postprocessor):
    """Sets the properties `--lines` and, for a phone, `--on-phone` of each block of code."""

    def run(self, text: str) -> str:
        def counted(block: re.Match) -> str:
            lines = html.unescape(TAG.sub("", block[1])).rstrip("\n").split("\n")
            wrapped = sum(len(textwrap.wrap(line, PHONE)) or 1 for line in lines)
            style = f"--lines:{len(lines)};--on-phone:{wrapped}"
            return f'<pre><span></span><code style="{style}">{block[1]}</code></pre>'

        return BLOCK.sub(counted, text)


def makeExtension(**options) -> CodeBlocksExtension:
    """What Python-Markdown calls, given the name `tutorial.page.code_blocks`."""
    return CodeBlocksExtension(**options)
