# %% [markdown]
# # Lab: audio
#
# Three exercises: the frequency that is left of a tone after sampling, frames that
# lose no sample, and decibels below the loudest point. Replace each `...` by your
# own code and run the cell, then run the check below it: it says in one sentence
# what is wrong. The lesson is [Audio](audio.md).

# %% imports
import torch
from checking import run_check, words_in
from torch.nn import functional as F

# %% [markdown]
# ## What is heard of a tone
#
# A tone of frequency $f$ and one of frequency $f - k\,r$, with the sampling rate $r$
# and any whole number $k$, have the same samples. So do, up to sign, the
# tones $f$ and $-f$. Of all these tones, the one from $0$ to $r / 2$ is heard.
#
# Write a function that returns its frequency, for a tensor of frequencies of any
# shape, without a loop. The check compares yours with the spectrum of real samples.
# In the lesson:
# [What a sampling rate can hold](audio.md#what-a-sampling-rate-can-hold).

# %% [markdown]
# - `frequencies`: a tensor of any shape, floats of 0 or more, in Hz.
# - `rate`: samples per second, a float or an int.
# - Returns a tensor of the same shape, with frequencies from 0 to `rate
#   / 2`.


# %% alias-of
def alias_of(frequencies, rate):
    """Return the frequencies that are heard after sampling."""
    ### BEGIN SOLUTION
    # A multiple of the rate.
    nearest = rate * torch.round(frequencies / rate)
    return (frequencies - nearest).abs()
    ### END SOLUTION


# %% check-alias-of
def check_alias_of(function):
    """Compare with spectra of sampled tones. Raises AssertionError with
    one hint.
    """
    for rate in (400, 250.0):
        _check_tones(function, rate)
    single = function(torch.tensor(330.0), 400)
    assert isinstance(single, torch.Tensor) and single.shape == (), (
        "A single tone, a tensor of shape (), should come back as one."
    )
    assert "for" not in words_in(function), (
        "The tones are right, but there is a loop in your code: work "
        "on all at once."
    )


def _check_tones(function, rate):
    # Multiples of a fifth of a hertz, which the spectrum of five
    # seconds tells apart.
    tones = torch.arange(200).reshape(2, 100) * 9.8
    tones[0, :4] = torch.tensor([0.5, 1.0, 1.5, 2.5]) * rate
    at = torch.arange(int(5 * rate), dtype=torch.float64) / rate
    # A cosine, as a sine of half the rate is silent.
    samples = torch.cos(2 * torch.pi * tones[..., None].double() * at)
    right = torch.fft.rfft(samples).abs().argmax(dim=-1) / 5

    def folded_once(f):
        return torch.where(f > rate / 2, rate - f, f)

    mistakes = {
        "You return the tones as they were: those above rate / 2 are "
        "heard as others.": tones,
        "A signed frequency is not heard: take the "
        "absolute value.": tones - rate * torch.round(tones / rate),
        "You fold at rate / 2 once, but a tone above the rate needs "
        "more: subtract whole multiples of "
        "the rate first.": folded_once(tones).abs(),
        "You fold at rate / 2 once, and get negative frequencies for "
        "high tones: subtract whole multiples of "
        "the rate first.": folded_once(tones),
        "After the remainder, what lies between rate / 2 and the rate "
        "is still to be folded down.": tones % rate,
        "Above rate / 2 the tone comes down again: it does not start "
        "again from 0, as the remainder by "
        "rate / 2 does.": tones % (rate / 2),
        "High tones do not stop at rate / 2, they come down "
        "again: do not clamp.": (tones.clamp(max=rate / 2)),
        "Tones below rate / 2 are heard as they are: rate - f is for "
        "those between rate / 2 and the rate.": (rate - tones).abs(),
        "Fractions of a hertz are lost: keep the tones floats, and "
        "round only the number of the multiple.": (
            tones.floor() - rate * torch.round(tones.floor() / rate)
        ).abs(),
        "Fractions of a hertz are lost at the end: return "
        "floats as they are.": (right.round()),
    }
    answer = function(tones, rate)
    assert isinstance(answer, torch.Tensor), (
        "Return a tensor with a frequency for each tone, not a "
        f"{type(answer).__name__}."
    )
    assert answer.shape == tones.shape, (
        "The answer must have the shape of the tones."
    )
    worst = (answer - right).abs().argmax()
    otherwise = (
        f"A tone of {tones.flatten()[worst]:.1f} Hz is heard at "
        f"{right.flatten()[worst]:.1f} Hz if the rate is {rate}, and "
        f"you give {answer.flatten()[worst]:.1f}: subtract the nearest "
        "multiple of the rate, and drop the sign."
    )
    for hint, other in {
        "": right,
        **mistakes,
        otherwise: answer,
    }.items():
        if torch.allclose(
            answer.to(other), other, atol=1e-2, equal_nan=True
        ):
            assert not hint, hint
            return


