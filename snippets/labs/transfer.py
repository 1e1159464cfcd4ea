# %% [markdown]
# # Lab: reuse a trained network
#
# Three exercises: freeze all of a network but its head, give the two
# parts different learning rates, and split your own pictures class by
# class. Replace each `...` by your own code and run the cell, then run
# the check below it: it says in one sentence what is wrong. The lesson
# is [Transfer: reuse a trained network](transfer.md).

# %% imports
import torch
from checking import run_check
from torch import nn

# %% [markdown]
# ## Freeze all but the head
#
# A frozen body must not change at all: neither its parameters, by the
# optimizer, nor the running statistics of its batch norm, by the
# forward pass. Write a function that prepares a network for training
# its head alone, whatever was frozen, and whichever mode it was in,
# before. In the lesson: [Frozen](transfer.md#frozen).

# %% [markdown]
# - `net`: an nn.Module with other modules in it, nested in any way.
# - `head`: the module of `net` that is to be trained, the last layer
#   for example.
# - All parameters of the head require a gradient afterwards, and no
#   others do; the head is in training mode, and all other layers are in
#   evaluation mode. Returns nothing.


# %% freeze
def freeze(net, head):
    """Prepare a network for training nothing but its head."""
    ### BEGIN SOLUTION
    net.requires_grad_(False)
    head.requires_grad_(True)
    net.eval()
    head.train()
    ### END SOLUTION


# %% check-freeze
def check_freeze(function):
    """Look at parameters and modes. Raises AssertionError."""

    def make():
        torch.manual_seed(0)
        body = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4),
            nn.Sequential(nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5)),
            nn.Flatten(),
            nn.Linear(80, 6),
        )
        head = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 7))
        return nn.ModuleDict({"top": head, "base": body})

    for start in ("new", "all frozen", "in eval mode"):
        net = make()
        head, body = net["top"], net["base"]
        if start == "all frozen":
            net.requires_grad_(False)
        if start == "in eval mode":
            net.eval()
        named = dict(net.named_parameters())
        before = {k: v.clone() for k, v in net.state_dict().items()}
        function(net, head)
        now = dict(net.named_parameters())
        if list(now) != list(named) or any(
            now[name] is not named[name] for name in named
        ):
            raise AssertionError(
                "A parameter has been replaced or removed: keep all of"
                " them, and change what they require."
            )
        if net["top"] is not head or net["base"] is not body:
            raise AssertionError(
                "A part of the network has been replaced: change the"
                " parts that there are."
            )
        if any(
            not torch.equal(value, before[name])
            for name, value in net.state_dict().items()
        ):
            raise AssertionError(
                "The numbers in the network have changed: freezing"
                " changes requires_grad and the mode, and no weights."
            )
        if any("requires_grad" in vars(m) for m in net.modules()):
            raise AssertionError(
                "`module.requires_grad = ...` only makes a new"
                " attribute, which nobody reads: a module has the"
                " method requires_grad_(), with an underscore."
            )
        if (
            start == "new"
            and all(
                parameter.requires_grad
                for parameter in net.parameters()
            )
            and all(module.training for module in net.modules())
        ):
            raise AssertionError(
                "The blank is still empty: every parameter requires"
                " a gradient, and every layer is in training mode."
            )
        open_body = [
            name
            for name, parameter in body.named_parameters()
            if parameter.requires_grad
        ]
        open_head = [p.requires_grad for p in head.parameters()]
        if open_body and not any(open_head):
            if len(open_body) < len(list(body.parameters())):
                raise AssertionError(
                    "The head is frozen, and a part of the body is"
                    " not: it is the head that is to be trained."
                )
            if start == "all frozen" or all(
                p.requires_grad for p in body.parameters()
            ):
                raise AssertionError(
                    "The head is frozen and the body is not: it has"
                    " to be the other way round."
                )
        if open_body:
            if all(name.endswith("bias") for name in open_body):
                hint = "biases are parameters, too."
            elif all("." in n and n[0] in "12" for n in open_body):
                hint = (
                    "batch norm has parameters, too, and layers may"
                    " stand inside others."
                )
            else:
                hint = "net.requires_grad_(False) reaches all of them."
            raise AssertionError(
                f"In the body, {len(open_body)} parameters still"
                f" require a gradient, {open_body[0]} for example:"
                f" {hint}"
            )
        if not all(open_head):
            if start == "all frozen":
                raise AssertionError(
                    "If all was frozen before, the head stays frozen:"
                    " say that its parameters require a gradient."
                )
            raise AssertionError(
                "Parameters of the head do not require a gradient:"
                " freeze the network first, then open the whole head"
                " again."
            )
        in_training = [m for m in body.modules() if m.training]
        if in_training:
            if len(in_training) < len(list(body.modules())):
                raise AssertionError(
                    "Some layers of the body are in evaluation mode,"
                    " others are not: eval() of the whole body, or"
                    " network, reaches layers inside of others."
                )
            raise AssertionError(
                "The body is still in training mode, in which each"
                " forward pass changes the statistics of its batch"
                " norm: it needs eval()."
            )
        if not all(module.training for module in head.modules()):
            raise AssertionError(
                "The head is in evaluation mode, but it is to be"
                " trained: call its train() after eval() of the"
                " network."
            )


