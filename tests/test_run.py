"""Running sections: what is recorded, what is run again, and what is told of a cell that fails."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tutorial.record import records
from tutorial.record.transcripts import Transcript
from tutorial.run.replies import without_paths
from tutorial.run.runner import Runner

ROOT = Path(__file__).resolve().parents[1]


def record(sample, section, cell, device="cpu"):
    return records.read(sample.project, device, section, cell)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def wait_for(condition, what: str, seconds: float = 60.0):
    """Poll until `condition()` is true; the deadline only keeps a broken test from hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


# What a run with the real torch leaves behind


def test_printed_text_is_recorded_as_python_prints_it(built):
    assert record(built, "basics", "imports").text == ""
    assert record(built, "basics", "tensor").text == (
        "tensor([[ 0.5000, -1.0000]])\nzebrafish: <b>bold</b> & co"
    )


def test_output_of_child_processes_and_file_descriptors_is_captured_in_order(built):
    text = record(built, "basics", "children").text
    assert text.splitlines() == ["parent", "child", "straight to the descriptor", "on stderr"]


def test_a_line_that_was_overwritten_is_recorded_as_it_was_left(built):
    assert record(built, "basics", "terminal").text.splitlines()[:2] == ["100%", "kept"]


def test_colour_codes_and_paths_of_this_machine_are_left_out(built):
    lines = record(built, "basics", "terminal").text.splitlines()
    assert lines[2].startswith("red ")
    assert str(built.root.parent) not in lines[2]
    assert lines[3] == "data/file.txt"


def test_an_expected_error_is_recorded_with_its_real_message(built):
    text = record(built, "basics", "mistake").text
    assert text == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"


def test_an_announced_warning_is_recorded(built):
    assert record(built, "basics", "careful").text == "UserWarning: mind the gap"


def test_a_figure_is_saved_in_both_palettes(built):
    from tutorial.run.figures import DARK, INK

    figures = record(built, "basics", "figure").figures
    assert [(figure["width"], figure["height"]) for figure in figures] == [(480, 300)]
    inks = {}
    for palette in ("light", "dark"):
        path = built.root / "build" / "cpu" / "basics" / figures[0][palette]
        with Image.open(path) as image:
            assert image.size == (960, 600)  # two pixels each way for one of the page
            colours = [colour for _, colour in image.convert("RGBA").getcolors(10**6)]
        inks[palette] = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b, alpha in colours if alpha == 255}
    text, series = next(iter(INK)), "#0072b2"
    assert {text, series} <= inks["light"]
    assert {DARK[text], DARK[series]} <= inks["dark"]
    assert not {text, series} & inks["dark"]


def test_each_colour_of_the_style_has_one_for_the_dark_palette():
    import matplotlib  # not above: every worker imports every file of tests
    from matplotlib.colors import to_hex

    from tutorial.run.figures import DARK

    path = ROOT / "tutorial" / "run" / "matplotlibrc"
    style = dict(matplotlib.rc_params_from_file(path, use_default_template=False))
    cycle = style.pop("axes.prop_cycle").by_key()["color"]
    # The panes of a 3D plot are a translucent grey, on either ground.
    told = {value for name, value in style.items() if "color" in name and "pane" not in name}
    black = "#000000"  # Matplotlib's own, where no setting changes it
    assert {to_hex(colour) for colour in [*told - {"none"}, *cycle]} == set(DARK) - {black}


def test_a_section_without_figures_does_not_wait_for_matplotlib(light):
    light.script("lesson", "# %% one\nimport sys\n\nprint('matplotlib' in sys.modules)\n")
    light.do("tutorial", "run")
    assert record(light, "lesson", "one").text == "False"


def test_libraries_say_nothing_of_a_home_that_cannot_be_written_to(light):
    light.script(
        "lesson",
        """
        # %% one
        import matplotlib.pyplot as plt

        # %% two
        import logging

        logging.getLogger("matplotlib.font_manager").warning("building the font cache")
        """,
    )
    assert "1 ran" in light.do("tutorial", "run", HOME=os.devnull, XDG_CACHE_HOME="").stdout
    assert [record(light, "lesson", cell).text for cell in ("one", "two")] == ["", ""]


def test_cells_run_with_the_memory_settings_that_the_results_page_tells_of(light):
    told = re.findall(r"`(MALLOC_\w+)`", (ROOT / "docs" / "results.md").read_text("utf-8"))
    assert len(told) == 2
    light.script("lesson", f"# %% one\nimport os\n\nprint(set({told}) <= set(os.environ))\n")
    light.do("tutorial", "run")
    assert record(light, "lesson", "one").text == "True"


def test_a_record_says_where_when_and_with_what_it_was_made(built):
    facts = record(built, "basics", "tensor")
    torch = pytest.importorskip("torch")
    assert facts.environment["torch"] == torch.__version__
    for fact in ("device_name", "python", "torchvision", "numpy", "matplotlib"):
        assert facts.environment[fact]
    name, _, vectors = facts.environment["device_name"].rpartition(", ")
    assert name and vectors == torch.backends.cpu.get_cpu_capability()
    assert facts.environment["threads"] >= 1
    assert facts.date.count("-") == 2
    assert 0 <= facts.seconds < 60
    assert facts.failure == ""
    assert facts.key == built.project.sections["basics"].keys("cpu")["tensor"]


