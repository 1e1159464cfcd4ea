"""What a page shows of a run, and what is told of a page that shows something else."""

import json
import re
import shutil
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from markdown import Markdown

from tutorial.page import fences, formats, programs
from tutorial.page.context import BuildContext, PageError
from tutorial.record import records
from tutorial.record.transcripts import Entry, Transcript
from tutorial.site.checks import check_pages
from tutorial.site.export import flat, notebook

EXTENSIONS = ["admonition", "pymdownx.highlight", "pymdownx.superfences", "tutorial.page.context"]


def parse(path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def block(html: BeautifulSoup, cell: str):
    """The element that shows a cell."""
    found = html.select(f'.cell[id="basics-{cell}"]')
    assert len(found) == 1
    return found[0]


def text_of(sample, cell: str) -> str:
    return records.read(sample.project, "cpu", "basics", cell).text


def render(sample, text: str, device: str = "cpu") -> BeautifulSoup:
    """Convert Markdown as it stands in a page of a project."""
    options = {
        "pymdownx.superfences": {"custom_fences": fences.CUSTOM},
        "tutorial.page.context": {"context": BuildContext(replace(sample.project, device=device))},
    }
    converter = Markdown(extensions=EXTENSIONS, extension_configs=options)
    return BeautifulSoup(converter.convert(text), "html.parser")


# Pages and scripts must fit each other

TWO_CELLS = "# %% one\nprint(1)\n\n# %% two\nprint(2)\n"


def page(*cells: str) -> str:
    return "# Title\n\n" + "\n".join(f"```cell\n{cell}\n```\n" for cell in cells)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (page("lesson.py::one", "lesson.py::two"), []),
        (page("lesson.py::one"), ["snippets/lesson.py:4: no page shows cell two"]),
        (
            page("lesson.py::one", "lesson.py::two", "lesson.py::three"),
            ["docs/lesson.md:12: snippets/lesson.py has no cell three"],
        ),
        (
            page("lesson.py::one", "lessen.py::one", "lesson.py::two"),
            ["docs/lesson.md:8: there is no snippets/lessen.py"],
        ),
        (
            page("lesson.py::one", "lesson.py::two", "lesson.py::one"),
            ["docs/lesson.md:12: lesson.py::one is shown at docs/lesson.md:4 already"],
        ),
        (
            page("lesson.py::one", "lesson.py::two", "lesson.py"),
            ["docs/lesson.md:12: a cell fence holds one line"],
        ),
        (
            page("lesson.py::one", "lesson.py::two") + "\n```section\nlessen.py\n```\n",
            ["docs/lesson.md:12: there is no snippets/lessen.py"],
        ),
        (
            page("lesson.py::two", "lesson.py::one"),
            ["docs/lesson.md:8: shown below two, but runs before it"],
        ),
        (
            '!!! note "Title"\n\n    ```cell\n    lesson.py::one\n    ```\n\n'
            + page("lesson.py::two"),
            [],
        ),
    ],
    ids=[
        "fits",
        "not shown",
        "no cell",
        "no script",
        "twice",
        "no name",
        "section",
        "order",
        "indented",
    ],
)
def test_what_does_not_fit_is_told_with_its_line(light, text, expected):
    light.script("lesson", TWO_CELLS, text)
    problems = check_pages(light.project)
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start)


