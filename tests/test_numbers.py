"""Measured numbers in the prose come from results and records, and from nobody's hand."""

import json

import pytest
from bs4 import BeautifulSoup
from markdown import Markdown

from tutorial import TutorialError
from tutorial.page import fences, formats, numbers
from tutorial.page.context import BuildContext, PageError
from tutorial.page.numbers import Numbers
from tutorial.record import records, results
from tutorial.site import export
from tutorial.site.checks import check_pages

SCRIPT = '''
"""Three recipes, a benchmark's stand-in."""

# %% plain recipe="plain"
import torch

torch.manual_seed(0)
print("a" * 3)

# %% better recipe="better"
torch.manual_seed(0)

# %% unmeasured recipe="unmeasured"
torch.manual_seed(0)
'''
PAGE = """\
---
description: A lesson
---

# Lesson

```section
lesson.py
```

## Plain loop

```cell
lesson.py::plain
```

```cell
lesson.py::better
```

```cell
lesson.py::unmeasured
```

"""


def spread(*values):
    return results.spread([value / 100 for value in values])


PLAIN = spread(52.1, 53.5, 53.2, 52.6, 53.1)
BETTER = spread(56.4, 57.9, 57.1, 57.2, 57.4)


def result(recipe, accuracy, seconds, on, **more):
    return {
        "script": recipe.cell.script,
        "cell": recipe.cell.name,
        "fingerprint": recipe.fingerprint(on),
        "data": "CIFAR-10 (JPEG copy)",
        "device": "Some <processor>",
        "threads": 1,
        "python": "3.11.2",
        "torch": "2.14.1",
        "torchvision": "0.29.1",
        "date": "2026-01-02",
        "revision": "abc1234",
        "seeds": [0, 1, 2, 3, 4],
        "accuracy": accuracy,
        "classes": {"cat": accuracy, "dog": spread(80, 81, 82, 83, 84)},
        "confusion": [[[52, 48], [18, 82]]] * 5,
        "seconds": results.times(seconds),
    } | more


def keep(sample, on="cpu", **more):
    """Write outcomes of the two measured recipes."""
    recipes = results.recipes(sample.project)
    path = results.path_of(sample.project, on)
    found = {
        "plain": result(recipes["plain"], PLAIN, [80, 81, 82, 83, 84], on, **more),
        "better": result(recipes["better"], BETTER, [10, 11.2, 11, 12, 13], on, **more),
    }
    for name, each in found.items():
        results.write(path, name, each, set(recipes))


@pytest.fixture
def lesson(light, monkeypatch):
    """A project with a lesson, results of two recipes and a results page."""
    light.script("lesson", SCRIPT, PAGE)
    (light.root / "docs" / "results.md").write_text("# Results\n\n```results\n```\n")
    keep(light)
    monkeypatch.setenv("DEVICE", "cpu")
    return light


@pytest.fixture(scope="module")
def ran(new_light):
    """A lesson that has run, on a sample that nobody changes."""
    sample = new_light()
    sample.script("lesson", SCRIPT, PAGE)
    (sample.root / "docs" / "results.md").write_text(
        "# Results\n\n```results\nplain: a loop\n```\n\n## Times\n\n```results\nlessons\n```\n"
    )
    keep(sample)
    done = sample.do("tutorial", "run")
    assert done.returncode == 0, done.stderr
    return sample


def number_of(sample, expression: str, **options) -> numbers.Number:
    return numbers.evaluate(Numbers(BuildContext(sample.project), **options), expression)


