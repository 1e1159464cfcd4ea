"""Typical wrong answers to the lab on debugging, each with a part of the hint that it must get."""

BIAS = "    return (counts / counts.sum()).log()"
KAIMING = (
    "    for layer in net.modules():\n"
    "        if isinstance(layer, nn.Linear):\n"
    "            nn.init.normal_(layer.weight, std=(2 / layer.in_features) ** 0.5)\n"
    "            if layer.bias is not None:\n"
    "                nn.init.zeros_(layer.bias)"
)
CLIP = (
    "    gradients = [p.grad for p in parameters if p.grad is not None]\n"
    "    norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()\n"
    "    if norm > limit:\n"
    "        for gradient in gradients:\n"
    "            gradient *= limit / norm\n"
    "    return norm"
)

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "output-bias": [
        ("    ...", "blank is still empty"),
        (BIAS.replace(".log()", ""), "shares themselves"),
        ("    return counts.float()", "Those are the counts"),
        ("    return counts", "you return torch.int64"),
        (BIAS.replace("return ", "return -"), "sign is wrong"),
        (BIAS.replace("log()", "log2()"), "natural logarithm"),
        (BIAS.replace("log()", "logit()"), "one class against all others"),
        ("    return counts.sum().log()", "one number for each class"),
        ("    return [0.0 for count in counts]", "one number for each class"),
        (BIAS.replace("log()", "double().log()"), "you return torch.float64"),
        (BIAS.replace("log()", "sqrt()"), "which function does the exponential"),
        ("    counts.div_(counts.sum())\n    return counts", "divide with `/`"),
        ("    import math\n    return math.log(counts / counts.sum())", "use those of the tensor"),
        ("    return counts.softmax(dim=0)", "floats of the counts"),
    ],
    "initialise": [
        ("    ...", "still empty"),
        ("    for p in net.parameters():\n        nn.init.kaiming_normal_(p)", "Leave out kaiming"),
        (KAIMING.replace("net.modules()", "net"), "at any depth"),
        (KAIMING.replace("in_features", "out_features"), "not that of outputs"),
        (KAIMING.replace("(2 / layer.in_features) ** 0.5", "2 / layer.in_features"), "variance"),
        (KAIMING.replace("(2 /", "(1 /"), "1 / inputs under the root"),
        (
            KAIMING.replace("layer.in_features)", "(layer.in_features + layer.out_features))"),
            "Xavier",
        ),
        (KAIMING[: KAIMING.index("            if")].rstrip(), "biases to zero"),
        (KAIMING.replace("            if layer.bias is not None:\n    ", ""), "has no bias"),
        (KAIMING.replace("isinstance(layer, nn.Linear)", 'hasattr(layer, "weight")'), "isinstance"),
        (
            KAIMING.replace(
                "normal_(layer.weight, std=(2 / layer.in_features) ** 0.5)",
                "uniform_(layer.weight, -((6 / layer.in_features) ** 0.5), "
                "(6 / layer.in_features) ** 0.5)",
            ),
            "uniform one",
        ),
        (
            KAIMING.replace(
                "nn.init.normal_(layer.weight, std=",
                "layer.weight = nn.Parameter(torch.randn_like(layer.weight) * ",
            ),
            "replaced by a new one",
        ),
        (
            KAIMING.replace(
                "nn.init.normal_(layer.weight, std=", "torch.randn_like(layer.weight).mul_("
            ),
            "the weights that it had before",
        ),
        (KAIMING.replace("std=", "mean=0.1, std="), "should be 0"),
        (KAIMING.replace("(2 /", "(3 /"), "the standard deviation"),
        (KAIMING.replace("isinstance(layer, nn.Linear)", "layer == nn.Linear"), "finds no layer"),
        (KAIMING.replace("layer.bias is not None", "layer.bias"), "whether the bias is None"),
        (
            KAIMING.replace(
                "nn.init.normal_(layer.weight, std=", "layer.weight = torch.randn(9) * ("
            ),
            "no ordinary tensor",
        ),
        (
            "    for p in net.parameters():\n"
            "        nn.init.normal_(p, std=(2 / p.shape[1]) ** 0.5)",
            "two dimensions",
        ),
    ],
    "clip": [
        ("    ...", "blank is still empty"),
        ("    return nn.utils.clip_grad_norm_(parameters, limit)", "Do without"),
        (CLIP.replace(" if p.grad is not None", ""), "leave out those"),
        (
            CLIP.replace(
                "            gradient *= limit / norm",
                "            gradient = gradient * limit / norm",
            ),
            "change them in place",
        ),
        (
            "    gradients = [p.grad for p in parameters if p.grad is not None]\n"
            "    norm = torch.stack([g.norm() for g in gradients]).norm()\n"
            "    for g in gradients:\n"
            "        g *= min(1, limit / g.norm())\n"
            "    return norm",
            "each gradient on its own",
        ),
        (
            CLIP.replace("gradient *= limit / norm", "gradient.clamp_(-limit, limit)"),
            "each number on its own",
        ),
        (
            CLIP.replace(".square().sum()", ".norm()").replace(".sum().sqrt()", ".sum()"),
            "sum of the norms",
        ),
        (CLIP.replace(".sum().sqrt()", ".sum()"), "square root is missing"),
        (CLIP.replace(".square()", ".abs()").replace(".sum().sqrt()", ".sum()"), "absolute values"),
        (CLIP.replace("limit / norm", "1 / norm"), "forget to multiply"),
        (CLIP.replace("    if norm > limit:\n", "    if True:\n"), "below the limit"),
        (CLIP.replace("return norm", "return norm.item()"), "tensor of shape ()"),
        (CLIP.replace("return norm", "return torch.tensor(limit)"), "before you change"),
        (CLIP.replace("limit / norm", "norm / limit"), "multiply each by limit / norm"),
        (CLIP.replace("    return norm", ""), "return"),
        (
            CLIP.replace(
                "[p.grad for p in parameters if p.grad is not None]", "parameters"
            ).replace("gradient *=", "gradient.grad *="),
            "gradients, p.grad",
        ),
        (
            CLIP.replace(
                "gradients:\n            g", "gradients:\n            if gradient.norm() > limit: g"
            ),
            "whose own norm is below the limit",
        ),
        (
            CLIP.replace(".sum() for g", " for g")
            .replace("torch.stack([", "sum([")
            .replace("]).sum()", "])"),
            "one number of each",
        ),
        (CLIP.replace("norm > limit", "gradients[0] > limit"), "Ask about one number"),
        (
            "    return torch.cat([p.grad for p in parameters if p.grad is not None]).norm()",
            "flatten",
        ),
    ],
}
