"""Committed outputs survive being written and read, and are compared as people would."""

import pytest

from tutorial.record.transcripts import (
    Entry,
    Transcript,
    agrees,
    diff,
    differences,
    mark,
    same,
    unmarked,
)

FACTS = {"device": "NVIDIA H100", "data": "CIFAR-10 (JPEG copy)", "torch": "2.14.1+cpu"}

TEXTS = {
    "empty": "",
    "one line": "tensor([1, 2])",
    "blank lines within": "above\n\n\nbelow",
    "indented": "Net(\n  (conv): Conv2d(1, 6)\n)",
    "indented first line": "   1   2\n  10  20",
    "comment": "# a line that looks like a comment",
    "fact": "# device: not a fact of the run",
    "marker": "# %% not-a-marker-of-ours",
    "head of a cell": "above\n# %% looks-like-a-cell 0123abcd\nbelow",
    "head of a cell, escaped": "\\# %% looks-like-a-cell 0123abcd",
    "marks": "test accuracy ≈58.3% in ≈12.5 s",
    "percent": "%% and 100%",
    "not ASCII": "∂loss/∂w = 0,5 µs – naïve 学习",
    "form feed": "page\x0cbreak",
    "line separator": "one\u2028two",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("seconds", [None, 0.25, 1.53e-05, 1230.0])
def test_what_is_written_is_read_again(tmp_path, text, seconds):
    path = tmp_path / "outputs" / "cuda" / "lesson.txt"
    cells = {
        "before": Entry("00000000", "first", seconds),
        "one": Entry("0123abcd", text, seconds),
        "after": Entry("deadbeef", "", seconds),
        "varies": Entry("deadbeef", text, seconds, whole=True),
        "stand-in": Entry("deadbeef", text, seconds, whole=bool(text), stand_in=True),
        "last": Entry("ffffffff", text, seconds),
    }
    Transcript(FACTS, cells).write(path)
    read = Transcript.read(path)
    assert read.facts == FACTS
    assert list(read.facts) == list(FACTS)
    assert read.cells == cells
    assert list(read.cells) == list(cells)


def test_writing_again_what_was_read_changes_no_byte(tmp_path):
    path = tmp_path / "lesson.txt"
    cells = {str(n): Entry("0123abcd", text, 0.1) for n, text in enumerate(TEXTS.values())}
    Transcript(FACTS, cells).write(path)
    first = path.read_bytes()
    Transcript.read(path).write(path)
    assert path.read_bytes() == first


def test_a_transcript_that_does_not_exist_is_empty(tmp_path):
    assert Transcript.read(tmp_path / "none.txt") == Transcript({}, {})


def test_a_transcript_is_current_up_to_the_first_changed_cell():
    cells = {name: Entry(name * 8, name) for name in "abcd"}
    transcript = Transcript({}, cells)
    now = {name: name * 8 for name in "abcd"}
    assert list(transcript.current(now)) == ["a", "b", "c", "d"]
    assert list(transcript.current(now | {"c": "changed!"})) == ["a", "b"]
    assert list(transcript.current({"a": "a" * 8, "new": "0" * 8, "b": "b" * 8})) == ["a"]
    assert list(transcript.current({"new": "0" * 8, **now})) == []
    assert transcript.current(now)["b"] == cells["b"]


SAME = {
    "equal": ("tensor([1, 2])", "tensor([1, 2])"),
    "one unit of the last digit": ("loss 0.6931", "loss 0.6932"),
    "and back": ("loss 0.6932", "loss 0.6931"),
    "zero on one side": ("0.0000", "-0.0001"),
    "signs of zero": ("tensor([-0.])", "tensor([0.])"),
    "scientific": ("1.2345e-05", "1.2346e-05"),
    "scientific, other exponents": ("9.9999e-06", "1.0000e-05"),
    "the coarser of two spellings": ("0.1", "0.1000"),
    "whole floats beside longer ones": ("tensor([1., 2.])", "tensor([1.0000, 2.0001])"),
    "noise of a float's repr": ("0.3", "0.30000000000000004"),
    "alignment with a sign": ("[[ 0.00,  0.20]]", "[[-0.01,  0.20]]"),
    "alignment in a column": ("a    1.00\nbb   2.00", "a  1.01\nbb 2.00"),
    "padding at the beginning of a line": ("a\n 9.99 each\n 8 ms", "a\n10.00 each\n120 ms"),
    "seconds": ("epoch 1 took 12.3 s", "epoch 1 took 4 s"),
    "milliseconds without a space": ("3.1ms", "12.75ms"),
    "microseconds": ("87 µs", "9.25 µs"),
    "minutes": ("about 2 min", "about 13 min"),
    "seconds with an exponent": ("1.2e-03 s", "4.7e-02 s"),
    "addresses": ("<f at 0x7f12ab34cd00>", "<f at 0x7fffffffff10>"),
    "nan": ("tensor([nan, 1.])", "tensor([nan, 1.])"),
    "infinity": ("-inf", "-inf"),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME.keys())
def test_outputs_that_agree(old, new):
    assert same(old, new)
    assert same(new, old)


DIFFERENT = {
    "a word": ("loss 0.5", "cost 0.5"),
    "case": ("True", "true"),
    "two units of the last digit": ("loss 0.6931", "loss 0.6933"),
    "sign": ("-0.5000", "0.5000"),
    "whole number": ("parameters: 61706", "parameters: 61707"),
    "negative whole number": ("-3", "-4"),
    "number in a name": ("conv1", "conv2"),
    "number within a size": ("1x32x32", "1x32x33"),
    "whole float": ("tensor([36., 81.])", "tensor([37., 81.])"),
    "whole number against a fraction": ("3", "3.9"),
    "scientific": ("1.2345e-05", "1.2347e-05"),
    "exponent": ("1.2345e-05", "1.2345e-06"),
    "nan": ("tensor([nan])", "tensor([1.])"),
    "infinity and its sign": ("inf", "-inf"),
    "one number more": ("1.0 2.0", "1.0 2.0 3.0"),
    "one line more": ("1.0\n2.0", "1.0\n2.0\n3.0"),
    "lines joined": ("1.0\n2.0", "1.0 2.0"),
    "empty": ("", "1.0"),
    "unit of time": ("12.3 s", "12.3 ms"),
    "a number that no unit follows": ("7 steps", "8 steps"),
    "minimum, not minutes": ("max 0.75 min 0.25", "max 0.85 min 0.25"),
}


@pytest.mark.parametrize(("old", "new"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_outputs_that_differ(old, new):
    assert not same(old, new)
    assert not same(new, old)


AGREE = {
    "equal": ("tensor([1, 2])", "tensor([1, 2])"),
    "marked": ("accuracy ≈58.3%", "accuracy 60.1%"),
    "marked, more digits": ("answers: [≈985, ≈1046]", "answers: [1012, 99]"),
    "marked, thousands": ("≈999 steps", "1,000 steps"),
    "marked, sign": ("[ ≈0.00,  ≈0.20]", "[-0.01,  0.20]"),
    "marked, exponent": ("loss ≈1.2e-05", "loss 0.3"),
    "padding of a marked column": ("a    ≈1.00\nbb ≈222.00", "a  1.01\nbb 2.00"),
    "a time": ("took ≈12.3 s", "took 4 s"),
    "an address": ("<f at ≈0x7f12ab34cd00>", "<f at 0x7fffffffff10>"),
    "a mark among words": ("π ≈ 3.14", "π ≈ 3.14"),
    "rounded down here, up there": ("loss 1.815", "loss 1.816"),
    "rounded to one digit more": ("    9.99", "   10.00"),
    "blanks": ("a  b", "a b"),
    "a marked class": ("cat for ≈dog", "cat for deer"),
}
DISAGREE = {
    "more than the last digit": ("loss 0.6931", "loss 0.6933"),
    "the last digit of a whole number": ("tensor([36., 81.]), 5", "tensor([36., 81.]), 6"),
    "a whole float": ("tensor([36., 81.])", "tensor([37., 81.])"),
    "the number of digits": ("0.10", "0.1"),
    "blanks within a word": ("ab", "a b"),
    "a number beside a marked one": ("≈58.3% of 10000", "58.3% of 5000"),
    "a word beside a marked number": ("≈58.3% right", "58.3% wrong"),
    "not a number": ("loss ≈1.5", "loss nan"),
    "infinity": ("loss ≈1.5", "loss inf"),
    "one number more": ("[≈1.0]", "[1.0, 2.0]"),
    "one line more": ("≈1.0", "1.0\n2.0"),
    "a class": ("cat for dog ≈213", "cat for deer 213"),
    "nothing": ("≈1.0", ""),
}


@pytest.mark.parametrize(("committed", "output"), AGREE.values(), ids=AGREE.keys())
def test_marked_numbers_and_last_digits_may_differ(committed, output):
    assert agrees(committed, output)
    assert diff(committed, output) == ""
    assert agrees(committed, unmarked(committed))


@pytest.mark.parametrize(("committed", "output"), DISAGREE.values(), ids=DISAGREE.keys())
def test_all_else_is_compared_as_printed(committed, output):
    assert not agrees(committed, output)
    assert diff(committed, output)


@pytest.mark.parametrize(
    ("committed", "output", "agree"),
    [
        ("accuracy 58.3% of 10000", "accuracy 96% of 2000", True),
        ("cat for dog  213", "airplane for ship   7", True),  # a class is a value as well
        ("[cat, dog]", "[cat, fish]", False),
        ("loss 1.5", "loss nan", False),
        ("1\n2", "1", False),
        ("took ≈12.3 s", "took 4 s", True),
    ],
)
def test_on_other_data_every_number_is_compared_in_form(committed, output, agree):
    assert agrees(committed, output, in_form=True) is agree
    assert (diff(committed, output, in_form=True) == "") is agree


def test_a_cell_that_varies_as_a_whole_has_to_print_something():
    entry = Entry("0123abcd", "Once upon a time", whole=True)
    assert entry.agrees("There was a fox\nand a stone")
    assert not entry.agrees("")
    assert Entry("0123abcd", "", whole=True).agrees("")


@pytest.mark.parametrize(
    ("text", "others", "marked"),
    [
        ("loss 0.5\nsteps 7", [], "loss 0.5\nsteps 7"),
        ("loss 0.5\nsteps 7", ["loss 0.5\nsteps 7"], "loss 0.5\nsteps 7"),
        # All numbers of the line; elsewhere in the cell decimals and percentages.
        (
            "loss 0.5 at 7\nbest 0.4 of 9, 3%",
            ["loss 0.6 at 7\nbest 0.4 of 9, 3%"],
            "loss ≈0.5 at ≈7\nbest ≈0.4 of 9, ≈3%",
        ),
        ("1.5 2.5", ["1.5 2.5", "1.5 2.6"], "≈1.5 ≈2.5"),
        ("took 3 s for 7", ["took 9 s for 7"], "took ≈3 s for 7"),
        ("1 microsecond, 25 min", [], "≈1 microsecond, ≈25 min"),
        ("at 0x7f12ab34cd00", [], "at ≈0x7f12ab34cd00"),
        # A shape is no number of that line, unless it differs itself.
        ("0.5 of (9, 2)", ["0.6 of (9, 2)"], "≈0.5 of (9, 2)"),
        ("(9, 2)", ["(8, 2)"], "(≈9, ≈2)"),
        # What was marked before stays so.
        ("loss 0.5, 7", ["loss ≈0.5, 7"], "loss ≈0.5, ≈7"),
        # A class, and what stands beside it.
        ("cat for dog 1\nship 2", ["cat for deer 1\nship 2"], "cat for ≈dog ≈1\nship 2"),
        ("cat 1", ["dog 1"], "≈cat ≈1"),
        ("fox 1", ["owl 1"], None),
        ("1 2", ["1 2 3"], None),
        ("1\n2", ["1 2"], None),
        ("loss 0.5", ["loss nan"], None),
    ],
)
def test_what_differs_between_two_runs_is_marked(text, others, marked):
    assert mark(text, others) == marked
    if marked:
        assert unmarked(marked) == text
        assert all(agrees(marked, unmarked(other)) for other in others)


def test_below_a_cell_that_varies_every_number_but_a_shape_is_marked():
    said = "7 of 9 in (9, 2): 0.78\n(9, 2) (7,) torch.Size([3, 4]) [5, 6]"
    marked = "≈7 of ≈9 in (9, 2): ≈0.78\n(9, 2) (7,) torch.Size([3, 4]) [≈5, ≈6]"
    assert mark(said, [said], below=True) == marked
    assert mark(said, [said, marked], below=True) == marked  # to be written again changes nothing
    # Where two runs show which lines vary, the others are exact.
    assert mark("loss 0.5\nsteps 7", ["loss 0.6\nsteps 7"], below=True) == "loss ≈0.5\nsteps 7"


def test_below_a_cell_that_varies_the_classes_are_marked_but_not_those_of_a_table():
    # true, predicted; then the accuracy of a class
    said = "deer  automobile\nship  ship\ncat 38.5%"
    marked = "deer  ≈automobile\nship  ≈ship\ncat ≈38.5%"
    assert mark(said, [said], below=True) == marked
    assert mark(said, [said, marked], below=True) == marked
    assert agrees(marked, "deer  frog\nship  ship\ncat 40.0%")
    assert not agrees(marked, "frog  automobile\nship  ship\ncat 38.5%")
    assert Entry("0123abcd", "deer  ≈automobile").varies


def test_a_diff_shows_the_lines_that_do_not_agree_and_no_others():
    old = "epoch 1: loss ≈2.3026\nepoch 2: loss 1.5000\ntook ≈3.0 s"
    new = "epoch 1: loss 2.3027\nepoch 2: loss 1.6000\ntook 9.0 s"
    lines = diff(old, new).splitlines()
    assert [line for line in lines if line[0] == "-"] == ["--- committed", "-epoch 2: loss 1.5000"]
    assert [line for line in lines if line[0] == "+"] == ["+++ this run", "+epoch 2: loss 1.6000"]


def test_a_diff_shows_lines_that_came_and_went():
    lines = diff("a\nb\nc", "a\nc\nd").splitlines()
    assert "-b" in lines
    assert "+d" in lines
    assert "-a" not in lines


def marked(text, spans):
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME.keys())
def test_nothing_is_marked_in_outputs_that_agree(old, new):
    assert differences(old, new) == ([], [])


@pytest.mark.parametrize(("old", "new"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_something_is_marked_in_outputs_that_differ(old, new):
    ours, theirs = differences(old, new)
    assert ours or theirs or old.split() == new.split()  # an end of a line cannot be marked
    assert differences(new, old) == (theirs, ours)


MARKED = {
    "numbers": ("loss 0.51, accuracy 0.40", "loss 0.51, accuracy 0.47", ["0.40"], ["0.47"]),
    "sign": ("[ 0.5, 1.0]", "[-0.5, 1.0]", ["0.5"], ["-0.5"]),
    "words": ("cat as dog", "cat as truck", ["dog"], ["truck"]),
    "within the last digit": ("0.6931 0.5000", "0.6932 0.5002", ["0.5000"], ["0.5002"]),
    "what one alone has": ("ones([1.])", "ones([1.], device='cuda:0')", [], [", device='cuda:0'"]),
    "a line more": ("a 1\nc 3", "a 1\nb 2\nc 3", [], ["b 2"]),
    "two lines": ("1\n2", "3\n4", ["1", "2"], ["3", "4"]),
    "no times": ("took 3 s for 7", "took 9 s for 8", ["7"], ["8"]),
    "neighbours": ("on a cpu: yes", "on one cuda: yes", ["a cpu"], ["one cuda"]),
    "brackets by chance": ("[x] a <b>c</b>", "[x] d <i>", ["a <b>c</b>"], ["d <i>"]),
    "all": ("", "new text", [], ["new text"]),
}


@pytest.mark.parametrize(("old", "new", "ours", "theirs"), MARKED.values(), ids=MARKED.keys())
def test_what_is_marked(old, new, ours, theirs):
    spans = differences(old, new)
    assert (marked(old, spans[0]), marked(new, spans[1])) == (ours, theirs)