def text_of(sample, expression: str) -> str:
    return str(number_of(sample, expression)).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("accuracy('better')", "57.2 ± 0.5 %"),
        ("accuracy(\n  'better', of_class='cat')", "57.2 ± 0.5 %"),
        ("accuracy('plain', 'dog')", "82.0 ± 1.6 %"),
        ("accuracy_range('better')", "56.4 to 57.9 %"),
        ("accuracy_range('better', 'dog')", "80.0 to 84.0 %"),
        ("training_time('better')", "11 s"),
        ("seeds('better')", "5"),
        ("accuracy_difference('better', 'plain')", "4.3 points"),
        ("accuracy_difference('plain', 'better')", "−4.3 points"),
        ("accuracy_difference('plain', 'better', 'dog')", "0.0 points"),
        ("time_ratio('plain', 'better')", "7.3 times"),
        ("not_measured('25 ms')", "25 ms"),
        ("not_measured('3.5 % of 10 s')", "3.5 % of 10 s"),
    ],
)
def test_what_a_placeholder_stands_for(lesson, expression, text):
    assert text_of(lesson, expression) == text


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("accuracy('bettr')", "there is no recipe bettr: there are plain, better, unmeasured"),
        ("accuracy('unmeasured')", "has not been measured: make results RECIPES=unmeasured"),
        ("accuracy('better', 'bird')", "there is no class bird: there are cat, dog"),
        ("training_time('better', 'cat')", "cannot be read: training_time() takes"),
        (
            "acuracy('better')",
            "cannot be read: it is no call of a function that there is; there are accuracy(recipe",
        ),
        ("better accuracy", "cannot be read"),
        ("accuracy('better'", "cannot be read"),
        ("1 / 0", "cannot be read: it is no call of a function"),
        ("not_measured('x' * 10**10)", "'x' * 10 ** 10 is no string or number as it stands"),
        ("'x' * 10**10", "cannot be read: it is no call of a function"),
        ("measured_time(5)", "cannot be read: 'int' object has no"),
        ("'57 %'", "cannot be read: it is no call of a function"),
        ("better", "cannot be read: it is no call of a function"),
        ("range(3)", "it is no call of a function that there is"),
        ("", "cannot be read"),
        ("measured_time('lessen.py::a')", "there is no snippets/lessen.py; there are lesson.py"),
        ("measured_time('lesson.py::a')", "has no cell a: it has plain, better, unmeasured"),
        ("measured_time('lesson.py')", "write script.py::cell: it has plain"),
    ],
)
def test_what_cannot_be_shown_is_told_with_its_line(lesson, expression, says):
    (lesson.root / "docs" / "other.md").write_text(
        f"---\ntitle: Other\n---\n\n# Other\n\nOne.\nTwo {{{{ {expression} }}}}.\n"
    )
    (problem,) = check_pages(lesson.project)
    assert problem.startswith(f"docs/other.md:8: {{{{ {expression} }}}}")
    assert says in problem


def test_front_matter_has_no_placeholders(lesson):
    lesson.edit("docs/lesson.md", "description: A", "description: At {{ accuracy('better') }}, a")
    (problem,) = check_pages(lesson.project)
    assert problem.startswith("docs/lesson.md:2: ") and "front matter" in problem


def test_a_number_of_other_code_is_told_with_its_line(lesson):
    lesson.edit("docs/lesson.md", "## Plain loop", "{{ accuracy('better') }}\n\n## Plain loop")
    assert check_pages(lesson.project) == []
    lesson.edit(
        "snippets/lesson.py", '# %% better recipe="better"', '# %% better recipe="better"\n1'
    )
    (problem,) = check_pages(lesson.project)
    assert problem == (
        f"{lesson.place('docs/lesson.md', '{{')}: {{{{ accuracy('better') }}}}:"
        " outputs/cpu/results.json: recipe better was measured with other code; make results"
        " RECIPES=better"
    )


def test_what_was_measured_on_other_data_or_devices_is_not_compared(lesson):
    path = results.path_of(lesson.project, "cpu")
    found = results.read(path)["plain"] | {"data": "CIFAR-10"}
    results.write(path, "plain", found, {"plain", "better"})
    with pytest.raises(TutorialError, match="other devices or data"):
        number_of(lesson, "accuracy_difference('better', 'plain')")


def test_times_of_two_machines_are_not_compared_and_accuracies_are(lesson):
    path = results.path_of(lesson.project, "cpu")
    found = results.read(path)["plain"] | {"device": "Some <processor>, AVX2"}
    results.write(path, "plain", found, {"plain", "better"})
    with pytest.raises(TutorialError, match='RECIPES="plain better"') as told:
        number_of(lesson, "time_ratio('plain', 'better')")
    assert "(Some <processor>, AVX2, 1 thread, torch 2.14.1; Some <pro" in str(told.value)
    assert text_of(lesson, "accuracy_difference('better', 'plain')") == "4.3 points"