FENCES_OF_BOTH = page("lesson.py::one", "lesson.py::two")


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        (FENCES_OF_BOTH.removesuffix("```\n"), 7),
        (FENCES_OF_BOTH.replace("```\n\n", "\n", 1), 3),
        (f"{FENCES_OF_BOTH}\n```python\nx = 1\n\nProse.\n", 11),
        (f"{FENCES_OF_BOTH}\n~~~ text\n```\n", 11),
        (f"{FENCES_OF_BOTH}\n> ```text\n> words\n\nProse.\n", 11),
        (
            FENCES_OF_BOTH.replace("```cell\nlesson.py::two", "- x\n\n    ```cell\nlesson.py::two"),
            9,
        ),
        (f"{FENCES_OF_BOTH}\n````md\n```cell\n```\n````\n> ```\n> words\n>\n> ```\n", 0),
    ],
    ids=["at the end", "before a fence", "python", "tildes", "quoted", "indented", "all closed"],
)
def test_a_fence_that_is_not_closed_is_told(light, text, opens):
    light.script("lesson", TWO_CELLS, text)
    told = [
        problem for problem in check_pages(light.project) if "this fence is not closed" in problem
    ]
    assert [problem.partition(": ")[0] for problem in told] == [f"docs/lesson.md:{opens}"] * bool(
        opens
    )


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("---\ntitle: [A\n---\n", "is not closed by a line '---', or holds no YAML"),
        ("---\n- A\n---\n", "is not closed by a line '---', or holds no YAML"),
        ("---\ntitle: A\n\n", "is not closed by a line '---', or holds no YAML"),
        ("Note: the first line.\n\n", "MkDocs takes this line for front matter"),
        ("---\ntitle: A\n---\n", ""),
        ("", ""),
    ],
)
def test_front_matter_that_mkdocs_reads_otherwise_is_told(light, head, says):
    page = light.root / "docs" / "index.md"
    page.write_text(f"{head}# Home\n", encoding="utf-8")
    problems = check_pages(light.project)
    assert [problem.partition(": ")[0] for problem in problems] == ["docs/index.md:1"] * bool(says)
    assert says in "".join(problems)


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ("hide: 5", "docs/index.md:3: hide is 5 in the front matter, where a list belongs"),
        ("template: 5", "docs/index.md:3: template is 5 in the front matter, where text belongs"),
        ("search: all", "search is 'all' in the front matter, where a mapping belongs"),
        ("hide:\n  - toc", ""),
    ],
)
def test_a_fact_in_front_matter_of_another_kind_is_told(light, fact, says):
    page = light.root / "docs" / "index.md"
    page.write_text(f"---\ntitle: Home\n{fact}\n---\n# Home\n", encoding="utf-8")
    problems = check_pages(light.project)
    assert says in "".join(problems)
    assert bool(problems) == bool(says)


@pytest.mark.parametrize(
    "file",
    [
        *("docs/lesson.md", "snippets/lesson.py", "outputs/cuda/lesson.txt", "mkdocs.yml"),
        *("includes/abbreviations.md", "theme/assets/site.css", "snippets/labs/lesson.py"),
    ],
)
def test_what_is_left_of_a_merge_conflict_is_told(light, file):
    light.script("lesson", TWO_CELLS)
    path = light.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as text:
        text.write("\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n")
    done = light.do("tutorial", "site")
    assert done.returncode == 1 and not light.site.exists()
    place = light.place(file, "<<<<<<< HEAD")
    assert done.stderr.strip().startswith(f"{place}: a merge conflict is left here")


def test_a_page_may_begin_with_a_byte_order_mark(light):
    light.script("lesson", TWO_CELLS, "\ufeff" + page("lesson.py::one", "lesson.py::two"))
    assert check_pages(light.project) == []
    assert BuildContext(light.project).title_of("lesson") == "Title"


def test_a_control_character_in_a_page_is_told_with_its_line(light):
    light.script("lesson", TWO_CELLS, page("lesson.py::one", "lesson.py::two") + "red: \x1b[31m\n")
    done = light.do("tutorial", "check")
    assert done.returncode == 1
    place = light.place("docs/lesson.md", "red:")
    assert done.stderr.strip().startswith(f"{place}: holds the control character U+001B")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_cell_shown_on_two_pages_is_told(light):
    light.script("lesson", TWO_CELLS)
    (light.root / "docs" / "other.md").write_text(page("lesson.py::two"))
    (problem,) = check_pages(light.project)
    first = light.place("docs/lesson.md", "::two")
    assert problem == f"docs/other.md:4: lesson.py::two is shown at {first} already"


def test_a_script_without_a_page_of_its_name_is_told(light):
    light.script("lesson", TWO_CELLS)
    (light.root / "docs" / "lesson.md").rename(light.root / "docs" / "other.md")
    (problem,) = check_pages(light.project)
    assert "snippets/lesson.py" in problem
    assert "docs/lesson.md" in problem


def test_check_fails_and_runs_nothing(light):
    light.script("lesson", TWO_CELLS, page("lesson.py::one", "lesson.py::gone"))
    done = light.do("tutorial", "check")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "docs/lesson.md:8: snippets/lesson.py has no cell gone",
        "snippets/lesson.py:4: no page shows cell two; show it or remove it",
    ]
    assert not (light.root / "build").exists()
    light.script("lesson", TWO_CELLS)
    done = light.do("tutorial", "check")
    advice = "make outputs SECTIONS=lesson"
    assert done.stderr == f"outputs/cpu/lesson.txt: there is no such transcript; {advice}\n"
    light.do("tutorial", "outputs")
    assert light.do("tutorial", "check").returncode == 0


