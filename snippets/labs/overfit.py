# %% [markdown]
# # Lab: overfitting and regularisation
#
# Three exercises: early stopping that brings back the best weights, an
# optimizer that decays the right parameters, and the price of choosing
# by validation. Replace each `...` by your own code and run the cell,
# then run the check below it: it says in one sentence what is wrong.
# The lesson is [Overfitting and regularisation](overfit.md).

# %% imports
import copy

import torch
from checking import run_check, words_in
from torch import nn

# %% [markdown]
# ## Early stopping
#
# Train until the validation loss has not improved for some epochs, then
# go back to the weights of the best epoch. Remember that `state_dict()`
# hands out the tensors of the network themselves, in which the training
# goes on: they have to be copied. In the lesson: [Early
# stopping](overfit.md#early-stopping).

# %% [markdown]
# - `net`: an nn.Module with parameters and buffers.
# - `train_epoch`: a function; `train_epoch(net)` trains for one epoch.
# - `validate`: a function; `validate(net)` returns the validation loss,
#   a float.
# - `patience`: stop as soon as this many epochs in a row have brought
#   no loss below the best one so far. An equal loss is no better one.
# - `most`: the most epochs to train.
# - Leaves in `net` the weights and buffers of the best epoch. Returns
#   the validation losses of all epochs trained, a list.


# %% early-stopping
def fit(net, train_epoch, validate, patience, most):
    """Train, stop early, restore the best epoch; return the losses."""
    ### BEGIN SOLUTION
    losses, best = [], None
    for _ in range(most):
        train_epoch(net)
        losses.append(validate(net))
        if losses[-1] == min(losses) and losses.count(losses[-1]) == 1:
            best = copy.deepcopy(net.state_dict())
        if len(losses) - 1 - losses.index(min(losses)) == patience:
            break
    net.load_state_dict(best)
    return losses
    ### END SOLUTION


# %% check-early-stopping
def check_early_stopping(function):
    """Play a training. Raises AssertionError with one hint."""

    def play(script, patience, most):
        net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        weight = net[0].weight
        calls = []

        def train_epoch(given):
            if given is not net:
                raise AssertionError(
                    "Train the network that you were given, not a copy"
                    " of it."
                )
            if calls and calls[-1] == "train":
                raise AssertionError(
                    "Two epochs were trained with no validation in"
                    " between: validate after each."
                )
            if calls.count("train") == len(script):
                raise AssertionError(
                    f"With at most {most} epochs you train one more."
                )
            calls.append("train")
            with torch.no_grad():
                net[0].weight += 1
                net[1].running_mean += 1

        def validate(given):
            if given is not net:
                raise AssertionError(
                    "Validate the network that you were given."
                )
            if not calls or calls[-1] != "train":
                raise AssertionError(
                    "Validate once after each epoch, not before the"
                    " first and not twice: each time costs a pass over"
                    " all validation images."
                )
            calls.append("validate")
            return script[calls.count("train") - 1]

        with torch.no_grad():
            weight.zero_()
        losses = function(net, train_epoch, validate, patience, most)
        trained = calls.count("train")
        if net[0].weight is not weight:
            raise AssertionError(
                "The network has new parameters, which no optimizer"
                " knows: load the weights with load_state_dict()."
            )
        return (
            losses,
            trained,
            round(weight.mean().item(), 3),
            round(net[1].running_mean.mean().item(), 3),
        )

    # Losses, patience, most epochs, epochs trained, best epoch.
    games = [
        ([0.9, 0.7, 0.8, 0.75, 0.9, 0.4], 3, 6, 5, 2),
        ([0.9, 0.8, 0.85, 0.7, 0.75, 0.6, 0.9, 0.95, 0.3], 2, 9, 8, 6),
        ([0.5, 0.4, 0.3, 0.35], 3, 4, 4, 3),
        ([0.9, 0.6, 0.6, 0.6, 0.6, 0.1], 3, 6, 5, 2),
        ([0.3, 0.5, 0.4, 0.2], 2, 4, 3, 1),
        ([2.5, 2.4, 2.7, 2.8, 2.45], 5, 5, 5, 2),
    ]
    for script, patience, most, right, best in games:
        told = (
            f"With validation losses {script[:right]} and a patience of"
            f" {patience}"
        )
        losses, trained, weight, buffer = play(script, patience, most)
        if trained == right - 1 and patience > 1:
            raise AssertionError(
                f"{told}, you stop after epoch {trained}, one too"
                f" early: {patience} epochs in a row have to pass"
                " without a better loss."
            )
        if trained < right:
            raise AssertionError(
                f"{told}, you stop after epoch {trained} of {right}."
                " Count the epochs since the best one, and begin again"
                " at each better loss."
            )
        if trained > right:
            hint = (
                "an equal loss is no better one"
                if script.count(script[best - 1]) > 1
                else "stop as soon as the patience is used up"
            )
            raise AssertionError(
                f"{told}, training ends after epoch {right}, but you"
                f" train {trained}: {hint}."
            )
        if weight != best and weight == trained:
            raise AssertionError(
                f"{told}, the best epoch is {best}, but the network has"
                f" the weights of the last, {trained}. Load the best"
                " ones at the end, and copy them when you keep them:"
                " state_dict() and a shallow copy of it share their"
                " tensors with the network."
            )
        if weight != best:
            hint = (
                "of two equal losses, keep the first"
                if script.count(script[best - 1]) > 1
                else "copy them right after the validation of the epoch"
            )
            raise AssertionError(
                f"{told}, the best epoch is {best}, but the network has"
                f" the weights of epoch {weight:g}: {hint}."
            )
        if buffer != best:
            raise AssertionError(
                "The parameters are those of the best epoch, but the"
                " buffers, here the running mean of batch norm, are"
                " not: keep the whole state_dict()."
            )
        if not isinstance(losses, (list, tuple)):
            raise AssertionError(
                "Return the list of all validation losses, not"
                f" {type(losses).__name__}."
            )
        if list(losses) != script[:right]:
            raise AssertionError(
                f"{told}, return these losses, one for each epoch"
                f" trained; you return {list(losses)}."
            )


