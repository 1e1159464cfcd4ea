"""Draw the stand-in for CIFAR-10: ten classes of small painted pictures, made without a network.

The files have CIFAR-10's names and layout, so `torchvision.datasets.CIFAR10` reads them. Paint,
fur, surroundings and light are shared by the classes: a network has to look at shapes.
"""

import hashlib
import json
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tutorial.data.cifar10 import CLASSES, FOLDER, STAND_IN, Progress

SEED = 20
SIDE = 32  # pixels of a finished image
CANVAS = 3 * SIDE  # drawn larger, then averaged: smooth edges

Colour = tuple[int, ...]

BLACK, GLASS, LAMP, WHITE = (18, 16, 16), (70, 92, 112), (250, 240, 190), (238, 238, 230)
PAINT = [WHITE, (150, 158, 168), (44, 48, 56), (190, 40, 38), (38, 82, 160), (228, 186, 50)]
PAINT += [(52, 118, 84), (214, 112, 44), (120, 190, 220)]
COAT = [(34, 30, 30), (226, 222, 212), (132, 128, 126), (104, 68, 42), (178, 128, 78)]
COAT += [(206, 130, 60), (72, 52, 40), (214, 190, 150)]
SKIN = [(84, 140, 52), (128, 160, 60), (60, 104, 58), (150, 130, 60)]
PLUMAGE = [(60, 110, 190), (196, 56, 44), (226, 190, 60), (90, 150, 90)]
SKY = [(110, 170, 228), (170, 202, 232), (206, 214, 222), (232, 190, 160), (84, 120, 180)]
WALL = [(206, 190, 166), (160, 170, 180), (190, 150, 130), (120, 130, 110), (226, 222, 214)]
GROUND = {
    "sea": [(40, 90, 140), (70, 130, 150), (60, 80, 100), (120, 160, 180)],
    "grass": [(90, 140, 60), (140, 150, 80), (60, 100, 50), (170, 160, 110)],
    "road": [(110, 110, 112), (146, 142, 136), (84, 86, 92), (180, 172, 160)],
    "indoor": [(140, 100, 66), (176, 150, 120), (110, 112, 120), (150, 70, 60)],
}
PLAIN = SKY + WALL + GROUND["sea"] + GROUND["grass"]
CIRCLE = [(math.cos(a * math.pi / 9), math.sin(a * math.pi / 9)) for a in range(18)]
RAMP = np.linspace(0, 1, SIDE, dtype=np.float32)


def shade(colour: Colour, factor: float) -> Colour:
    """Darken (factor < 1) or lighten (factor 1..2, towards white) a colour."""
    if factor <= 1:
        return tuple(int(c * factor) for c in colour)
    return tuple(int(255 - (255 - c) * (2 - factor)) for c in colour)


@cache
def outline(path: str, smooth: bool) -> list[tuple[float, float]]:
    """Corners of a path such as "-90,8 40,-20 70,55"; `smooth` cuts them off twice (Chaikin)."""
    corners = np.array([point.split(",") for point in path.split()], dtype=float)
    for _ in range(2 if smooth else 0):
        ahead = np.roll(corners, -1, axis=0)
        corners = np.stack([3 * corners + ahead, corners + 3 * ahead], 1).reshape(-1, 2) / 4
    return corners.tolist()


