"""The drawn stand-in: reproducible, in CIFAR-10's layout, told apart by shape and not by colour."""

import hashlib
import itertools
import json
import pickle
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from tutorial.data import cifar10, stand_in


@pytest.fixture(scope="module")
def images():
    """1,500 training images (1500, 3, 32, 32) and their labels."""
    indices = range(1500)
    return np.stack([stand_in.draw(0, index) for index in indices]), np.arange(1500) % 10


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand-in")
    told = []
    sums = stand_in.write(folder, lambda *note: told.append(note), train=250, test=100)
    return folder, sums, told


def batch(folder, name):
    return pickle.loads((folder / cifar10.FOLDER / name).read_bytes())


def test_an_image_depends_on_its_own_seed_alone():
    indices = [3, 17, 4, 999]
    here = [stand_in.draw(1, index) for index in indices]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        elsewhere = [*pool.map(stand_in.draw, [1] * 4, reversed(indices))]
    for one, other in zip(here, reversed(elsewhere), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(stand_in.draw(0, 3), stand_in.draw(1, 3)), "the splits share images"


def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    folder, sums, _ = written
    assert stand_in.write(tmp_path, train=250, test=100) == sums
    for name in sums:
        one, other = (place / cifar10.FOLDER / name for place in (folder, tmp_path))
        assert one.read_bytes() == other.read_bytes()


def test_checksums_are_those_of_the_files(written):
    folder, sums, _ = written
    assert list(sums) == list(cifar10.OFFICIAL)
    listing = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    assert listing == {"name": "drawn stand-in", "md5": sums}
    for name, md5 in sums.items():
        blob = (folder / cifar10.FOLDER / name).read_bytes()
        assert hashlib.md5(blob).hexdigest() == md5


def test_every_file_holds_the_classes_in_equal_numbers_and_mixed(written):
    folder, _, _ = written
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        content = batch(folder, name)
        size = 100 if name == "test_batch" else 50
        assert content["data"].shape == (size, 3072) and content["data"].dtype == np.uint8
        assert Counter(content["labels"]) == dict.fromkeys(range(10), size // 10)
        assert content["labels"] != [index % 10 for index in range(size)], "classes in turn"
        assert content["batch_label"] == name and len(set(content["filenames"])) == size
        for row, file in enumerate(content["filenames"]):
            assert file.startswith(cifar10.CLASSES[content["labels"][row]])
    assert batch(folder, "batches.meta")["label_names"] == [*cifar10.CLASSES]


def test_a_row_is_the_image_its_file_name_says(written):
    content = batch(written[0], "test_batch")
    index = int(content["filenames"][7].split("_")[1].removesuffix(".png"))
    np.testing.assert_array_equal(content["data"][7], stand_in.draw(1, index).ravel())


def test_class_names_are_those_of_cifar10():
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    assert " ".join(cifar10.CLASSES) == names
    assert [painter.__name__ for painter, *_ in stand_in.SUBJECTS] == names.split()


def test_progress_grows_up_to_the_end(written):
    fractions = [done for _, done in written[2]]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and 0.5 < fractions[-1] <= 1


def test_no_two_images_are_the_same(images):
    pixels, _ = images
    assert len({image.tobytes() for image in pixels}) == len(pixels)


def test_each_class_is_drawn_differently_with_the_same_numbers():
    drawn = {}
    for painter, *_ in stand_in.SUBJECTS:
        layer = stand_in.Layer(random.Random(5))
        painter(layer)
        drawn[painter.__name__] = np.asarray(layer.image)[..., 3] > 0  # where something is drawn
    for one, other in itertools.combinations(drawn, 2):
        assert (drawn[one] ^ drawn[other]).mean() > 0.03, f"{one} and {other} have one outline"


def test_colour_alone_does_not_tell_the_classes_but_the_picture_does(images):
    pixels, labels = images
    grey = pixels.mean(axis=1).reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(-1, 256)
    by_colour = fitted_accuracy(pixels.mean(axis=(2, 3)), labels)
    by_shape = fitted_accuracy(grey, labels)
    assert by_colour < 0.28
    assert by_shape > 0.28


def fitted_accuracy(features, labels):
    """Accuracy on the last third of a linear least-squares classifier fitted to the others."""
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    features = np.hstack([features, np.ones((len(features), 1))])
    fit, test = slice(0, 1000), slice(1000, None)
    gram = features[fit].T @ features[fit] + 100 * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, features[fit].T @ np.eye(10)[labels[fit]])
    return float(((features[test] @ weights).argmax(axis=1) == labels[test]).mean())