run_check(
    check_early_stopping,
    fit,
    errors={
        "'NoneType'": (
            "Nothing had been kept when you loaded it: the first loss"
            " is the best one so far, so begin with infinity."
        ),
        "modified by an inplace": "Copy within torch.no_grad().",
        "Missing key(s)": (
            "You have kept the parameters, and the buffers are missing:"
            " keep the whole state_dict()."
        ),
    },
    changes=("net",),
)
print("fit: right")

# %% [markdown]
# ## Weight decay with parameter groups
#
# Weight decay is meant for the matrices and filters of a network.
# Biases, and the scales and shifts of normalisations, have few numbers
# and no part in overfitting, so many programs leave them out. An
# optimizer takes a list of groups, each with settings of its own. In
# the lesson: [Which parameters to decay](overfit.md#which-parameters).

# %% [markdown]
# - `net`: an nn.Module with any layers, nested in any way. Some of its
#   parameters may be frozen (`requires_grad` is False): they belong in
#   no group.
# - `rate`, `decay`: learning rate and weight decay, floats.
# - Returns a `torch.optim.AdamW` with two groups: parameters of two or
#   more dimensions with `decay`, all others with 0.


# %% decay-groups
def make_optimizer(net, rate, decay):
    """Return an AdamW that decays matrices and filters alone."""
    ### BEGIN SOLUTION
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in trained if p.ndim >= 2],
            "weight_decay": decay,
        },
        {
            "params": [p for p in trained if p.ndim < 2],
            "weight_decay": 0.0,
        },
    ]
    return torch.optim.AdamW(groups, lr=rate)
    ### END SOLUTION