class Scene:
    """A canvas, its random numbers, and the frame (an affine map) in which shapes are drawn.

    In that frame the subject fills about -100..100, x to the right and y down.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.image = Image.new("RGB", (CANVAS, CANVAS))
        self.draw = ImageDraw.Draw(self.image)
        self.behind: Colour = BLACK  # mean colour of the surroundings
        half, unit = CANVAS / 2, CANVAS / 200
        # a..f of x' = ax + cy + e, y' = bx + dy + f
        self.frame = (unit, 0, 0, unit, half, half)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, options: Sequence):
        return options[int(self.rng.random() * len(options))]

    def colour(self, palette: Sequence[Colour]) -> Colour:
        """One of the palette's colours, varied."""
        varied = [int(c + self.between(-18, 18)) for c in self.pick(palette)]
        return tuple(min(255, max(0, c)) for c in varied)

    def subject(self, palette: Sequence[Colour]) -> Colour:
        """A colour that stands out a little from what is behind the subject."""
        for _ in range(4):
            colour = self.colour(palette)
            if sum(abs(a - b) for a, b in zip(colour, self.behind, strict=True)) > 110:
                break
        return colour

    def pose(self, tilt: float) -> None:
        """Choose flip, scale, proportions, rotation (up to `tilt` radians) and position."""
        scale, turn = self.between(0.72, 1.0), self.between(-tilt, tilt)
        stretch, lean = self.between(0.88, 1.12), self.between(-0.1, 0.1)
        flip, cos, sin = self.pick([-1, 1]), math.cos(turn), math.sin(turn)
        room, half = 1.08 - scale, CANVAS / 2
        unit = scale * half / 100
        a, b = flip * stretch * cos * unit, flip * stretch * sin * unit
        c, d = (lean * cos - sin / stretch) * unit, (lean * sin + cos / stretch) * unit
        e, f = (half * (1 + self.between(-room, room)) for _ in range(2))
        self.frame = (a, b, c, d, e, f)

    @contextmanager
    def part(self, x: float, y: float, size: float) -> Iterator[None]:
        """A smaller frame around (x, y): what is drawn at 100 appears at `size`."""
        whole = a, b, c, d, e, f = self.frame
        turned = (value * size / 100 for value in (a, b, c, d))
        self.frame = (*turned, a * x + c * y + e, b * x + d * y + f)
        yield
        self.frame = whole

    def shape(self, path, colour: Colour, smooth: bool = False, twice: bool = False) -> None:
        """Fill a polygon, a path or its corners; `twice`: its mirror image (x -> -x) as well."""
        corners = outline(path, smooth) if isinstance(path, str) else path
        a, b, c, d, e, f = self.frame
        for sign in (1, -1) if twice else (1,):
            g, h = sign * a, sign * b
            points = [v for x, y in corners for v in (g * x + c * y + e, h * x + d * y + f)]
            self.draw.polygon(points, fill=colour)

    def disc(self, x, y, rx, ry, colour: Colour, twice: bool = False) -> None:
        self.shape([(x + rx * u, y + ry * v) for u, v in CIRCLE], colour, twice=twice)

    def box(self, left, top, right, bottom, colour: Colour, twice: bool = False) -> None:
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        self.shape(corners, colour, twice=twice)

    def limb(self, x0, y0, x1, y1, width, end, colour: Colour, twice: bool = False) -> None:
        """A bar from (x0, y0) to (x1, y1) that tapers from `width` to `end`."""
        length = 2 * math.hypot(x1 - x0, y1 - y0)
        u, v = (y1 - y0) / length, (x0 - x1) / length
        corners = [(x0 + width * u, y0 + width * v), (x1 + end * u, y1 + end * v)]
        corners += [(x1 - end * u, y1 - end * v), (x0 - width * u, y0 - width * v)]
        self.shape(corners, colour, twice=twice)

    def wheels(self, places: Sequence[float], y: float, radius: float) -> None:
        rim = self.pick(PAINT[:3])
        for x in places:
            self.disc(x, y, radius, radius, BLACK)
            self.disc(x, y, radius / 2, radius / 2, rim)

    def legs(self, front: float, back: float, y: float, foot: float, width, colour) -> None:
        """Two pairs of legs, the far ones darker; each swings by itself."""
        for x, tone in ((front, 0.65), (back, 0.65), (front + 13, 1), (back + 13, 1)):
            end = x + self.between(-13, 13)
            self.limb(x, y, end, foot, width * 1.5, width, shade(colour, tone))