def render(sample, text: str) -> BeautifulSoup:
    converter = Markdown(
        extensions=[
            "abbr",
            "admonition",
            "attr_list",
            "pymdownx.highlight",
            "pymdownx.superfences",
            "tables",
            "toc",
            "tutorial.page.context",
            "tutorial.page.numbers",
        ],
        extension_configs={
            "pymdownx.superfences": {
                "custom_fences": [
                    {"name": "cell", "class": "cell", "format": fences.show},
                    {"name": "results", "class": "r", "format": fences.show},
                ]
            },
            "tutorial.page.context": {"context": BuildContext(sample.project)},
        },
    )
    return BeautifulSoup(converter.convert(text), "html.parser")


def test_a_number_links_to_where_it_comes_from(lesson):
    text = "It reaches {{ accuracy('better') }}, *{{ training_time('better') }}* and more."
    link = render(lesson, text).select("a")
    assert [one.get_text() for one in link] == ["57.2\u00a0±\u00a00.5\u00a0%", "11\u00a0s"]
    assert {one["href"] for one in link} == {"results.html#better"}
    for fact in ("CIFAR-10 (JPEG copy)", "5 seeds", "CPU: Some <processor>", "2026-01-02"):
        assert fact in link[0]["title"]


def test_a_choice_is_plain_text(lesson):
    html = render(lesson, "Wait {{ not_measured('25 ms') }}.")
    assert str(html).strip() == "<p>Wait 25\u00a0ms.</p>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# At {{ accuracy('better') }}", "At 57.2"),
        ("[see {{ accuracy('better') }}](https://example.org)", "see 57.2"),
        ('!!! note "At {{ accuracy("better") }}"\n\n    Text.', "At 57.2"),
        ("![It is {{ accuracy('better') }}](a.png)", "It is 57.2"),
        ("<img src='a.png' alt='It is {{ accuracy(\"better\") }}'>", "It is 57.2"),
    ],
)
def test_there_is_no_link_within_a_heading_or_a_link_or_an_attribute(lesson, text, expected):
    html = render(lesson, text)
    shown = html.img["alt"] if html.img else html.get_text().strip()
    assert shown.startswith(expected)
    assert not html.select("a.number")


@pytest.mark.parametrize(
    "text",
    [
        '!!! note "At {{ accuracy_range("better") }}"\n\n    It is {{ accuracy("better") }}.',
        "| a |\n|---|\n| {{ accuracy('better') }} |",
        "- one\n- {{ accuracy('better') }}",
        "- one\n    - {{ accuracy(\n      'better') }}",
        "{{ accuracy('better') }}",
        "a {{\naccuracy('better',\n'cat') }} over three lines",
        "the seed: {{ accuracy('better') }}\n\n*[accuracy]: share of right answers",
        "<div>{{ accuracy('better') }}</div>",
        "without blanks: {{accuracy('better')}}",
        "at US\\$5 and {{ accuracy('better') }} for US\\$6",
    ],
)
def test_numbers_stand_wherever_prose_does(lesson, text):
    assert "57.2\u00a0±\u00a00.5\u00a0%" in render(lesson, text).get_text()
    assert "{{" not in render(lesson, text).get_text()


@pytest.mark.parametrize(
    "text",
    [
        "`{{ accuracy('no') }}`",
        "```text\n{{ accuracy('no') }}\n```",
        "~~~\n{{ accuracy('no') }}\n~~~",
        "$x^{{ accuracy('no') }}$ and $y$",
        "$$\nx^{{ accuracy('no') }}\n$$",
    ],
)
def test_code_and_formulas_are_left_as_they_are(lesson, text):
    assert "{{ accuracy('no') }}" in render(lesson, text).get_text()
    (lesson.root / "docs" / "other.md").write_text(f"# Other\n\n{text}\n")
    assert check_pages(lesson.project) == []
    assert numbers.filled(text, Numbers(BuildContext(lesson.project))) == text


def test_an_unknown_name_stops_the_page(lesson):
    with pytest.raises(TutorialError, match=r"{{ accuracy\('other'\) }}: there is no recipe"):
        render(lesson, "One.\n{{ accuracy('other') }}\n")


