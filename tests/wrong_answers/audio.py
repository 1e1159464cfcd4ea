"""Typical wrong answers to the lab on audio, each with a part of the hint that it must get."""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "alias-of": [
        ("    ...", "blank is still empty"),
        ("    return frequencies", "as they were"),
        (
            "    return frequencies - rate * torch.round(frequencies / rate)",
            "signed frequency",
        ),
        (
            "    folded = (rate - frequencies).abs()\n"
            "    return torch.where(frequencies > rate / 2, folded, frequencies)",
            "needs more",
        ),
        (
            "    return torch.where(frequencies > rate / 2, rate - frequencies, frequencies)",
            "negative frequencies",
        ),
        ("    return frequencies % rate", "After the remainder"),
        (
            "    return frequencies - rate * torch.floor(frequencies / rate)",
            "After the remainder",
        ),
        ("    return frequencies % (rate / 2)", "does not start again from 0"),
        ("    return frequencies.clamp(max=rate / 2)", "do not clamp"),
        ("    return (rate - frequencies).abs()", "rate - f is for those between"),
        ("    return (frequencies % rate - rate / 2).abs()", "nearest multiple"),
        ("    return float(frequencies.sum())", "Return a tensor"),
        ("    return frequencies.flatten()", "shape of the tones"),
    ],
    "frame-signals": [
        ("    ...", "blank is still empty"),
        ("    return signals.unfold(1, length, hop)", "samples at the end are lost"),
        (
            "    padded = F.pad(signals, (0, -signals.shape[1] % length))\n"
            "    return padded.unfold(1, length, length)",
            "You ignore hop",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    padded = F.pad(signals, (0, later * hop + length - signals.shape[1]))\n"
            "    return padded.unfold(1, length, hop).transpose(1, 2)",
            "order of the axes",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    padded = F.pad(signals, (later * hop + length - signals.shape[1], 0))\n"
            "    return padded.unfold(1, length, hop)",
            "Zeros belong at the end",
        ),
        (
            "    pad = hop - (signals.shape[1] - length) % hop\n"
            "    return F.pad(signals, (0, pad)).unfold(1, length, hop)",
            "one frame too many",
        ),
        (
            "    count = -(-(signals.shape[1] - length) // hop)\n"
            "    padded = F.pad(signals, (0, count * hop + length - signals.shape[1]))\n"
            "    return padded.unfold(1, length, hop)[:, :count]",
            "One frame is missing",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    padded = F.pad(signals, (0, later * hop + length - signals.shape[1]))\n"
            "    return padded.unfold(1, length, hop)[:, 1:]",
            "first frame is missing",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    pad = later * hop + length - signals.shape[1]\n"
            "    return F.pad(signals, (0, pad), 'replicate').unfold(1, length, hop)",
            "one by one",
        ),
        (
            "    pad = -(signals.shape[1] - length) % hop\n"
            "    return F.pad(signals, (0, pad)).unfold(1, length, hop)",
            "shorter than a frame",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    padded = F.pad(signals, (0, later * hop + length - signals.shape[1]))\n"
            "    return padded.unfold(1, length, hop).flip(2)",
            "one by one",
        ),
        (
            "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
            "    padded = F.pad(signals, (0, later * hop + length - signals.shape[1]))\n"
            "    return padded.unfold(1, length, hop)[0]",
            "compare the frames",
        ),
    ],
    "relative-decibels": [
        ("    ...", "blank is still empty"),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return (20 * torch.log10(power / top)).clamp(min=-span)",
            "20 is for amplitudes",
        ),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return (10 * torch.log(power / top)).clamp(min=-span)",
            "natural one",
        ),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return torch.log10(power / top).clamp(min=-span)",
            "factor 10 is missing",
        ),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return 10 * torch.log10(power / top)",
            "Nothing is cut off",
        ),
        ("    return (10 * torch.log10(power / power.max())).clamp(min=-span)", "whole batch"),
        (
            "    top = power.amax(dim=1, keepdim=True)\n"
            "    return (10 * torch.log10(power / top)).clamp(min=-span)",
            "one for each frame",
        ),
        (
            "    top = power.amax(dim=2, keepdim=True)\n"
            "    return (10 * torch.log10(power / top)).clamp(min=-span)",
            "one for each bin",
        ),
        (
            "    decibels = (10 * torch.log10(power)).clamp(min=-span)\n"
            "    top = 10 * torch.log10(power.amax(dim=(1, 2), keepdim=True))\n"
            "    return decibels - top",
            "not before",
        ),
        ("    return (10 * torch.log10(power)).clamp(min=-span)", "power of 1"),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return (10 * torch.log10(top / power)).clamp(max=span)",
            "sign is wrong",
        ),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return (10 * torch.log10(power / top)).clamp(min=-span)",
            "inf or nan",
        ),
        (
            "    decibels = 10 * torch.log10(power.clamp(min=1e-30))\n"
            "    return (decibels - decibels.amax(dim=(1, 2), keepdim=True)).clamp(min=-span)",
            "no loudest point",
        ),
        (
            "    span, tiny = 40.0, 1e-30\n"
            "    decibels = 10 * torch.log10(power.clamp(min=tiny))\n"
            "    relative = decibels - decibels.amax(dim=(1, 2), keepdim=True)\n"
            "    return torch.where(power > 0, relative.clamp(min=-span), -span)",
            "use the argument",
        ),
        (
            "    top = power.amax(dim=(1, 2), keepdim=True)\n"
            "    return (10 * torch.log10(power / top) + 1).clamp(min=-span)",
            "come out wrong",
        ),
    ],
}