def airplane(s: Scene) -> None:
    paint, accent = s.subject(PAINT), s.colour(PAINT)
    dark = shade(paint, 0.7)
    if s.chance(0.5):  # from the side
        s.shape("55,-10 72,-55 95,-55 90,-5", accent)
        s.shape("-5,0 25,-32 38,-32 28,0", dark)
        s.shape("-105,8 -85,-14 -50,-20 50,-18 105,-14 90,4 40,20 -70,22", paint, smooth=True)
        s.shape("-86,-2 -80,-10 -68,-10 -68,-2", GLASS)
        s.limb(-50, -2, 55, -2, 6, 6, s.pick([GLASS, accent]))
        s.shape("-20,8 15,8 60,50 42,52", dark)
        s.disc(5, 28, 16, 8, shade(paint, 0.5))
        s.shape("66,-4 85,-4 100,12 88,12", dark)
    else:  # from above or below
        tip = s.between(0, 50)
        wing = [(-20, 5), (tip - 18, 95), (tip, 95), (24, 5)]
        s.shape(wing, paint)
        s.shape([(x, -y) for x, y in wing], dark)
        s.shape([(60, 2), (62 + tip / 2, 38), (78 + tip / 2, 38), (86, 2)], accent)
        s.shape([(60, -2), (62 + tip / 2, -38), (78 + tip / 2, -38), (86, -2)], accent)
        s.disc(tip * 0.35 - 4, 40, 15, 7, shade(paint, 0.5))
        s.disc(tip * 0.35 - 4, -40, 15, 7, shade(paint, 0.5))
        s.shape("-110,0 -80,17 50,15 105,0 50,-15 -80,-17", paint, smooth=True)
        s.disc(-78, 0, 7, 9, GLASS)


def automobile(s: Scene) -> None:
    paint = s.subject(PAINT)
    if s.chance(0.65):  # from the side: saloon, hatchback or sports car
        front, back, roof = s.between(-40, -15), s.between(35, 85), s.between(-54, -40)
        middle = (front + back) / 2
        top = [(front - 22, -5), (front + 5, roof), (back - 22, roof), (back, -5)]
        s.shape(top, paint)
        s.shape([(middle + 0.84 * (x - middle), 0.8 * y - 3) for x, y in top], GLASS)
        s.limb(middle, roof, middle, 0, 7, 7, paint)
        s.shape("-100,5 -90,-10 85,-12 100,-2 100,28 -100,28", paint)
        s.box(-98, 20, 98, 32, shade(paint, 0.6))
        s.box(-100, 0, -88, 9, LAMP)
        s.box(90, 0, 100, 10, (170, 20, 20))
        s.wheels((-58, 58), 28, 23)
    else:  # from the front or behind
        s.box(40, 30, 68, 62, BLACK, twice=True)
        s.shape("-52,-55 52,-55 70,-2 -70,-2", paint)
        s.shape("-44,-47 44,-47 56,-6 -56,-6", GLASS)
        s.shape("-74,0 -60,-10 60,-10 74,0 74,42 -74,42", paint)
        s.disc(55, 12, 14, 10, s.pick([LAMP, (190, 30, 30)]), twice=True)
        s.box(-30, 8, 30, 20, shade(paint, 0.6))
        s.box(-74, 32, 74, 45, shade(paint, 0.5))
        s.box(-17, 28, 17, 38, WHITE)