run_check(
    check_freeze,
    freeze,
    errors={
        "has no attribute 'requires_grad_'": (
            "Parameters and modules have requires_grad_(): call it on"
            " the network, or on each of its parameters."
        ),
        "has no attribute 'body'": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
        "has no attribute 'head'": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
        "has no attribute 'fc'": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
        "not subscriptable": (
            "A network need not be a Sequential: use `net` and `head`,"
            " which you are given."
        ),
        "KeyError": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
    },
    changes=("net", "head"),
    returns=False,
)
print("freeze: right")

# %% [markdown]
# ## Two learning rates
#
# The body of a trained network needs small steps, and its new head
# needs large ones. An optimizer takes a list of dictionaries, the
# *parameter groups*, each with its `params` and its own `lr`. Write a
# function that makes two of them. In the lesson:
# [Fine-tune with two learning rates](transfer.md#two-learning-rates).

# %% [markdown]
# - `net`: an nn.Module. Some of its parameters may be frozen.
# - `head`: a module that is a part of `net`, at any depth.
# - `rate`: a float, the learning rate of the head.
# - Returns a list of two dictionaries with the keys "params", a list,
#   and "lr": first the rest of the network, with a tenth of the rate,
#   then the head. A frozen parameter is in neither.


# %% groups
def groups(net, head, rate):
    """Return the parameter groups of body and head."""
    ### BEGIN SOLUTION
    in_head = {id(parameter) for parameter in head.parameters()}
    chosen = [p for p in net.parameters() if p.requires_grad]
    body = [p for p in chosen if id(p) not in in_head]
    top = [p for p in chosen if id(p) in in_head]
    return [
        {"params": body, "lr": rate / 10},
        {"params": top, "lr": rate},
    ]
    ### END SOLUTION


