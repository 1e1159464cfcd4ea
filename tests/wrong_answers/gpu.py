"""Typical wrong answers to the lab on the GPU, each with a part of the hint that it must get."""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "time-of": [
        ("    ...", "blank is still empty"),
        (
            "    synchronize()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return (clock() - start) / repeats",
            "as a warm-up",
        ),
        (
            "    start = clock()\n"
            "    for _ in range(repeats + 1):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return (clock() - start) / repeats",
            "as a warm-up",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    return (clock() - start) / repeats",
            "not the work",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    seconds = clock() - start\n"
            "    synchronize()\n"
            "    return seconds / repeats",
            "before you stop the clock",
        ),
        (
            "    function()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return (clock() - start) / repeats",
            "between the warm-up and the start",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return clock() - start",
            "divide by repeats",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = time.perf_counter()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return (time.perf_counter() - start) / repeats",
            "from clock()",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = clock()\n"
            "    function()\n"
            "    synchronize()\n"
            "    return (clock() - start) / repeats",
            "then repeats times",
        ),
        (
            "    function()\n"
            "    synchronize()\n"
            "    start = clock()\n"
            "    for _ in range(repeats):\n"
            "        function()\n"
            "    synchronize()\n"
            "    return (clock() - start) / (repeats + 1)",
            "a call takes",
        ),
        ("    return clock()", "never called"),
    ],
    "move-batch": [
        ("    ...", "blank is still empty"),
        ("    batch.to(device)", "`return` is missing"),
        (
            "    if isinstance(batch, torch.Tensor):\n        batch.to(device)\n    return batch",
            "gives a new tensor",
        ),
        ("    return batch.to(device)", "look at its type"),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        return type(batch)(move_batch(part, device) for part in batch)\n"
            "    return batch",
            "In a dict a tensor stayed on the CPU",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, dict):\n"
            "        return {key: move_batch(part, device) for key, part in batch.items()}\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        return [move_batch(part, device) for part in batch]\n"
            "    return batch",
            "a tuple has become a list",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, dict):\n"
            "        return {key: move_batch(part, device) for key, part in batch.items()}\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        return type(batch)(part.to(device) for part in batch)\n"
            "    return batch",
            "Not everything in a batch can be moved",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        return type(batch)(\n"
            "            part.to(device) if isinstance(part, torch.Tensor) else part\n"
            "            for part in batch\n"
            "        )\n"
            "    if isinstance(batch, dict):\n"
            "        return {\n"
            "            key: part.to(device) if isinstance(part, torch.Tensor) else part\n"
            "            for key, part in batch.items()\n"
            "        }\n"
            "    return batch",
            "In a dict of lists a tensor stayed on the CPU",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, dict):\n"
            "        for key in batch:\n"
            "            batch[key] = move_batch(batch[key], device)\n"
            "        return batch\n"
            "    if isinstance(batch, list):\n"
            "        batch[:] = [move_batch(part, device) for part in batch]\n"
            "        return batch\n"
            "    if isinstance(batch, tuple):\n"
            "        return tuple(move_batch(part, device) for part in batch)\n"
            "    return batch",
            "has changed `batch`",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, dict):\n"
            "        return {key: move_batch(part, device) for key, part in batch.items()}\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        parts = [move_batch(part, device) for part in batch]\n"
            "        return type(batch)(part for part in parts if isinstance(part, torch.Tensor))\n"
            "    return batch",
            "keep all parts",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    if isinstance(batch, dict):\n"
            "        for part in batch.values():\n"
            "            move_batch(part, device)\n"
            "    if isinstance(batch, (tuple, list)):\n"
            "        return type(batch)(move_batch(part, device) for part in batch)\n"
            "    return batch",
            "use what .to(device) returns",
        ),
        (
            "    if isinstance(batch, torch.Tensor):\n"
            "        return batch.to(device)\n"
            "    for part in batch:\n"
            "        move_batch(part, device)",
            "`return` is missing",
        ),
    ],
}