def test_the_site_fails_with_page_and_line_in_the_file(ran, tmp_path):
    sample = ran.copy(tmp_path / "a copy")
    path = sample.root / "docs" / "lesson.md"
    path.write_text(f"{path.read_text()}{{{{ accuracy('unmeasured') }}}}\n")
    done = sample.do("tutorial", "site")
    assert done.returncode == 1
    said = "{{ accuracy('unmeasured') }}: recipe unmeasured has not been measured"
    assert f"{sample.place('docs/lesson.md', '{{')}: {said}" in done.stderr


# Beside outputs of a stand-in


DRAWN = frozenset({"drawn stand-in"})


@pytest.mark.parametrize(
    ("expression", "mark"),
    [
        ("accuracy('better')", "CIFAR-10"),
        ("accuracy('better', 'cat')", "CIFAR-10"),
        ("accuracy_range('better')", "CIFAR-10"),
        ("accuracy_difference('better', 'plain')", "CIFAR-10"),
        ("training_time('better')", ""),
        ("time_ratio('plain', 'better')", ""),
        ("seeds('better')", ""),
        ("not_measured('5 %')", ""),
    ],
)
def test_beside_a_stand_in_an_accuracy_says_what_it_was_measured_on(lesson, expression, mark):
    bare = number_of(lesson, expression)
    for real in ("CIFAR-10", "CIFAR-10 (JPEG copy)", "random weights (stand-in)"):
        assert number_of(lesson, expression, beside=frozenset({real})) == bare
    marked = number_of(lesson, expression, beside=DRAWN)
    assert (marked.text, marked.measured_on) == (bare.text, mark)
    assert str(marked) == bare.text + (f" ({mark})" if mark else "")


@pytest.mark.parametrize(
    ("data", "beside", "mark"),
    [
        ("", "drawn stand-in", ""),
        ("CIFAR-10, pretrained weights", "drawn stand-in, pretrained weights", "CIFAR-10"),
        ("pretrained weights", "drawn stand-in", ""),
        (
            "CIFAR-10, pretrained weights",
            "CIFAR-10, random weights (stand-in)",
            "pretrained weights",
        ),
        (
            "CIFAR-10 (JPEG copy), pretrained weights",
            "drawn stand-in, random weights (stand-in)",
            "CIFAR-10, pretrained weights",
        ),
    ],
)
def test_only_what_a_stand_in_replaces_is_named(lesson, data, beside, mark):
    keep(lesson, data=data)
    number = number_of(lesson, "accuracy('better')", beside=frozenset(beside.split(", ")))
    assert number.measured_on == mark


def ran_on(sample, section: str, data: str):
    """Put the name of the data into the records of a section."""
    for path in (sample.root / "build" / "cpu" / section).glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"data": data}))


def test_a_page_takes_the_data_of_its_own_cells_and_without_any_that_of_all(ran, tmp_path):
    sample = ran.copy(tmp_path / "a copy")
    sample.script("drawn", "# %% one\nCIFAR10 = 1\n")
    sample.script("real", "# %% one\nCIFAR10 = 2\n")
    for section, data in (("drawn", "drawn stand-in, random weights (stand-in)"), ("real", "A")):
        records.Record("one", "", "", 0.0, data=data).write(sample.root / "build/cpu" / section)
    drawn = {"drawn stand-in", "random weights (stand-in)"}
    own = {"drawn": drawn, "real": {"A"}, "lesson": drawn | {"A"}, "results": drawn | {"A"}}
    for page, data in own.items():
        assert BuildContext(sample.project).data_beside(page) == data


@pytest.mark.parametrize("data", ["CIFAR-10", "drawn stand-in"])
def test_all_forms_of_a_page_with_outputs_of_a_stand_in_mark_its_numbers(
    ran, tmp_path, monkeypatch, data
):
    sample = ran.copy(tmp_path / "a copy")
    ran_on(sample, "lesson", data)
    path = sample.root / "docs" / "lesson.md"
    path.write_text(
        path.read_text() + "## At {{ accuracy('plain') }}\n\n{{ accuracy_range('better') }}\n"
    )
    done = sample.do("tutorial", "site")
    assert done.returncode == 0, done.stderr
    is_drawn = data == "drawn stand-in"
    html = BeautifulSoup((sample.site / "lesson.html").read_text("utf-8"), "html.parser")
    note = html.select_one(".stand-in-note")
    assert bool(note) == bool(html.select("a.number small")) == is_drawn
    if note:
        assert "(CIFAR-10) was measured on the real images" in note.extract().get_text()
    texts = [html.select_one("article").get_text()]
    texts += [(sample.site / f"lesson.{kind}").read_text("utf-8") for kind in ("md", "ipynb")]
    mark = " (CIFAR-10)" if is_drawn else ""
    for text in texts:
        assert f"At 52.9\u00a0±\u00a00.5\u00a0%{mark}" in text
        assert f"56.4\u00a0to\u00a057.9\u00a0%{mark}" in text
        assert text.count("(CIFAR-10)") == (2 if is_drawn else 0)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("note: CIFAR-10 could not be" if is_drawn else "built: ")


