"""Typical wrong answers to the lab on text, each with a part of the hint that it must get."""


def _walk(body: str) -> str:
    """A loop over positions with `body`, which sees merged and at."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return f"    merged, at = [], 0\n    while at < len(ids):\n{lines}    return merged"


# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "merge": [
        ("    ...", "blank is still empty"),
        (
            _walk(
                "if (ids[at], ids[at + 1]) == pair:\n"
                "    merged.append(new_id)\n"
                "    at += 2\n"
                "else:\n"
                "    merged.append(ids[at])\n"
                "    at += 1"
            ),
            "only where there is one",
        ),
        (
            _walk(
                "if tuple(ids[at : at + 2]) == pair:\n"
                "    merged.append(new_id)\n"
                "else:\n"
                "    merged.append(ids[at])\n"
                "at += 1"
            ),
            "stands for both",
        ),
        (
            "    merged, at = [], 0\n"
            "    while at < len(ids) - 1:\n"
            "        if (ids[at], ids[at + 1]) == pair:\n"
            "            merged.append(new_id)\n"
            "            at += 2\n"
            "        else:\n"
            "            merged.append(ids[at])\n"
            "            at += 1\n"
            "    return merged",
            "to its last id",
        ),
        (
            "    merged, at = [], 0\n"
            "    while at < len(ids) - 2:\n"
            "        if (ids[at], ids[at + 1]) == pair:\n"
            "            merged.append(new_id)\n"
            "            at += 2\n"
            "        else:\n"
            "            merged.append(ids[at])\n"
            "            at += 1\n"
            "    return merged + ids[at:]",
            "last two ids",
        ),
        (
            "    for at in range(len(ids) - 1):\n"
            "        if (ids[at], ids[at + 1]) == pair:\n"
            "            return ids[:at] + [new_id] + ids[at + 2 :]\n"
            "    return list(ids)",
            "not the first alone",
        ),
        (
            _walk(
                "if set(ids[at : at + 2]) == set(pair):\n"
                "    merged.append(new_id)\n"
                "    at += 2\n"
                "else:\n"
                "    merged.append(ids[at])\n"
                "    at += 1"
            ),
            "has an order",
        ),
        (
            "    for at in range(len(ids) - 1):\n"
            "        if tuple(ids[at : at + 2]) == pair:\n"
            "            ids[at : at + 2] = [new_id]\n"
            "    return ids",
            "build a new one",
        ),
        (
            "    merged, at = [], len(ids) - 1\n"
            "    while at >= 0:\n"
            "        if at > 0 and (ids[at - 1], ids[at]) == pair:\n"
            "            merged.append(new_id)\n"
            "            at -= 2\n"
            "        else:\n"
            "            merged.append(ids[at])\n"
            "            at -= 1\n"
            "    return merged[::-1]",
            "used up",
        ),
        (
            _walk(
                "if tuple(ids[at : at + 2]) == pair:\n"
                "    merged.append(new_id)\n"
                "else:\n"
                "    merged += ids[at : at + 2]\n"
                "at += 2"
            ),
            "stands for both",
        ),
        (
            "    merged = []\n"
            "    for number in ids:\n"
            "        merged.append(number)\n"
            "        if tuple(merged[-2:]) == pair:\n"
            "            merged[-2:] = [new_id]\n"
            "    return merged",
            "just merged",
        ),
        (
            "    return tuple(ids)",
            "should be a list",
        ),
    ],
    "perplexity": [
        ("    ...", "blank is still empty"),
        (
            "    return F.cross_entropy(logits, targets).exp()",
            "classes in dimension 1",
        ),
        (
            "    return F.cross_entropy(logits.transpose(1, 2), targets)",
            "mean loss in nats",
        ),
        (
            "    return 2 ** F.cross_entropy(logits.transpose(1, 2), targets)",
            "the base is e",
        ),
        (
            "    return (-F.cross_entropy(logits.transpose(1, 2), targets)).exp()",
            "below 1",
        ),
        (
            "    return F.cross_entropy(logits.transpose(1, 2), targets, reduction='sum').exp()",
            "exp of the sum",
        ),
        (
            "    loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction='none')\n"
            "    return loss.mean().exp()",
            "divide by all positions",
        ),
        (
            "    return F.cross_entropy(logits.transpose(1, 2), targets.clamp(min=0)).exp()",
            "Padding takes part",
        ),
        (
            "    each = [F.cross_entropy(*pair).exp() for pair in zip(logits, targets)]\n"
            "    return torch.stack(each).mean()",
            "perplexities of sequences",
        ),
        (
            "    each = [F.cross_entropy(*pair) for pair in zip(logits, targets)]\n"
            "    return torch.stack(each).mean().exp()",
            "as much as a long one",
        ),
        (
            "    loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction='none')\n"
            "    return loss[targets != -100].exp().mean()",
            "average first",
        ),
        (
            "    probabilities = logits.softmax(dim=2)\n"
            "    return F.cross_entropy(probabilities.transpose(1, 2), targets).exp()",
            "takes logits",
        ),
        (
            "    N, L, C = logits.shape\n"
            "    return F.cross_entropy(logits.reshape(N, C, L), targets).exp()",
            "reshape swaps no",
        ),
        (
            "    return F.cross_entropy(logits.transpose(1, 2), targets, reduction='none').exp()",
            "one number for the batch",
        ),
        (
            "    return F.cross_entropy(logits.transpose(1, 2), targets).exp() + 1",
            "you give",
        ),
    ],
}
