"""Typical wrong answers to the lab on transfer, each with a part of the hint that it must get."""

FREEZE = (
    "    net.requires_grad_(False)\n    head.requires_grad_(True)\n    net.eval()\n    head.train()"
)
GROUPS = (
    "    in_head = {id(p) for p in head.parameters()}\n"
    "    chosen = [p for p in net.parameters() if p.requires_grad]\n"
    "    body = [p for p in chosen if id(p) not in in_head]\n"
    "    top = [p for p in chosen if id(p) in in_head]\n"
    '    return [{"params": body, "lr": rate / 10}, {"params": top, "lr": rate}]'
)
SPLIT = (
    "    labels = torch.tensor(targets)\n"
    "    train, val = [], []\n"
    "    for label in labels.unique():\n"
    "        places = (labels == label).nonzero()[:, 0]\n"
    "        places = places[torch.randperm(len(places), generator=generator)].tolist()\n"
    "        val += places[:held_out]\n"
    "        train += places[held_out:]\n"
    "    return train, val"
)
SHUFFLE = "        places = places[torch.randperm(len(places), generator=generator)].tolist()\n"
ALL_TOGETHER = "    order = torch.randperm(len(targets), generator=generator).tolist()\n"

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "freeze": [
        ("    ...", "blank is still empty"),
        (FREEZE.replace("    net.eval()\n    head.train()", ""), "body is still in training mode"),
        (FREEZE.replace("    head.train()", ""), "head is in evaluation mode"),
        (FREEZE.replace("    head.requires_grad_(True)\n", ""), "open the whole head"),
        ("    head.requires_grad_(False)\n    head.eval()", "other way round"),
        (
            FREEZE.replace("net.requires_grad_(False)", "net.requires_grad = False"),
            "only makes a new attribute",
        ),
        (
            FREEZE.replace(
                "net.requires_grad_(False)",
                "for p in net.parameters():\n        p.requires_grad = p.dim() == 1",
            ),
            "reaches all of them",
        ),
        (
            FREEZE.replace(
                "net.requires_grad_(False)",
                "for name, p in net.named_parameters():\n"
                '        p.requires_grad = not name.endswith("weight")',
            ),
            "biases are parameters",
        ),
        (
            FREEZE.replace(
                "net.requires_grad_(False)",
                "for m in net.modules():\n"
                "        if isinstance(m, (nn.Conv2d, nn.Linear)):\n"
                "            m.requires_grad_(False)",
            ),
            "batch norm has parameters",
        ),
        (
            "    for p in net.parameters():\n"
            "        p.requires_grad = any(p is q for q in head.parameters()) and p.requires_grad\n"
            "    net.eval()\n    head.train()",
            "head stays frozen",
        ),
        (FREEZE.replace("head.requires_grad_", "head[-1].requires_grad_"), "open the whole head"),
        (
            FREEZE.replace(
                "net.eval()",
                "for m in net.modules():\n"
                "        if isinstance(m, nn.BatchNorm2d):\n"
                "            m.eval()",
            ),
            "Some layers of the body",
        ),
        (FREEZE.replace("net.eval()\n    head.train()", "head.train()\n    net.eval()"), "after"),
        (FREEZE.replace("net.eval()", "net.train()"), "body is still in training mode"),
        (FREEZE.replace("head.", "net.head."), "have other names"),
        (FREEZE.replace("head.", "net[-1]."), "have other names"),
        (
            "    with torch.no_grad():\n        net.eval()\n        head.train()",
            "requires_grad_(False) reaches all",
        ),
        (
            FREEZE + "\n    nn.init.zeros_(head[-1].weight)",
            "numbers in the network have changed",
        ),
        (FREEZE + '\n    net["top"] = nn.Linear(6, 7)', "replaced"),
        (
            FREEZE.replace("net.requires_grad_(False)", "net.parameters().requires_grad_(False)"),
            "call it on",
        ),
    ],
    "groups": [
        ("    ...", "blank is still empty"),
        (
            '    return [{"params": list(net.parameters()), "lr": rate / 10},\n'
            '            {"params": list(head.parameters()), "lr": rate}]',
            "in both groups",
        ),
        (GROUPS.replace(" if p.requires_grad", ""), "belongs in no group"),
        (
            GROUPS.replace("rate / 10", "RATE")
            .replace('"lr": rate', '"lr": rate / 10')
            .replace("RATE", "rate"),
            "smaller rate",
        ),
        (GROUPS.replace("rate / 10", "rate"), "same rate"),
        (GROUPS.replace("rate / 10", "0"), "not trained at all"),
        (GROUPS.replace("rate / 10", "rate / 100"), "a tenth"),
        (GROUPS.replace("rate / 10", "0.03"), "Compute both from the arguments"),
        (
            GROUPS.replace('{"params": body, "lr": rate / 10}, ', "")[:-1]
            + ', {"params": body, "lr": rate / 10}]',
            "wrong order",
        ),
        (GROUPS.replace("return [", "return (").replace("rate}]", "rate})"), "you return a tuple"),
        (GROUPS.replace('"lr": rate / 10', '"rate": rate / 10'), "and no others"),
        (
            "    head_parameters = list(head.parameters())\n"
            "    body = [p for p in net.parameters() if p not in head_parameters]\n"
            '    return [{"params": body, "lr": rate / 10},\n'
            '            {"params": head_parameters, "lr": rate}]',
            "compare parameters by id()",
        ),
        (
            GROUPS.replace("[p for p in chosen if id(p) in in_head]", "head.parameters()"),
            "used up after one reading",
        ),
        (
            GROUPS.replace("[p for p in chosen if id(p) in in_head]", "list(head.parameters())"),
            "belongs in no group",
        ),
        (
            GROUPS.replace(
                "[p for p in chosen if id(p) in in_head]", "list(head.named_parameters())"
            ),
            "gives pairs",
        ),
        (
            "    chosen = [p for p in net.parameters() if p.requires_grad]\n"
            '    return [{"params": chosen[:-2], "lr": rate / 10},\n'
            '            {"params": chosen[-2:], "lr": rate}]',
            "in the group of the body",
        ),
        (GROUPS.replace("net.parameters()", "net.body.parameters()"), "have other names"),
        (
            GROUPS.replace("net.parameters()", 'net["base"].parameters()').replace(
                "[p for p in chosen if id(p) in in_head]", "[head.weight]"
            ),
            "is in no group",
        ),
        (GROUPS.replace('"params": top', '"params": [p.clone() for p in top]'), "themselves"),
        (
            GROUPS.replace('"params": top', '"params": [nn.Parameter(p.detach()) for p in top]'),
            "not one of the network",
        ),
        (
            GROUPS.replace(
                "[p for p in chosen if id(p) not in in_head]",
                "[p for p in chosen if p.shape not in [q.shape for q in head.parameters()]]",
            ),
            "is in no group",
        ),
    ],
    "split": [
        ("    ...", "blank is still empty"),
        (ALL_TOGETHER + "    return order[held_out:], order[:held_out]", "meant for each class"),
        (
            ALL_TOGETHER + "    count = held_out * len(set(targets))\n"
            "    return order[count:], order[:count]",
            "all classes together",
        ),
        (SPLIT.replace("return train, val", "return val, train"), "wrong order"),
        (
            SPLIT.replace(
                "places = (labels == label).nonzero()[:, 0]", "places = labels[labels == label]"
            ).replace(SHUFFLE, SHUFFLE.replace("places[", "").replace("].tolist", ".tolist")),
            "places within a class",
        ),
        (SPLIT.replace("places[held_out:]", "places"), "in both parts"),
        (SPLIT.replace(", generator=generator", ""), "hand the generator"),
        (
            SPLIT.replace("[torch.randperm(len(places), generator=generator)]", ""),
            "by torch.randperm",
        ),
        (SPLIT.replace("generator=generator", "generator=torch.Generator()"), "Another seed"),
        (
            SPLIT.replace("labels.unique()", "range(len(set(targets)))"),
            "need not follow each other",
        ),
        (SPLIT.replace(".nonzero()[:, 0]", ".nonzero()"), "list of list"),
        (
            SPLIT.replace(".tolist()", "")
            .replace("val += places", "val += [*places")
            .replace("[:held_out]", "[:held_out]]")
            .replace("train += places[held_out:]", "train += [*places[held_out:]]"),
            "list of Tensor",
        ),
        (SPLIT.replace("torch.tensor(targets)", "targets"), "make a tensor"),
        (SPLIT.replace("[held_out:]", "[held_out + 1:]"), "in neither part"),
        (SPLIT.replace("held_out", "3"), "use `held_out`"),
        (
            SPLIT.replace(
                SHUFFLE,
                "        begin = torch.randint(len(places), (), generator=generator).item()\n"
                "        places = places.roll(begin).tolist()\n",
            ),
            "side by side",
        ),
        (SPLIT.replace("return train, val", "return train + val"), "Return two lists"),
        (
            SPLIT.replace("[:held_out]", "[-held_out:]"),
            "in both parts",
        ),
        (
            SPLIT.replace(
                "places = (labels == label).nonzero()[:, 0]", "places = labels[labels == label]"
            ),
            "Those are labels",
        ),
        (
            SPLIT.replace(
                "torch.randperm(len(places), generator=generator)",
                "torch.randint(len(places), (len(places),), generator=generator)",
            ),
            "in both parts",
        ),
    ],
}