# Times to plan with


def two_lessons(sample):
    """A second lesson and a page that is none, beside docs/lesson.md."""
    sample.script("other", '"""Other."""\n\n# %% one\nprint(1)\n')
    (sample.root / "docs" / "page.md").write_text("# A page\n\n```exercise\nx.py::y\n```\n")


def test_study_time_is_that_of_the_pages(lesson):
    two_lessons(lesson)
    lesson.edit("docs/lesson.md", "## Plain", "word " * 200 * 20 + "\n\n## Plain")
    lesson.edit(
        "docs/lesson.md", "## Plain", "## More: aside\n\n" + "word " * 2000 + "\n\n## Plain"
    )
    assert text_of(lesson, "study_time('lesson.md')") == "30 min"  # and three cells
    assert text_of(lesson, "core_time('lesson.md')") == "20 min"
    assert text_of(lesson, "study_time('lesson.md#more-aside')") == "10 min"
    assert text_of(lesson, "study_time('other.md')") == "1 min"
    assert text_of(lesson, "study_time()") == "35 min"
    lesson.edit("docs/lesson.md", "## More", "word " * 200 * 120 + "\n\n## More")
    assert text_of(lesson, "core_time()") == "2½ hours"
    assert text_of(lesson, "study_time()") == "2½ hours"


def test_a_session_is_none_of_the_lessons_that_build_on_each_other(lesson):
    two_lessons(lesson)
    blank = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n\n# %% check-one\nprint(x)\n"
    (lesson.root / "snippets" / "other.py").write_text(f'"""Other."""\n\n# %% one\n{blank}')
    lesson.edit("docs/other.md", "# other", "# other\n\n" + "word " * 2000)
    assert text_of(lesson, "study_time('other.md')") == "10 min"
    assert text_of(lesson, "study_time()") == "2 min"


def test_exercises_are_those_of_the_page(lesson):
    two_lessons(lesson)
    assert text_of(lesson, "exercises('lesson.md')") == "0 exercises"
    lesson.edit("docs/lesson.md", "## Plain", "```exercise\nlesson.py::a\n```\n\n## Plain")
    assert text_of(lesson, "exercises('lesson.md')") == "1 exercise"
    lesson.edit("docs/other.md", "# other", "# other\n\n```exercise\nother.py::a\n```\n")
    assert text_of(lesson, "exercises()") == "2 exercises"
    html = render(lesson, "{{ exercises('lesson.md') }} of {{ exercises() }}")
    count = html.select("span.exercises")
    assert [(one["data-page"], one.get_text()) for one in count] == [("lesson", "1\u00a0exercise")]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("study_time('lessen.md')", "docs/lessen.md is no lesson: there are lesson.md"),
        ("core_time('lesson.md#plan')", "has no #plan: there are #lesson, #plain-loop"),
        ("exercises('lesson.md', 'page.md')", "docs/page.md is no lesson"),
        ("lesson.md minutes", "cannot be read"),
    ],
)
def test_a_page_that_is_no_lesson_has_no_times(lesson, expression, says):
    (lesson.root / "docs" / "page.md").write_text(f"# A page\n\n{{{{ {expression} }}}}\n")
    (problem,) = check_pages(lesson.project)
    assert problem.startswith("docs/page.md:3: ") and says in problem


def test_a_check_needs_no_run(lesson):
    needs_one = "{{ measured_time('lesson.py::plain') }}, {{ run_with() }}, {{ cells_on_gpu() }}"
    lesson.edit("docs/lesson.md", "## Plain", f"{needs_one}\n\n## Plain")
    assert check_pages(lesson.project) == []