# %% check-groups
def check_groups(function):
    """Compare the groups. Raises AssertionError with one hint."""
    torch.manual_seed(0)
    head = nn.Linear(5, 5)
    body = nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 5)
    )
    top = nn.ModuleDict({"norm": nn.LayerNorm(5), "last": head})
    net = nn.ModuleDict({"top": top, "base": body})
    body[0].requires_grad_(False)
    head.bias.requires_grad_(False)
    rate = 0.3
    answer = function(net, head, rate)
    if not isinstance(answer, list) or len(answer) != 2:
        raise AssertionError(
            "Return a list of two groups, first the body's, then the"
            f" head's; you return a {type(answer).__name__}."
            if not isinstance(answer, list)
            else f"Return two groups, not {len(answer)}: first the"
            " body's, then the head's."
        )
    for group in answer:
        if not isinstance(group, dict) or set(group) != {
            "params",
            "lr",
        }:
            raise AssertionError(
                'Each group is a dictionary with the keys "params" and'
                ' "lr", and no others.'
            )
        if not isinstance(group["params"], list):
            raise AssertionError(
                '"params" is to be a list, but yours is a'
                f" {type(group['params']).__name__}, which may be used"
                " up after one reading: list(...)."
            )
        for parameter in group["params"]:
            if not isinstance(parameter, nn.Parameter):
                raise AssertionError(
                    '"params" holds the parameters themselves, but'
                    f" yours has a {type(parameter).__name__}:"
                    " named_parameters() gives pairs, parameters()"
                    " what is needed here."
                )
    names = {id(p): name for name, p in net.named_parameters()}
    mine = [[id(p) for p in group["params"]] for group in answer]
    if any(key not in names for part in mine for key in part):
        raise AssertionError(
            "A group holds a parameter that is not one of the network:"
            " a copy would never be used by it."
        )
    head_ids = {id(p) for p in head.parameters()}
    frozen = {id(p) for p in net.parameters() if not p.requires_grad}
    twice = set(mine[0]) & set(mine[1])
    if twice:
        raise AssertionError(
            f"{names[min(twice)]} is in both groups, which an optimizer"
            " refuses: leave the head's parameters out of the first."
        )
    if any(len(set(part)) < len(part) for part in mine):
        raise AssertionError(
            "A parameter is twice in one group: parameters() of the"
            " network has each of them once."
        )
    if set(mine[0]) and set(mine[0]) <= head_ids:
        raise AssertionError(
            "The groups are in the wrong order: first the body, then"
            " the head."
        )
    if any(key in frozen for part in mine for key in part):
        name = next(
            names[k] for part in mine for k in part if k in frozen
        )
        raise AssertionError(
            f"{name} is frozen and belongs in no group: ask for its"
            " requires_grad."
        )
    if head_ids & set(mine[0]):
        raise AssertionError(
            "A parameter of the head is in the group of the body."
        )
    if set(mine[1]) - head_ids:
        wrong = next(k for k in mine[1] if k not in head_ids)
        raise AssertionError(
            f"{names[wrong]} is no parameter of the head, but in its"
            " group: the head is the module that you are given."
        )
    wanted = set(names) - frozen
    missing = wanted - set(mine[0]) - set(mine[1])
    if missing:
        name = next(
            names[id(p)] for p in net.parameters() if id(p) in missing
        )
        raise AssertionError(
            f"{name} is in no group and would never be trained. Compare"
            " parameters by id() or `is`: == compares their numbers,"
            " and shapes and names may be alike."
        )
    rates = [group["lr"] for group in answer]
    right = [rate / 10, rate]
    if any(not isinstance(r, (int, float)) for r in rates):
        raise AssertionError("The rates are plain numbers.")
    if any(
        abs(r - w) > 1e-9 for r, w in zip(rates, right, strict=True)
    ):
        if abs(rates[0] - rate) < 1e-9 and abs(rates[1] - rate) < 1e-9:
            hint = "both have the same rate."
        elif abs(rates[0] - rate) < 1e-9:
            hint = "the body has to have the smaller rate."
        elif rates[0] == 0:
            hint = "with a rate of 0 the body is not trained at all."
        else:
            hint = "the body has a tenth of the head's."
        raise AssertionError(
            f"With the rate {rate}, your groups have {rates[0]:.4g} and"
            f" {rates[1]:.4g}, but should have {right[0]:.4g} and"
            f" {right[1]:.4g}: {hint}"
        )
    net.requires_grad_(True)
    opened = function(net, head, 2.0)
    sizes = [len(group["params"]) for group in opened]
    if sizes != [8, 2] or [g["lr"] for g in opened] != [0.2, 2.0]:
        raise AssertionError(
            "With nothing frozen and another rate the groups are wrong:"
            f" they have {sizes[0]} and {sizes[1]} parameters instead"
            f" of 8 and 2, and the rates {[g['lr'] for g in opened]}"
            " instead of [0.2, 2.0]. Compute both from the arguments."
        )


run_check(
    check_groups,
    groups,
    errors={
        "must match the size": (
            "`in` and == compare tensors number by number: compare"
            " parameters by id() or `is`."
        ),
        "truth value of a Tensor": (
            "`in` and == compare tensors number by number: compare"
            " parameters by id() or `is`."
        ),
        "Boolean value of Tensor": (
            "`in` and == compare tensors number by number: compare"
            " parameters by id() or `is`."
        ),
        "has no attribute 'body'": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
        "has no attribute 'head'": (
            "The parts of this network have other names: use `net` and"
            " `head`, which you are given."
        ),
    },
)
print("groups: right")

# %% [markdown]
# ## Split class by class
#
# With few pictures, a random split may leave a class with hardly any
# for validation. So split each class by itself. Write a function that
# takes the labels of all pictures, as `ImageFolder` has them in its
# `targets`, and returns the places of those for training and of those
# for validation. In the lesson:
# [Split, then augment](transfer.md#split-then-augment).

# %% [markdown]
# - `targets`: a list of ints, the class of each picture, in any order.
# - `held_out`: an int, how many pictures of each class are for
#   validation. Each class has more than that.
# - `generator`: a torch.Generator, by which they are chosen at random.
# - Returns two lists of ints, for training and for validation: together
#   all places, each once.


# %% split
def split(targets, held_out, generator):
    """Return places for training and validation, class by class."""
    ### BEGIN SOLUTION
    labels = torch.tensor(targets)
    train, val = [], []
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        order = torch.randperm(len(places), generator=generator)
        places = places[order].tolist()
        val += places[:held_out]
        train += places[held_out:]
    return train, val
    ### END SOLUTION