# Nothing is shown that no current run printed

TENSOR = "```cell\nbasics.py::tensor\n```\n"


def test_a_missing_record_stops_the_page_and_is_named(changeable):
    (changeable.root / "build" / "cpu" / "basics" / "tensor.json").unlink()
    shown = changeable.place("docs/basics.md", "::tensor")
    with pytest.raises(PageError) as told:
        render(changeable, TENSOR)
    assert shown in str(told.value)
    assert "snippets/basics.py::tensor has no record of a run on cpu" in str(told.value)


def test_a_stale_record_stops_the_page_and_is_named(changeable):
    changeable.edit("snippets/basics.py", "import warnings", "import warnings, math")
    with pytest.raises(PageError, match=r"basics\.py::tensor has a stale record on cpu"):
        render(changeable, TENSOR)


def test_the_record_of_a_failed_cell_stops_the_page(changeable):
    path = changeable.root / "build" / "cpu" / "basics" / "tensor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"failure": "ValueError: no"}))
    with pytest.raises(PageError, match=r"basics\.py::tensor has a failed run: ValueError: no"):
        render(changeable, TENSOR)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_damaged_record_of_any_device_stops_the_page(changeable, device):
    # SuperFences swallows most exceptions and would leave the fence's text on the page.
    path = changeable.root / "build" / device / "basics" / "tensor.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    with pytest.raises(PageError, match=f"build/{device}/basics/tensor.json"):
        render(changeable, TENSOR)


@pytest.mark.parametrize("fence", [TENSOR, "```section\nbasics.py\n```\n"])
def test_a_fault_of_the_machinery_stops_the_page_too(changeable, monkeypatch, fence):
    def broken(*_):
        raise KeyError("alt")

    monkeypatch.setattr(BuildContext, "runs_of", broken)
    with pytest.raises(PageError, match="KeyError"):
        render(changeable, fence)


@pytest.mark.parametrize(
    ("fence", "says"),
    [
        ("```cell\nbasics.py::gone\n```", "has no cell gone: it has imports, tensor"),
        ("```cell\nbasis.py::tensor\n```", "there is no snippets/basis.py"),
        ("```cell\nbasics.py\n```", "write script.py::cell"),
        ("```section\nbasis.py\n```", "there is no snippets/basis.py"),
    ],
)
def test_a_fence_that_names_nothing_stops_the_page(changeable, fence, says):
    with pytest.raises(PageError) as told:
        render(changeable, fence)
    assert says in str(told.value)


# The built page


@pytest.fixture(scope="module")
def html(built):
    return parse(built.site / "basics.html")


def test_a_cell_shows_its_code_and_then_its_output(html, built):
    for cell in built.project.sections["basics"].cells:
        shown = block(html, cell.name)
        *_, code, run = shown.find_all(recursive=False)
        assert code.get_text().strip() == cell.source.strip()
        lines = cell.source.strip("\n").split("\n")
        assert code.code["style"].startswith(f"--lines:{len(lines)};--on-phone:")
        outputs = [output.get_text() for output in run.select("pre.cell-output")]
        assert outputs == [text for text in [text_of(built, cell.name)] if text]


def test_output_is_escaped(built):
    raw = (built.site / "basics.html").read_text(encoding="utf-8")
    assert "zebrafish: &lt;b&gt;bold&lt;/b&gt; &amp; co" in raw
    assert "<b>bold</b>" not in raw


def test_output_is_labelled_for_the_eye_and_for_screen_readers(html):
    run = block(html, "tensor").select_one(".cell-run")
    assert run.select_one(".cell-label").get_text() == "Output"
    output = run.select_one("pre.cell-output")
    assert output["role"] == "region"
    assert output["tabindex"] == "0"
    assert "tensor" in output["aria-label"] and "CPU" in output["aria-label"]
    assert block(html, "mistake").select_one(".cell-label").get_text() == "Error, as intended"
    assert not block(html, "imports").select(".cell-label, pre.cell-output")


def test_a_figure_is_shown_in_both_palettes_without_shifting_the_page(html, built):
    images = block(html, "figure").select("figure img")
    assert [image["src"].partition("#")[2] for image in images] == ["only-light", "only-dark"]
    for image in images:
        assert image["alt"] == "A line that rises from 0 to 2 & stays"
        assert (image["width"], image["height"]) == ("480", "300")
        assert (image["loading"], image["decoding"]) == ("lazy", "async")
        assert (built.site / image["src"].partition("#")[0]).stat().st_size > 100
    assert len({image["src"].partition("#")[0] for image in images}) == 2


