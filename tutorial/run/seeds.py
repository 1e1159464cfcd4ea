"""Within the process that runs a recipe: other seeds, and what came of each.

It needs nothing but torch: it also runs on a GPU machine where nothing can be installed.
"""

import torch


class Seeds:
    """Repeats a recipe whose cells run in `namespace`: an offset of torch.manual_seed is its seed.

    Made when all cells above the recipe have run.
    """

    def __init__(self, namespace: dict) -> None:
        self.namespace = namespace
        self.networks_before = self._networks()
        self.offset = self.calls = 0
        self._manual_seed = torch.manual_seed
        torch.manual_seed = self._manual_seed_with_offset

    def _manual_seed_with_offset(self, seed: int):
        self.calls += 1
        return self._manual_seed(seed + self.offset)

    def begin(self, offset: int) -> None:
        """Make ready for the recipe's cells: what they leave behind must be their own."""
        self.offset = offset
        for name in ("test_logits", "seconds"):
            self.namespace.pop(name, None)

    def outcome(self) -> dict:
        """After the recipe's last cell: accuracy of all classes and of each, seconds.

        confusion: how many test images of each class (a row) got which answer (a column).
        calls: how often a seed was set so far; trained_further: networks made before the recipe and
        trained in it, with which the next seed would go on. ValueError for test_logits,
        (N, classes), test_labels, (N,), classes or seconds that are not as a recipe leaves them.
        """
        names = ("test_logits", "test_labels", "classes", "seconds")
        for name in names:
            _require(name in self.namespace, f"'{name}' is not defined")
        logits, labels, classes, seconds = (self.namespace[name] for name in names)
        classes, labels = [str(name) for name in classes], labels.tolist()
        _require(
            len(logits) == len(labels) > 0,
            f"{len(logits)} rows of test_logits, {len(labels)} test_labels",
        )
        _require(logits.shape[1] == len(classes), f"{logits.shape[1]} logits, {len(classes)} names")
        _require(seconds > 0, f"seconds is {seconds}")
        confusion = [[0] * len(classes) for _ in classes]
        for label, answer in zip(labels, logits.argmax(dim=1).tolist(), strict=True):
            confusion[label][answer] += 1
        _require(all(map(any, confusion)), "a class has no test image")
        right = [row[label] for label, row in enumerate(confusion)]
        by_class = zip(classes, right, map(sum, confusion), strict=True)
        return {
            "calls": self.calls,
            "trained_further": self._trained_further(),
            "accuracy": sum(right) / len(labels),
            "classes": {name: hits / images for name, hits, images in by_class},
            "confusion": confusion,
            "seconds": float(seconds),
        }

    def _trained_further(self) -> list[str]:
        now = self._networks()
        return [
            name
            for name, (network, sums) in self.networks_before.items()
            if name in now and now[name][0] is network and str(now[name][1]) != str(sums)
        ]

    def _networks(self) -> dict[str, tuple[object, list[float]]]:
        """Each network by name, kept so that no other gets its id, and sums of its parameters."""
        networks = {}
        for name, value in self.namespace.items():
            if isinstance(value, type) or not hasattr(value, "parameters"):
                continue
            try:
                sums = [float(tensor.sum()) for tensor in value.state_dict().values()]
            except Exception:  # no network, or one whose parameters do not exist yet
                continue
            networks[name] = value, sums
        return networks


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
