"""The shape bench computes what torch does, errors included; and it can be used."""

import random
import re
import warnings
from collections import Counter

import pytest
import torch
from torch import nn

from tests.browser.visits import COMBINATIONS, SIZES, show
from tutorial.lesson.project import Project
from tutorial.page.benches import BENCHES, EXPLAINED

SCRIPT = "theme/assets/bench/shapes.js"
CASES = 2_000  # of each kind
ANSWERS = """([kind, cases]) => cases.map((given) => {
  const last = (steps) => {
    const { error, shape, parameters, stride, isCopy } = steps.at(-1);
    if (error instanceof shapeBench.Refusal) return ["refused", error.message];
    if (error) return [error.type, error.message, steps.length];
    return kind === "layers" ? [shape, parameters] : [shape, stride, isCopy];
  };
  if (kind !== "broadcast") {
    return last(shapeBench[kind](given[0].join(", "), given[1].join("\\n")));
  }
  const { error, shape } = shapeBench.broadcast(...given);
  return error ? [error.type, error.message] : [shape];
})"""


def shape(draw, dims, sizes=(1, 2, 3, 4, 6, 8, 9)) -> list[int]:
    return [draw.choice(sizes) for _ in range(dims)]


def options(draw, **values) -> str:
    """Some of the options, each as one number or, where a tuple is offered, as that."""
    chosen = {name: draw.choice(of) for name, of in values.items() if draw.random() < 0.4}
    return "".join(f", {name}={value!r}" for name, value in chosen.items())


def layer(draw, channels: int, height: int) -> str:
    """A line with a layer that may follow, or not."""
    near = draw.choice([channels] * 12 + [channels * height, 3, 4])
    steps = [1, 2, 3, (1, 2), (2, 1)]
    others = ["MaxPool2d", "AvgPool2d", "Linear", "Flatten", "norm", "other"]
    kind = draw.choice(["Conv2d"] * 4 + others)
    kernel = draw.choice([1, 2, 3, 5, (1, 3), (3, 2)])
    if kind == "Conv2d":
        more = options(
            draw,
            stride=[*steps, *steps, 0, -1],
            padding=[0, 1, 2, (1, 0), (2, 1), "same", "valid", -1],
            dilation=steps,
            groups=[1, 2, 3],
            bias=[True, False],
        )
        return f"nn.Conv2d({near}, {draw.choice([2, 4, 6])}, {kernel}{more})"
    if kind == "MaxPool2d":
        more = options(
            draw,
            stride=[*steps, *steps, 0, -1],
            padding=[0, 1, 1, 2, (0, 1), -1],
            dilation=[*steps, *steps, 0],
            ceil_mode=[True, False],
        )
        return f"nn.MaxPool2d({kernel}{more})"
    if kind == "AvgPool2d":
        more = options(draw, stride=[*steps, 0], padding=[0, 1, 2, -1], ceil_mode=[True, False])
        return f"nn.AvgPool2d({kernel}{more})"
    if kind == "Linear":
        features = draw.choice([near, *[height] * 5])
        return f"nn.Linear({features}, {draw.choice([2, 5])}{options(draw, bias=[True, False])})"
    if kind == "Flatten":
        dims = shape(draw, draw.randrange(3), [-1, 0, 1, 2, 3])
        return f"nn.Flatten({', '.join(map(str, dims))})"
    if kind == "norm":
        return draw.choice(
            [
                f"nn.BatchNorm1d({near}{options(draw, affine=[False], bias=[False])})",
                f"nn.BatchNorm2d({near}{options(draw, affine=[False], bias=[False])})",
                f"nn.LayerNorm({draw.choice([height, (height, height), [height], near])}"
                f"{options(draw, bias=[False], elementwise_affine=[False])})",
            ]
        )
    return draw.choice(
        [
            "nn.ReLU()",
            "nn.ReLU(inplace=True)",
            "nn.GELU(approximate='tanh')",
            "nn.LeakyReLU(0.1)",
            "nn.Dropout(0.2)",
            "nn.Tanh()",
            "nn.Sigmoid()",
            "nn.Identity()",
            "nn.AdaptiveAvgPool2d(1)",
            "nn.AdaptiveAvgPool2d((2, 3))",
            "nn.AdaptiveAvgPool2d((None, 1))",
            "nn.AdaptiveAvgPool2d()",
            "nn.AdaptiveAvgPool2d(1, 2)",
            "nn.ReLU(True, 1)",
            "nn.Conv2d(3, 6)",
            "nn.Conv2d(3)",
            "nn.Conv2d()",
            "nn.Conv2d(3, 6, 5, strides=2)",
            "nn.Conv2d(3, 6, 5, in_channels=3)",
            "nn.MaxPool2d()",
            "nn.Linear(4)",
            "nn.Linear(4, 2, True, None, None, 1)",
            "nn.Flatten(1, 2, 3)",
        ]
    )


