"""Typical wrong answers to the lab on autograd, each with a part of the hint that it must get."""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "tanh-gradient": [
        ("    return None", "still empty"),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x.T @ (p - y)",
            "derivative of tanh is missing",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 1 / len(x) * x.T @ ((p - y) * (1 - p**2))",
            "factor 2",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 * x.T @ ((p - y) * (1 - p**2))",
            "a mean, not a sum",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x.T @ ((y - p) * (1 - p**2))",
            "the sign",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x.T @ ((p - y) * (1 - p))",
            "square is missing",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x.T @ ((p - y) * p * (1 - p))",
            "derivative of the sigmoid",
        ),
        ("    return 2 / len(x) * x.T @ (x @ w - y)", "linear neuron"),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x.T @ ((p - y) ** 2 * (1 - p**2))",
            "chain rule once more",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * x @ ((p - y) * (1 - p**2))",
            "matrix product does not fit",
        ),
        (
            "    p = torch.tanh(x @ w)\n"
            "    return (2 / len(x) * x.T @ ((p - y) * (1 - p**2))).tolist()",
            "not a list",
        ),
        (
            "    p = torch.tanh(x @ w)\n    return 2 / len(x) * (p - y) * (1 - p**2)",
            "dimension of the examples",
        ),
        (
            "    w.requires_grad_()\n    ((torch.tanh(x @ w) - y) ** 2).mean().backward()\n"
            "    return w.grad",
            "asks autograd",
        ),
    ],
    "last-block": [
        ("    return None", "still empty"),
        (
            "    model.requires_grad_(False)\n    model.layer4.requires_grad_(True)\n"
            "    model.fc.requires_grad_(True)\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "two blocks",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].requires_grad_(True)\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "fc is frozen",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].requires_grad_(True)\n"
            "    model.fc.requires_grad_(True)\n"
            "    return len([p for p in model.parameters() if p.requires_grad])",
            "counts tensors",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].requires_grad_(True)\n"
            "    model.fc.requires_grad_(True)\n"
            "    return sum(p.numel() for p in model.parameters())",
            "frozen parameters too",
        ),
        (
            "    for name, child in model.named_children():\n"
            '        if name not in ("layer4", "fc"):\n'
            "            child.requires_grad = False\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "only sets an attribute",
        ),
        (
            "    for name, p in model.named_parameters():\n"
            '        if not name.startswith(("layer4.1", "fc")):\n'
            "            p.requires_grad = False\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "Nothing is left to train",
        ),
        (
            "    model.layer4[1].requires_grad_(True)\n    model.fc.requires_grad_(True)\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "still trainable",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].conv1.requires_grad_(True)\n"
            "    model.layer4[1].conv2.requires_grad_(True)\n    model.fc.requires_grad_(True)\n"
            "    return sum(p.numel() for p in model.parameters() if p.requires_grad)",
            "all of layer4[1]",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].requires_grad_(True)\n"
            "    model.fc.requires_grad_(True)\n"
            "    left = [p.numel() for p in model.parameters() if p.requires_grad]\n"
            "    return torch.tensor(left).sum()",
            "not a Tensor",
        ),
        (
            "    model.requires_grad_(False)\n    model.layer4[1].requires_grad_(True)\n"
            "    model.fc.requires_grad_(True)\n"
            "    return sum(len(p) for p in model.parameters() if p.requires_grad)",
            "not their number",
        ),
    ],
}
