"""A page that comes in parts stands still while it does."""

import pytest

from tests.browser.visits import SIZES, WATCH_SHIFTS


@pytest.mark.parametrize("device", SIZES)
@pytest.mark.parametrize("path", ["calls.html", "glossary.html", "results.html", "tensors.html"])
def test_nothing_moves_while_a_slow_network_brings_the_page(new_page, server, path, device):
    server.pause = 0.1
    try:
        page = new_page(path, *SIZES[device], before=WATCH_SHIFTS)
    finally:
        server.pause = 0.0
    shifts = page.evaluate("shifts")
    page.context.close()
    # A line that the network has cut in two may grow: two thousandths have been seen.
    assert [shift for shift in shifts if float(shift.partition(":")[0]) > 0.005] == []
