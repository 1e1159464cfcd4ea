"""Sample sounds, look at them as spectrograms, and tell instruments
apart.
"""

# %% imports
import math
import time
import wave
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)

# %% sine
RATE = 16_000  # samples per second
# float64: a phase of thousands of radians leaves float32 too few
# digits.
clock = torch.arange(RATE, dtype=torch.float64) / RATE  # 0 to 1 s


def tone(hertz, at):
    """Return a sine of a frequency, in Hz, at times in seconds."""
    return torch.sin(2 * torch.pi * hertz * at)


sine = tone(440, clock)
print("shape:", tuple(sine.shape), sine.dtype)
print("one sample every", 1e6 / RATE, "microseconds")
print(f"samples in one period: {RATE / 440:.2f}")
print(
    "first samples:", [round(value, 3) for value in sine[:5].tolist()]
)


# %% wav
def write_wav(name, signal, rate=RATE):
    """Write a signal (T,) within [-1, 1] as a mono file of 16 bits."""
    if signal.abs().max() > 1:
        raise ValueError(
            "the signal leaves [-1, 1]: scale it down first"
        )
    # Lowest byte first.
    samples = (signal * 32_767).round().numpy().astype("<i2")
    with wave.open(name, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)  # bytes
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def read_wav(name):
    """Return the signal (T,) of a mono file, and its sampling rate."""
    with wave.open(name, "rb") as file:
        content, rate = (
            file.readframes(file.getnframes()),
            file.getframerate(),
        )
    return (
        torch.frombuffer(bytearray(content), dtype=torch.int16)
        / 32_767,
        rate,
    )


# %% note sound="note.wav" heard="A plucked note. It starts at once and fades away; the bright overtones go first."
harmonics = torch.arange(1, 9, dtype=torch.float64)[:, None]  # (8, 1)
partials = tone(220 * harmonics, clock) / harmonics  # (8, 16000)
note = (partials * torch.exp(-2 * harmonics * clock)).sum(dim=0)
note = 0.8 * note / note.abs().max()
write_wav("note.wav", note)

restored, rate = read_wav("note.wav")
print(f"{len(restored)} samples at {rate} Hz, {restored.dtype}")
print(
    f"peak {restored.abs().max():.3f}, RMS "
    f"{restored.square().mean().sqrt():.3f}"
)
print(f"largest rounding error: {(restored - note).abs().max():.6f}")

# %% integers
loud = torch.tensor([20_000, -20_000], dtype=torch.int16)
print("as integers:", (loud + loud).tolist())
print("as floats:  ", (loud / 32_767 + loud / 32_767).tolist())

# %% chirp sound="chirp.wav" heard="A chirp: a pure tone that rises steadily from a low to a high pitch."
# Hz: from 200 to 4000 within the second
frequency = 200 + 3_800 * clock
phase = 2 * torch.pi * frequency.cumsum(dim=0) / RATE
chirp = 0.5 * torch.sin(phase)
naive = 0.5 * tone(frequency, clock)
write_wav("chirp.wav", chirp)

for name, signal in (
    ("phase summed up", chirp),
    ("f(t) times t", naive),
):
    end = signal[-800:]  # the last twentieth of the second
    crossings = (end[1:].sign() != end[:-1].sign()).sum().item()
    print(f"{name:15} ends near {crossings / 2 * 20:.0f} Hz")

# %% snare sound="snare.wav" heard="A short, dry stroke: a burst of noise with a dull thud below it."
generator = torch.Generator().manual_seed(0)
hiss = torch.randn(RATE, generator=generator, dtype=torch.float64)
snare = hiss * torch.exp(-25 * clock) + tone(180, clock) * torch.exp(
    -15 * clock
)
snare = 0.8 * snare / snare.abs().max()
write_wav("snare.wav", snare)

# %% waveforms alt="Three waveforms over one second. The note starts high and fades, the chirp fills a band of constant height, the snare is a short spike that is soon gone."
sounds = {"note": note, "chirp": chirp, "snare": snare}
shared = {"sharex": True, "sharey": True}
figure, axes = plt.subplots(3, 1, figsize=(5, 5), **shared)
for axis, (name, signal) in zip(axes, sounds.items(), strict=True):
    axis.plot(clock, signal, linewidth=0.5)
    axis.set(title=name, ylabel="amplitude")