def bird(s: Scene) -> None:
    coat, beak = s.subject(COAT + PLUMAGE), s.pick([(230, 150, 40), (60, 56, 50)])
    wing = shade(coat, s.between(0.5, 0.75))
    kinds = [
        ("gliding", 0, -14),
        ("flying", -62, -6),
        ("perched", -40, -42),
        ("swimming", -50, -52),
    ]
    kind, x, y = s.pick(kinds)  # and where its head is
    if kind == "gliding":
        s.shape("0,-12 45,-52 118,-18 62,-20 20,22 0,22", wing, twice=True)
        s.shape("-14,10 14,10 26,60 -26,60", wing)
        s.disc(0, 8, 19, 34, coat)
    elif kind == "flying":
        s.shape("-12,0 18,-70 70,-105 52,-40 40,5", shade(wing, 0.8))
        s.shape("40,-6 100,-18 90,2 100,22 40,16", wing)
        s.shape("-75,0 -30,-22 60,-8 70,10 -20,28", coat, smooth=True)
        s.shape("-28,4 -35,-60 0,-108 18,-50 32,6", wing)
    else:
        if kind == "swimming":
            s.shape("45,10 100,-15 80,40", wing)
            s.limb(-42, 30, -48, -50, 36, 20, coat)
        else:
            s.limb(0, 40, -5, 92, 7, 6, beak)
            s.limb(15, 40, 14, 92, 7, 6, beak)
            s.shape("40,5 102,50 90,65 30,35", wing)
        s.shape("-62,5 -50,-32 0,-27 78,20 40,64 -30,62", coat, smooth=True)
        s.disc(-30, 22, 20, 24, shade(coat, 1.45))
        s.shape("-15,-10 35,0 78,35 20,44 -20,20", wing, smooth=True)
    s.disc(x, y, 25, 23, coat)
    s.shape([(x - 20, y - 9), (x - 52, y + 5), (x - 20, y + 11)], beak)
    s.disc(x - 8, y - 5, 6, 6, BLACK)


def cat(s: Scene) -> None:
    coat, sitting = s.subject(COAT), s.chance(0.6)
    iris = s.pick([(150, 190, 70), (220, 180, 60), (120, 180, 210)])
    dark, pale, stripes = shade(coat, 0.6), shade(coat, 1.4), (-30, 0, 30) if s.chance(0.5) else ()
    if sitting:
        s.shape("40,90 85,80 90,20 72,20 70,65 30,70", dark, smooth=True)
        s.shape("-35,100 -42,10 0,-30 42,10 62,95 40,102", coat, smooth=True)
        for x in stripes:
            s.limb(15, 40 + x, 48, 45 + x, 4, 10, dark)
        s.limb(-20, 30, -22, 98, 20, 18, pale)
        s.limb(8, 30, 8, 98, 20, 18, shade(coat, 0.85))
    else:
        s.shape("50,10 75,-20 80,-85 95,-85 95,-10 60,30", dark, smooth=True)
        s.legs(-42, 42, 20, 85, 14, coat)
        s.shape("-60,0 10,-8 70,0 72,40 0,50 -60,40", coat, smooth=True)
        for x in stripes:
            s.limb(14 + x, 0, 18 + x, 28, 9, 4, dark)
    with s.part(*((-5, -35, 44) if sitting else (-58, -15, 38))):
        s.shape("95,-10 86,-145 10,-75", coat, twice=True)
        s.shape("80,-50 77,-115 35,-75", (206, 150, 140), twice=True)
        s.disc(0, 0, 100, 86, coat)
        for x in stripes:
            s.limb(x, -85, x, -45, 14, 6, dark)
        s.disc(0, 42, 42, 30, pale)
        s.disc(42, -8, 25, 21, iris, twice=True)
        s.disc(42, -8, 9, 20, BLACK, twice=True)
        s.limb(30, 40, 130, 30, 5, 3, pale, twice=True)
        s.shape("-12,20 12,20 0,36", (190, 100, 100))


def deer(s: Scene) -> None:
    coat, horn = s.subject(COAT[3:]), s.pick([(90, 70, 50), (190, 170, 140), (60, 46, 36)])
    s.legs(-32, 48, 10, 98, 8, coat)
    s.disc(70, 0, 10, 14, WHITE)
    s.shape("-50,-10 10,-14 68,-16 72,20 10,26 -45,30", coat, smooth=True)
    for _ in range(6 if s.chance(0.4) else 0):
        s.disc(s.between(-20, 55), s.between(-5, 10), 5, 4, shade(coat, 1.5))
    s.limb(-32, 10, -52, -45, 34, 17, coat)
    with s.part(-50, -55, s.pick([0, 40, 50, 55])):  # antlers
        s.limb(8, 0, 60, -40, 13, 11, horn, twice=True)
        s.limb(60, -40, 66, -95, 11, 7, horn, twice=True)
        s.limb(35, -20, 34, -70, 10, 6, horn, twice=True)
        s.limb(60, -40, 100, -70, 10, 6, horn, twice=True)
    s.shape("-50,-50 -28,-68 -38,-42", shade(coat, 0.8))
    s.shape("-40,-62 -62,-62 -92,-35 -86,-24 -43,-33", coat, smooth=True)
    s.disc(-85, -32, 5, 5, BLACK)
    s.disc(-62, -48, 4, 4, BLACK)