def test_a_second_run_executes_nothing(built):
    files = sorted((built.root / "build" / "cpu").rglob("*.json"))
    before = [(file, file.stat().st_mtime_ns) for file in files]
    done = built.do("tutorial", "run")
    assert done.returncode == 0
    assert "0 ran (0 cells), 1 reused (8 cells), 0 failed" in done.stdout
    assert [(file, file.stat().st_mtime_ns) for file in files] == before


# Sounds


@pytest.fixture(scope="module")
def with_a_sound(new_light, wav):
    """A project with a sound, run once. Do not change it."""
    sample = new_light()
    options = 'sound="tone.wav" heard="Silence"'
    sample.script("lesson", f"# %% one {options}\n{wav}\n# %% two\nprint('silent')\n")
    done = sample.do("tutorial", "run")
    assert "1 ran (2 cells)" in done.stdout, done.stdout + done.stderr
    return sample


def test_a_sound_is_kept_beside_the_record_of_its_cell(with_a_sound):
    folder = with_a_sound.root / "build" / "cpu" / "lesson"
    (sound,) = folder.glob("one.*.wav")
    assert record(with_a_sound, "lesson", "one").sounds == [{"file": sound.name, "seconds": 0.5}]
    assert sound.read_bytes() == (folder / "work" / "tone.wav").read_bytes()
    assert record(with_a_sound, "lesson", "two").sounds == []


def test_a_record_from_before_there_were_sounds_can_be_read(with_a_sound, tmp_path):
    sample = with_a_sound.copy(tmp_path / "a copy")
    path = sample.root / "build" / "cpu" / "lesson" / "two.json"
    old = json.loads(path.read_text())
    del old["sounds"]
    path.write_text(json.dumps(old))
    assert record(sample, "lesson", "two").sounds == []
    assert "1 reused (2 cells)" in sample.do("tutorial", "run").stdout


def test_a_file_for_a_bench_is_kept_and_goes_when_its_cell_no_longer_writes_it(light):
    write = "open('network.bin', 'wb').write(b'weights')\n"
    light.script("lesson", f'# %% one file="network.bin"\n{write}')
    light.do("tutorial", "run")
    folder = light.root / "build" / "cpu" / "lesson"
    (name,) = record(light, "lesson", "one").kept
    assert (folder / name).read_bytes() == b"weights"
    light.script("lesson", f"# %% one\n{write}")
    light.do("tutorial", "run")
    assert record(light, "lesson", "one").kept == []
    assert list(folder.glob("*.bin")) == []


def test_a_missing_sound_is_named_and_made_again(with_a_sound, tmp_path):
    sample = with_a_sound.copy(tmp_path / "a copy")
    (path,) = (sample.root / "build" / "cpu" / "lesson").glob("one.*.wav")
    path.unlink()
    assert f"build/cpu/lesson/one.json: its sound {path.name} is missing" in (
        sample.do("tutorial", "run").stderr
    )
    assert path.is_file()


def test_the_sound_of_a_removed_cell_is_removed(with_a_sound, tmp_path):
    sample = with_a_sound.copy(tmp_path / "a copy")
    sample.script("lesson", "# %% two\nprint('silent')\n")
    assert sample.do("tutorial", "run").returncode != 1
    assert not [*(sample.root / "build" / "cpu" / "lesson").glob("*.wav")]


# What runs again: one project, run once, changed in every way that matters, and run again