def with_layers(draw) -> tuple[list[int], list[str]]:
    sizes = shape(draw, draw.choice([1, 2, 3, *[4] * 10, 5]), [1, 2, 3, 4, 6, 6, 8, 9, 12])
    if draw.random() < 0.1:
        sizes = [size if dim == 1 else 1 for dim, size in enumerate(sizes)]
    lines, last = [], torch.zeros(sizes)
    for _ in range(draw.choice([1, 1, 2, 3])):
        channels = last.shape[-3] if last.dim() > 2 else last.shape[-1]
        lines.append(layer(draw, channels, last.shape[-1]))
        try:
            last = evaluated(lines[-1])(last)
        except (RuntimeError, ValueError, IndexError, TypeError):
            break
    return sizes, lines


def evaluated(line: str, **names):
    """What Python makes of a line that this module has written."""
    return eval(line, {"nn": nn, **names})


def of_layers(case) -> list:
    last, parameters, number = torch.zeros(case[0]), 0, 0
    try:
        for line in case[1]:
            number += 1
            module = evaluated(line)
            last = module(last)
            parameters = sum(weight.numel() for weight in module.parameters())
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        return [type(error).__name__, str(error), number]
    return [list(last.shape), parameters]


def with_strides(draw) -> tuple[list[int], list[str]]:
    sizes = shape(draw, draw.choice([1, 2, 2, 3, 3, 4]), [1, 2, 3, 4, 6])
    lines, last = [], torch.zeros(sizes)
    for _ in range(draw.choice([1, 2, 2, 3, 4])):
        lines.append(operation(draw, last))
        try:
            last = evaluated(lines[-1].removeprefix("x = "), x=last)
        except (RuntimeError, IndexError):
            break
    return sizes, lines


