"""Typical wrong answers to the lab of `processes`, each with a part of the hint it must get."""

SAVE = """\
    if rank == 0:
        torch.save(state, file.with_suffix(".new"))
        os.replace(file.with_suffix(".new"), file)"""

AVERAGE = """\
    total = sum(counts)
    average = sum(g * n for g, n in zip(gradients, counts)) / total
    return [average.clone() for _ in gradients]"""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "share-of": [
        ("    ...", "blank is still empty"),
        ("    return range(rank, count, world_size)", "does not return a list"),
        ("    return list(range(count))", "same share"),
        (
            "    size = math.ceil(count / world_size)\n"
            "    return list(range(rank * size, (rank + 1) * size))",
            "block of neighbours",
        ),
        (
            "    size = count // world_size\n"
            "    return list(range(rank * size, (rank + 1) * size))",
            "block of neighbours",
        ),
        ("    return list(range(rank, count, world_size))", "some shares are longer"),
        (
            "    return list(range(rank, count // world_size * world_size, world_size))",
            "examples are left out",
        ),
        (
            "    size = math.ceil(count / world_size)\n"
            "    deck = list(range(count)) + [count - 1] * (size * world_size - count)\n"
            "    return deck[rank::world_size]",
            "last example is repeated",
        ),
        (
            "    size = math.ceil(count / world_size)\n"
            "    return list(range(rank, size * world_size, world_size))",
            "beyond the last example",
        ),
        (
            "    size = math.ceil(count / world_size)\n"
            "    return [i % count for i in range(rank + 1, size * world_size + 1, world_size)]",
            "Ranks count from 0",
        ),
        (
            "    size = math.ceil(count / world_size)\n"
            "    deck = list(range(count))\n"
            "    return (deck + deck)[: size * world_size][rank::world_size]",
            "rank 4 should have",
        ),
    ],
    "average-gradients": [
        ("    ...", "blank is still empty"),
        ("    return sum(gradients) / len(gradients)", "a list of tensors"),
        ("    return [1.0 for _ in gradients]", "a list of tensors"),
        ("    return [g.clone() for g in gradients]", "keep their own"),
        ("    return [sum(gradients) for _ in gradients]", "divide, so that they are a mean"),
        (
            "    mean = sum(gradients) / len(gradients)\n"
            "    return [mean.clone() for _ in gradients]",
            "weight each gradient",
        ),
        (AVERAGE.replace("average.clone()", "average"), "share one tensor"),
        (AVERAGE.replace(" / total", ""), "do not divide by all"),
        (AVERAGE.replace("/ total", "/ len(counts)"), "not of ranks"),
        (
            "    for g, n in zip(gradients, counts):\n        g *= n / sum(counts)\n"
            "    return [sum(gradients) for _ in gradients]",
            "has changed `gradients`",
        ),
        (AVERAGE.replace("average.clone() for", "-average for"), "one should have"),
    ],
    "save-checkpoint": [
        ("    ...", "blank is still empty"),
        ("    torch.save(state, file)", "only rank 0 may"),
        ("    if rank == 1:\n        torch.save(state, file)", "only rank 0 may"),
        ("    if rank == 0:\n        torch.save(state, file)", "half a checkpoint"),
        (
            "    if rank == 0 and not file.exists():\n        torch.save(state, file)",
            "replace the old",
        ),
        (
            "    if rank == 0:\n        torch.save({}, file.with_suffix('.new'))\n"
            "        os.replace(file.with_suffix('.new'), file)",
            "has epoch None",
        ),
        (
            "    import shutil\n    if rank == 0:\n"
            "        torch.save(state, file.with_suffix('.new'))\n"
            "        shutil.copy(file.with_suffix('.new'), file)",
            "stays behind",
        ),
        (
            "    import shutil\n    if rank == 0:\n        new = file.with_suffix('.new')\n"
            "        torch.save(state, new)\n        shutil.copy(new, file)\n        new.unlink()",
            "in many steps",
        ),
        (
            "    import shutil\n    if rank == 0:\n"
            "        with tempfile.TemporaryDirectory() as other:\n"
            "            torch.save(state, Path(other) / 'x.pt')\n"
            "            shutil.move(Path(other) / 'x.pt', file)",
            "in file.parent",
        ),
        (
            "    if rank == 0:\n        file.unlink(missing_ok=True)\n"
            "        torch.save(state, file.with_suffix('.new'))\n"
            "        os.replace(file.with_suffix('.new'), file)",
            "checkpoint is gone",
        ),
        (
            SAVE.replace("    if rank", "    try:\n     if rank", 1)
            + "\n    except Exception:\n        pass",
            "do not catch it",
        ),
    ],
    "ring-bytes": [
        ("    ...", "blank is still empty"),
        ("    return 2 * (ranks - 1) / ranks * parameters * bytes_each", "Return two numbers"),
        (
            "    one = (ranks - 1) / ranks * parameters * bytes_each\n    return one, ranks * one",
            "one half of the rounds",
        ),
        (
            "    one = 2 * parameters * bytes_each\n    return one, ranks * one",
            "rounds, not n",
        ),
        (
            "    one = 2 * (ranks - 1) / ranks * parameters\n    return one, ranks * one",
            "entries, not bytes",
        ),
        (
            "    one = 16 * (ranks - 1) / ranks * parameters * bytes_each\n"
            "    return one, ranks * one",
            "These are bits",
        ),
        (
            "    one = 2 * (ranks - 1) / ranks * parameters * 4\n    return one, ranks * one",
            "not always 4",
        ),
        (
            "    one = 2 * (ranks - 1) * parameters * bytes_each\n    return one, ranks * one",
            "not the whole gradient",
        ),
        (
            "    one = 2 * (ranks - 1) / ranks * parameters * bytes_each\n    return one, one",
            "all ranks together",
        ),
        ("    return parameters, parameters", "one rank sends"),
    ],
}