@pytest.fixture(scope="module")
def second_run(new_light):
    """The project after its second run, and what that run said."""
    sample = new_light()
    figure = 'alt="A line"\nimport matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()\n'
    sample.script("alone", "# %% one\nprint('alone')\n")
    sample.script("half", "# %% one\nprint('text')\n")
    sample.script("list", "# %% one\nprint('text')\n")
    sample.script("undrawn", f"# %% one {figure}")
    sample.script("retouched", f"# %% one {figure}")
    sample.script("shrunk", f"# %% one {figure}# %% two\nprint('two')\n")
    folder = "# %% one\nimport os\n\nprint(os.listdir(), __name__, os.path.basename(__file__))\n"
    sample.script("folder", folder + "# %% two\nopen('left-behind', 'w').close()\n")
    first = sample.do("tutorial", "run")
    assert "7 ran (9 cells), 0 reused" in first.stdout, first.stdout + first.stderr
    build = sample.root / "build" / "cpu"
    assert [*(build / "shrunk").glob("one-light.*")]
    text = (build / "half" / "one.json").read_text()
    (build / "half" / "one.json").write_text(text[: len(text) // 2])
    (build / "list" / "one.json").write_text("[]")
    (build / "undrawn" / record(sample, "undrawn", "one").figures[0]["dark"]).unlink()
    (build / "retouched" / record(sample, "retouched", "one").figures[0]["light"]).write_text("")
    sample.script("shrunk", "# %% two\nprint('two')\n")
    sample.edit("snippets/folder.py", "left-behind", "left-again")
    return sample, sample.do("tutorial", "run")


def test_only_sections_with_something_stale_run_again(second_run):
    _, done = second_run
    assert done.returncode == 0, done.stderr
    assert "6 ran (7 cells), 1 reused (1 cells), 0 failed" in done.stdout
    assert "alone: one" not in done.stderr


@pytest.mark.parametrize("section", ["half", "list"])
def test_a_damaged_record_is_named_and_run_again(second_run, section):
    sample, done = second_run
    assert f"build/cpu/{section}/one.json: the record cannot be read" in done.stderr
    assert f"{section}: one" in done.stderr
    assert record(sample, section, "one").text == "text"


def test_a_missing_figure_is_named_and_drawn_again(second_run):
    sample, done = second_run
    assert "build/cpu/undrawn/one.json: its figure one-dark." in done.stderr
    figure = record(sample, "undrawn", "one").figures[0]
    assert (sample.root / "build" / "cpu" / "undrawn" / figure["dark"]).is_file()


def test_a_changed_figure_is_named_and_drawn_again(second_run):
    sample, done = second_run
    assert re.search(
        r"build/cpu/retouched/one\.json: its figure one-light\.\w+\.webp has changed", done.stderr
    )
    figure = record(sample, "retouched", "one").figures[0]
    assert (sample.root / "build" / "cpu" / "retouched" / figure["light"]).stat().st_size


def test_a_run_that_dies_between_a_figure_and_its_record_leaves_the_old_figure(light, monkeypatch):
    for name, value in light.environment().items():
        monkeypatch.setenv(name, value)
    drawing = "import matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()\n"
    light.script("lesson", f'# %% one alt="A line"\n{drawing}')
    Runner(light.project).run(light.project.choose([]))
    (name,) = (figure["light"] for figure in record(light, "lesson", "one").figures)
    path = light.root / "build" / "cpu" / "lesson" / name
    before = path.read_bytes()

    def die(record, folder):
        assert len([*folder.glob("one-light*.webp")]) == 2, "the new figure is not there yet"
        raise KeyboardInterrupt

    light.edit("snippets/lesson.py", "[1, 2]", "[1, 3]")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records.Record, "write", die)
        Runner(light.project).run(light.project.choose([]))
    light.edit("snippets/lesson.py", "[1, 3]", "[1, 2]")
    (outcome,) = Runner(light.project).run(light.project.choose([]))
    assert outcome.status == "reused"
    assert path.read_bytes() == before


def test_records_and_figures_of_removed_cells_are_removed(second_run):
    sample, _ = second_run
    folder = sample.root / "build" / "cpu" / "shrunk"
    assert [file.name for file in folder.glob("*.json")] == ["two.json"]
    assert not [*folder.glob("one*")]


def test_a_section_runs_as_the_main_program_in_an_empty_folder(second_run):
    sample, _ = second_run
    assert record(sample, "folder", "one").text == "[] __main__ folder.py"


# What fails, and how it is told: one run of many sections, each with its own fault

FAULTS = {
    "raises": """
        # %% fine
        print("kept")

        # %% raising
        print("printed before")
        values = {}
        values["missing"]  # RAISES

        # %% needs-it
        print(values)

        # %% needs-that needs="needs-it"
        print("not reached")

        # %% independent
        print("runs all the same")
    """,
    "nested": """
        # %% define
        def look_up(values):
            return values["missing"]  # RAISES

        # %% call
        x = 1
        look_up({})  # CALLS
    """,
    "not-code": """
        # %% one
        x = 1
        return x  # RAISES
    """,
    "leaves": """
        # %% one
        import sys

        sys.exit(0)  # RAISES
    """,
    "asks": """
        # %% one
        input("name? ")  # RAISES
    """,
    "warns": """
        # %% one
        import warnings

        warnings.warn("mind the gap")
    """,
    "no-warning": """
        # %% one warns="UserWarning"
        print("calm")
    """,
    "other-warning": """
        # %% one warns="UserWarning"
        import warnings

        warnings.warn("expected")
        warnings.warn("not expected", RuntimeWarning)
    """,
    "no-error": """
        # %% one error="ValueError"
        print("calm")
    """,
    "other-error": """
        # %% one error="ValueError"
        {}["missing"]  # RAISES
    """,
    "hangs": """
        # %% one timeout=3
        import os
        import subprocess
        import time

        import sys

        child = subprocess.Popen(["sleep", "300"])
        apart = sys.platform == "linux"  # as the workers of torchrun
        other = subprocess.Popen(["sleep", "300"], start_new_session=apart)
        open("../../../../pids", "w").write(f"{os.getpid()} {child.pid} {other.pid}")
        print("about to hang")
        time.sleep(300)
    """,
    "talks": """
        # %% one timeout=60
        while True:
            print("endless " * 1000)
    """,
    "talks-briefly": """
        # %% one
        print("€" * 90_000)
    """,
    "raises-much": """
        # %% one error="ValueError"
        raise ValueError("endless " * 40_000)
    """,
    "exits": """
        # %% one
        import os

        print("last words")
        os._exit(3)
    """,
    "killed": """
        # %% one
        import os
        import signal

        print("last words")
        os.kill(os.getpid(), signal.SIGKILL)
    """,
    "writes-everywhere": """
        # %% one
        import contextlib
        import os

        for descriptor in range(3, 20):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"[]\\n")
    """,
    "closes-everything": """
        # %% one
        import os

        os.closerange(3, 100)
        while True:
            pass
    """,
    "own-file": """
        # %% one
        open("measurements.csv")  # RAISES
    """,
    "own-variable": """
        # %% one
        import os

        os.environ["HOME_MADE"]  # RAISES
    """,
    "late-future": """
        # %% above
        x = 1

        # %% one
        from __future__ import annotations  # RAISES
    """,
    "strict": """
        # %% above
        import warnings

        warnings.filterwarnings("error")

        # %% one
        warnings.warn("mind the gap")  # RAISES
    """,
    "clears": r"""
        # %% one
        print("above\x1b[2Jbelow")
    """,
    "clears-in-error": r"""
        # %% one error="ValueError"
        raise ValueError("above\x08below")
    """,
    "endless-thread": """
        # %% one timeout=3
        import threading
        import time

        threading.Thread(target=time.sleep, args=(300,)).start()
    """,
    "backend": """
        # %% one alt="A line"
        import matplotlib
        import matplotlib.pyplot as plt

        matplotlib.use("agg")
        plt.plot([1, 2])
        plt.show = lambda: None  # in Agg, it warns
        plt.show()
    """,
    "no-alt": """
        # %% one
        from matplotlib import pyplot

        pyplot.plot([1, 2])
        pyplot.show()  # by another name: not seen before it is run
    """,
    "no-figure": """
        # %% one alt="A line"
        print("none")
    """,
    "left-open": """
        # %% one alt="A line"
        import matplotlib.pyplot as plt

        plt.plot([1, 2])
    """,
    "two-figures": """
        # %% one alt="A line"
        import matplotlib.pyplot as plt

        for _ in range(2):
            plt.plot([1, 2])
            plt.show()
    """,
    "draws-on": """
        # %% one alt="A line"
        import matplotlib.pyplot as plt

        while True:
            plt.plot([1, 2])
            plt.show()  # RAISES
    """,
    "no-sound": """
        # %% one sound="tone.wav" heard="A tone"
        print("none")
    """,
    "no-wav": """
        # %% one sound="tone.wav" heard="A tone"
        open("tone.wav", "w").write("text")
    """,
    "empty-wav": """
        # %% one sound="tone.wav" heard="A tone"
        import wave

        with wave.open("tone.wav", "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
    """,
    "no-file": """
        # %% one file="network.bin"
        print("none")
    """,
    "large-file": """
        # %% one file="network.bin"
        open("network.bin", "wb").write(bytes(200_000))
    """,
    "large-sound": """
        # %% one sound="tone.wav" heard="A tone"
        open("tone.wav", "wb").write(bytes(40_000))
    """,
}


@pytest.fixture(scope="module")
def faults(new_light):
    """The project, and what its one run said."""
    sample = new_light()
    sample.script("sound", "# %% one\nprint('sound')\n")
    for section, text in FAULTS.items():
        sample.script(section, text)
    return sample, sample.do("tutorial", "run")


def message(faults, section) -> str:
    """The paragraph that tells of a section's failure."""
    _, done = faults
    told = [text for text in done.stderr.split("\n\n") if f"snippets/{section}.py:" in text]
    told = [text for text in told if "no transcript" not in text and "not run," not in text]
    assert len(told) == 1, done.stderr
    return told[0].strip()


def test_any_failure_makes_the_run_fail_and_is_counted(faults):
    _, done = faults
    assert done.returncode != 0
    assert f"1 ran (1 cells), 0 reused (0 cells), {len(FAULTS)} failed" in done.stdout
    assert "tutorial/run/runner.py" not in done.stderr


def test_other_sections_run_although_one_fails(faults):
    sample, _ = faults
    assert record(sample, "sound", "one").text == "sound"


def test_a_failing_cell_costs_only_itself_and_those_that_need_it(faults):
    sample, done = faults
    assert record(sample, "raises", "fine").text == "kept"
    assert record(sample, "raises", "fine").failure == ""
    assert "KeyError" in record(sample, "raises", "raising").failure
    left_out = [record(sample, "raises", name) for name in ("needs-it", "needs-that")]
    assert {cell.failure for cell in left_out} == {"not run: it needs raising, which failed"}
    assert record(sample, "raises", "independent").text == "runs all the same"
    said = "snippets/raises.py: not run, as they need a cell that failed: needs-it, needs-that"
    assert said in done.stderr


def test_after_a_kernel_died_the_cells_below_run_in_a_new_one(light):
    light.script(
        "lesson",
        """
        # %% count
        count = [1]

        # %% more
        count.append(2)

        # %% dies
        count.append(3)
        __import__("os")._exit(3)

        # %% after
        print(count)
        """,
    )
    assert light.do("tutorial", "run").returncode == 1
    assert "exit code 3" in record(light, "lesson", "dies").failure
    assert record(light, "lesson", "after").text == "[1, 2]"


@pytest.mark.parametrize(
    ("section", "cell", "line", "says"),
    [
        ("raises", "raising", "RAISES", "KeyError: 'missing'"),
        ("nested", "call", "CALLS", "KeyError: 'missing'"),
        ("not-code", "one", "RAISES", "'return' outside function"),
        ("leaves", "one", "RAISES", "SystemExit: 0"),
        ("asks", "one", "RAISES", "EOFError"),
        ("warns", "one", "%% one", 'announce it: warns="UserWarning"'),
        ("no-warning", "one", "%% one", "gave no UserWarning"),
        ("other-warning", "one", "%% one", "unannounced warning: RuntimeWarning: not expected"),
        ("no-error", "one", "%% one", "raised nothing, although error='ValueError'"),
        ("other-error", "one", "RAISES", "KeyError: 'missing' (announced: ValueError)"),
        ("hangs", "one", "%% one", "time limit of 3 s"),
        ("talks", "one", "%% one", "stopped: it printed more than 256 KB"),
        ("talks-briefly", "one", "%% one", "it printed more than 256 KB"),
        ("raises-much", "one", "%% one", "it printed more than 256 KB"),
        ("exits", "one", "%% one", "died with exit code 3"),
        ("killed", "one", "%% one", "killed by SIGKILL"),
        ("writes-everywhere", "one", "%% one", "a file descriptor that it had not opened"),
        ("closes-everything", "one", "%% one", "a file descriptor that it had not opened"),
        ("own-file", "one", "RAISES", "cells run in an empty folder, like a reader's"),
        ("own-variable", "one", "RAISES", "no reader has an environment variable of yours"),
        ("late-future", "one", "RAISES", "from __future__ imports must occur at the beginning"),
        ("strict", "one", "RAISES", "UserWarning: mind the gap"),
        ("clears", "one", "%% one", r"prints '\x1b[2J', a control character"),
        ("clears-in-error", "one", "%% one", r"prints '\x08', a control character"),
        ("endless-thread", "one", "%% one", "has started does not end: stopped at its time limit"),
        ("backend", "one", "%% one", "chooses the Matplotlib backend agg: leave that out"),
        ("no-alt", "one", "%% one", 'shows a figure without alt="..."'),
        ("no-figure", "one", "%% one", "announces a figure with alt= and shows none"),
        ("left-open", "one", "%% one", "leaves a figure open: end the cell with plt.show()"),
        ("two-figures", "one", "%% one", "shows 2 figures"),
        ("draws-on", "one", "RAISES", "shows more than 20 figures"),
        ("no-sound", "one", "%% one", "writes no file tone.wav"),
        ("no-file", "one", "%% one", "writes no file network.bin"),
        ("large-file", "one", "%% one", "with 200,000 bytes; it may have less than 200,000"),
        ("no-wav", "one", "%% one", "which is no WAV file"),
        ("empty-wav", "one", "%% one", "nothing is to be heard"),
        ("large-sound", "one", "%% one", "with 40,000 bytes; it may have less than 40,000"),
    ],
)
def test_a_failure_names_the_line_of_the_script_and_of_the_page(faults, section, cell, line, says):
    sample, _ = faults
    told = message(faults, section)
    place = sample.place(f"snippets/{section}.py", line)
    shown = sample.place(f"docs/{section}.md", f"::{cell}")
    assert told.startswith(f"{place}: cell {cell}, shown at {shown}: ")
    assert says in told
    assert says in record(sample, section, cell).failure


def test_the_traceback_has_every_line_of_the_script_and_none_of_the_machinery(faults):
    sample, _ = faults
    told = message(faults, "nested")
    for text in ("CALLS", "RAISES"):
        file, _, line = sample.place("snippets/nested.py", text).partition(":")
        assert f'File "{file}", line {line}' in told
    assert "kernel.py" not in told


@pytest.mark.parametrize("section", ["clears", "clears-in-error"])
def test_no_control_character_is_in_a_message_or_in_a_record(faults, section):
    sample, _ = faults
    kept = record(sample, section, "one")
    told = kept.text + kept.failure + message(faults, section)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", told)


@pytest.mark.parametrize("section", ["raises", "hangs", "exits", "killed"])
def test_what_a_cell_printed_before_it_failed_is_told(faults, section):
    words = {"raises": "printed before", "hangs": "about to hang"}.get(section, "last words")
    assert f"printed before that:\n{words}" in message(faults, section)


def test_a_cell_stopped_at_its_time_limit_leaves_no_process_behind(faults):
    sample, _ = faults
    pids = [int(pid) for pid in (sample.root / "pids").read_text().split()]
    assert len(pids) == 3
    for pid in pids:
        wait_for(lambda pid=pid: not alive(pid), f"the end of process {pid}", 10)


@pytest.mark.parametrize("section", ["talks", "talks-briefly"])
def test_what_a_cell_printed_beyond_the_limit_is_kept_nowhere(faults, section):
    sample, _ = faults
    folder = sample.root / "build" / "cpu" / section
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    assert len(message(faults, section)) < 5000


def test_a_dead_kernel_takes_its_forked_children_along(light):
    # Such a child holds the pipe open on which the kernel answers: nobody may wait for its end.
    light.script(
        "forks",
        """
        # %% one timeout=40
        import os
        import time

        child = os.fork()
        if child == 0:
            time.sleep(20)
            open("../../../../outlived", "w").close()
            os._exit(0)
        open("../../../../pid", "w").write(str(child))
        os._exit(3)
        """,
    )
    done = light.do("tutorial", "run")
    assert not (light.root / "outlived").exists()
    assert "died with exit code 3" in done.stderr
    pid = int((light.root / "pid").read_text())
    wait_for(lambda: not alive(pid), f"the end of process {pid}", 10)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_what_a_script_starts_in_a_session_of_its_own_ends_with_it(light):
    start = 'print(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)'
    light.script("lesson", f"# %% one\nimport subprocess\n\n{start}\n")
    assert "1 ran" in light.do("tutorial", "run").stdout
    pid = int(record(light, "lesson", "one").text)
    wait_for(lambda: not alive(pid), f"the end of process {pid}", 10)


@pytest.mark.skipif(os.name == "nt", reason="has no limit on the size of a file")
def test_a_figure_for_which_there_is_no_room_is_told_with_its_folder(light):
    light.script(
        "lesson",
        """
        # %% one alt="A line"
        import resource

        import matplotlib.pyplot as plt

        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        plt.plot([1, 2])
        plt.show()
        """,
    )
    done = light.do("tutorial", "run")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.split("\n\n")[-1].startswith(
        "build/cpu/lesson/drawn: File too large; mend that and try again"
    )


# What a record tells of the machine

PATHS = """
# %% one
import sys
import threading
import traceback
from pathlib import Path

import common.helper

try:
    common.helper.fail()
except ZeroDivisionError:
    traceback.print_exc()

# %% places
print(Path(), Path.cwd(), Path("a file").resolve(), [str(Path(common.helper.__file__).parent)])
print(Path.home() / "elsewhere", f"/opt{Path.home()}/elsewhere", f"{Path.home()}-2")
print(threading.__file__, traceback.__file__)
"""


def test_a_record_names_files_from_the_project_and_libraries_as_they_are_imported(light):
    (light.root / "snippets" / "common").mkdir()
    (light.root / "snippets" / "common" / "helper.py").write_text("def fail():\n    1 / 0\n")
    light.script("lesson", PATHS)
    assert "1 ran" in light.do("tutorial", "run").stdout
    text = record(light, "lesson", "one").text
    place = light.place("snippets/lesson.py", "    common.helper.fail()")
    assert f'  File "{place.split(":")[0]}", line {place.split(":")[1]}, in <module>' in text
    assert '  File "snippets/common/helper.py", line 2, in fail' in text
    home = Path.home()
    assert record(light, "lesson", "places").text.splitlines() == [
        ". . a file ['snippets/common']",
        f"~/elsewhere /opt{home}/elsewhere {home}-2",
        "threading.py traceback.py",
    ]


@pytest.mark.parametrize("environment", [{}, {"GIT_DIR": "../.git"}])
def test_a_record_names_no_commit_of_a_repository_around_the_project(light, environment):
    def git(folder: Path, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=b", *arguments]
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    light.script("lesson", "# %% one\nprint('text')\n")
    commit = ("commit", "--quiet", "--allow-empty", "--message=x")
    git(light.root.parent, "init", "--quiet")
    git(light.root.parent, *commit)
    light.do("tutorial", "run", **environment)
    assert record(light, "lesson", "one").revision == ""
    git(light.root, "init", "--quiet")
    git(light.root, "add", "snippets")
    git(light.root, *commit)
    light.edit("snippets/lesson.py", "text", "words")
    light.do("tutorial", "run", **environment)
    own = git(light.root, "rev-parse", "--short", "HEAD").strip()
    assert record(light, "lesson", "one").revision == f"{own}+"


# Interruption


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_an_interrupt_keeps_what_has_finished_and_leaves_no_process(light, name):
    number = getattr(signal, name)
    light.script("first", "# %% one\nprint('finished')\n")
    light.script(
        "second",
        """
        # %% one
        import os
        import subprocess
        import time

        import sys

        child = subprocess.Popen(["sleep", "300"])
        apart = sys.platform == "linux"  # as the workers of torchrun
        other = subprocess.Popen(["sleep", "300"], start_new_session=apart)
        open("../../../../pids.new", "w").write(f"{os.getpid()} {child.pid} {other.pid}")
        os.rename("../../../../pids.new", "../../../../pids")
        time.sleep(300)
        """,
    )
    running = light.start("tutorial", "run", "--jobs", "2")
    try:
        wait_for((light.root / "pids").exists, "the start of the second section")
        finished = light.root / "build" / "cpu" / "first" / "one.json"
        wait_for(finished.exists, "the record of the first section")
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    pids = [int(pid) for pid in (light.root / "pids").read_text().split()]
    try:
        for pid in pids:
            wait_for(lambda pid=pid: not alive(pid), f"the end of process {pid}", 10)
    finally:
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)
    assert running.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert "interrupted: what had finished is kept" in err
    assert not (light.root / "build" / "cpu" / "second" / "one.json").exists()
    assert "1 reused (1 cells)" in light.do("tutorial", "run", "first").stdout


# A cell finds what `python S.py` finds

SEES = """
# %% one
import multiprocessing
import os
import sys
import threading

import torch
import torchvision  # which sets an environment variable
from torch.utils.data import DataLoader, get_worker_info

# %% process
if __name__ == "__main__":
    print(__name__, sys.modules["__main__"].__file__ == __file__ == sys.argv[0], sys.argv[1:])
    print(multiprocessing.get_start_method(allow_none=True), multiprocessing.parent_process())
    print(os.getsid(0) == os.getpid() if hasattr(os, "getsid") else "", [sys.stdin.read()])
    print(threading.active_count(), torch.get_num_threads(), sys.path)
    ours = ("PYTHONPATH", "TUTORIAL_KERNEL")
    print(sorted(item for item in os.environ.items() if item[0] not in ours), os.listdir())


# %% workers
class Squares:
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return index**2, get_worker_info().id, __name__ in ("__main__", "__mp_main__")


if __name__ == "__main__":
    for batch in DataLoader(Squares(), batch_size=4, num_workers=2):
        print(batch)
    print(multiprocessing.get_start_method())
"""


def test_a_cell_finds_what_the_script_finds_when_it_is_run(sample, tmp_path, monkeypatch):
    monkeypatch.delenv("DEVICE", raising=False)  # of the tests
    sample.script("lesson", SEES)
    done = sample.do("tutorial", "run")
    assert "1 ran (3 cells)" in done.stdout, done.stderr
    (tmp_path / "empty").mkdir()
    script = subprocess.run(
        [sys.executable, sample.root / "snippets" / "lesson.py"],
        cwd=tmp_path / "empty",
        env=sample.environment(**Runner(sample.project).kernel_environment(1)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert script.returncode == 0, script.stderr
    cells = [record(sample, "lesson", name).text for name in ("process", "workers")]
    assert "\n".join(cells).splitlines() == without_paths(script.stdout, sample.root).splitlines()


# All that a cell could find otherwise than the script does. Warnings have no path on a page.
STREAMS = r'''
"""The docstring of the script."""

# %% future
from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import warnings

warnings.formatwarning = lambda message, category, *_: f"{category.__name__}! {message}\n"
print(__doc__)

# %% above-a-string
"""No docstring of the script."""


def later(x: NotDefinedYet) -> int | None:
    return x


print(later(1), later.__annotations__, __doc__)

# %% order warns="UserWarning"
print("before")
for number in range(3):
    warnings.warn("mind the gap")  # is told once
warnings.warn("not for users", PendingDeprecationWarning)
print("after")
print("on the original stream, with assertions:", __debug__, file=sys.__stdout__)
print("on stderr", file=sys.stderr)
os.write(1, b"straight to the descriptor\n")

# %% strict
warnings.filterwarnings("error", category=RuntimeWarning)
warnings.filterwarnings("ignore", message="a whisper")

# %% caught
try:
    warnings.warn("loud", RuntimeWarning)
except RuntimeWarning as warning:
    print("caught:", warning)
warnings.warn("a whisper")

# %% lookalikes
print("# %% looks-like-a-cell 0123abcd")
print("\\# %% escaped 0123abcd")
print("```python\n1 / 0\n```")
print("one\u2028two\u2029three")

# %% links
print("\x1b]8;;https://example.org\x1b\\a link\x1b]8;;\x1b\\, \x1b[1;38:5:9mred\x1b[0m\x1b[K")

# %% end
atexit.register(print, "at exit")


def speak():
    time.sleep(0.3)
    print("a thread, when the last cell has ended")


threading.Thread(target=speak).start()
print("the end")
'''


def test_cells_print_what_the_script_prints(light, tmp_path):
    light.script("lesson", STREAMS)
    done = light.do("tutorial", "outputs", PYTHONWARNINGS="ignore", PYTHONOPTIMIZE="1")
    assert "1 ran (8 cells)" in done.stdout, done.stderr
    script = subprocess.run(
        [sys.executable, "-u", light.root / "snippets" / "lesson.py"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert script.returncode == 0, script.stdout
    seen = re.sub(r"\x1b(\]8;[^\x1b]*\x1b\\|\[[\d;:]*[mK])", "", script.stdout.decode())
    cells = [cell.name for cell in light.project.sections["lesson"].cells]
    texts = [record(light, "lesson", name).text for name in cells]
    assert "\n".join(filter(None, texts)).split("\n") == seen.rstrip("\n").split("\n")
    entries = Transcript.read(light.project.transcript("cpu", "lesson")).cells
    assert [entries[name].output for name in cells] == texts
    again = light.do("tutorial", "outputs")
    assert "outputs/cpu/lesson.txt: the same" in again.stdout, again.stderr
    assert not [line for line in again.stderr.split("\n") if "changed" in line]


def test_a_fork_of_a_cell_ends_as_that_of_a_script(light):
    light.script(
        "lesson",
        """
        # %% one
        import os
        import sys


        def end_of_fork(work):
            if child := os.fork():
                return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            work()


        print("exit code", end_of_fork(lambda: (print("child"), sys.exit(3))))
        print("exit code", end_of_fork(lambda: {}["missing"]))

        # %% two
        print("two")
        """,
    )
    done = light.do("tutorial", "run")
    assert "1 ran (2 cells)" in done.stdout, done.stderr
    lines = record(light, "lesson", "one").text.splitlines()
    assert lines[:2] + lines[-2:] == ["child", "exit code 3", "KeyError: 'missing'", "exit code 1"]
    assert record(light, "lesson", "two").text == "two"


def test_a_line_that_a_thread_prints_between_two_cells_is_shown(light):
    light.script(
        "lesson",
        """
        # %% one
        import sys
        import threading


        def speak():
            main = threading.main_thread().ident
            while sys._current_frames()[main].f_code.co_name != "serve" and not late.is_set():
                pass
            print("between", flush=True)


        late = threading.Event()  # the second cell may begin before the thread has looked
        thread = threading.Thread(target=speak)
        thread.start()

        # %% two
        late.set()
        thread.join()
        print("two")
        """,
    )
    light.do("tutorial", "run")
    texts = [record(light, "lesson", name).text for name in ("one", "two")]
    assert "\n".join(filter(None, texts)) == "between\ntwo"


@pytest.mark.parametrize("statement", ["sys.stdout.close()", "sys.stdout = None", "os.close(1)"])
def test_a_cell_may_close_its_streams(light, statement):
    light.script("lesson", f"# %% one\nimport os\nimport sys\n\n{statement}\n# %% two\nx = 1\n")
    done = light.do("tutorial", "run")
    assert "1 ran (2 cells)" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "statement", ["time.perf_counter = None", "json.dumps = None", "json.loads = None"]
)
def test_a_cell_may_replace_what_the_kernel_uses(light, statement):
    light.script("lesson", f"# %% one\nimport json\nimport time\n\n{statement}\n# %% two\nx = 1\n")
    done = light.do("tutorial", "run")
    assert "1 ran (2 cells)" in done.stdout, done.stderr


def test_a_torch_that_cannot_be_imported_is_told_for_each_section(light):
    light.torch += "\nraise ImportError('a library is missing')"
    for section in ("first", "second"):
        light.script(section, "# %% one\nprint('text')\n")
    done = light.do("tutorial", "run")
    assert done.returncode != 0
    for section in ("first", "second"):
        assert f"snippets/{section}.py: the kernel did not start" in done.stderr
    assert done.stderr.count("ImportError: a library is missing") == 2


def test_an_interrupt_while_torch_is_imported_leaves_no_process(light, tmp_path):
    pid_file = tmp_path / "pid"
    light.torch += f"\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    light.torch += "\nimport time; time.sleep(300)"
    for section in ("first", "second"):
        light.script(section, "# %% one\nprint('text')\n")
    running = light.start("tutorial", "run")
    try:
        wait_for(lambda: pid_file.exists() and pid_file.read_text(), "the import of torch")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "Traceback" not in err
    pid = int(pid_file.read_text())
    wait_for(lambda: not alive(pid), f"the end of process {pid}", 10)


# Devices


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        ([], {"DEVICE": "tpu"}, "DEVICE=tpu: unknown; it is one of cpu, cuda, mps, xpu"),
        ([], {"DEVICE": "cuda"}, "DEVICE=cuda: torch 0.light (built with no CUDA) finds no such"),
        (["--device", "xpu"], {}, "DEVICE=xpu: torch 0.light"),  # its torch has no such module
    ],
)
def test_a_device_that_is_not_there_is_told_in_one_line(light, options, environment, says):
    light.script("lesson", "# %% one\nprint('text')\n")
    done = light.do("tutorial", "run", *options, **environment)
    assert done.returncode == 1
    assert done.stderr.strip().startswith(says)
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (light.root / "build").exists()


def test_cells_for_a_device_run_there_and_are_recorded_apart(light):
    light.script(
        "lesson",
        """
        # %% anywhere
        print("anywhere")

        # %% on-gpu device="cuda"
        import os

        print("on the GPU", os.environ["LIGHT_GPU"])
        """,
    )
    on_cpu = light.do("tutorial", "run")
    assert "sections on cpu: 1 ran (1 cells)" in on_cpu.stdout
    on_gpu = light.do("tutorial", "run", DEVICE="cuda", LIGHT_GPU="Light 1")
    assert "sections on cuda: 1 ran (2 cells)" in on_gpu.stdout
    assert record(light, "lesson", "on-gpu") is None
    on_cuda = record(light, "lesson", "on-gpu", "cuda")
    assert on_cuda.text == "on the GPU Light 1"
    assert on_cuda.environment["device_name"] == "Light 1"
    # A record of another product is not one of this.
    again = light.do("tutorial", "run", DEVICE="cuda", LIGHT_GPU="Light 2")
    assert "1 ran (2 cells)" in again.stdout


def test_a_section_that_does_not_exist_is_told_with_those_that_do(light):
    light.script("lesson", "# %% one\nprint('text')\n")
    done = light.do("tutorial", "run", "lessen")
    assert done.returncode == 1
    assert done.stderr.strip() == "no section is called lessen: there are lesson"