def dog(s: Scene) -> None:
    coat = s.subject(COAT)
    ear, pale = shade(coat, s.between(0.5, 0.8)), shade(coat, s.between(1.1, 1.6))
    if s.chance(0.4):  # walking
        s.limb(62, 0, 95, s.between(-60, 10), 16, 6, coat)
        s.legs(-42, 46, 20, 90, 15, coat)
        s.shape("-60,-15 20,-12 74,-10 72,32 0,36 -55,45", coat, smooth=True)
        s.limb(-40, 10, -62, -40, 45, 32, coat)
        s.disc(-62, -42, 25, 23, coat)
        s.shape("-70,-50 -105,-38 -105,-22 -65,-22", pale)
        s.disc(-102, -36, 7, 7, BLACK)
        s.disc(-70, -46, 5, 5, BLACK)
        s.shape("-58,-62 -40,-55 -36,-8 -54,-10", ear, smooth=True)
        return
    s.limb(40, 85, 90, 50, 20, 8, ear)
    s.shape("-40,100 -40,0 0,-30 40,0 58,95 40,102", coat, smooth=True)
    s.disc(-2, 20, 20, 30, pale)
    s.limb(-22, 30, -24, 100, 22, 20, coat)
    s.limb(14, 30, 14, 100, 22, 20, shade(coat, 0.85))
    with s.part(-3, -40, 50):
        s.shape("-60,-85 60,-85 78,0 42,105 -42,105 -78,0", coat, smooth=True)
        s.shape("40,-82 82,-88 118,10 97,65 68,20", ear, smooth=True, twice=True)
        s.disc(30, -20, 12, 13, BLACK, twice=True)
        s.disc(0, 45, 42, 42, pale)
        if s.chance(0.6):
            s.disc(0, 95, 18, 30, (220, 100, 110))
        s.disc(0, 25, 20, 15, BLACK)


def frog(s: Scene) -> None:
    coat = s.subject(SKIN if s.chance(0.6) else COAT + SKIN)
    dark, belly = shade(coat, 0.65), shade(coat, 1.5)
    if s.chance(0.3):  # from above, legs spread
        knee = s.between(10, 40)
        s.limb(20, 45, 75, knee, 26, 20, dark, twice=True)
        s.limb(75, knee, 55, 92, 20, 12, dark, twice=True)
        s.shape("55,88 95,95 75,105 45,105", dark, twice=True)
        s.limb(30, -20, 80, -50, 18, 14, dark, twice=True)
        s.shape("-30,-88 30,-88 52,-40 42,50 0,78 -42,50 -52,-40", coat, smooth=True)
        for _ in range(5):
            s.disc(s.between(-25, 25), s.between(-30, 40), 7, 7, dark)
        s.disc(30, -62, 15, 14, belly, twice=True)
        s.disc(30, -64, 9, 9, BLACK, twice=True)
        return
    s.disc(66, 42, 34, 30, dark, twice=True)
    s.shape("50,62 105,70 100,82 40,82", dark, twice=True)
    s.shape("-62,10 -52,-30 52,-30 62,10 57,82 -57,82", coat, smooth=True)
    s.disc(0, 50, 38, 28, belly)
    s.limb(34, 30, 36, 82, 20, 16, coat, twice=True)
    s.disc(40, 84, 18, 7, coat, twice=True)
    s.shape("-76,-10 -47,-48 47,-48 76,-10 47,28 -47,28", coat, smooth=True)
    s.shape("-56,-2 0,10 56,-2 0,18", shade(coat, 0.35))
    s.disc(38, -46, 23, 22, coat, twice=True)
    s.disc(38, -48, 16, 14, s.pick([(230, 210, 90), (220, 120, 50), WHITE]), twice=True)
    s.disc(38, -48, 9, 10, BLACK, twice=True)