# The record of this build's run, the site and its exports


@pytest.fixture(scope="module")
def site(ran, tmp_path_factory):
    """The lesson's site, with numbers in the prose."""
    sample = ran.copy(tmp_path_factory.mktemp("numbers") / "a copy")
    path = sample.root / "docs" / "lesson.md"
    path.write_text(
        path.read_text()
        + "It reaches **{{ accuracy('better') }}** after {{ measured_time('lesson.py::plain') }}."
        " `{{ no placeholder }}`\n"
    )
    done = sample.do("tutorial", "site")
    assert done.returncode == 0, done.stderr
    return sample


def test_the_built_page_has_the_time_of_its_own_run(site):
    html = BeautifulSoup((site.site / "lesson.html").read_text(encoding="utf-8"), "html.parser")
    accuracy, cell = html.select("a.number")
    seconds = json.loads((site.root / "build/cpu/lesson/plain.json").read_text())["seconds"]
    shown = formats.run_seconds(seconds).replace(" ", "\u00a0")
    assert accuracy["href"] == "results.html#better"
    assert (cell.get_text(), cell["href"]) == (shown, "lesson.html#lesson-plain")
    assert "CPU" in cell["title"]


def test_links_of_numbers_lead_to_something(site):
    html = BeautifulSoup((site.site / "lesson.html").read_text(encoding="utf-8"), "html.parser")
    for link in html.select("a.number"):
        page, _, anchor = link["href"].partition("#")
        target = BeautifulSoup((site.site / page).read_text(encoding="utf-8"), "html.parser")
        assert not anchor or target.find(id=anchor)


@pytest.mark.parametrize("name", ["lesson.md", "lesson.ipynb"])
def test_exports_have_the_text_of_the_numbers(site, name):
    text = (site.site / name).read_text(encoding="utf-8")
    assert "It reaches **57.2\u00a0±\u00a00.5\u00a0%** after" in text
    assert text.count("{{") == 1 and "`{{ no placeholder }}`" in text


def test_code_in_an_export_keeps_its_braces(lesson):
    lesson.edit("snippets/lesson.py", '"a" * 3', 'f"{{ better }}"')
    page = lesson.root / "docs" / "lesson.md"
    assert 'f"{{ better }}"' in export.flat(BuildContext(lesson.project), page, outputs=False)


# Numbers by hand

HAND = [
    "It reaches 57 % of them.",
    "It reaches 57.2% of them.",
    "It reaches 57.2\u00a0± 0.5\u00a0% of them.",
    "It reaches 57 per cent.",
    "It takes 12 s.",
    "It takes 12.5s.",
    "It takes 3 ms, or more.",
    "It takes 3 µs.",
    "It takes 2 seconds.",
    "A 12-second run.",
    "It takes 1,200 seconds.",
    "It takes 5 minutes.",
    "It takes 2 hours",
    "An accuracy of 0.57 is little.",
    "**57 %**",
    "[57 %](https://example.org)",
    "![57 %](a.png)",
    '<img src="a.png" alt="57 % are right">',
    '!!! note "After 12 s"',
    "| a | 57 % |",
    "x {{ not_measured('3 s') }} and 57 %",
]
NO_HAND = [
    "In the 1990s.",
    "It has 3 samples, 2 students, 10 steps, 3 hens.",
    "`57 %`, ``12 s``",
    "$57\\%$ and $$12 s$$",
    "[text](https://example.org/57%20s/12s)",
    "<https://example.org/12s>",
    '<div style="width: 57%">Text</div>',
    "Text\n{ style='width: 57%' }",
    "{{ not_measured('57 %') }}",
    "<!-- 57 % -->",
    "```text\n57 %\n12 s\n```",
    "    ```text\n    57 %\n    ```",
    "v2.5 shows 1x1",
]


@pytest.mark.parametrize("text", HAND)
def test_a_number_by_hand_is_told_with_its_line(light, text):
    page = light.root / "docs" / "other.md"
    page.write_text(f"# Other\n\n{text}\n")
    (problem,) = check_pages(light.project)
    assert problem.startswith('docs/other.md:3: "')
    assert "is written by hand" in problem and "{{ not_measured(" in problem


