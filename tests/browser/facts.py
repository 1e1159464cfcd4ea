"""What holds for every page. The modules that import these tests say for which: `path`."""

import pytest

from tests.browser import visits
from tests.browser.visits import COMBINATIONS, Visit
from tutorial.lesson.project import Project

# What a page may weigh at load, compressed as a static host sends it, with 70 KB of fonts at most.
MOST_BYTES, MOST_REQUESTS, MOST_ELEMENTS = 190_000, 14, 7000
MOST_UNPACKED = 800_000


@pytest.mark.parametrize("combination", COMBINATIONS, ids=" ".join)
def test_axe_finds_nothing(visit: Visit, combination):
    assert visit.axe[combination] == []


def test_what_is_shown_anywhere_was_seen_by_all_rules_of_axe(visit: Visit):
    assert visit.shown_elsewhere == []


def test_a_narrow_phone_need_not_scroll_sideways(visit: Visit):
    assert visit.sticks_out == []


def test_the_console_is_silent(visit: Visit):
    assert visit.messages == []


def test_only_its_own_server_is_asked(visit: Visit, server):
    own = [address for address in visit.asked if address.startswith(server.origin + "/")]
    assert own and not set(visit.asked) - set(own)
    assert {reply.status for reply in visit.loaded} == {200}


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_nothing_moves_while_it_loads_and_is_scrolled(visit: Visit, device):
    assert visit.shifts[device] == []


def test_it_is_light(visit: Visit):
    total = sum(reply.size for reply in visit.loaded)
    heaviest = sorted(visit.loaded, key=lambda reply: -reply.size)[:6]
    named = ", ".join(f"{reply.path} {reply.size}" for reply in heaviest)
    assert total <= MOST_BYTES, f"{total}: {named}"
    assert sum(reply.unpacked for reply in visit.loaded) <= MOST_UNPACKED


def test_it_asks_seldom_and_has_few_elements(visit: Visit):
    paths = [reply.path for reply in visit.loaded]
    assert any("workers/search" in path for path in paths), "not all was counted"
    assert len(paths) <= MOST_REQUESTS, paths
    assert visit.elements <= MOST_ELEMENTS


def test_each_block_copies_its_source(visit: Visit):
    expected = visits.sources(Project.find(), visit.path)
    shown = [text.rstrip() for text in visit.blocks]
    assert shown == [visits.as_shown(source) for source in expected]


def test_each_block_has_a_button_of_its_own(visit: Visit):
    assert visit.buttons == len(visit.blocks)
    assert visit.misdirected == []


def test_outputs_have_no_copy_button(visit: Visit):
    assert visit.copied_outputs == []


def test_from_the_dark_palette_it_prints_dark_on_white(visit: Visit):
    assert visit.paper["dark"] == []
    assert visit.paper["pale"] == []


def test_it_prints_the_light_figures(visit: Visit):
    assert visit.paper["twins"] % 2 == 0
    assert visit.paper["wrong"] == []


def test_nothing_is_wider_than_paper_or_cut(visit: Visit):
    assert visit.paper["wide"] == []
    assert visit.paper["cut"] == []
