"""Typical wrong answers to the lab on looking inside, each with a part of the hint it must get."""

COUNTS = "    counts = torch.zeros(class_count, class_count, dtype=torch.int64)\n"
PAIRS = "    pairs = labels * class_count + predictions\n"
SQUARE = ".reshape(class_count, class_count)"
TOP = "    confidence, predictions = logits.softmax(dim=1).max(dim=1)\n"
WRONG = "    wrong = (predictions != labels).nonzero().squeeze(1)\n"

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "confusion-matrix": [
        ("    ...", "still empty"),
        (PAIRS, "`return` is missing"),
        (
            "    pairs = predictions * class_count + labels\n"
            f"    return pairs.bincount(minlength=class_count**2){SQUARE}",
            "is transposed",
        ),
        (PAIRS + "    return pairs.bincount(minlength=class_count**2)", "counts in a row"),
        (PAIRS + f"    return pairs.bincount(){SQUARE}", "last classes never occur"),
        (PAIRS + f"    return pairs.bincount(minlength=class_count**2){SQUARE}.float()", "whole"),
        (
            f"{PAIRS}    counts = pairs.bincount(minlength=class_count**2){SQUARE}\n"
            "    return counts / counts.sum(dim=1, keepdim=True)",
            "shares of a row",
        ),
        (COUNTS + "    counts[labels, predictions] += 1\n    return counts", "once only"),
        (
            "    pairs = labels * (class_count - 1) + predictions\n"
            f"    return pairs.bincount(minlength=class_count**2){SQUARE}",
            "how far apart",
        ),
        (
            "    hot = torch.nn.functional.one_hot\n    return hot(labels).T @ hot(predictions)",
            "a row for each class",
        ),
        (
            COUNTS + "    for true, predicted in zip(labels, predictions):\n"
            "        counts[true, predicted] += 1\n"
            "    return counts",
            "a loop in your code",
        ),
        (
            "    return torch.tensor([[((labels == t) & (predictions == p)).sum()\n"
            "        for p in range(class_count)] for t in range(class_count)])",
            "a loop in your code",
        ),
        (
            "    present = labels.unique()\n"
            "    rows = [predictions[labels == t] for t in present]\n"
            "    return torch.stack([row.bincount(minlength=class_count) for row in rows])",
            "a row for each class",
        ),
        ("    return [[0] * class_count] * class_count", "Return a tensor"),
    ],
    "worst-mistakes": [
        ("    ...", "still empty"),
        (TOP, "`return` is missing"),
        (TOP + "    return confidence.argsort(descending=True)[:count]", "of all answers"),
        (
            f"{TOP}{WRONG}    return wrong[confidence[wrong].argsort()[:count]]",
            "is ascending",
        ),
        (
            "    confidence, predictions = logits.max(dim=1)\n"
            f"{WRONG}    return wrong[confidence[wrong].argsort(descending=True)[:count]]",
            "take the softmax first",
        ),
        (
            "    predictions = logits.argmax(dim=1)\n"
            "    confidence = logits.softmax(dim=0).max(dim=1).values\n"
            f"{WRONG}    return wrong[confidence[wrong].argsort(descending=True)[:count]]",
            "dim=1",
        ),
        (
            "    confidence, predictions = logits.softmax(dim=0).max(dim=1)\n"
            f"{WRONG}    return wrong[confidence[wrong].argsort(descending=True)[:count]]",
            "classified correctly",
        ),
        (
            TOP + "    losses = torch.nn.functional.cross_entropy(\n"
            '        logits, labels, reduction="none")\n'
            f"{WRONG}    return wrong[losses[wrong].argsort(descending=True)[:count]]",
            "ranks by loss",
        ),
        (
            f"{TOP}{WRONG}    return confidence[wrong].argsort(descending=True)[:count]",
            "places in the list",
        ),
        (f"{TOP}{WRONG}    return wrong[:count]", "as they come"),
        (
            f"{TOP}{WRONG}    return wrong[confidence[wrong].argsort(descending=True)]",
            "keep the first count",
        ),
        (
            TOP + "    right = (predictions == labels).nonzero().squeeze(1)\n"
            "    return right[confidence[right].argsort(descending=True)[:count]]",
            "invert the comparison",
        ),
        (
            TOP + "    scores = confidence.masked_fill(predictions == labels, 0)\n"
            "    return scores.topk(count).indices",
            "to fill up",
        ),
        (f"{TOP}{WRONG}    return wrong[confidence[wrong].topk(count).indices]", "It fails"),
        (
            f"{TOP}{WRONG}    return confidence[wrong].sort(descending=True).values[:count]",
            "whole numbers",
        ),
        (TOP + "    return predictions != labels", "not a mask"),
        (
            TOP + "    wrong = (predictions != labels).nonzero()\n"
            "    return wrong[confidence[wrong.squeeze(1)].argsort(descending=True)[:count]]",
            "flat list",
        ),
    ],
}