@pytest.mark.parametrize("text", NO_HAND)
def test_what_is_no_measured_number_passes(light, text):
    (light.root / "docs" / "other.md").write_text(f"# Other\n\n{text}\n")
    assert check_pages(light.project) == []


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", "includes/terms.md"])
def test_numbers_by_hand_are_found_beside_the_pages(light, file):
    path = light.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("Text.\nIt takes 12 s, `12 s`, {{ not_measured('3 s') }}.\n")
    said = check_pages(light.project)
    assert sorted(problem.partition(" ")[0] for problem in said) == [f"{file}:2:"] * 2
    assert any('"12 s" is written by hand' in problem for problem in said)
    assert any("is put into pages alone" in problem for problem in said)


def test_numbers_by_hand_are_found_in_labs_and_in_texts_of_figures(light):
    sound = 'sound="a.wav" heard="A tone of 2 s"'
    light.script("lesson", f'# %% one alt="A bar at 57 %" {sound}\nprint(1)\n')
    folder = light.root / "snippets" / "labs"
    folder.mkdir()
    (folder / "lesson.py").write_text(
        "# %% [markdown]\n# # Lab\n#\n# It takes 12 s, {{ not_measured('3 s') }}.\n\n"
        "# %% code\n# 3 s\n"
    )
    light.do("tutorial", "labs")
    said = check_pages(light.project)
    assert [problem.partition(' "')[0] for problem in said if "by hand" in problem] == [
        "snippets/labs/lesson.py:4:",
        "snippets/lesson.py:1: alt of cell one:",
        "snippets/lesson.py:1: heard of cell one:",
    ]
    assert [problem.partition(" ")[0] for problem in said if "pages alone" in problem] == [
        "snippets/labs/lesson.py:4:"
    ]


def test_lines_are_those_of_the_source():
    text = "a `b\nc` d\n\n```x\n57 %\n```\n12 s {{ x }}\n"
    assert list(numbers.by_hand(text)) == [(7, "12 s")]
    assert [line for line, _ in numbers.placeholders(text)] == [7]


# The results page


def test_the_results_page_has_table_picture_classes_and_times(site):
    html = BeautifulSoup((site.site / "results.html").read_text(encoding="utf-8"), "html.parser")
    shown, lessons = html.select("section.results")
    overview, *others = shown.select("table")
    (times,) = lessons.select("table")
    assert [" ".join(row.get_text(" ").split()) for row in overview.select("tbody tr")] == [
        "plain a loop 52.9 ± 0.5 % 52.1 to 53.5 % 82 s",
        "better 57.2 ± 0.5 % 56.4 to 57.9 % 11 s",
    ]
    said = shown.select_one("p").get_text()
    assert "over 5 seeds" in said and "All on CIFAR-10 (JPEG copy)." in said
    assert "median time on a CPU, by" in said
    assert overview.select_one("a")["href"] == "lesson.html#lesson-plain"
    picture = shown.select_one("svg[role=img]")
    assert len(picture.select("circle")) == 10
    for words in ("better: 56.4 to 57.9 %, mean 57.2", "plain: 52.1 to 53.5 %"):
        assert words in picture["aria-label"]
    (classes,) = others  # of all recipes
    assert [" ".join(row.get_text(" ").split()) for row in classes.select("tr")] == [
        "Recipe cat dog",
        "plain 52.9 ± 0.5 82.0 ± 1.6",
        "better 57.2 ± 0.5 82.0 ± 1.6",
    ]
    for fact in ("Machine: Some <processor>", "Sources: abc1234", "Seeds: 5", "Device: CPU"):
        assert fact in shown.get_text()
    assert shown.get_text().count("CPU") == 2
    assert "Not measured with their present code: unmeasured" in shown.get_text()
    assert times.select_one("a")["href"] == "lesson.html"
    assert " s" in times.select("td")[0].get_text().replace("\u00a0", " ")


def test_dots_are_where_the_scale_says(site):
    html = BeautifulSoup((site.site / "results.html").read_text(encoding="utf-8"), "html.parser")
    picture = html.select_one("section.results svg")
    ticks = [
        (float(text["x"]), float(text.get_text().partition("\u00a0")[0]))
        for text in picture.select("text:not(.name)")
    ]
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]
    for dot, value in zip(
        picture.select("circle"), PLAIN["values"] + BETTER["values"], strict=True
    ):
        shown = v0 + (float(dot["cx"]) - x0) / (x1 - x0) * (v1 - v0)
        assert shown == pytest.approx(value * 100, abs=0.03)


