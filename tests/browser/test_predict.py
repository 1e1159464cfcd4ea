"""The question below a cell: choosing, looking at once, what is remembered, paper, no scripts."""

import pytest

from tests.browser import visits

CELL = "#tensors-broadcast-trap"
WRONG, RIGHT = "trap-element-by-element", "broadcast-trap"


@pytest.fixture
def opened(new_page):
    """Opens pages that are closed at the end of the test."""
    pages = []

    def opened(path: str = "tensors.html", **options):
        pages.append(new_page(path, **options))
        return pages[-1]

    yield opened
    for page in pages:
        assert page.complaints == []
        page.context.close()


class Question:
    """What a reader sees of the question below a cell."""

    def __init__(self, page, cell: str = CELL) -> None:
        self.page, self.cell = page, page.locator(cell)
        self.box, self.output = self.cell.locator(".predict"), self.cell.locator(".cell-run")
        self.said, self.show = self.box.locator("output"), self.box.locator(".show-output")
        self.whose = self.box.locator(".whose:visible")

    def option(self, name: str):
        return self.box.locator(f'[data-name="{name}"]')

    def pressed(self) -> list[str]:
        return self.box.locator("[aria-pressed=true]").evaluate_all(
            "all => all.map((each) => each.dataset.name)"
        )


def audit(page, prepare) -> list[str]:
    prepare(page)
    visits.wait_until_laid_out(page)
    return page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")


def test_a_wrong_choice_shows_the_output_and_whose_output_it_is(opened):
    question = Question(opened())
    assert not question.output.is_visible() and question.whose.count() == 0
    assert question.box.get_by_role("button").count() == 4
    # A screen reader hears of a change only where something was before.
    assert question.said.evaluate("said => !said.textContent && said.checkVisibility()")
    question.option(WRONG).click()
    assert question.output.is_visible() and "torch.Size([3, 3])" in question.output.inner_text()
    assert question.whose.inner_text().startswith("No: that is the output with\ntargets = ")
    assert question.said.inner_text() == "Not this: see the output below."
    assert question.pressed() == [WRONG] and not question.show.is_visible()


def test_the_right_choice_says_so_and_another_can_be_looked_at(opened):
    question = Question(opened())
    question.option(RIGHT).click()
    assert question.said.inner_text() == "Right: this is what it prints."
    assert question.output.is_visible() and question.whose.count() == 0
    question.option(WRONG).click()
    assert question.pressed() == [WRONG] and question.whose.count() == 1


def test_the_output_is_shown_at_once_and_the_focus_goes_to_it(opened):
    question = Question(opened())
    question.show.press("Enter")
    assert question.output.is_visible() and question.said.inner_text() == ""
    assert question.pressed() == [] and question.whose.count() == 0
    assert question.page.evaluate("document.activeElement.matches('.cell-output')")


def test_with_the_keyboard_alone(opened):
    question = Question(opened())
    question.cell.locator(".copy-program").focus()
    for _ in range(20):
        question.page.keyboard.press("Tab")
        if question.option(WRONG).evaluate("each => each === document.activeElement"):
            break
    question.page.keyboard.press("Space")
    assert question.pressed() == [WRONG] and question.output.is_visible()
    assert question.option(WRONG).evaluate("each => each === document.activeElement")
    # A screen reader reads out what changes in an "output".
    assert question.said.evaluate("each => each.matches('output') && each.checkVisibility()")


@pytest.mark.parametrize("chosen", [WRONG, RIGHT, ""])
def test_an_answer_is_remembered_and_forgotten_with_the_progress(opened, chosen):
    page = opened()
    question = Question(page)
    (question.option(chosen) if chosen else question.show).click()
    page.reload()
    page.wait_for_function(visits.LISTENING)
    assert question.output.is_visible() and question.pressed() == [chosen] * bool(chosen)
    other = Question(page, "#tensors-in-place")
    assert not other.output.is_visible()
    page.goto("index.html")
    page.get_by_role("button", name="Forget it all").click()
    page.goto("tensors.html")
    page.wait_for_function(visits.LISTENING)
    assert not question.output.is_visible() and question.pressed() == []


def test_an_answer_that_is_no_longer_asked_is_as_one_who_has_looked(opened):
    state = '{"pages":{"tensors":{"chosen":{"tensors-broadcast-trap":"renamed-since"}}}}'
    page = opened(before=f"localStorage.setItem('/.progress', '{state}')")
    question = Question(page)
    assert question.output.is_visible() and question.pressed() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_answered_in_both_palettes_and_on_a_narrow_phone(opened, prepare, scheme, width):
    page = opened(color_scheme=scheme, width=width)
    for name in (WRONG, RIGHT):
        question = Question(page)
        question.option(name).click()
        assert audit(page, prepare) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in question.box.get_by_role("button").all():
            if box := button.bounding_box():
                assert box["height"] >= 24 and box["x"] + box["width"] <= width


def test_a_question_why_hides_nothing_and_leads_to_a_proof(opened, prepare):
    page = opened("networks.html")
    question = Question(page, "#networks-net-unbatched")
    question.box = question.cell.locator(".why")
    question.said = question.box.locator("output")
    assert question.output.is_visible() and question.box.is_visible()
    buttons = question.box.get_by_role("button")
    assert buttons.count() == 3
    buttons.and_(question.box.locator(":not([data-right])")).first.click()
    assert question.said.inner_text() == "Not this."
    assert question.box.locator(".whose:visible").count() == 2, "and what proves the right one"
    question.box.locator("[data-right]").click()
    assert question.said.inner_text() == "Right."
    assert audit(page, prepare) == []
    page.reload()
    page.wait_for_function(visits.LISTENING)
    assert question.box.locator("[data-right][aria-pressed=true]").count() == 1
    assert question.box.locator(".whose:visible").count() == 1
    question.box.locator(".whose a:visible").click()
    page.wait_for_url("**/networks.html#networks-net-unbatched")


def test_paper_and_pages_without_scripts_have_the_output_and_no_question(opened):
    page = opened()
    page.emulate_media(media="print")
    question = Question(page)
    assert question.output.is_visible() and not question.box.is_visible()
    plain = Question(opened(java_script_enabled=False))
    assert plain.output.is_visible() and not plain.box.is_visible()


def test_a_link_to_what_is_folded_leads_to_its_cell(opened):
    page = opened("tensors.html#tensors-broadcast-trap")
    assert page.locator(CELL).is_visible()


def test_code_of_wrong_options_has_no_copy_button(opened):
    question = Question(opened())
    question.option(WRONG).click()
    question.cell.scroll_into_view_if_needed()
    question.cell.locator(".highlight .md-code__button").first.wait_for()
    assert question.whose.locator(".md-code__button, .md-code__nav").count() == 0