axes[2].set_xlabel("time in s")
plt.show()

# %% alias
sampled = {
    f: torch.cos(2 * torch.pi * f * clock)
    for f in (7_000, 9_000, 25_000)
}
for hertz, samples in sampled.items():
    print(
        f"{hertz:6} Hz:",
        [round(value, 3) for value in samples[:4].tolist()],
    )
gap = max(
    (samples - sampled[7_000]).abs().max()
    for samples in sampled.values()
)
print("equal in all 16,000 samples:", bool(gap < 1e-9))

# %% alias-figure alt="Two cosine curves over one millisecond, one of seven and one of nine periods. They differ almost everywhere, but both go through each of the sample points."
fine = torch.linspace(0, 1e-3, 1_000, dtype=torch.float64)  # s
plt.figure(figsize=(5, 3))
for hertz in (7_000, 9_000):
    curve = torch.cos(2 * torch.pi * hertz * fine)
    plt.plot(
        1e3 * fine, curve, linewidth=1.2, label=f"{hertz // 1_000} kHz"
    )
plt.plot(
    1e3 * clock[:17], sampled[7_000][:17], "o", label="samples of both"
)
plt.xlabel("time in ms")
plt.ylabel("amplitude")
plt.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
plt.show()


# %% loudest
def loudest(signal, rate):
    """Return the strongest frequency of a signal (T,), in Hz."""
    strongest = torch.fft.rfft(signal).abs().argmax().item()
    return strongest * rate / len(signal)


print("in the air   in 16,000 samples a second")
for hertz in (1_000, 7_000, 9_000, 15_000, 17_000, 25_000, 31_000):
    print(f"{hertz:7} Hz   {loudest(tone(hertz, clock), RATE):6.0f} Hz")
half = tone(RATE / 2, clock)
print("a sine of 8,000 Hz is silent:", bool(half.abs().max() < 1e-9))

# %% thinned sound="alias.wav" heard="A tone that rises for half a second and then falls again, although the sweep that it was taken from only rises."
sweep = 0.5 * torch.sin(
    2 * torch.pi * (8_000 * clock).cumsum(dim=0) / RATE
)
# 8,000 samples a second, which hold up to 4,000 Hz
careless = sweep[::2]
write_wav("alias.wav", careless, rate=8_000)

taps = torch.arange(-31, 32, dtype=torch.float64)
# A sinc lets pass what is below 0.45 * 8,000 Hz; the window ends it
# smoothly.
smooth = torch.hann_window(63, periodic=False, dtype=torch.float64)
low_pass = 0.45 * torch.sinc(0.45 * taps) * smooth
filtered = F.conv1d(
    sweep[None, None], low_pass[None, None], padding="same"
)
careful = filtered[0, 0, ::2]

print("sweep at   every second sample   filtered before that")
for hertz in (1_600, 2_400, 5_600, 6_400):
    # The sweep is there at this time.
    part = slice(hertz - 50, hertz + 50)
    heard, rms = (
        loudest(careless[part], 8_000),
        careful[part].square().mean().sqrt(),
    )
    print(f"{hertz:5} Hz   heard at {heard:4.0f} Hz      RMS {rms:.3f}")

