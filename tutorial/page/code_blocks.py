"""Make blocks of code and tables when the page is made as Material would make them in the browser.

A Python-Markdown extension, `tutorial.page.code_blocks`. Material's script goes from one block to
the next, changes it and measures it, and the page is laid out anew each time. Here a block of code
gets its copy button, for which Material's script listens, and the number of its lines, from which
the browser knows its height before it looks into it; a table gets what it is scrolled in.
"""

import re
from itertools import count

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

# How pymdownx.highlight writes a block. Outputs are written otherwise and have no button.
BLOCK = re.compile(r"<pre><span></span><code>(.*?)</code></pre>", re.DOTALL)
COMPLETED = (
    '<pre id="__code_{number}"><span class="md-code__nav"><button type="button"'
    ' class="md-code__button" title="Copy code block {number} to the clipboard"'
    ' data-clipboard-target="#__code_{number} > code" data-md-type="copy"></button></span>'
    '<code style="--lines:{lines}">{code}</code></pre>'
)
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
SCROLLED = r'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">\g<0></div></div>'
# After the raw HTML of other extensions has come back (30).
PRIORITY = 20


class CodeBlocksExtension(Extension):
    """Adds CodeBlocks."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.postprocessors.register(CodeBlocks(md), "code_blocks", PRIORITY)


class CodeBlocks(Postprocessor):
    """Completes each block of code, numbered on a page from 1, and each table without a class."""

    def run(self, text: str) -> str:
        number = count(1)

        def completed(block: re.Match) -> str:
            code = block[1]
            return COMPLETED.format(
                number=next(number), lines=code.rstrip("\n").count("\n") + 1, code=code
            )

        return TABLE.sub(SCROLLED, BLOCK.sub(completed, text))


def makeExtension(**options) -> CodeBlocksExtension:
    """What Python-Markdown calls, given the name `tutorial.page.code_blocks`."""
    return CodeBlocksExtension(**options)