def test_every_figure_on_the_page_has_an_alternative_text(html):
    assert all(image.get("alt") for image in html.select(".cell img"))


def test_the_record_of_the_run_is_folded_into_each_block(html, built):
    record = records.read(built.project, "cpu", "basics", "tensor")
    details = block(html, "tensor").select("details")
    assert len(details) == 1 and not details[0].has_attr("open")
    assert details[0].summary.get_text().startswith("CPU · ")
    titles = [title.get_text() for title in details[0].select("dt")]
    facts = [fact.get_text() for fact in details[0].select("dd")]
    shown = dict(zip(titles, facts, strict=True))
    assert shown["torch"] == record.environment["torch"]
    assert shown["Device"] == record.environment["device_name"]
    assert shown["Python"] == record.environment["python"]
    assert shown["Threads"] == str(record.environment["threads"])
    assert shown["Date"] == record.date


def test_fences_within_admonitions_and_tabs_are_rendered(html):
    note = html.select_one(".admonition.note")
    assert note.select_one('.cell[id="basics-tensor"] pre.cell-output')
    assert note.select_one('.admonition.tip .cell[id="basics-children"] pre.cell-output')
    assert html.select_one('.tabbed-block .cell[id="basics-terminal"] pre.cell-output')
    assert "basics.py::" not in html.select_one("article").get_text()


def test_the_head_of_a_lesson_says_how_long_it_takes_and_offers_its_files(html, built):
    facts = html.select_one(".lesson-facts")
    cells = built.project.sections["basics"].cells
    total = sum(records.read(built.project, "cpu", "basics", cell.name).seconds for cell in cells)
    assert re.search(r"Time about \d+\smin", facts.get_text())
    assert f"Running {formats.run_seconds(total)} on the CPU" in facts.get_text()
    links = [link["href"] for link in facts.select("a[download]")]
    assert links == ["basics.py", "basics.ipynb", "basics.md"]
    for link in links:
        assert (built.site / link).is_file()
    script = programs.script(built.project.sections["basics"])
    assert (built.site / "basics.py").read_text("utf-8") == script


def search_index(sample) -> str:
    return (sample.site / "search" / "search_index.json").read_text(encoding="utf-8")


def test_prose_can_be_searched_for_and_output_cannot(built):
    index = search_index(built)
    assert "quokka" in index and "narwhal" in index
    assert "torch.tensor" in index
    assert "zebrafish" not in index
    assert "under 0.01 s" not in index


# Two devices


@pytest.fixture(scope="module")
def two_devices(built, tmp_path_factory):
    """A copy of the project, with a transcript of a GPU, and its site."""
    sample = built.copy(tmp_path_factory.mktemp("devices") / "a project")
    section = sample.project.sections["basics"]
    texts = {cell.name: text_of(sample, cell.name) for cell in section.cells}
    texts["tensor"] = "tensor([[ 0.5000, -1.0000]], device='cuda:0')\nwalrus <i>"
    texts["timing"] = "took 0.5 s"
    texts["figure"] = "drawn over there"
    prints = section.fingerprints("cuda") | {"mistake": "00000000"}
    texts["mistake"] = texts["careful"] = "of other code"
    facts = {"device": "Light GPU", "torch": "2.0", "date": "2026-01-02", "revision": "abc1234"}
    cells = {name: Entry(prints[name], text, 0.25) for name, text in texts.items()}
    Transcript(facts, cells).write(sample.project.transcript("cuda", "basics"))
    done = sample.do("tutorial", "site")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 ran" in done.stdout
    return sample


def tabs(shown) -> dict[str, str]:
    """{label: output} of a block's content tabs."""
    labels = [label.get_text() for label in shown.select(".tabbed-labels label")]
    blocks = shown.select(".tabbed-content > .tabbed-block")
    outputs = [tab.select_one("pre.cell-output") for tab in blocks]
    return {
        label: output.get_text() if output else ""
        for label, output in zip(labels, outputs, strict=True)
    }