def horse(s: Scene) -> None:
    coat = s.subject(COAT)
    mane = s.pick([shade(coat, 0.4), shade(coat, 1.6), (40, 30, 26)])
    s.shape("60,-15 85,-10 98,30 90,65 75,30", mane, smooth=True)
    s.legs(-38, 48, 10, 95, 12, coat)
    s.shape("-57,-22 0,-18 57,-28 80,0 52,32 -47,34", coat, smooth=True)
    if s.chance(0.25):  # grazing
        s.limb(-25, -15, -61, 40, 35, 20, mane)
        s.limb(-36, 2, -75, 45, 46, 24, coat)
        s.limb(-70, 35, -80, 87, 26, 16, coat)
    else:
        s.limb(-25, -15, -46, -73, 35, 20, mane)
        s.limb(-36, 2, -60, -68, 46, 24, coat)
        s.shape("-48,-72 -50,-98 -62,-76", coat)
        s.limb(-52, -76, -98, -40, 28, 17, coat)
        s.disc(-68, -68, 4, 4, BLACK)
    if s.chance(0.2):  # saddle
        s.shape("-15,-20 20,-20 16,10 -10,10", s.colour(PAINT))


def ship(s: Scene) -> None:
    paint, upper = s.subject(PAINT), s.subject(PAINT)
    kind = s.pick(["cargo", "liner", "sail"])
    deck = {"cargo": 10, "liner": 5, "sail": 40}[kind]
    if kind == "sail":
        s.limb(0, -100, 0, 45, 5, 7, (90, 64, 44))
        s.shape("-6,-92 -70,28 -6,28", shade(upper, 0.85))
        s.shape("6,-96 62,28 6,28", upper)
    elif kind == "cargo":
        for x in range(-70, 30, 22):
            s.box(x, deck - s.pick([20, 36, 36]), x + 20, deck, s.colour(PAINT))
        s.box(50, -50, 80, deck, upper)
        s.box(50, -42, 80, -34, GLASS)
    else:
        s.shape("5,-45 10,-80 32,-80 30,-45", s.colour(PAINT))
        for top, left, right in ((-46, -35, 50), (-29, -55, 70), (-12, -70, 85)):
            s.box(left, top, right, top + 18, upper)
            s.limb(left + 5, top + 10, right - 5, top + 10, 6, 6, GLASS)
    s.shape([(-100, deck - 6), (100, deck), (86, 58), (-72, 58)], paint)
    s.shape("-78,46 90,46 86,60 -72,60", s.pick([(130, 40, 36), (40, 44, 60)]))
    s.shape("-100,58 -80,54 90,55 100,62 10,68", (214, 226, 232))


def truck(s: Scene) -> None:
    paint, load = s.subject(PAINT), s.subject(PAINT)
    if s.chance(0.7):  # from the side: box, tank or tipper
        s.box(-95, 30, 98, 42, (50, 50, 54))
        s.shape("-100,38 -100,-10 -88,-46 -50,-46 -50,38", paint)
        s.shape("-94,-8 -85,-38 -58,-38 -58,-8", GLASS)
        kind = s.pick(["box", "box", "tank", "tipper"])
        if kind == "box":
            s.box(-44, s.between(-85, -60), 100, 30, load)
            s.box(-44, 20, 100, 30, shade(load, 0.7))
            s.box(-20, -35, s.between(0, 80), -5, s.colour(PAINT))
        elif kind == "tank":
            s.disc(28, -12, 72, 40, load)
            s.limb(-20, -20, 80, -20, 10, 10, shade(load, 1.5))
        else:
            s.shape("-40,-28 10,-58 50,-62 95,-36", s.pick([(110, 84, 60), (150, 150, 150)]))
            s.shape("-44,-30 100,-40 92,28 -38,28", load)
        s.wheels(s.pick([(-72, 68), (-72, 42, 80), (-72, 25, 55, 83)]), 42, 18)
    else:  # from the front: tall and flat, its load standing above
        s.box(34, 50, 62, 90, BLACK, twice=True)
        s.box(-66, -95, 66, 30, load)
        s.box(-58, -60, 58, 68, paint)
        s.box(-50, -50, 50, -5, GLASS)
        s.box(-30, 12, 30, 42, shade(paint, 0.5))
        s.box(-60, 56, 60, 72, (60, 60, 64))
        s.disc(44, 46, 10, 8, LAMP, twice=True)
        s.limb(66, -50, 66, -10, 10, 10, BLACK, twice=True)


