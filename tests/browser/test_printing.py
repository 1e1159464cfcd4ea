"""Pages as PDF: the printer's own view of what facts.py asks of each page."""

import re

import pytest


@pytest.mark.parametrize("path", ["autograd.html", "results.html"])
def test_a_page_prints_from_the_dark_palette(new_page, path):
    page = new_page(path, color_scheme="dark")
    page.wait_for_function("() => document.body.dataset.mdColorScheme === 'slate'")
    pdf = page.pdf(format="A4")
    page.context.close()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