def test_outputs_that_differ_stand_in_two_tabs(two_devices):
    shown = block(parse(two_devices.site / "basics.html"), "tensor")
    assert tabs(shown) == {
        "CPU": text_of(two_devices, "tensor"),
        "GPU": "tensor([[ 0.5000, -1.0000]], device='cuda:0')\nwalrus <i>",
    }
    on_gpu = shown.select(".tabbed-block")[1].details
    assert on_gpu.summary.get_text() == "GPU · 0.25 s"
    for fact in ("Light GPU", "2.0", "2026-01-02", "abc1234"):
        assert fact in [row.get_text() for row in on_gpu.select("dd")]


def test_what_differs_is_marked_in_both_tabs_and_times_are_not(two_devices):
    html = parse(two_devices.site / "basics.html")
    on_cpu, on_gpu = block(html, "tensor").select(".tabbed-block")
    (mark,) = on_cpu.select("mark.differs")
    assert mark.get_text() == "zebrafish: <b>bold</b> & co"
    assert [mark.get_text() for mark in on_gpu.select("mark.differs")] == [
        ", device='cuda:0'",
        "walrus <i>",
    ]
    for tab in (on_cpu, on_gpu):
        assert tab.select_one(".cell-label").get_text(" ") == "Output what differs is marked"
    for cell in ("timing", "children"):  # times alone; in one block
        assert block(html, cell).select("pre.cell-output") and not block(html, cell).select("mark")
        assert block(html, cell).select_one(".cell-label").get_text() == "Output"


def test_each_tab_of_the_page_has_a_name_of_its_own(two_devices):
    inputs = parse(two_devices.site / "basics.html").select(".tabbed-set input")
    assert len({one["id"] for one in inputs}) == len(inputs) >= 5


def test_outputs_that_agree_stand_in_one_block_that_names_both(two_devices):
    shown = block(parse(two_devices.site / "basics.html"), "children")
    assert not shown.select(".tabbed-set")
    assert len(shown.select("pre.cell-output")) == 1
    summary = shown.details.summary.get_text()
    assert "CPU" in summary and "GPU · 0.25 s" in summary
    assert "Light GPU" in shown.details.get_text()


def test_measured_times_of_both_devices_are_shown(two_devices):
    # The drift check ignores times; a reader who compares two devices looks at nothing else.
    shown = block(parse(two_devices.site / "basics.html"), "timing")
    assert tabs(shown) == {"CPU": "took 12.5 s", "GPU": "took 0.5 s"}


def test_a_tab_without_a_figure_of_its_own_shows_the_others_and_says_so(two_devices):
    shown = block(parse(two_devices.site / "basics.html"), "figure")
    on_cpu, on_gpu = shown.select(".tabbed-block")
    assert len(on_cpu.select("img")) == len(on_gpu.select("img")) == 2
    assert not on_cpu.figcaption
    assert "CPU" in on_gpu.figcaption.get_text()


def test_a_transcript_of_other_code_is_not_shown(two_devices):
    html = parse(two_devices.site / "basics.html")
    for cell in ("mistake", "careful"):  # changed, and below the change
        shown = block(html, cell)
        assert "GPU" not in shown.get_text()
        assert shown.select_one("pre.cell-output").get_text() == text_of(two_devices, cell)


def test_no_tabs_output_can_be_searched_for_and_the_prose_below_can(two_devices):
    index = search_index(two_devices)
    assert "walrus" not in index and "zebrafish" not in index
    assert "narwhal" in index


def test_the_export_has_the_outputs_of_both_devices_where_they_differ(two_devices):
    text = (two_devices.site / "basics.md").read_text(encoding="utf-8")
    assert text.count("Output (GPU):") == 3  # tensor, timing, figure
    assert "walrus <i>" in text
    assert text.count("straight to the descriptor\n") == 1


@pytest.mark.parametrize("agree", [True, False])
def test_a_site_built_on_the_gpu_shows_the_figures_drawn_there(changeable, agree):
    # Keys are the same for both devices, so a CPU's records pass for a GPU's.
    build = changeable.root / "build"
    shutil.move(build / "cpu", build / "cuda")
    path = build / "cuda" / "basics" / "figure.json"
    text = "" if agree else "printed on the GPU"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"text": text}))
    html = render(changeable, "```cell\nbasics.py::figure\n```\n", "cuda")
    images = html.select("img")
    assert images
    for image in images:
        assert image["src"].startswith("assets/figures/cuda/basics/figure-")
    assert "on the CPU" not in html.get_text()


