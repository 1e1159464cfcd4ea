"""How numbers and sentences are written."""

import math
import re

from markupsafe import Markup, escape

SPACE = "\u00a0"  # a number and its unit stay in one line
MINUS = "\u2212"


def unbreakable(text: str) -> str:
    return text.replace(" ", SPACE)


def percent(fraction: float, values: dict) -> str:
    """Percentage points with one decimal, two where the spread shows in the second alone."""
    return f"{fraction * 100:.{1 if values['sd'] >= 0.0005 else 2}f}"


def mean_and_sd(values: dict) -> str:
    mean, sd = percent(values["mean"], values), percent(values["sd"], values)
    return f"{mean}{SPACE}±{SPACE}{sd}{SPACE}%"


def low_to_high(values: dict) -> str:
    low, high = percent(values["min"], values), percent(values["max"], values)
    return f"{low}{SPACE}to{SPACE}{high}{SPACE}%"


def training_seconds(seconds: float) -> str:
    """Two digits or more: 25 ms, 0.52 s, 3.4 s, 118 s."""
    if 0 < seconds < 0.095:
        return f"{seconds * 1000:.{0 if seconds >= 0.0095 else 1}f}{SPACE}ms"
    return f"{seconds:.{max(0, 1 - math.floor(math.log10(seconds or 1)))}f}{SPACE}s"


def run_seconds(seconds: float) -> str:
    """Of cells, in the run that a page shows."""
    if seconds < 0.0095:
        return "under 0.01 s"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def rounded_minutes(minutes: float) -> str:
    """As one plans with: 7 min, above ten the next five as 25 min, 4½ hours."""
    if minutes < 117.5:
        step = 5 if minutes > 10 else 1
        return f"{max(1, round(minutes / step) * step)}{SPACE}min"
    hours, half = divmod(round(minutes / 30), 2)
    return f"{hours}{'½' * half}{SPACE}hours"


def with_code(sentence: str) -> Markup:
    """HTML of a sentence in which code stands between backquotes, as in Markdown."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))