# painter, usual surroundings, how far it may be turned (radians), what a close-up is centred on
SUBJECTS: list[tuple[Callable[[Scene], None], str, float, tuple[float, float] | None]] = [
    (airplane, "sky sky sky sky sky sea road grass gradient clutter", 0.6, None),
    (automobile, "road road road road grass sea gradient indoor clutter", 0.1, None),
    (bird, "sky sky grass grass sea gradient indoor clutter", 0.25, None),
    (cat, "indoor indoor indoor grass gradient road clutter", 0.15, (-10, -30)),
    (deer, "grass grass grass grass road sky gradient clutter", 0.15, (-50, -50)),
    (dog, "indoor indoor grass grass gradient road sea clutter", 0.15, (-10, -35)),
    (frog, "grass grass grass sea sea indoor gradient clutter", 0.15, None),
    (horse, "grass grass grass grass road sea gradient indoor clutter", 0.1, (-40, -8)),
    (ship, "sea sea sea sea sea sea sky gradient clutter", 0.1, None),
    (truck, "road road road road grass sea gradient sky clutter", 0.1, None),
]


def patch(s: Scene, colours, top: int = 0, spread: float = 0) -> None:
    """Blow a few colours (rows, columns, 3) up to a smooth area from row `top` downwards."""
    rows, columns, _ = np.shape(colours)
    varied = colours + s.rng.uniform(-spread, spread, (rows, columns, 3)) if spread else colours
    data = np.clip(varied, 0, 255).astype(np.uint8).tobytes()
    small = Image.frombytes("RGB", (columns, rows), data)
    s.image.paste(small.resize((CANVAS, CANVAS - top), Image.Resampling.BILINEAR), (0, top))


def surroundings(s: Scene, kind: str) -> None:
    """Paint the sky, ground below a horizon, a plain gradient, or clutter."""
    if kind in ("gradient", "clutter"):
        cells = 2 if kind == "gradient" else 6
        patch(s, np.broadcast_to(s.colour(PLAIN), (cells, cells, 3)), spread=40)
        for _ in range(0 if kind == "gradient" else 4):
            size = s.rng.uniform(10, 45, 2)
            s.disc(s.between(-100, 100), s.between(-100, 100), *size, s.colour(PLAIN + PAINT))
        return
    built = kind in ("road", "indoor")
    top = s.colour(WALL if kind == "indoor" else SKY)
    patch(s, [[top], [shade(top, s.between(0.85, 1.6))]])
    for _ in range(0 if kind == "indoor" else s.pick([0, 2, 5])):  # clouds
        x, y = s.rng.uniform(-100, 60, 2)
        s.disc(x, y, s.between(15, 45), s.between(5, 15), shade(top, 1.6))
    if kind == "sky":
        return
    level = s.between(-40, 50)
    for _ in range(s.pick([0, 2, 4])):  # houses or furniture, or hills
        x, high, wide = s.between(-110, 90), s.between(10, 60), s.between(20, 80)
        if built:
            s.box(x, level - high, x + wide, level, s.colour(WALL + PAINT))
        else:
            s.disc(x, level, wide, high / 2, s.colour(GROUND["grass"]))
    ground = np.broadcast_to(s.colour(GROUND[kind]), (12, 5, 3))
    patch(s, ground, top=int((level + 100) * CANVAS / 200), spread=s.between(5, 30))