def test_a_cell_for_the_gpu_says_so_where_it_has_not_run(light):
    light.script("lesson", '# %% one device="cuda"\nprint("on the GPU")\n')
    html = render(light, "```cell\nlesson.py::one\n```\n")
    assert "Needs a GPU" in html.get_text()
    assert not html.select("pre.cell-output")


# Sounds


@pytest.fixture(scope="module")
def with_sounds(new_light, wav):
    """A project with a sound, its site, and a GPU's transcript: equal for one, not for two."""
    sample = new_light()
    options = 'sound="tone.wav" heard="A low hum & a click"'
    sample.script("lesson", f"# %% one {options}\n{wav}\n# %% two {options}\nprint('here')\n")
    assert sample.do("tutorial", "run").stdout
    section = sample.project.sections["lesson"]
    texts = {"one": "", "two": "over there"}
    prints = section.fingerprints("cuda")
    facts = {"device": "Light GPU", "torch": "2.0"}
    cells = {name: Entry(prints[name], text, 0.25) for name, text in texts.items()}
    Transcript(facts, cells).write(sample.project.transcript("cuda", "lesson"))
    done = sample.do("tutorial", "site")
    assert done.returncode == 0, done.stdout + done.stderr
    return sample


def test_a_sound_can_be_played_and_is_described(with_sounds):
    shown = parse(with_sounds.site / "lesson.html").select_one('.cell[id="lesson-one"]')
    (figure,) = shown.select(".cell-run > figure.cell-sound")
    assert figure.figcaption.get_text() == "A low hum & a click"
    player = figure.audio
    assert player.has_attr("controls") and player["aria-label"] == "Sound of one"
    assert player["preload"] == "none"  # a reader who plays nothing downloads nothing
    (made,) = (with_sounds.root / "build" / "cpu" / "lesson").glob("one.*.wav")
    assert player["src"] == f"assets/sounds/cpu/lesson/{made.name}"
    assert (with_sounds.site / player["src"]).read_bytes() == made.read_bytes()


def test_a_run_without_a_sound_of_its_own_plays_none(with_sounds):
    # A transcript has no sound: a site built on that device has one.
    html = parse(with_sounds.site / "lesson.html")
    on_cpu, on_gpu = html.select('.cell[id="lesson-two"] .tabbed-block')
    assert len(on_cpu.select("audio")) == 1
    assert not on_gpu.select(".cell-sound")


def test_a_site_built_on_the_gpu_plays_the_sound_made_there(with_sounds, tmp_path):
    sample = with_sounds.copy(tmp_path / "a copy")
    build = sample.root / "build"
    shutil.move(build / "cpu", build / "cuda")
    on_cpu = sample.project.transcript("cpu", "lesson")  # equal, and without a sound
    on_cpu.parent.mkdir(exist_ok=True)
    shutil.copy(sample.project.transcript("cuda", "lesson"), on_cpu)
    html = render(sample, "```cell\nlesson.py::one\n```\n", "cuda")
    (player,) = html.select("audio")
    assert re.fullmatch(r"assets/sounds/cuda/lesson/one\.\w{8}\.wav", player["src"])


def test_the_export_says_what_is_heard(with_sounds):
    text = (with_sounds.site / "lesson.md").read_text(encoding="utf-8")
    assert text.count("\n*Sound, tone.wav: A low hum & a click*\n") == 2


# The flat export


def test_the_export_is_flat(built):
    text = (built.site / "basics.md").read_text(encoding="utf-8")
    in_fence = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_fence = not in_fence
        elif not in_fence:
            assert not line.startswith((" ", "\t", "!!!", "???", "==="))
    assert not in_fence
    assert "```cell" not in text and "```section" not in text
    for title in ("Inside a note", "Deeper", "In a tab"):
        assert f"\n**{title}**\n" in text
    assert "\nThe prose of the note.\n" in text


def test_the_export_has_code_output_and_what_is_seen_in_figures(built):
    text = (built.site / "basics.md").read_text(encoding="utf-8")
    for cell in built.project.sections["basics"].cells:
        printed = text_of(built, cell.name)
        shown = f"\n{cell.source.strip()}\n```\n"
        if printed:
            shown += f"\nOutput (CPU):\n\n```text\n{printed}\n```\n"
        assert shown in text
    assert "\n*Figure: A line that rises from 0 to 2 & stays*\n" in text


