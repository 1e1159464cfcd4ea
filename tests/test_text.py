"""The tokenizer that the section on text builds, cell by cell, on any string."""

import random
from functools import cache
from itertools import islice, pairwise
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import nightly
from tutorial.lesson import labs
from tutorial.lesson.project import Project

# No time limit an example: the first one waits for the tokenizer to be trained. And no files kept.
examples = 200 if nightly.ALL else 100
settings.register_profile("page", deadline=None, database=None, max_examples=examples)
settings.load_profile("page")

PROJECT = Project.find()
CELLS = ("imports", "tales", "splits", "pairs", "merge", "train-tokenizer", "tokenizer")


@cache
def page() -> SimpleNamespace:
    """What the page's cells define, from the first to the tokenizer."""
    cells = {cell.name: cell for cell in PROJECT.sections["text"].cells}
    namespace = {"__name__": "__main__"}
    for name in CELLS:
        exec(compile(cells[name].source, cells[name].id, "exec"), namespace)
    return SimpleNamespace(**namespace)


# What UTF-8 can hold is everything but lone surrogates. Strings of the tales' own words as well,
# because in strings from all of Unicode hardly a merge ever applies.
unicode = st.text(st.characters(codec="utf-8"))
words = st.sampled_from(
    ["the", "fox", "crow", "valley", "un", "ing", " ", "  ", "\n", "\t", ".", '"']
)
english = st.lists(words | unicode).map("".join)
ids = st.lists(st.integers(0, 4))


@pytest.mark.parametrize("strings", [unicode, english], ids=["unicode", "english"])
def test_decoding_gives_back_what_was_encoded(strings):
    @given(strings)
    @example("")
    @example("e\u0301 é")
    @example("\x00\ufffd\U0010ffff")
    @example("👩🏽‍🚀 狐と鴉\r\n")
    def round_trip(text):
        tokenizer = page().tokenizer
        encoded = tokenizer.encode(text)
        assert tokenizer.decode(encoded) == text
        assert set(encoded) <= tokenizer.tokens.keys()
        assert all(type(number) is int for number in encoded)

    round_trip()


def test_a_lone_surrogate_is_no_text_and_is_refused():
    with pytest.raises(UnicodeEncodeError):
        page().tokenizer.encode("\ud83e")


@given(english)
def test_pieces_leave_out_no_character(text):
    assert "".join(page().PIECE.findall(text)) == text


@given(st.data())
def test_any_known_ids_can_be_decoded(data):
    tokenizer = page().tokenizer
    known = st.sampled_from(sorted(tokenizer.tokens))
    assert isinstance(tokenizer.decode(data.draw(st.lists(known))), str)


@given(english)
def test_encoding_applies_the_merges_in_the_order_of_learning(text):
    tokenizer, expected = page().tokenizer, []
    for piece in page().PIECE.findall(text):
        encoded = list(piece.encode())
        for pair, new_id in tokenizer.merges.items():
            encoded = page().merge(encoded, pair, new_id)
        expected += encoded
    assert tokenizer.encode(text) == expected


@given(english, st.integers(0, 256))
def test_more_merges_never_make_more_tokens(text, number):
    fewer = page().Tokenizer(dict(list(page().merges.items())[:number]))
    assert len(page().tokenizer.encode(text)) <= len(fewer.encode(text)) <= len(text.encode())


@given(ids, st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_a_merge_can_be_undone_and_leaves_no_pair_of_two_different_ids(ids, pair):
    before = list(ids)
    merged = page().merge(ids, pair, 9)
    assert ids == before
    assert [each for number in merged for each in (pair if number == 9 else [number])] == ids
    if pair[0] != pair[1]:
        assert pair not in pairwise(merged)


@given(ids, st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_the_solution_of_the_exercise_does_what_the_page_does(ids, pair):
    assert solution()(ids, pair, 9) == page().merge(ids, pair, 9)


@cache
def solution():
    lab, namespace = labs.Lab(PROJECT, "text"), {}
    exec(lab.preamble() + "\n" + lab.exercises["merge"].solution, namespace)
    return namespace["merge"]


def test_the_same_words_give_the_same_merges_in_any_order():
    tales = list(page().parts["training"])
    random.Random(0).shuffle(tales)
    again = page().learn_merges("\n\n".join(tales), 256)
    assert again == (page().merges, page().frequencies)
    assert list(again[0]) == list(page().merges)


def test_learning_stops_where_no_pair_occurs_twice():
    merges, frequencies = page().learn_merges("abcd", 10)
    assert (merges, frequencies) == ({}, [])
    assert page().learn_merges("", 10) == ({}, [])


def test_each_merge_is_the_most_frequent_pair_of_its_moment():
    """Counted anew, without the shortcut of counting each piece once."""
    lists = [list(piece.encode()) for piece in page().PIECE.findall(page().texts["training"])]
    learnt = zip(page().merges.items(), page().frequencies, strict=True)
    for (pair, new_id), frequency in islice(learnt, 40):
        counts = page().Counter(two for one in lists for two in pairwise(one))
        assert counts[pair] == frequency == max(counts.values())
        lists = [page().merge(one, pair, new_id) for one in lists]


def test_the_held_out_tales_are_in_no_training():
    parts = page().parts
    everything = [tale for part in parts.values() for tale in part]
    assert len(everything) == len(set(everything)) == 26
    assert "".join(page().TALES.split()) == "".join("".join(everything).split())