# %% check-decay-groups
def check_decay_groups(function):
    """Look into the groups. Raises AssertionError with one hint."""

    def name_of(parameter, net):
        return next(
            name
            for name, each in net.named_parameters()
            if each is parameter
        )

    for rate, decay in ((0.003, 0.2), (0.02, 0.07)):
        net = nn.Sequential(
            nn.Conv2d(3, 4, 5, bias=False),
            nn.BatchNorm2d(4),
            nn.Sequential(nn.Flatten(), nn.Linear(16, 6)),
            nn.LayerNorm(6),
            nn.Linear(6, 7),
            nn.Embedding(5, 2),
        )
        net[4].weight.requires_grad_(False)
        optimizer = function(net, rate, decay)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise AssertionError(
                "Return the optimizer, not"
                f" {type(optimizer).__name__}: torch.optim.AdamW takes"
                " the list of groups."
            )
        if type(optimizer) is not torch.optim.AdamW:
            raise AssertionError(
                "The optimizer is to be torch.optim.AdamW, but yours"
                f" is {type(optimizer).__name__}."
            )
        if net[4].weight.requires_grad or not all(
            p.requires_grad
            for p in net.parameters()
            if p is not net[4].weight
        ):
            raise AssertionError(
                "You have frozen a parameter, or freed one: leave"
                " requires_grad as it is."
            )
        decays = {}
        for group in optimizer.param_groups:
            if group["lr"] != rate:
                raise AssertionError(
                    f"A group has the learning rate {group['lr']}"
                    f" instead of {rate}: give AdamW lr=rate, which"
                    " holds for all groups."
                )
            for parameter in group["params"]:
                decays[name_of(parameter, net)] = group["weight_decay"]
        if net[4].weight.requires_grad or "4.weight" in decays:
            raise AssertionError(
                "A frozen parameter is in a group: leave out those"
                " whose requires_grad is False."
            )
        for name, parameter in net.named_parameters():
            if not parameter.requires_grad:
                continue
            if name not in decays:
                raise AssertionError(
                    f"The parameter {name} is in no group, so it will"
                    " never be trained."
                )
        wanted = {
            name: decay if parameter.ndim >= 2 else 0
            for name, parameter in net.named_parameters()
            if parameter.requires_grad
        }
        if decays == wanted:
            if len(optimizer.param_groups) != 2:
                raise AssertionError(
                    "Make two groups, not"
                    f" {len(optimizer.param_groups)}: parameters with"
                    " the same settings share one."
                )
            continue
        values = set(decays.values())
        if values == {decay}:
            raise AssertionError(
                "Everything is decayed, biases too: make two groups,"
                " the second with a weight_decay of 0."
            )
        if values == {0}:
            raise AssertionError(
                "Nothing is decayed: the first group needs"
                " weight_decay=decay."
            )
        if values == {0.01}:
            raise AssertionError(
                "All parameters have 0.01, AdamW's own weight decay:"
                " set it in each group."
            )
        if 0.01 in values:
            raise AssertionError(
                "One of the groups has 0.01, which is AdamW's own"
                " weight decay, because it says nothing about it: set"
                " it in both."
            )
        if all(
            decays[name] == decay - value
            for name, value in wanted.items()
        ):
            raise AssertionError(
                "It is the wrong way round: matrices are decayed,"
                " biases are not."
            )
        for name, value in wanted.items():
            if decays[name] == value:
                continue
            layer = net.get_submodule(name.rpartition(".")[0])
            kind = type(layer).__name__
            if value:
                raise AssertionError(
                    f"The weight of the {kind} (parameter {name}) has a"
                    f" decay of {decays[name]:g} instead of {decay:g}:"
                    " it has two or more dimensions."
                )
            if "Norm" in kind:
                raise AssertionError(
                    f"The {kind} is decayed (parameter {name}). Its"
                    " weight is called a weight, but has one dimension:"
                    " ask for p.ndim, not for a name."
                )
            raise AssertionError(
                f"The parameter {name} has one dimension and a decay"
                f" of {decays[name]:g} instead of 0."
            )


run_check(
    check_decay_groups,
    make_optimizer,
    errors={
        "more than one parameter group": (
            "A parameter is in both groups: each belongs in one."
        ),
        "parameters to optimize": (
            "A parameter or its name is in the wrong place: the list"
            ' "params" of a group holds the parameters themselves.'
        ),
        "must match the size": (
            "`in` and == compare tensors number by number: ask each"
            " parameter for its ndim instead."
        ),
        "can only optimize": (
            'The list "params" of a group holds the parameters'
            " themselves, not their names."
        ),
        "empty parameter list": (
            "parameters() can be walked through only once: make a list"
            " of it."
        ),
        "'weight_decay'": (
            "The settings of a group stand in its dictionary."
        ),
    },
    changes=("net",),
)
print("make_optimizer: right")

# %% [markdown]
# ## The price of choosing
#
# You have many networks and keep the one with the best validation
# accuracy. Part of its lead is luck, which other images do not repeat.
# Write a function that measures this part: how much higher is the
# accuracy of the chosen one on the validation images than on images
# that had no part in the choice? Do it without a loop. In the lesson:
# [When validation is used up](overfit.md#when-validation-is-used-up).

# %% [markdown]
# - `validation`: bool tensor (networks, N), whether a network
#   classifies a validation image correctly.
# - `held_out`: bool tensor (networks, M), the same for other images.
# - Returns a float: the accuracy of the chosen network on the
#   validation images minus its accuracy on the others.


# %% optimism
def optimism(validation, held_out):
    """Return by how much the best on validation images is overrated."""
    ### BEGIN SOLUTION
    accuracies = validation.float().mean(dim=1)
    chosen = accuracies.argmax()
    return (accuracies[chosen] - held_out[chosen].float().mean()).item()
    ### END SOLUTION


