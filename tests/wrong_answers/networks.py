"""Typical wrong answers to the lab on networks, each with a part of the hint that it must get."""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "output-size": [
        ("    ...", "blank is still empty"),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1\n"
            "    return size",
            "round down",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + padding - dilation * (kernel - 1) - 1) // stride + 1\n"
            "    return size",
            "both sides",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + 2 * padding - kernel) // stride + 1\n"
            "    return size",
            "dilation spreads",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + 2 * padding - dilation * (kernel - 1)) // stride\n"
            "    return size",
            "1 is added after",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1\n"
            "    return size",
            "whole stride",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        last = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1\n"
            "    return last",
            "each layer starts",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + 2 * padding - dilation * (kernel - 1)) // stride + 1\n"
            "    return size",
            "check the two 1s",
        ),
        (
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + dilation * (2 * padding - kernel + 1) - 1) // stride + 1\n"
            "    return size",
            "all four settings",
        ),
        (
            "    if not layers:\n"
            "        return 0\n"
            "    for kernel, stride, padding, dilation in layers:\n"
            "        size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1\n"
            "    return size",
            "return it unchanged",
        ),
    ],
    "momentum-step": [
        ("    ...", "blank is still empty"),
        (
            "    for parameter, velocity in zip(parameters, velocities):\n"
            "        velocity.mul_(momentum).add_(parameter.grad)\n"
            "        parameter -= learning_rate * velocity",
            "no_grad",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(momentum).add_(parameter.grad)\n"
            "            parameter = parameter - learning_rate * velocity",
            "makes a new tensor",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity = momentum * velocity + parameter.grad\n"
            "            parameter -= learning_rate * velocity",
            "plain SGD",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(momentum).add_(parameter.grad)\n"
            "            parameter += learning_rate * velocity",
            "uphill",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(momentum).add_((1 - momentum) * parameter.grad)\n"
            "            parameter -= learning_rate * velocity",
            "1 - momentum",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(momentum).add_(parameter.grad)\n"
            "            parameter -= learning_rate * (parameter.grad + momentum * velocity)",
            "Nesterov",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(momentum).add_(learning_rate * parameter.grad)\n"
            "            parameter -= velocity",
            "belongs to the step",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.add_(parameter.grad)\n"
            "            parameter -= learning_rate * velocity",
            "must fade",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            parameter -= learning_rate * velocity\n"
            "            velocity.mul_(momentum).add_(parameter.grad)",
            "update the velocity first",
        ),
        (
            "    with torch.no_grad():\n"
            "        parameter, velocity = parameters[0], velocities[0]\n"
            "        velocity.mul_(momentum).add_(parameter.grad)\n"
            "        parameter -= learning_rate * velocity",
            "every parameter",
        ),
        (
            "    with torch.no_grad():\n"
            "        for parameter, velocity in zip(parameters, velocities):\n"
            "            velocity.mul_(1 - momentum).add_(parameter.grad)\n"
            "            parameter -= learning_rate * velocity",
            "a later one differs",
        ),
        (
            "    with torch.no_grad():\n"
            "        for k in range(len(parameters)):\n"
            "            velocities[k] = momentum * velocities[k] + parameters[k].grad\n"
            "            parameters[k] = parameters[k] - learning_rate * velocities[k]",
            "makes new tensors",
        ),
    ],
}