# %% check-split
def check_split(function):
    """Count the classes. Raises AssertionError with one hint."""
    targets = 11 * [0] + 19 * [2] + 8 * [1] + 6 * [2] + 7 * [4]
    total, held_out = len(targets), 3

    def of_seed(seed):
        generator = torch.Generator().manual_seed(seed)
        return function(list(targets), held_out, generator)

    answer = of_seed(0)
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise AssertionError(
            "Return two lists: the places for training, and those for"
            " validation."
        )
    for part in answer:
        if not isinstance(part, list) or any(
            type(place) is not int for place in part
        ):
            kind = type(part).__name__
            if isinstance(part, list) and part:
                kind = f"list of {type(part[0]).__name__}"
            raise AssertionError(
                f"Each part is a list of ints, but you return a {kind}:"
                " tolist() makes one of a tensor."
            )
    train, val = answer
    both = train + val
    if both and set(both) <= set(targets):
        raise AssertionError(
            "Those are labels: return the places of the pictures in"
            " `targets`."
        )
    largest_class = max(targets.count(label) for label in set(targets))
    if len(both) == total and max(both) < largest_class:
        raise AssertionError(
            "Those are places within a class: the first picture of"
            " each class has the place 0. Return places in `targets`."
        )
    if set(train) & set(val):
        raise AssertionError(
            f"{len(set(train) & set(val))} pictures are in both parts:"
            " then validation measures what has been memorised."
        )
    if len(val) == total - 4 * held_out and len(train) == 4 * held_out:
        raise AssertionError(
            "The parts are in the wrong order: first training, then"
            " validation."
        )
    if len(set(both)) < len(both):
        raise AssertionError("A picture is in one part twice.")
    if any(not 0 <= place < total for place in both):
        raise AssertionError(
            f"There are {total} pictures, with places from 0 to"
            f" {total - 1}, but your places go from {min(both)} to"
            f" {max(both)}."
        )
    counts = {
        label: sum(targets[place] == label for place in val)
        for label in sorted(set(targets))
    }
    if any(count != held_out for count in counts.values()):
        if len(val) == held_out:
            hint = "held_out is meant for each class, not for all."
        elif len(val) == held_out * len(counts):
            hint = (
                "the number is right, but they are drawn from all"
                " classes together: choose within each class."
            )
        elif counts[4] == 0:
            hint = (
                "the numbers of the classes need not follow each other:"
                " ask which ones occur."
            )
        else:
            hint = "choose that many places of each class."
        raise AssertionError(
            f"For validation, {held_out} pictures of each class are"
            f" wanted, but yours has {counts} of the classes: {hint}"
        )
    if len(both) < total:
        raise AssertionError(
            f"{total - len(both)} pictures are in neither part: all"
            " that are not held out are for training."
        )
    again, other = of_seed(0), of_seed(1)
    if sorted(again[1]) != sorted(val):
        raise AssertionError(
            "Twice with the same seed gives two different splits: hand"
            " the generator to torch.randperm."
        )
    if sorted(other[1]) == sorted(val):
        raise AssertionError(
            "Another seed gives the same split: choose at random, by"
            " torch.randperm with the generator, since files often"
            " stand in the order in which they were taken."
        )
    often = [of_seed(seed)[1] for seed in range(200)]
    never = set(range(total)) - {p for part in often for p in part}
    if never:
        raise AssertionError(
            f"In 200 splits with different seeds, {len(never)} pictures"
            " were never held out: each must have its chance."
        )
    rows = {tuple(sorted(part)) for part in often}
    firsts = {tuple(sorted(p for p in r if p < 11)) for r in rows}
    lasts = {tuple(p - 44 for p in r if p >= 44) for r in rows}
    if len(firsts) < 20 or len(lasts) < 12:
        raise AssertionError(
            "The held-out pictures always lie side by side: shuffle the"
            " places of a class, instead of choosing where to begin."
        )
    few = function([5, 5, 9, 9, 9], 1, torch.Generator())
    if len(few[0]) != 3 or len(few[1]) != 2:
        raise AssertionError(
            "For the labels [5, 5, 9, 9, 9] and one held out of each"
            f" class, {len(few[0])} pictures are for training and"
            f" {len(few[1])} for validation, but should be 3 and 2:"
            " use `held_out`."
        )


run_check(
    check_split,
    split,
    errors={
        "list index out of range": (
            "A place lies outside of the list: labels are not places."
        ),
        "'list' object has no attribute": (
            "`targets` is a list: make a tensor of it first."
        ),
        "has no attribute 'nonzero'": (
            "A list compared with a number is one bool: make a tensor"
            " of `targets` first."
        ),
    },
)
print("split: right")