# %% frames
LENGTH, HOP = 400, 160  # 25 ms and 10 ms
frames = chirp.unfold(0, LENGTH, HOP)
print("frames:", tuple(frames.shape))
print("1 + (T - length) // hop =", 1 + (len(chirp) - LENGTH) // HOP)
print(
    "frame 3 starts at sample 480:",
    torch.equal(frames[3], chirp[480:880]),
)
print("a view, nothing copied:", frames.data_ptr() == chirp.data_ptr())
print(
    "samples in no frame:",
    len(chirp) - (len(frames) - 1) * HOP - LENGTH,
)

# %% hann
N_FFT = 512
hann = torch.hann_window(N_FFT, dtype=torch.float64)
formula = (
    torch.sin(torch.pi * torch.arange(N_FFT) / N_FFT).double() ** 2
)
print("as the formula:", torch.allclose(hann, formula, atol=1e-6))
overlapped = hann + hann.roll(N_FFT // 2)
print(
    "half a frame apart, two add up to 1:",
    bool(((overlapped - 1).abs() < 1e-9).all()),
)

# Hz, (257,)
bins = torch.fft.rfftfreq(N_FFT, d=1 / RATE, dtype=torch.float64)
print(
    f"{len(bins)} bins from {bins[0]:.0f} to {bins[-1]:.0f} Hz, "
    f"{bins[1]} Hz apart"
)
windows = {"no window": torch.ones_like(hann), "Hann window": hann}
for hertz in (1_000, 1_015.625):  # on a bin, and halfway between two
    for name, window in windows.items():
        power = (
            torch.fft.rfft(tone(hertz, clock[:N_FFT]) * window).abs()
            ** 2
        )
        leaked = power[(bins - hertz).abs() > 100].sum() / power.sum()
        print(
            f"{hertz:8} Hz, {name:11}: {leaked:.3%} of the energy leaks"
        )

# %% leakage alt="Two spectra of a loud low and a quiet high tone, in decibels. Without a window a broad skirt around the loud tone covers the quiet one. With the Hann window the skirt falls steeply and the quiet tone stands out as a second peak."
loud, quiet = (tone(f, clock[:N_FFT]) for f in (1_015.625, 3_000))
both = loud + 1e-3 * quiet
plt.figure(figsize=(5, 3))
for name, window in windows.items():
    power = torch.fft.rfft(both * window).abs() ** 2
    plt.plot(
        bins / 1e3, 10 * torch.log10(power / power.max()), label=name
    )
plt.ylim(-120, 5)
plt.xlabel("frequency in kHz")
plt.ylabel("power in dB")
plt.legend()
plt.show()

# %% stft
HOP = 128
# From here on float32, as networks want it.
window = torch.hann_window(N_FFT)
waves = torch.stack([note, chirp, snare]).float()  # (3, 16000)
stft = torch.stft(waves, N_FFT, HOP, window=window, return_complex=True)
print("(sounds, bins, frames):", tuple(stft.shape), stft.dtype)
print(
    "n_fft // 2 + 1 =",
    N_FFT // 2 + 1,
    "  1 + T // hop =",
    1 + RATE // HOP,
)
inner = torch.stft(
    waves, N_FFT, HOP, window=window, center=False, return_complex=True
)
print("center=False:", tuple(inner.shape))
print("1 + (T - n_fft) // hop =", 1 + (RATE - N_FFT) // HOP)

# %% stft-by-hand
padded = F.pad(waves, (N_FFT // 2, N_FFT // 2), mode="reflect")
frames = padded.unfold(1, N_FFT, HOP) * window  # (3, frames, 512)
by_hand = torch.fft.rfft(frames).transpose(1, 2)  # (3, bins, frames)
print("as torch.stft:", torch.allclose(by_hand, stft, atol=1e-4))
back = torch.istft(stft, N_FFT, HOP, window=window, length=RATE)
print("and back:     ", torch.allclose(back, waves, atol=1e-5))

# %% no-window warns="UserWarning"
leaky = torch.stft(waves, N_FFT, HOP, return_complex=True)

# %% no-complex error="RuntimeError"
torch.stft(waves, N_FFT, HOP, window=window)


# %% decibels
def to_decibels(power, floor=1e-8):
    """Return 10 log10 of powers, of which none is below `floor`."""
    return 10 * torch.log10(power.clamp(min=floor))


half = torch.tensor(0.5)  # of the amplitude
print(f"10 log10 of the power:     {10 * torch.log10(half**2):.2f} dB")
print(f"20 log10 of the amplitude: {20 * torch.log10(half):.2f} dB")
silence = torch.zeros(2)
print("silence without a floor:", (10 * torch.log10(silence)).tolist())
print("silence with a floor:   ", to_decibels(silence).tolist())
power = stft.abs() ** 2  # (3, 257, 126)
levels = to_decibels(power)
print(
    f"the three sounds: from {levels.min():.0f} "
    f"to {levels.max():.0f} dB"
)

# %% spectrograms alt="Spectrograms of three sounds. The note has evenly spaced horizontal lines, of which the upper ones end first. The chirp is one line that rises straight. The snare is a bright vertical stroke over all frequencies that fades quickly."
figure, axes = plt.subplots(1, 3, figsize=(5, 2.8), sharey=True)
# Row 0, the lowest frequency, at the foot.
heat = dict(origin="lower", aspect="auto")
for axis, name, level in zip(axes, sounds, levels, strict=True):
    image = axis.imshow(
        level, extent=(0, 1, 0, 8), vmin=-40, vmax=40, **heat
    )
    axis.set(title=name, xlabel="time in s")
axes[0].set_ylabel("frequency in kHz")
figure.colorbar(image, ax=axes, label="power in dB")
plt.show()

# %% resolution alt="The same sound twice, near two clicks and with two close tones. With short frames the clicks are two thin vertical lines and the tones one thick band. With long frames the tones are two thin horizontal lines and the clicks one broad smear."
mixture = 0.3 * (tone(1_000, clock) + tone(1_100, clock))
# Two clicks, a fiftieth of a second apart.
mixture[[8_000, 8_320]] += 5.0
figure, axes = plt.subplots(1, 2, figsize=(5, 3), sharey=True)
for axis, n_fft in zip(axes, (128, 1_024), strict=True):
    window = torch.hann_window(n_fft, dtype=torch.float64)
    spectrum = torch.stft(
        mixture, n_fft, 32, window=window, return_complex=True
    )
    level = to_decibels(spectrum.abs() ** 2)
    tones = level[
        [round(f * n_fft / RATE) for f in (1_000, 1_050, 1_100)], 400
    ]
    # At 4,000 Hz, far from the tones.
    clicks = level[n_fft // 4, [250, 255, 260]]
    for what, (one, between, other) in (
        ("tones", tones),
        ("clicks", clicks),
    ):
        dip = min(one, other) - between
        print(
            f"frames of {n_fft:4} samples: between the {what:6} "
            f"{dip:5.1f} dB less"
        )
    axis.imshow(
        level - level.max(),
        extent=(0, 1, 0, 8),
        vmin=-50,
        vmax=0,
        **heat,
    )
    axis.set(xlim=(0.44, 0.58), ylim=(0, 2), xticks=(0.45, 0.5, 0.55))
    axis.set(title=f"{n_fft} samples a frame", xlabel="time in s")
axes[0].set_ylabel("frequency in kHz")
plt.show()


# %% mel-scale
def hz_to_mel(hertz):
    return 2_595 * torch.log10(1 + hertz / 700)


def mel_to_hz(mel):
    return 700 * (10 ** (mel / 2_595) - 1)


hertz = torch.tensor([100.0, 200.0, 1_000.0, 1_100.0, 7_900.0, 8_000.0])
for value, mel in zip(
    hertz.tolist(), hz_to_mel(hertz).tolist(), strict=True
):
    print(f"{value:5.0f} Hz = {mel:6.1f} mel")
print(
    "there and back:",
    torch.allclose(mel_to_hz(hz_to_mel(hertz)), hertz),
)


# %% mel-filters
def mel_filters(rate, n_fft, n_mels):
    """Return triangular filters (n_mels, n_fft // 2 + 1).

    The centres lie evenly on the mel scale between 0 and half the rate.
    A filter rises from its left neighbour's centre, is 1 at its own,
    and falls to the right.
    """
    bins = torch.fft.rfftfreq(n_fft, d=1 / rate)  # Hz
    top = hz_to_mel(torch.tensor(rate / 2)).item()
    points = mel_to_hz(torch.linspace(0, top, n_mels + 2))  # Hz
    left, centre, right = (
        points[:-2, None],
        points[1:-1, None],
        points[2:, None],
    )
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0)


N_MELS = 40
filters = mel_filters(RATE, N_FFT, N_MELS)
print("filters:", tuple(filters.shape))
print(
    "share of the weights that are not zero: "
    f"{(filters > 0).float().mean():.3f}"
)


# %% filter-check
def weight(number, hertz):
    """Return one weight by the formula; filters count from 1."""
    step = 2_595 * math.log10(1 + RATE / 2 / 700) / (N_MELS + 1)
    left, centre, right = (
        700 * (10 ** ((number + side) * step / 2_595) - 1)
        for side in (-1, 0, 1)
    )
    if left < hertz <= centre:
        return (hertz - left) / (centre - left)
    if centre < hertz < right:
        return (right - hertz) / (right - centre)
    return 0.0


numbers = range(1, N_MELS + 1)
expected = torch.tensor(
    [[weight(m, f) for f in bins.tolist()] for m in numbers]
)
print(
    "each weight as the formula:",
    torch.allclose(filters, expected, atol=1e-4),
)
top = hz_to_mel(torch.tensor(RATE / 2)).item()
centres = mel_to_hz(torch.linspace(0, top, N_MELS + 2))[1:-1]
gaps = hz_to_mel(centres).diff()
print(f"centres: {gaps.min():.2f} to {gaps.max():.2f} mel apart")
print(
    f"in Hz:   {centres.diff()[0]:.0f} "
    f"to {centres.diff()[-1]:.0f} apart"
)
total = filters[:, (bins >= centres[0]) & (bins <= centres[-1])].sum(
    dim=0
)
print(
    f"a frequency's weights add up to {total.min():.4f} "
    f".. {total.max():.4f}"
)

# %% filters-figure alt="Forty overlapping triangles over the frequency axis, most of about the same height. At low frequencies they are narrow and crowded, towards the right they get wider and wider."
plt.figure(figsize=(4.8, 2.2))
for number, row in enumerate(filters):
    inside = row > 0
    plt.plot(
        bins[inside] / 1e3, row[inside], f"C{number % 3}", linewidth=1
    )
plt.xlabel("frequency in kHz")
plt.ylabel("weight")
plt.show()

# %% empty-filters
for n_mels, n_fft in ((40, 512), (80, 256), (128, 256), (128, 1_024)):
    empty = (
        (mel_filters(RATE, n_fft, n_mels).sum(dim=1) == 0).sum().item()
    )
    print(f"{n_mels:3} filters, n_fft {n_fft:4}: {empty:2} empty")


# %% log-mel
def log_mel(signals):
    """Mel spectrograms (N, 1, mels, frames), in dB; signals (N, T)."""
    window = torch.hann_window(N_FFT)
    parts = []
    # In parts: spectrograms take more memory than sounds.
    for part in signals.split(100):
        stft = torch.stft(
            part, N_FFT, HOP, window=window, return_complex=True
        )
        parts.append(to_decibels(filters @ stft.abs() ** 2))
    return torch.cat(parts)[:, None]


images = log_mel(waves)
print("sound:          ", waves[0].numel(), "numbers")
print("spectrogram:    ", power[0].numel())
print("mel spectrogram:", images[0].numel(), "in", tuple(images.shape))

# %% instruments
CLIP = RATE // 2  # samples: half a second
whole = range(1, 9)
# Partials, {multiple of the pitch: strength}; attack in s; decay per
# second.
voices = {
    "flute": ({1: 1, 2: 0.25, 3: 0.06}, 0.06, 0.0),
    "string": ({k: 1 / k for k in whole}, 0.003, 6.0),
    "brass": ({k: 1 - 0.1 * k for k in whole}, 0.05, 0.0),
    "bell": (
        {1: 1, 1.48: 0.7, 2.09: 0.8, 2.56: 0.5, 4.07: 0.3},
        0.003,
        6.0,
    ),
    "siren": ({1: 1, 2: 0.25, 3: 0.06}, 0.06, 0.0),
    "snare": ({1: 0.3}, 0.003, 20.0),
}
classes = list(voices)


def synthesise(name, count, generator):
    """Return clips (count, CLIP) of an instrument, with peak 1."""

    def draw(low, high):
        return low + (high - low) * torch.rand(
            count, 1, generator=generator
        )

    partials, attack, decay = voices[name]
    age = torch.arange(CLIP) / RATE - draw(0, 0.15)  # s since the onset
    # At most 880 Hz: the eighth partial stays below 8,000 Hz, so
    # nothing aliases.
    pitch = (220 * 2 ** draw(0, 2)).expand(count, CLIP)
    if name == "siren":  # glides, up or down
        pitch = pitch * 2 ** (
            draw(-1, 1).sign() * draw(0.5, 1.5) * (age - 0.25)
        )
    phase = 2 * torch.pi * pitch.cumsum(dim=1) / RATE
    speed = decay * draw(0.6, 1.6)  # no two fade alike
    clips = torch.zeros(count, CLIP)
    # Higher partials fade faster.
    for ratio, strength in partials.items():
        fading = torch.exp(-speed * ratio**0.5 * age)
        clips += strength * fading * torch.sin(ratio * phase)
    if name == "snare":
        burst = torch.randn(count, CLIP, generator=generator)
        clips += burst * torch.exp(-speed * age)
    clips *= (age / attack).clamp(0, 1)  # silent before the onset
    return clips / clips.abs().amax(dim=1, keepdim=True)


def make_clips(per_class, seed):
    """Return clean clips (N, CLIP) and labels (N,), in their order."""
    generator = torch.Generator().manual_seed(seed)
    clips = torch.cat(
        [synthesise(name, per_class, generator) for name in classes]
    )
    labels = torch.arange(len(classes)).repeat_interleave(per_class)
    # From full scale down to a tenth of it.
    return (
        clips * 10 ** -torch.rand(len(clips), 1, generator=generator),
        labels,
    )


# %% noise sound="noisy.wav" heard="Three short sounds in a steady hiss, one after another: a plucked string, a brass instrument and a bell."
def add_noise(clips, decibels, seed):
    """Add white noise to clips (N, T); decibels: SNR (N, 1) or ()."""
    generator = torch.Generator().manual_seed(seed)
    # (N, 1): each clip's own
    power = clips.square().mean(dim=1, keepdim=True)
    noise = torch.randn(clips.shape, generator=generator)
    return clips + (power / 10 ** (decibels / 10)).sqrt() * noise


def random_levels(count, seed):
    """Return signal-to-noise ratios (count, 1), 0 to 20 dB."""
    return 20 * torch.rand(
        count, 1, generator=torch.Generator().manual_seed(seed)
    )


examples, _ = make_clips(per_class=1, seed=3)
noisy = add_noise(examples, torch.tensor(10.0), seed=3)
ratio = examples.square().mean(dim=1) / (
    noisy - examples
).square().mean(dim=1)
print(
    "SNR in dB:",
    [round(value, 1) for value in to_decibels(ratio).tolist()],
)
noisy = noisy / noisy.abs().amax(dim=1, keepdim=True)
# String, brass, bell.
medley = noisy[[1, 2, 3], : 2 * RATE // 5].flatten()
write_wav("noisy.wav", 0.9 * medley)

# %% examples alt="Six mel spectrograms in noise, one of each instrument. Flute and brass have steady horizontal lines, brass many of them. String and bell start sharply and fade. The lines of the siren slope. The snare is a bright vertical stroke."
figure, axes = plt.subplots(
    2, 3, figsize=(5, 3.6), sharex=True, sharey=True
)
for axis, name, image in zip(
    axes.flat, classes, log_mel(noisy)[:, 0], strict=True
):
    axis.imshow(image, extent=(0, 0.5, 0, N_MELS), vmin=-30, **heat)
    axis.set_title(name)
figure.supxlabel("time in s")
figure.supylabel("mel filter")
plt.show()

# %% data-sets
train_clips, train_labels = make_clips(per_class=250, seed=0)
test_clips, test_labels = make_clips(per_class=200, seed=1)
train_noisy = add_noise(
    train_clips, random_levels(len(train_clips), 10), seed=20
)
test_noisy = add_noise(
    test_clips, random_levels(len(test_clips), 11), seed=21
)
train_images, test_images = log_mel(train_noisy), log_mel(test_noisy)
print(
    "training:",
    tuple(train_images.shape),
    " test:",
    tuple(test_images.shape),
)

# %% normalise
# Of the training set alone.
mean, std = train_images.mean(), train_images.std()
for name, scaled in (
    ("training", (train_images - mean) / std),
    ("test", (test_images - mean) / std),
    # "From -80 to 40 dB or so."
    ("by feel", (train_images + 80) / 60 - 0.5),
):
    print(
        f"{name:8} mean {scaled.mean():+.2f}, standard deviation "
        f"{scaled.std():.2f}"
    )


# %% network
class Listener(nn.Module):
    """Spectrograms (N, 1, mels, frames) to logits (N, classes)."""

    def __init__(self):
        super().__init__()
        blocks = []
        for before, after in pairwise((1, 8, 16, 32)):
            convolution = nn.Conv2d(
                before, after, 3, padding=1, bias=False
            )
            blocks += [
                convolution,
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(after, len(classes))

    def forward(self, images):
        maps = self.blocks(images)  # (N, 32, mels / 8, frames / 8)
        # So any length of sound fits.
        return self.head(maps.amax(dim=(2, 3)))


print("DataLoader comes from", DataLoader.__module__)
print(
    f"parameters: {sum(p.numel() for p in Listener().parameters()):,}"
)

# %% train timeout=120 recipe="instruments"
torch.manual_seed(0)
# Moved before the optimizer is made.
net, epochs = Listener().to(device), 8
train_set = TensorDataset((train_images - mean) / std, train_labels)
loader = DataLoader(train_set, batch_size=50, shuffle=True)
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.01, total_steps=epochs * len(loader)
)
started = time.perf_counter()
for epoch in range(epochs):
    total = 0.0
    for images, labels in loader:
        loss = F.cross_entropy(
            net(images.to(device)), labels.to(device)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item() * len(labels)
    print(
        f"epoch {epoch + 1}: training loss {total / len(train_set):.3f}"
    )
seconds = time.perf_counter() - started


@torch.inference_mode()
def predict(net, images):
    """Return logits (N, classes) of mel spectrograms, on the CPU."""
    net.eval()
    batches = ((images - mean) / std).split(500)
    return torch.cat([net(batch.to(device)).cpu() for batch in batches])


test_logits = predict(net, test_images)
accuracy = (
    (test_logits.argmax(dim=1) == test_labels).float().mean().item()
)
error = (accuracy * (1 - accuracy) / len(test_labels)) ** 0.5
print(
    f"{seconds:.1f} s of training; guessing gives "
    f"{1 / len(classes):.1%}"
)
print(
    f"held-out noisy sounds: {accuracy:.1%}, standard error {error:.1%}"
)

# %% confusion alt="A table of six rows, the instruments that were played, and six columns, the instruments that were named, with the number of sounds in each cell. The diagonal, the right answers, stands out; other counts are pale."
pairs = test_labels * len(classes) + test_logits.argmax(dim=1)
confusion = torch.bincount(pairs, minlength=len(classes) ** 2)
confusion = confusion.reshape(6, 6)
# Each row adds up to 1.
share = confusion / confusion.sum(dim=1, keepdim=True)
for name, right in zip(classes, share.diagonal().tolist(), strict=True):
    print(f"{name:7} {right:.1%}")

plt.figure(figsize=(5, 3.6))
# The share sets the opacity, so that the numbers can be read on any
# background.
blue = torch.full(share.shape, 0.6)
# The root makes rare mistakes visible.
opacity = 0.75 * share.sqrt().numpy()
plt.imshow(
    blue, cmap="Blues", vmin=0, vmax=1, alpha=opacity, aspect="auto"
)
for row, counts in enumerate(confusion.tolist()):
    for column, count in enumerate(counts):
        plt.text(column, row, count, ha="center", va="center")
plt.xticks(range(len(classes)), classes)
plt.yticks(range(len(classes)), classes)
plt.xlabel("named")
plt.ylabel("played")
plt.show()

# %% noise-levels alt="A curve of the accuracy over the signal-to-noise ratio. Within the shaded range of the training it is high. To the left of it, where the noise is stronger than the sound, it falls towards the dashed line of guessing. To the right, with less noise than in the training, it goes down a little as well."
ratios, accuracies = range(-30, 41, 10), []
for decibels in ratios:
    noisy = add_noise(test_clips[::2], torch.tensor(decibels), seed=30)
    named = predict(net, log_mel(noisy)).argmax(dim=1)
    accuracies.append((named == test_labels[::2]).float().mean().item())
    print(f"SNR {decibels:+3} dB: accuracy {accuracies[-1]:.1%}")

plt.figure(figsize=(5, 3))
plt.plot(ratios, accuracies, "o-")
plt.axvspan(
    0, 20, alpha=0.15, color="C2", label="noise of the training"
)
plt.axhline(
    1 / len(classes), color="C1", linestyle="--", label="guessing"
)
plt.xlabel("signal-to-noise ratio in dB")
plt.ylabel("accuracy")
plt.ylim(0, 1.02)
plt.legend(loc="lower right", bbox_to_anchor=(1, 0.2))
plt.show()