run_check(
    check_alias_of,
    alias_of,
    errors={
        "Boolean value of Tensor": "An if decides for one tone, and "
        "here are many: torch.where decides for each.",
        "must be Tensor, not": "Torch's functions take tensors, and "
        "the rate is a number: divide the tensor of the tones by it.",
        "only one element": "There are many tones: compute with the "
        "tensor, not with one number.",
        "__round__": "Python's round takes one number: torch.round "
        "takes a tensor.",
    },
)
print("alias_of: right")

# %% [markdown]
# ## Frames that lose no sample
#
# `unfold` drops the samples at the end that fill no whole frame. Write a function
# that cuts a batch of signals into frames and keeps all of them: it appends zeros
# first, just as many as fill the last frame. A signal shorter than a frame gives one
# frame. In the lesson:
# [Frames and windows](audio.md#frames-and-windows).

# %% [markdown]
# - `signals`: a tensor (N, T), with T of 1 or more.
# - `length`: how many samples a frame has.
# - `hop`: samples from the start of one frame to the next, at most
#   `length`.
# - Returns a tensor (N, frames, `length`), with as few frames as hold
#   all samples. Zeros fill the last one.


# %% frame-signals
def frame_signals(signals, length, hop):
    """Cut signals into overlapping frames."""
    ### BEGIN SOLUTION
    total = signals.shape[1]
    # Frames after the first, rounded up.
    later = max(0, -(-(total - length) // hop))
    padded = F.pad(signals, (0, later * hop + length - total))
    return padded.unfold(1, length, hop)
    ### END SOLUTION


# %% check-frame-signals
def check_frame_signals(function):
    """Compare with frames made one by one. Raises AssertionError with
    one hint.
    """

    def cut(starts, front=0):
        """Frames from `starts` on, of signals padded with zeros."""
        padded = F.pad(signals, (front, 99))
        return torch.stack(
            [padded[:, s : s + length] for s in starts], dim=1
        )

    cases = ((10, 4, 3), (12, 4, 3), (11, 4, 2), (2, 5, 2), (4, 4, 4))
    for total, length, hop in cases:
        signals = torch.arange(1.0, 2 * total + 1).reshape(2, total)
        later = max(0, -(-(total - length) // hop))
        starts = range(0, later * hop + 1, hop)
        right = cut(starts)
        full = [start for start in starts if start + length <= total]
        lost = cut(full) if full else right[:0]
        mistakes = {
            "The samples at the end are lost: append zeros "
            "before you unfold.": lost,
            "You ignore hop: frames start every hop samples, "
            "so they overlap.": cut(range(0, total, length)),
            "The order of the axes is (N, frames, length): yours has "
            "length before frames.": right.transpose(1, 2),
            "Zeros belong at the end: yours stand at the start.": cut(
                starts, front=starts[-1] + length - total
            ),
            "There is one frame too many: where the last frame is "
            "full, append nothing.": cut([*starts, starts[-1] + hop]),
            "One frame is missing: there are 1 + (T - length) / "
            "hop, rounded up.": (right[:, :-1]),
            "The first frame is missing: it starts at sample 0.": right[
                :, 1:
            ],
        }
        answer = function(signals, length, hop)
        assert isinstance(answer, torch.Tensor), (
            "A tensor (N, frames, length) is expected, not a "
            f"{type(answer).__name__}."
        )
        otherwise = (
            f"For T = {total}, length = {length}, hop = {hop} the "
            f"shape {tuple(right.shape)} is right, yours is "
            f"{tuple(answer.shape)}: compare the frames one by one."
        )
        for hint, other in {"": right, **mistakes}.items():
            if answer.shape == other.shape and (answer == other).all():
                assert not hint, hint
                break
        else:
            raise AssertionError(otherwise)


run_check(
    check_frame_signals,
    frame_signals,
    errors={
        "maximum size for tensor": "A signal is shorter than a frame "
        "after your padding: append zeros until it fills one.",
        "length must be non-negative": "The number of zeros is "
        "negative: it is at least 0, so that no sample is cut off.",
        "stack expects a non-empty": "A signal shorter than a frame "
        "gives no frame in your code: it should give one.",
        "stack expects each tensor": "The last frame is shorter than "
        "the others: append zeros to it.",
        "must be non-negative": "The number of zeros is negative: it "
        "is at least 0.",
        "rank mismatch": "Append zeros to dimension 1, the samples: "
        "F.pad(signals, (0, zeros)).",
        "ZeroDivisionError": "You divide by 0: frames start "
        "every hop samples.",
    },
)
print("frame_signals: right")

# %% [markdown]
# ## Decibels below the loudest point
#
# Pictures of spectrograms often count from the loudest point: it has 0 dB, and
# whatever lies more than `span` decibels below it (80 by default) is set to minus
# `span`. Each sound of a batch has a loudest point of its own. A sound that is silent
# throughout is at minus `span` everywhere, and must give no `nan`. In the lesson:
# [Decibels](audio.md#decibels).

# %% [markdown]
# - `power`: a tensor (N, bins, frames) of squared amplitudes, 0 or
#   more.
# - `span`: how far below the maximum the smallest value may lie, a
#   float.
# - Returns a tensor (N, bins, frames) with values from `-span` to 0,
#   and `-span` everywhere for a sound of zeros.


# %% relative-decibels
def relative_decibels(power, span=80.0):
    """Return each sound's power in decibels below its maximum."""
    ### BEGIN SOLUTION
    tiny = 1e-30  # keeps the logarithm finite
    decibels = 10 * torch.log10(power.clamp(min=tiny))
    loudest = 10 * torch.log10(
        power.amax(dim=(1, 2), keepdim=True).clamp(min=tiny)
    )
    relative = (decibels - loudest).clamp(min=-span)
    return torch.where(power > 0, relative, -span)
    ### END SOLUTION


# %% check-relative-decibels
def check_relative_decibels(function):
    """Try sounds of different loudness. Raises AssertionError with one
    hint.
    """
    generator = torch.Generator().manual_seed(0)
    # Over 50 dB.
    power = 10 ** (-5 * torch.rand(4, 4, 5, generator=generator))
    power *= torch.tensor([1.0, 1e-3, 1e2, 1e-9])[:, None, None]
    span = 40.0

    def relative(
        power, factor=10.0, log=torch.log10, dim=(1, 2), cut=-span
    ):
        return (
            factor * log(power / power.amax(dim, keepdim=True))
        ).clamp(min=cut)

    right = relative(power)
    mistakes = {
        "Power takes the factor 10: 20 is for amplitudes.": relative(
            power, 20.0
        ),
        "Decibels take the logarithm to base 10: torch.log is "
        "the natural one.": (relative(power, log=torch.log)),
        "The factor 10 is missing: log10 alone gives bels.": relative(
            power, 1.0
        ),
        "Nothing is cut off: clamp at minus span.": relative(
            power, cut=-1e9
        ),
        "Each sound has its own maximum: yours is that of "
        "the whole batch.": relative(power, dim=(0, 1, 2)),
        "The maximum is over bins and frames: yours is one "
        "for each frame.": relative(power, dim=1),
        "The maximum is over bins and frames: yours is "
        "one for each bin.": relative(power, dim=2),
        "Cut off after you subtract the maximum, not before: span "
        "counts from it.": (10 * torch.log10(power)).clamp(min=-span)
        - 10 * torch.log10(power.amax((1, 2), keepdim=True)),
        "That counts from a power of 1: subtract each "
        "sound's maximum.": (10 * torch.log10(power)).clamp(min=-span),
        "The sign is wrong: what is quieter than the "
        "loudest is negative.": -right,
    }
    answer = function(power, span)
    assert (
        isinstance(answer, torch.Tensor) and answer.shape == power.shape
    ), (
        "Return a tensor of the shape of the power, "
        f"{tuple(power.shape)}."
    )
    assert not torch.allclose(
        answer[:3], right[:3], atol=1e-3
    ) or torch.allclose(answer, right, atol=1e-3), (
        "A very quiet sound comes out wrong: the number that keeps the "
        "logarithm finite has to be smaller than any power, "
        "such as 1e-30."
    )
    otherwise = (
        "Sounds of several loudnesses come out wrong: check each step."
    )
    for hint, other in {
        "": right,
        **mistakes,
        otherwise: answer,
    }.items():
        if torch.allclose(
            answer.to(other), other, atol=1e-3, equal_nan=True
        ):
            assert not hint, hint
            break
    # A silent sound, and one with silent bins.
    power[0], power[1, 0] = 0.0, 0.0
    answer = function(power, span)
    assert answer.isfinite().all(), (
        "Silence gives inf or nan: keep the power above a tiny "
        "number before log10."
    )
    assert (answer[0] == -span).all(), (
        "A sound of zeros has to be at -span everywhere: it has no "
        "loudest point."
    )
    assert (answer[1, 0] == -span).all(), (
        "A power of 0 has to end at -span."
    )
    loud = (
        "Your span is fixed: use the argument, which is 80 "
        "only by default."
    )
    assert torch.allclose(
        function(power, 20.0)[2], right[2].clamp(min=-20.0)
    ), loud


run_check(
    check_relative_decibels,
    relative_decibels,
    errors={
        "must match the size": "The maximum does not broadcast against "
        "the power: keepdim=True keeps it (N, 1, 1).",
        "amax(): ": "amax takes the dimensions as dim=(1, 2).",
        "must be Tensor": "Torch's functions take tensors: max over "
        "several dimensions is amax, and max(dim=...) returns a pair, "
        "values and indices.",
        "'torch.return_types.max'": "max(dim=...) returns a pair, "
        "values and indices: amax returns the values alone.",
    },
)
print("relative_decibels: right")