def cover(s: Scene) -> None:
    """Let something pass in front: a post, blades of grass, or the edge of a thing."""
    colour, kind = s.colour(PAINT + PLAIN), s.pick(["post", "grass", "edge"])
    x = s.between(-100, 100)
    if kind == "post":
        s.limb(x, -150, x + s.between(-30, 30), 150, 16, 16, colour)
    elif kind == "edge":
        s.disc(math.copysign(110, x), s.between(-100, 100), 50, 50, colour)
    for _ in range(6 if kind == "grass" else 0):
        x = s.between(-100, 100)
        s.limb(x, 130, x + s.between(-30, 30), s.between(10, 70), 12, 2, colour)


def draw(split: int, index: int) -> np.ndarray:
    """One image, uint8 (3, 32, 32). Its class is `index % 10`; its seed is its own."""
    painter, places, tilt, head = SUBJECTS[index % 10]
    s = Scene(np.random.default_rng([SEED, split, index]))
    surroundings(s, s.pick(places.split()))
    s.behind = s.image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    s.pose(tilt)
    close_up = head and s.chance(0.25)
    with s.part(-1.5 * head[0], -1.5 * head[1], 150) if close_up else nullcontext():
        painter(s)
    if s.chance(0.15):
        cover(s)
    image = s.image.reduce(CANVAS // SIDE)
    if s.chance(0.25):
        image = image.filter(ImageFilter.GaussianBlur(s.between(0.4, 0.8)))
    left, right, brighter = s.between(0.75, 1.1), s.between(0.75, 1.1), s.between(-15, 20)
    light = (left + (right - left) * RAMP) * s.rng.uniform(0.92, 1.08, (3, 1, 1))
    noise = s.rng.standard_normal((3, SIDE, SIDE), dtype=np.float32) * s.between(1, 8)
    pixels = np.asarray(image).transpose(2, 0, 1) * light.astype(np.float32) + (noise + brighter)
    return pixels.round().clip(0, 255).astype(np.uint8)


def write(
    dest: Path,
    progress: Progress | None = None,
    train: int = 10_000,
    test: int = 2_000,
) -> dict[str, str]:
    """Write DEST/cifar-10-batches-py and DEST/checksums.json; return the MD5 of each file.

    `train` images fill five equal batches, `test` images one; both are multiples of 50, so that
    each file holds the classes in equal numbers. `progress(text, done)` hears of done in 0..1.
    """
    folder = Path(dest) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}

    def save(name: str, content: dict) -> None:
        blob = pickle.dumps(content, protocol=4)
        (folder / name).write_bytes(blob)
        sums[name] = hashlib.md5(blob, usedforsecurity=False).hexdigest()

    size, done = train // 5, 0
    batches = [(f"data_batch_{n + 1}", 0, range(n * size, (n + 1) * size)) for n in range(5)]
    for name, split, indices in [*batches, ("test_batch", 1, range(test))]:
        # shuffled, because a loader that keeps the order would otherwise see the classes in turn
        order = np.random.default_rng([SEED, split, indices.start]).permutation(indices).tolist()
        data = np.empty((len(order), 3 * SIDE * SIDE), dtype=np.uint8)
        for row, index in enumerate(order):
            data[row] = draw(split, index).ravel()
            if progress and row % 100 == 0:
                progress("drawing the stand-in for CIFAR-10", (done + row) / (train + test))
        done += len(order)
        labels = [index % 10 for index in order]
        names = [f"{CLASSES[index % 10]}_{index:05d}.png" for index in order]
        save(name, {"batch_label": name, "labels": labels, "data": data, "filenames": names})
    save("batches.meta", {"num_cases_per_batch": size, "label_names": [*CLASSES], "num_vis": 3072})
    text = json.dumps({"name": STAND_IN, "md5": sums}, indent=1)
    (Path(dest) / "checksums.json").write_text(text + "\n", encoding="utf-8")
    return sums
