"""Typical wrong answers to the lab on overfitting, each with a part of its hint."""

FIT = (
    "    losses, best, lowest, since = [], None, float('inf'), 0\n"
    "    for _ in range(most):\n"
    "        train_epoch(net)\n"
    "        losses.append(validate(net))\n"
    "        since += 1\n"
    "        if losses[-1] < lowest:\n"
    "            lowest, since = losses[-1], 0\n"
    "            best = copy.deepcopy(net.state_dict())\n"
    "        if since == patience:\n"
    "            break\n"
    "    net.load_state_dict(best)\n"
    "    return losses"
)
COPY = "copy.deepcopy(net.state_dict())"
GROUPS = (
    "    trained = [p for p in net.parameters() if p.requires_grad]\n"
    "    matrices = [p for p in trained if p.ndim >= 2]\n"
    "    others = [p for p in trained if p.ndim < 2]\n"
    "    return torch.optim.AdamW([{'params': matrices, 'weight_decay': decay}, "
    "{'params': others, 'weight_decay': 0.0}], lr=rate)"
)
BY_NAME = (
    "    a, b = [], []\n"
    "    for name, p in net.named_parameters():\n"
    "        if p.requires_grad:\n"
    "            (a if name.endswith('weight') else b).append(p)\n"
    "    return torch.optim.AdamW([{'params': a, 'weight_decay': decay}, "
    "{'params': b, 'weight_decay': 0.0}], lr=rate)"
)
GAP = (
    "    a = validation.float().mean(dim=1)\n"
    "    b = held_out.float().mean(dim=1)\n"
    "    best = a.argmax()\n"
    "    return (a[best] - b[best]).item()"
)

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "early-stopping": [
        ("    ...", "blank is still empty"),
        (FIT.replace(COPY, "net.state_dict()"), "share their tensors"),
        (FIT.replace(COPY, "dict(net.state_dict())"), "share their tensors"),
        (FIT.replace(COPY, "net.state_dict().copy()"), "share their tensors"),
        (FIT.replace(COPY, "copy.copy(net.state_dict())"), "share their tensors"),
        (FIT.replace("    net.load_state_dict(best)\n", ""), "weights of the last"),
        (FIT.replace("since == patience", "since > patience"), "patience is used up"),
        (FIT.replace("since == patience", "since == patience - 1"), "one too early"),
        (FIT.replace("lowest, since = losses[-1], 0", "lowest = losses[-1]"), "begin again"),
        (FIT.replace("< lowest", "<= lowest"), "an equal loss is no better one"),
        (FIT.replace("< lowest", "> lowest"), "Nothing had been kept"),
        (
            FIT.replace("        if since == patience:\n            break\n", ""),
            "patience is used up",
        ),
        (
            FIT.replace("            break\n", "            return losses\n"),
            "weights of the last",
        ),
        (FIT.replace("return losses", "return lowest"), "the list of all validation losses"),
        (FIT.replace("return losses", "return net"), "the list of all validation losses"),
        (FIT.replace("return losses", "return losses[:-1]"), "one for each epoch"),
        (FIT.replace("    return losses", ""), "return"),
        (
            FIT.replace(COPY, "[p.detach().clone() for p in net.parameters()]").replace(
                "    net.load_state_dict(best)\n",
                "    with torch.no_grad():\n"
                "        for p, q in zip(net.parameters(), best):\n"
                "            p.copy_(q)\n",
            ),
            "buffers",
        ),
        (
            FIT.replace(
                "        train_epoch(net)\n        losses.append(validate(net))\n",
                "        losses.append(validate(net))\n        train_epoch(net)\n",
            ),
            "not before the first",
        ),
        (
            FIT.replace("        train_epoch(net)\n", "        train_epoch(copy.deepcopy(net))\n"),
            "not a copy of it",
        ),
        (
            FIT.replace(
                "losses.append(validate(net))", "losses.append(validate(net) + 0 * validate(net))"
            ),
            "not twice",
        ),
        (FIT.replace("range(most)", "range(most + 1)"), "you train one more"),
        (
            FIT.replace(COPY, "{k: p.clone() for k, p in net.named_parameters()}"),
            "the buffers are missing",
        ),
        (
            "    losses = []\n"
            "    for _ in range(most):\n"
            "        train_epoch(net)\n"
            "    losses.append(validate(net))\n"
            "    return losses",
            "no validation in between",
        ),
        (
            FIT.replace(
                "losses[-1] < lowest", "len(losses) < 2 or losses[-1] < losses[-2]"
            ).replace("lowest, since = losses[-1], 0", "since = 0"),
            "you train",
        ),
    ],
    "decay-groups": [
        ("    ...", "blank is still empty"),
        (
            "    return torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)",
            "A frozen parameter",
        ),
        (
            "    trained = [p for p in net.parameters() if p.requires_grad]\n"
            "    return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)",
            "biases too",
        ),
        (
            "    trained = [p for p in net.parameters() if p.requires_grad]\n"
            "    return torch.optim.AdamW(trained, lr=rate)",
            "AdamW's own weight decay: set",
        ),
        (GROUPS.replace(", 'weight_decay': 0.0", ""), "in both"),
        (GROUPS.replace(" if p.requires_grad", ""), "A frozen parameter"),
        (GROUPS.replace(", lr=rate", ""), "lr=rate"),
        (GROUPS.replace("p.ndim >= 2", "p.ndim > 2"), "is in no group"),
        (
            GROUPS.replace("p.ndim >= 2", "p.ndim > 2").replace("p.ndim < 2", "p.ndim <= 2"),
            "two or more dimensions",
        ),
        (
            GROUPS.replace("p.ndim >= 2", "p.ndim < 2", 1).replace(
                "others = [p for p in trained if p.ndim < 2]",
                "others = [p for p in trained if p.ndim >= 2]",
            ),
            "wrong way round",
        ),
        (BY_NAME, "ask for p.ndim, not for a name"),
        (GROUPS.replace("p.ndim < 2", "True"), "in both groups"),
        (GROUPS.replace("p.ndim < 2", "p not in matrices"), "ask each parameter for its ndim"),
        (GROUPS.replace("AdamW", "SGD"), "to be torch.optim.AdamW"),
        (GROUPS.replace("AdamW", "Adam"), "to be torch.optim.AdamW"),
        (GROUPS.replace("decay}", "0.0}"), "Nothing is decayed"),
        (GROUPS.replace(", {'params': others, 'weight_decay': 0.0}", ""), "is in no group"),
        (
            "    a = [n for n, p in net.named_parameters() if p.ndim >= 2 and p.requires_grad]\n"
            "    b = [n for n, p in net.named_parameters() if p.ndim < 2]\n"
            "    return torch.optim.AdamW([{'params': a, 'weight_decay': decay}, "
            "{'params': b, 'weight_decay': 0.0}], lr=rate)",
            "not their names",
        ),
        (
            GROUPS.replace("return torch.optim.AdamW(", "return (").replace(", lr=rate)", ")"),
            "Return the optimizer",
        ),
        (
            GROUPS.replace(
                "[p for p in net.parameters() if p.requires_grad]", "list(net[0].parameters())"
            ),
            "is in no group",
        ),
        (
            GROUPS.replace("    matrices", "    net[4].weight.requires_grad_(True)\n    matrices"),
            "frozen a parameter",
        ),
        (
            "    trained = [p for p in net.parameters() if p.requires_grad]\n"
            "    return torch.optim.AdamW([{'params': [p], 'weight_decay': decay * (p.ndim >= 2)} "
            "for p in trained], lr=rate)",
            "Make two groups",
        ),
    ],
    "optimism": [
        ("    ...", "blank is still empty"),
        (
            "    best = max(range(len(validation)), key=lambda i: validation[i].float().mean())\n"
            "    total = 0\n"
            "    for x in validation[best]:\n"
            "        total += x.item()\n"
            "    return total / validation.shape[1] - held_out[best].float().mean().item()",
            "without a loop",
        ),
        (GAP.replace(".item()", ""), "not a tensor"),
        (GAP.replace("a[best] - b[best]", "b[best] - a[best]"), "sign is wrong"),
        (GAP.replace("(a[best]", "100 * (a[best]"), "not a percentage"),
        (GAP.replace("a[best] - b[best]", "a.max() - b.max()"), "two networks"),
        (GAP.replace("a[best] - b[best]", "(a - b).max()"), "largest difference"),
        (GAP.replace("a.argmax()", "b.argmax()"), "no part in the choice"),
        (GAP.replace("a[best] - b[best]", "a[best] - b.mean()"), "mean of all"),
        (GAP.replace("a[best] - b[best]", "a.mean() - b.mean()"), "only the chosen one"),
        (GAP.replace("a[best] - b[best]", "a[best] - a.mean()"), "validation images alone"),
        (GAP.replace("a[best] - b[best]", "a[best]"), "validation accuracy alone"),
        (GAP.replace("a[best] - b[best]", "b[best]"), "other images alone"),
        (GAP.replace(".float().mean(dim=1)", ".float().sum(dim=1)"), "subtract counts"),
        (
            GAP.replace(
                "validation.float().mean(dim=1)", "validation.sum(dim=1) / len(validation)"
            ).replace("held_out.float().mean(dim=1)", "held_out.sum(dim=1) / len(held_out)"),
            "divide by the number of networks",
        ),
        (GAP.replace("a[best] - b[best]", "best"), "number of the chosen network"),
        (GAP.replace("a.argmax()", "a.argmin()"), "lowest validation"),
        (GAP.replace(".float()", ""), "no mean of bool"),
        (GAP.replace("dim=1", "dim=0"), "Each row is a network"),
        (GAP.replace("a[best] - b[best]", "a - b"), "more than one number left"),
        (GAP.replace("a.argmax()", "-1"), "last network"),
        (
            GAP.replace("a[best] - b[best]", "abs(a[best] - b[best]) + 0.01"),
            "on the others: return",
        ),
    ],
}