def test_the_export_says_what_a_fence_is_meant_to_do(built):
    text = (built.site / "basics.md").read_text(encoding="utf-8")
    assert "```python raises:RuntimeError\ntorch.ones(2, 3) @" in text
    assert "```python warns:UserWarning\nwarnings.warn(" in text
    assert text.count("```python\n") == 6


# Text that fences, lines and links are made of, in code and in what it prints.
TEXT_IN_CODE = '''
# %% future
from __future__ import annotations

# %% text
text = """
```python
1 / 0
```
~~~
[a page](index.md)
````
"""
print(text)

# %% lines
print(len("form\x0cfeed, separator\u2028"), "one\\u2028two")

# %% annotated
def later(x: NotDefinedYet) -> int | None:
    return x


print(later(1))
'''


def test_code_and_output_may_hold_fences_and_other_ends_of_lines(light):
    light.script("lesson", TEXT_IN_CODE)
    page = light.root / "docs" / "lesson.md"
    with page.open("a", encoding="utf-8") as file:
        file.write("\nSee [home](index.md).\n\n````markdown\n```python\n1 / 0\n```\n````\n")
    done = light.do("tutorial", "run")
    assert "1 ran (4 cells)" in done.stdout, done.stderr
    cells = light.project.sections["lesson"].cells
    sources = [cell.source for cell in cells]
    assert "\x0c" in sources[2] and "\u2028" in sources[2]
    blocks = render(light, page.read_text("utf-8")).select(".cell .highlight code")
    assert [block.get_text() for block in blocks] == [f"{source}\n" for source in sources]
    made = notebook(BuildContext(light.project), page)
    assert [cell.source for cell in made.cells if cell.cell_type == "code"] == sources
    assert "[home](index.html)" in made.cells[-1].source
    text = flat(BuildContext(light.project), page)
    for cell in cells:
        assert cell.source in text
        assert records.read(light.project, "cpu", "lesson", cell.name).text in text
    (light.root / "lesson.md").write_text(text, encoding="utf-8")
    done = light.do("pytest", "-v", "lesson.md")
    assert "4 passed" in done.stdout, done.stdout


def test_admonitions_of_every_kind_are_flattened(light):
    light.script(
        "lesson",
        '# %% one device="cuda"\nprint(1)\n',
        "\n".join(
            [
                "!!! warning",
                "    Untitled.",
                "",
                '???+ question "Open: what is `x`?"',
                "",
                "    Text.",
                "",
                "    - a list",
                "        - within a list",
                "",
                "    ``` cell",
                "    lesson.py::one",
                "    ```",
                "",
                "After.",
            ]
        ),
    )
    lines = flat(BuildContext(light.project), light.root / "docs" / "lesson.md").splitlines()
    assert [line for line in lines if line] == [
        "**Warning**",
        "Untitled.",
        "**Open: what is `x`?**",
        "Text.",
        "- a list",
        "    - within a list",
        "```python notest",
        "print(1)",
        "```",
        "After.",
    ]


# What is current, and where a reader tells of what is not


def test_the_facts_of_a_lesson_name_the_state_of_its_run_on_a_gpu(two_devices):
    items = parse(two_devices.site / "basics.html").select(".lesson-facts li")
    (told,) = [" ".join(each.get_text().split()) for each in items if "On a GPU" in each.text]
    total = len(two_devices.project.sections["basics"].on("cuda"))
    # The transcript of one cell is of other code, and so is what the cells below it build on.
    assert told == f"On a GPU {total - 2} of {total} cells current, torch 2.0, 2026-01-02"


def test_a_block_leads_to_a_report_that_is_begun(light, monkeypatch):
    light.script("lesson", "# %% one\nprint(1)\n")
    light.do("tutorial", "run")
    text = "```cell\nlesson.py::one\n```\n"
    monkeypatch.delenv("REPO_URL", raising=False)
    assert "Does it not work" not in render(light, text).get_text()
    monkeypatch.setenv("REPO_URL", "https://github.com/some/where")
    monkeypatch.setenv("SITE_URL", "https://some.where/site/")
    (link,) = render(light, text).select(".run-record a")
    address = urlsplit(link["href"])
    assert f"{address.hostname}{address.path}" == "github.com/some/where/issues/new"
    fields = parse_qs(address.query)
    assert fields["title"] == ["lesson.py::one does not work"]
    (body,) = fields["body"]
    assert "https://some.where/site/lesson.html#lesson-one" in body
    assert "snippets/lesson.py::one" in body and "torch 0.light" in body