def test_recipes_stand_in_the_order_of_the_lines_and_others_below(lesson):
    def order(text):
        html = render(lesson, f"```results\n{text}```")
        names = [head["id"] for head in html.select("table")[0].select("th[id]")]
        assert html.select_one("svg text.name").text.startswith(names[0])
        return names

    assert order("") == ["plain", "better"]
    assert order("better: as quick as it gets\n") == ["better", "plain"]


def test_a_group_has_a_table_and_a_picture_of_its_own(lesson):
    text = "[One]\nbetter: as quick as it gets\n[Two]\nplain: a loop\n"
    html = render(lesson, f"```results\n{text}```")
    assert [head.get_text() for head in html.select("h3")][:2] == ["One", "Two"]
    pictures = html.select("svg[role=img]")
    named = [[name.get_text() for name in each.select(".name")] for each in pictures]
    assert named == [["better"], ["plain"]]
    scales = [[text.get_text() for text in each.select("text:not(.name)")] for each in pictures]
    assert scales[0] != scales[1]
    ends = [float(name["x"]) + 7 * len(name.get_text()) for name in html.select("svg .name")]
    assert max(ends) < min(float(dot["cx"]) for dot in html.select("circle"))


def test_a_recipe_without_a_data_set_needs_no_column(lesson):
    path = results.path_of(lesson.project, "cpu")
    results.write(path, "plain", results.read(path)["plain"] | {"data": ""}, {"plain", "better"})
    html = render(lesson, "```results\n```")
    assert "Data set, if any: CIFAR-10 (JPEG copy)." in html.select_one("section.results p").text
    assert "Data" not in [head.text for head in html.select("table")[0].select("thead th")]


def test_recipes_of_which_none_has_a_data_set_need_no_column_and_no_words(lesson):
    keep(lesson, data="")
    html = render(lesson, "```results\n```")
    assert html.select_one("section.results p").text.endswith("by the recipe's own clock.")
    assert "Data" not in [head.text for head in html.select("table")[0].select("thead th")]


def test_results_of_two_devices_stand_together(ran, tmp_path, monkeypatch):
    sample = ran.copy(tmp_path / "a copy")
    keep(sample, "cuda", device="Some GPU", data="CIFAR-10")
    monkeypatch.setenv("DEVICE", "cpu")
    html = render(sample, "```results\n```")
    first, second, *_ = html.select("table")[0].select("tbody tr")
    assert [row.th.code.get_text() for row in (first, second)] == ["plain, CPU", "plain, GPU"]
    assert [row.th.get("id") for row in (first, second)] == ["plain", None]
    facts = html.select("details table")[0]
    assert [head.get_text() for head in facts.select("thead th")] == [
        *("Recipe", "Device", "Data", "Machine"),
    ]
    rows = [[cell.get_text() for cell in row.select("td")] for row in facts.select("tbody tr")]
    assert rows[:2] == [
        ["CPU", "CIFAR-10 (JPEG copy)", "Some <processor>"],
        ["GPU", "CIFAR-10", "Some GPU"],
    ]
    assert len(html.select("circle.other")) == 10
    assert number_of(sample, "accuracy('better')").title.count("CPU")
    sample.edit("snippets/lesson.py", '"a" * 3', '"b" * 3')
    sample.do("tutorial", "run")
    assert "plain" not in [
        row["id"] for row in render(sample, "```results\n```").select("tbody th[id]")
    ]


def test_the_results_page_renders_with_no_results(ran, tmp_path, monkeypatch):
    sample = ran.copy(tmp_path / "a copy")
    results.path_of(sample.project, "cpu").unlink()
    monkeypatch.setenv("DEVICE", "cpu")
    html = render(sample, "```results\n```")
    assert "No recipe has been measured yet" in html.get_text()
    assert not html.select("svg, table")


def test_a_description_of_no_recipe_stops_the_page(lesson):
    with pytest.raises(PageError, match=r"'beter'; .* the recipes are plain, better"):
        render(lesson, "```results\nbeter: better\n```")