# %% check-optimism
def check_optimism(function):
    """Compare the answers. Raises AssertionError with one hint."""
    for seed, (networks, n, m) in enumerate([(7, 11, 19), (5, 23, 16)]):
        generator = torch.Generator().manual_seed(seed)
        chances = torch.linspace(0.3, 0.6, networks)[:, None]
        validation = (
            torch.rand(networks, n, generator=generator) < chances
        )
        held_out = (
            torch.rand(networks, m, generator=generator) < chances
        )
        validation[1], held_out[1] = True, False
        validation[1, :2], held_out[1, :5] = False, True
        validation[2], held_out[2] = True, False
        validation[2, :4], held_out[2, 0] = False, True
        held_out[3] = True
        held_out[3, 0] = False
        a, b = (x.double().mean(dim=1) for x in (validation, held_out))
        right = (a[1] - b[1]).item()
        answer = function(validation, held_out)
        if isinstance(answer, torch.Tensor):
            raise AssertionError(
                "Return a float, not a tensor of shape"
                f" {tuple(answer.shape)}: .item() makes one of a tensor"
                " with one number."
            )
        if isinstance(answer, bool) or not isinstance(
            answer, (int, float)
        ):
            raise AssertionError(
                f"Return a float, not {type(answer).__name__}."
            )
        if abs(answer - right) < 1e-5:
            continue
        mistakes = [
            (-right, "The sign is wrong: validation minus the others."),
            (
                100 * right,
                "Return a fraction, not a percentage.",
            ),
            (
                (a.max() - b.max()).item(),
                "You compare two networks: the best on validation and"
                " the best on the other images. Look at the same"
                " network on both.",
            ),
            (
                (a - b).max().item(),
                "That is the largest difference of any network. Choose"
                " by the validation accuracy, then look at the"
                " difference.",
            ),
            (
                (a[3] - b[3]).item(),
                "You choose by the other images, which are to have no"
                " part in the choice.",
            ),
            (
                (a[1] - b.mean()).item(),
                "Compare with the accuracy of the chosen network, not"
                " with the mean of all.",
            ),
            (
                (a.mean() - b.mean()).item(),
                "That is the mean over all networks, but only the"
                " chosen one counts.",
            ),
            (
                (a.max() - a.mean()).item(),
                "You use validation images alone. Whether the lead is"
                " luck can be seen on other images only.",
            ),
            (a.max().item(), "That is the validation accuracy alone."),
            (
                b[1].item(),
                "That is the accuracy on the other images alone:"
                " subtract it from that on validation images.",
            ),
            (
                float(validation[1].sum() - held_out[1].sum()),
                "You subtract counts, but there are not as many"
                " validation images as others: subtract accuracies.",
            ),
            (
                (validation[1].sum() - held_out[1].sum()).item()
                / networks,
                "You divide by the number of networks. len() counts"
                " the rows: use mean(dim=1), or divide by shape[1].",
            ),
            (1.0, "That is the number of the chosen network."),
            (
                a.max().item() - b[0].item(),
                "On the other images you look at the first network, not"
                " at the chosen one.",
            ),
            (
                (a[-1] - b[-1]).item(),
                "You look at the last network, not at the chosen one.",
            ),
            (
                (a.min() - b[a.argmin()]).item(),
                "You choose the network with the lowest validation"
                " accuracy.",
            ),
        ]
        columns = validation.double().mean(dim=0)
        others = held_out.double().mean(dim=0)
        if columns.argmax() < m:
            value = (columns.max() - others[columns.argmax()]).item()
            hint = (
                "You take the mean over the networks. Each row is a"
                " network: take it over the images, dim=1."
            )
            mistakes.append((value, hint))
        for value, hint in mistakes:
            if abs(answer - value) < 1e-5:
                raise AssertionError(hint)
        raise AssertionError(
            f"The best of the {networks} networks has an accuracy of"
            f" {a[1]:.3f} on the validation images and {b[1]:.3f} on"
            f" the others: return {right:.3f}, not {answer:.3f}."
        )
    if "for" in words_in(function):
        raise AssertionError(
            "Do it without a loop: mean(dim=1) is one number for each"
            " network."
        )


run_check(
    check_optimism,
    optimism,
    errors={
        "Input dtype must be either a floating point": (
            "There is no mean of bool: make floats of them first."
        ),
        "be converted to Scalar": (
            "There is more than one number left: mean(dim=1) for each"
            " network, then take the chosen one."
        ),
        "only one element tensors": (
            "There is more than one number left: mean(dim=1) for each"
            " network, then take the chosen one."
        ),
        "must match the size": (
            "Take the mean over the images, dim=1: there are not as"
            " many validation images as others."
        ),
        "out of bounds": (
            "Each row is a network: take the mean over the images,"
            " dim=1."
        ),
    },
)
print("optimism: right")