def operation(draw, x: torch.Tensor) -> str:
    dims, elements = x.dim(), x.numel()
    divisor = draw.choice([n for n in range(1, elements + 1) if elements % n == 0])
    other = [divisor, elements // divisor]
    if draw.random() < 0.4:
        split = next(n for n in (2, 3, 5, 7, 1) if other[0] % n == 0)
        other = [split, other[0] // split, other[1]]
    near = draw.sample(range(dims), dims)
    dim = draw.choice([*range(-dims - 2, dims + 2)])
    calls = {
        f"view({', '.join(map(str, other))})": 4,
        f"view({tuple(other)})": 1,
        f"reshape({', '.join(map(str, other))})": 2,
        f"view(-1, {other[0]})": 1,
        f"reshape({other[0]}, -1)": 1,
        "view(-1)": 1,
        "view(-1, -1)": 0.2,
        "view(2, -3)": 0.2,
        f"view(-1, {elements + 1})": 0.3,
        f"view({elements + 1})": 0.3,
        f"permute({', '.join(map(str, near))})": 4,
        f"permute({tuple(near)})": 1,
        f"permute({', '.join(map(str, [*near, 0]))})": 0.3,
        f"permute({', '.join(map(str, [*near[1:], dim]))})": 1,
        f"transpose({draw.choice([-2, -1, 0, 1, 2])}, {dim})": 2,
        "t()": 2,
        "flatten()": 1,
        f"flatten({dim})": 1,
        f"flatten({dim}, {draw.choice([-1, 0, 1, 2])})": 1,
        "flatten(start_dim=1)": 0.5,
        f"unsqueeze({dim})": 2,
        "squeeze()": 1,
        f"squeeze({dim})": 1,
        f"expand({', '.join(str(draw.choice([-1, n])) if n > 1 else '5' for n in x.shape)})": 2,
        f"expand({', '.join(map(str, [2, *x.shape]))})": 1,
        f"expand({', '.join(map(str, [-1, *x.shape]))})": 0.3,
        f"expand({', '.join(map(str, [1, 3, *x.shape]))})": 0.5,
        f"expand({', '.join(map(str, [n + 1 for n in x.shape]))})": 0.5,
        "expand(2)": 0.3,
        "contiguous()": 1,
    }
    for nothing in ("expand()", "permute()"):  # of a tensor without dimensions
        calls.pop(nothing, None)
    calls |= {"mT": 1} if dims > 1 else {}
    calls |= {"T": 1} if dims == 2 else {}
    call = draw.choices(list(calls), list(calls.values()))[0]
    return f"x = x.{call}"


def of_strides(case) -> list:
    x, number = torch.zeros(case[0]), 0
    try:
        for line in case[1]:
            number += 1
            before = x.untyped_storage().data_ptr()
            x = evaluated(line.removeprefix("x = "), x=x)
    except (RuntimeError, IndexError) as error:
        return [type(error).__name__, str(error).replace("FloatTensor", "LongTensor"), number]
    return [list(x.shape), list(x.stride()), x.untyped_storage().data_ptr() != before]


def with_two_shapes(draw) -> tuple[list[int], list[int]]:
    a = shape(draw, draw.randrange(1, 6), [0, 1, 1, 2, 3, 4])
    b = [draw.choice([size, size, 1, 2]) for size in a[draw.randrange(len(a) + 1) :]]
    pair = [a, b or [1]]
    draw.shuffle(pair)
    return tuple(pair)


def of_two_shapes(case) -> list:
    try:
        return [list((torch.zeros(case[0]) + torch.zeros(case[1])).shape)]
    except RuntimeError as error:
        return [type(error).__name__, str(error)]


KINDS = {
    "layers": (with_layers, of_layers, 28),
    "strides": (with_strides, of_strides, 11),
    "broadcast": (with_two_shapes, of_two_shapes, 1),
}


def first_shown(kind: str) -> tuple:
    """The case that stands in a bench when it is opened."""
    first, second = (field["value"] for field in BENCHES[kind]["fields"])
    return evaluated(f"[{first}]"), (
        evaluated(f"[{second}]") if kind == "broadcast" else second.split("\n")
    )


@pytest.fixture(scope="module")
def cases() -> dict[str, list[tuple]]:
    """Of each kind, pairs of a case and what torch makes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = {}
        for kind, (make, ask, _) in KINDS.items():
            draw = random.Random(0)
            made = [first_shown(kind), *(make(draw) for _ in range(CASES))]
            cases[kind] = [(case, ask(case)) for case in made]
    return cases


@pytest.mark.parametrize("kind", KINDS)
def test_the_bench_says_what_torch_does(new_page, cases, kind):
    kinds_of_errors = KINDS[kind][-1]
    cases, expected = zip(*cases[kind], strict=True)
    page = new_page("networks.html")
    page.add_script_tag(path=Project.find().root / SCRIPT)
    answers = page.evaluate(ANSWERS, [kind, cases])
    page.context.close()
    wrong = [
        f"{case}: torch {torch_says}, the bench {bench_says}"
        for case, torch_says, bench_says in zip(cases, expected, answers, strict=True)
        if torch_says != bench_says
    ]
    assert not wrong, f"{len(wrong)} of {CASES}:\n" + "\n".join(wrong[:20])
    messages = [said[1] for said in expected if isinstance(said[0], str)]
    errors = Counter(re.sub(r"-?\d+", "#", message) for message in messages)
    assert len(errors) >= kinds_of_errors, errors
    assert len(messages) < 3 / 4 * CASES
    assert expected[0] not in messages


def asked(new_page, kind: str, cases: list[tuple]) -> list:
    page = new_page("networks.html")
    page.add_script_tag(path=Project.find().root / SCRIPT)
    answers = page.evaluate(ANSWERS, [kind, cases])
    page.context.close()
    return answers


# Lines of which torch makes something else than the bench would by its rules, or nothing.
REFUSED = {
    "layers": [
        "nn.constructor()",
        "nn.Conv2d(3, 8, 3, None)",
        "nn.Conv2d(3, 8, 3, padding=9, padding_mode='reflect')",
        "nn.MaxPool2d(2, return_indices=True)",
        "nn.AvgPool2d(2, divisor_override=0)",
        "nn.AdaptiveAvgPool2d(-1)",
        "nn.AdaptiveAvgPool2d((1, 2, 3))",
        "nn.AdaptiveAvgPool2d(None)",
        "nn.Identity(8)",
        "nn.BatchNorm2d(4, affine=False, track_running_stats=False)",
        "nn.LayerNorm(())",
        "nn.Dropout(5)",
        "nn.Linear(8, 9007199254740991)",
        "nn.ReLU(), nn.ReLU()",
    ],
    "strides": [
        "x = x.squeeze(dim=1)",
        "x = x.permute(dims=(2, 0, 1))",
        "x = x.T()",
        "x = x.view",
        "x = x.contiguous(1)",
        "x = 5",
        "x = torch.arange(12)",
    ],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_bench_cannot_compute_it_refuses(new_page, kind):
    sizes = {"layers": [2, 3, 8, 8], "strides": [3, 1, 1]}[kind]
    answers = asked(new_page, kind, [(sizes, [line]) for line in REFUSED[kind]])
    assert {
        line: answer
        for line, answer in zip(REFUSED[kind], answers, strict=True)
        if answer[0] != "refused"
    } == {}


def test_lines_may_give_tensors_names_of_their_own(new_page):
    lines = ["y = x.t()", "x.unsqueeze(0)", "z = x.view(2, 6)", "y = y.reshape(6, 2)"]
    x = torch.zeros(3, 4)
    names = {"x": x, "y": x.t()}
    expected = [eval(line.rpartition("= ")[2], names) for line in lines]
    answers = asked(new_page, "strides", [([3, 4], lines[: i + 1]) for i in range(len(lines))])
    assert [answer[:2] for answer in answers] == [
        [list(y.shape), list(y.stride())] for y in expected
    ]


def test_elements_too_many_to_be_shown_are_not_made(new_page):
    lines = ["x = x.expand(400000000, 3, 4)", "x = x.contiguous()"]
    assert asked(new_page, "strides", [([3, 4], lines)]) == [
        [[400_000_000, 3, 4], [12, 4, 1], True]
    ]


def test_messages_that_are_explained_are_raised(cases):
    messages = [said[1] for of_kind in cases.values() for _, said in of_kind if len(said) > 1]
    text = "\n".join(message for message in messages if isinstance(message, str))
    assert [phrase for phrase in EXPLAINED if phrase not in text] == []


@pytest.fixture
def bench(new_page):
    """Opens a bench: bench("layers", width=390). Returns its element; `.page` is its page."""
    pages = []

    def bench(kind: str, path: str = "", **options):
        page = new_page(path or PAGES[kind], **options)
        pages.append(page)
        element = page.locator(f"details[data-bench={kind}]")
        element.locator("summary").click()
        element.locator("tbody tr").first.wait_for()
        return element

    yield bench
    for page in pages:
        assert page.complaints == []
        page.context.close()


# Other parts of the page are tested with it.
ALONE = """(bench) => {
  for (const part of [...bench.parentElement.children]) {
    if (part !== bench && !/^H\\d$/.test(part.tagName)) part.remove();
  }
}"""
# Words of code that go over several lines.
BROKEN = """(bench) => [...bench.querySelectorAll("table code")].flatMap(({ firstChild: text }) =>
  [...text.data.matchAll(/\\S+/g)].map(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return range.getClientRects().length > 1 && word;
  })).filter(Boolean)"""
PAGES = {"layers": "networks.html", "strides": "tensors.html", "broadcast": "tensors.html"}


def test_a_message_leads_to_its_explanation_and_goes_when_it_is_mended(bench):
    layers = bench("layers")
    said, program = layers.locator("output"), layers.get_by_label("Layers")
    assert "ends with the shape (4, 10), and has 61,706 parameters" in said.inner_text()
    layers.get_by_label("Shape of the input").fill("4, 1, 36, 36")
    assert said.inner_text().startswith(
        "Line 8 raises RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x576 and 400x120)"
    )
    assert layers.locator("tbody tr").last.inner_text().endswith("fails")
    program.fill(program.input_value().replace("16 * 5 * 5", "16 * 6 * 6"))
    assert said.inner_text().startswith("The network ends with the shape (4, 10)")
    program.fill("nn.Conv2d(1, 6, 5)\nnn.Conv3d(6, 16, 5)")
    assert said.inner_text().startswith("Line 2: The bench knows no Conv3d. It knows Conv2d, ")
    layers.get_by_label("Shape of the input").fill("4, x")
    assert said.inner_text().startswith("The bench reads shapes of whole numbers")
    assert not layers.locator("table").count()
    layers.get_by_role("button", name="Start again").click()
    assert said.inner_text().startswith("The network ends with the shape (4, 10)")
    layers.get_by_label("Shape of the input").fill("4, 1, 36, 36")
    said.get_by_role("link").click()
    assert layers.page.url.endswith("errors.html#mat1-and-mat2-shapes-cannot-be-multiplied")


def test_the_layers_of_a_sequential_can_be_pasted_as_they_stand(bench):
    layers = bench("layers")
    layers.get_by_label("Layers").fill(
        "self.layers = nn.Sequential(\n"
        "    nn.Conv2d(1, 6, kernel_size=5, padding='same'),  # the size stays\n"
        "    torch.nn.ReLU(),\n\n"
        "    self.pool = nn.MaxPool2d((2, 2),),\n"
        ")"
    )
    assert [row.split()[-1] for row in layers.locator("tbody tr").all_inner_texts()] == [
        "156",
        "0",
        "0",
    ]
    assert "(4, 6, 16, 16)" in layers.locator("output").inner_text()


def test_layers_can_be_pasted_as_python_or_a_phone_writes_them(bench):
    layers = bench("layers")
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(6)),
        *(nn.LeakyReLU(), nn.AvgPool2d(1), nn.GELU(), nn.LayerNorm(16), nn.Tanh(), nn.Sigmoid()),
        *(nn.Flatten(), nn.Linear(6 * 16 * 16, 10), nn.BatchNorm1d(10, bias=False), nn.Dropout()),
    )
    said = f"and has {sum(weight.numel() for weight in network.parameters()):,} parameters."
    layers.get_by_label("Layers").fill(str(network))
    assert layers.locator("output").inner_text().endswith(said)
    layers.get_by_label("Layers").fill(
        "model = torch.nn.Sequential(nn.Conv2d(1, 6, 5, padding=‘same’),\nnn.Dropout(.5))"
    )
    assert layers.locator("output").inner_text().endswith("and has 156 parameters.")


def test_an_empty_field_is_asked_for_and_zero_elements_can_be_added(bench):
    layers = bench("layers")
    layers.get_by_label("Layers").fill("# nothing yet")
    assert layers.locator("output").inner_text() == "Write a layer, such as nn.Conv2d(1, 6, 5)."
    layers.get_by_label("Shape of the input").fill("")
    assert layers.locator("output").inner_text().startswith("Write the shape of the input")
    broadcast = bench("broadcast")
    broadcast.get_by_label("Shape of a").fill("3, 1")
    broadcast.get_by_label("Shape of b").fill("0")
    assert broadcast.locator("output").inner_text() == "a + b has the shape (3, 0)."


def test_it_shows_the_elements_in_their_new_order(bench):
    strides = bench("strides")
    strides.get_by_label("Lines").fill("x = x.t()")
    rows = [row.split("\t") for row in strides.locator("tbody tr").all_inner_texts()]
    assert rows[1] == ["x = x.t()", "(4, 3)", "(1, 4)", "not contiguous"]
    expected = re.sub(r"^tensor\(|\)$", "", str(torch.arange(12).view(3, 4).t()))
    assert strides.locator("pre").inner_text() == expected.replace("\n       ", "\n")
    strides.get_by_label("Shape of x").fill("2, 1, 3")
    strides.get_by_label("Lines").fill("x = x.permute(2, 0, 1).expand(3, 2, 2)")
    expected = torch.arange(6).view(2, 1, 3).permute(2, 0, 1).expand(3, 2, 2)
    assert evaluated(strides.locator("pre").inner_text()) == expected.tolist()


def test_it_shows_which_sizes_are_stretched(bench):
    broadcast = bench("broadcast")
    rows = [row.split("\t") for row in broadcast.locator("tr").all_inner_texts()]
    assert rows == [
        ["Dimension", "−3", "−2", "−1"],
        ["a", "8", "1 → 5", "3"],
        ["b", "– → 8", "5", "1 → 3"],
        ["a + b", "8", "5", "3"],
    ]


def test_the_script_is_loaded_for_whoever_opens_a_bench_and_once(new_page):
    asked = []
    page = new_page("tensors.html")
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    for kind in ("strides", "broadcast"):
        summary = page.locator(f"[data-bench={kind}] summary")
        summary.focus()
        page.keyboard.press("Enter")
        page.locator(f"[data-bench={kind}] tbody tr").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "a"
    assert [file for file in asked if file.endswith(".js")] == ["shapes.js"]
    page.context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_in_an_open_bench_and_it_fits_a_narrow_phone(bench, prepare, kind):
    element = bench(kind, width=320)
    assert element.evaluate(BROKEN) == []
    page = element.page
    prepare(page)
    element.evaluate(ALONE)
    for failing in ("", "x"):
        if failing:
            element.locator("textarea, input").last.fill(failing)
        for scheme, device in COMBINATIONS:
            show(page, scheme, SIZES[device])
            assert page.evaluate("checks.audit(true)") == []
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_a_reader_has_tried_is_printed_and_nothing_of_a_closed_bench(bench):
    layers = bench("layers")
    tensors = bench("strides").page
    for page in (layers.page, tensors):
        page.emulate_media(media="print")
    assert layers.locator("table").is_visible()
    assert not tensors.locator("[data-bench=broadcast]").is_visible()


def test_it_works_in_a_page_that_was_opened_from_the_disk(browser, server):
    page = browser.new_page()
    page.goto((server.folder / "networks.html").as_uri())
    page.locator("[data-bench=layers] summary").click()
    page.locator("[data-bench=layers] tbody tr").first.wait_for()
    page.close()
