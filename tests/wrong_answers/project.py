"""Typical wrong answers to the lab on programs, each with a part of the hint that it must get."""

OPTIONS = """\
    def positive(word):
        number = float(word)
        if not number > 0:
            raise argparse.ArgumentTypeError("not above 0")
        return number

    parser = argparse.ArgumentParser()
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--augment", action=switch, default=True)
    parser.add_argument("--rate", type=positive, default=0.1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32])
    return parser.parse_args(words)"""
TRAIN = """\
    done = 0
    if file.exists():
        state = torch.load(file)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        done = state["done"]
    while done < count:
        step()
        done += 1
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"rng": torch.get_rng_state(), "done": done}
        torch.save(state, file)"""
SELF = """\
    times, running = {}, []
    for name, start, end in sorted(calls, key=lambda call: call[1]):
        while running and running[-1][1] <= start:
            running.pop()
        times[name] = times.get(name, 0) + end - start
        if running:
            times[running[-1][0]] -= end - start
        running.append((name, end))
    return times"""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "parse-options": [
        ("    ...", "blank is still empty"),
        (OPTIONS.replace("action=switch", "type=bool"), "`--augment` is allowed"),
        (OPTIONS.replace("action=switch", 'action="store_true"'), "`--no-augment` is allowed"),
        (OPTIONS.replace("action=switch, default=True", "action=switch"), "gives augment None"),
        (OPTIONS.replace("type=positive", "type=float"), "`--rate 0` must end"),
        (OPTIONS.replace("not number > 0", "number < 0"), "`--rate 0` must end"),
        (OPTIONS.replace("not number > 0", "number <= 0"), "`--rate nan` must end"),
        (OPTIONS.replace("type=positive", "type=float, choices=[0.1, 3.0]"), "`--rate 0.25`"),
        (OPTIONS.replace("type=positive", "type=int"), "`--rate 0.25`"),
        (OPTIONS.replace("type=positive, ", ""), "gives rate '0.25'"),
        (
            OPTIONS.replace("raise argparse.ArgumentTypeError", "raise SystemExit"),
            "raise argparse.ArgumentTypeError",
        ),
        (OPTIONS.replace('nargs="+"', 'nargs="*"'), "`--sizes` must end"),
        (OPTIONS.replace('nargs="+", ', ""), "gives sizes 48"),
        (OPTIONS.replace("default=[32]", "default=32"), "gives sizes 32"),
        (OPTIONS.replace("type=int", "type=float"), "`--sizes 2.5` must end"),
        (OPTIONS.replace("parse_args(words)", "parse_known_args(words)"), "no attribute augment"),
        (
            OPTIONS.replace("(words)", "(words)[0]").replace("parse_args", "parse_known_args"),
            "`--augment no` must end",
        ),
        (OPTIONS.replace("return parser", "parser"), "returns nothing"),
    ],
    "train-on": [
        ("    ...", "blank is still empty"),
        ("    for _ in range(count):\n        step()", "Nothing is saved"),
        (
            TRAIN.replace("        torch.save(state, file)", "    torch.save(state, file)"),
            "not at the end",
        ),
        (
            TRAIN.replace("        step()\n", "")
            .replace("file)", "file)\n        step()", 2)
            .replace("torch.load(file)\n        step()", "torch.load(file)"),
            "save after the step",
        ),
        (TRAIN.replace("if file.exists():", "if False:"), "three are left"),
        (TRAIN.replace("    if file.exists():", "    if True:"), "no checkpoint"),
        (TRAIN.replace('        done = state["done"]\n', ""), "three are left"),
        (TRAIN.replace("while done < count", "while done <= count"), "called 8 times"),
        (
            TRAIN.replace(
                "        step()",
                "        try:\n            step()\n        except Exception:\n            break",
            ),
            "do not catch",
        ),
        (
            TRAIN.replace('        optimizer.load_state_dict(state["optimizer"])\n', ""),
            "save both state dicts",
        ),
        (TRAIN.replace('        net.load_state_dict(state["net"])\n', ""), "save both state dicts"),
        (TRAIN.replace('        torch.set_rng_state(state["rng"])\n', ""), "get_rng_state()"),
        (
            TRAIN.replace('net.load_state_dict(state["net"])', "net.load_state_dict(state)"),
            "around it",
        ),
        (TRAIN.replace('"net": net.state_dict()', '"net": net'), "refuses objects"),
        (
            TRAIN.replace(
                'net.load_state_dict(state["net"])',
                'net.load_state_dict(state["net"], strict=False)',
            ).replace('"net": net.state_dict()', '"net": dict(net.named_parameters())'),
            "the network has buffers",
        ),
        (TRAIN.replace('"done": done}', '"steps": done}'), "no such entry"),
    ],
    "self-times": [
        ("    ...", "blank is still empty"),
        ("    return {name: end - start for name, start, end in calls}", "only the last call"),
        (
            "    times = {}\n    for name, start, end in calls:\n"
            "        times[name] = times.get(name, 0) + end - start\n    return times",
            "these are total times",
        ),
        (SELF.replace("times.get(name, 0)", "times[name]"), "begin at 0"),
        (SELF.replace("running and ", ""), "holds anything"),
        (SELF.replace("        if running:\n            times", "        times"), "holds anything"),
        (SELF.replace("sorted(calls, key=lambda call: call[1])", "calls"), "reverse order"),
        (
            SELF.replace(
                "times[running[-1][0]] -= end - start",
                "for other in {each[0] for each in running}:\n"
                "                times[other] -= end - start",
            ),
            "too much is subtracted",
        ),
        (
            SELF.replace(
                "        while running and running[-1][1] <= start:\n            running.pop()\n",
                "",
            ),
            "too much is subtracted",
        ),
        (SELF.replace("    return times", "    return list(times.items())"), "Return a dict"),
    ],
}
