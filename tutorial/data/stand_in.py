"""Draw the stand-in for CIFAR-10: ten classes of small painted pictures, made without a network.

The files have CIFAR-10's names and layout, so `torchvision.datasets.CIFAR10` reads them. Paint,
fur, surroundings and light are shared by the classes: a network has to look at shapes.
"""

import hashlib
import json
import math
import pickle
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

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
CIRCLE = [(math.cos(a * math.pi / 12), math.sin(a * math.pi / 12)) for a in range(24)]


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


class Layer:
    """A transparent picture to draw on: x to the right, y down, both from -100 to 100.

    Its colours and proportions come from `rng`. behind: the mean colour of what it will cover.
    """

    def __init__(self, rng: random.Random, behind: Colour = BLACK):
        self.between, self.pick, self.behind = rng.uniform, rng.choice, behind
        self.image = Image.new("RGBA", (CANVAS, CANVAS))
        self.pen = ImageDraw.Draw(self.image)

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

    def shape(self, path, colour: Colour, smooth: bool = False, mirror: float | None = None):
        """Fill a polygon, a path or its corners; mirror: and its mirror image about x = mirror."""
        corners = outline(path, smooth) if isinstance(path, str) else path
        self.pen.polygon([CANVAS * (0.5 + v / 200) for xy in corners for v in xy], fill=colour)
        if mirror is not None:
            self.shape([(2 * mirror - x, y) for x, y in corners], colour)

    def disc(self, x, y, rx, ry, colour: Colour, mirror: float | None = None) -> None:
        self.shape([(x + rx * u, y + ry * v) for u, v in CIRCLE], colour, mirror=mirror)

    def box(self, left, top, right, bottom, colour: Colour) -> None:
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def limb(self, x0, y0, x1, y1, width, end, colour: Colour, mirror: float | None = None) -> None:
        """A bar from (x0, y0) to (x1, y1) that tapers from `width` to `end`."""
        length = 2 * math.hypot(x1 - x0, y1 - y0)
        u, v = (y1 - y0) / length, (x0 - x1) / length
        corners = [(x0 + width * u, y0 + width * v), (x1 + end * u, y1 + end * v)]
        corners += [(x1 - end * u, y1 - end * v), (x0 - width * u, y0 - width * v)]
        self.shape(corners, colour, mirror=mirror)

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


def airplane(s: Layer) -> None:
    paint, accent = s.subject(PAINT), s.colour(PAINT)
    if s.pick([True, False]):  # from the side
        dark = shade(paint, 0.7)
        s.shape("55,-10 72,-55 95,-55 90,-5", accent)
        s.shape("-5,0 25,-32 38,-32 28,0", dark)
        s.shape("-105,8 -85,-14 -50,-20 50,-18 105,-14 90,4 40,20 -70,22", paint, smooth=True)
        s.shape("-86,-2 -80,-10 -68,-10 -68,-2", GLASS)
        s.limb(-50, -2, 55, -2, 6, 6, s.pick([GLASS, accent]))
        s.shape("-20,8 15,8 60,50 42,52", dark)
        s.disc(5, 28, 16, 8, shade(paint, 0.5))
    else:  # from above
        tip = s.between(0, 50)
        s.shape([(5, -20), (95, tip - 18), (95, tip), (5, 24)], paint, mirror=0)
        s.shape([(2, 60), (38, 62 + tip / 2), (38, 78 + tip / 2), (2, 86)], accent, mirror=0)
        s.disc(40, tip * 0.35 - 4, 7, 15, shade(paint, 0.5), mirror=0)
        s.shape("0,-110 17,-80 15,50 0,105 -15,50 -17,-80", paint, smooth=True)
        s.disc(0, -78, 9, 7, GLASS)


def automobile(s: Layer) -> None:
    paint = s.subject(PAINT)
    # a saloon, a hatchback or a sports car
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


def bird(s: Layer) -> None:
    coat, beak = s.subject(COAT + PLUMAGE), s.pick([(230, 150, 40), (60, 56, 50)])
    wing = shade(coat, s.between(0.5, 0.75))
    s.limb(0, 40, -5, 92, 7, 6, beak)
    s.limb(15, 40, 14, 92, 7, 6, beak)
    s.shape("40,5 102,50 90,65 30,35", wing)
    s.shape("-62,5 -50,-32 0,-27 78,20 40,64 -30,62", coat, smooth=True)
    s.disc(-30, 22, 20, 24, shade(coat, 1.45))
    folded, raised = "-15,-10 35,0 78,35 20,44 -20,20", "-25,20 5,-70 55,-105 60,-50 50,25"
    s.shape(s.pick([folded, folded, raised]), wing, smooth=True)
    s.disc(-40, -42, 25, 23, coat)
    s.shape("-60,-51 -92,-37 -60,-31", beak)
    s.disc(-48, -47, 6, 6, BLACK)


def cat(s: Layer) -> None:
    coat, iris = s.subject(COAT), s.pick([(150, 190, 70), (220, 180, 60), (120, 180, 210)])
    dark, pale, stripes = shade(coat, 0.6), shade(coat, 1.4), s.pick([(), (-13, 0, 13)])
    s.shape("40,90 85,80 90,20 72,20 70,65 30,70", dark, smooth=True)  # tail
    s.shape("-35,100 -42,10 0,-30 42,10 62,95 40,102", coat, smooth=True)
    s.limb(14, 30, 15, 98, 20, 18, pale, mirror=0)
    s.shape("42,-39 38,-99 4,-68", coat, mirror=0)  # ears
    s.shape("35,-57 34,-86 15,-68", (206, 150, 140), mirror=0)
    s.disc(0, -35, 44, 38, coat)
    for x in stripes:
        s.limb(x, -72, x, -55, 6, 3, dark)
        s.limb(28, 45 + x, 48, 48 + x, 4, 8, dark)
    s.disc(0, -17, 18, 13, pale)
    s.disc(18, -39, 11, 9, iris, mirror=0)
    s.disc(18, -39, 4, 9, BLACK, mirror=0)
    s.limb(13, -17, 57, -22, 2, 1, pale, mirror=0)  # whiskers
    s.shape("-6,-26 6,-26 0,-19", (190, 100, 100))


def deer(s: Layer) -> None:
    coat, horn = s.subject(COAT[3:]), s.pick([(90, 70, 50), (190, 170, 140), (60, 46, 36)])
    s.legs(-32, 48, 10, 98, 8, coat)
    s.disc(70, 0, 10, 14, WHITE)  # tail
    s.shape("-50,-10 10,-14 68,-16 72,20 10,26 -45,30", coat, smooth=True)
    s.limb(-32, 10, -52, -45, 34, 17, coat)
    for x0, y0, x1, y1 in ((4, 0, 30, -20), (30, -20, 33, -46), (17, -10, 17, -36)):  # antlers
        s.limb(x0 - 48, y0 - 55, x1 - 48, y1 - 55, 6, 4, horn, mirror=-48)
    s.shape("-50,-50 -28,-68 -38,-42", shade(coat, 0.8))  # ear
    s.shape("-40,-62 -62,-62 -92,-35 -86,-24 -43,-33", coat, smooth=True)
    s.disc(-85, -32, 5, 5, BLACK)
    s.disc(-62, -48, 4, 4, BLACK)


def dog(s: Layer) -> None:
    coat = s.subject(COAT)
    ear, pale = shade(coat, s.between(0.5, 0.8)), shade(coat, s.between(1.1, 1.6))
    s.limb(40, 85, 90, 50, 20, 8, ear)  # tail
    s.shape("-40,100 -40,0 0,-30 40,0 58,95 40,102", coat, smooth=True)
    s.disc(0, 20, 20, 30, pale)
    s.limb(18, 30, 19, 100, 22, 20, shade(coat, 0.85), mirror=0)
    s.shape("-30,-82 30,-82 39,-40 21,12 -21,12 -39,-40", coat, smooth=True)
    s.shape("20,-81 41,-84 59,-35 48,-8 34,-30", ear, smooth=True, mirror=0)
    s.disc(15, -50, 6, 6, BLACK, mirror=0)
    s.disc(0, -18, 21, 21, pale)
    if s.pick([True, False]):
        s.disc(0, 8, 9, 15, (220, 100, 110))  # tongue
    s.disc(0, -28, 10, 8, BLACK)


def frog(s: Layer) -> None:
    coat = s.subject(s.pick([SKIN, COAT]))
    dark, belly = shade(coat, 0.65), shade(coat, 1.5)
    s.disc(66, 42, 34, 30, dark, mirror=0)
    s.shape("50,62 105,70 100,82 40,82", dark, mirror=0)
    s.shape("-62,10 -52,-30 52,-30 62,10 57,82 -57,82", coat, smooth=True)
    s.disc(0, 50, 38, 28, belly)
    s.limb(34, 30, 36, 82, 20, 16, coat, mirror=0)
    s.shape("-76,-10 -47,-48 47,-48 76,-10 47,28 -47,28", coat, smooth=True)
    s.shape("-56,-2 0,10 56,-2 0,18", shade(coat, 0.35))  # mouth
    s.disc(38, -46, 23, 22, coat, mirror=0)
    s.disc(38, -48, 16, 14, s.pick([(230, 210, 90), (220, 120, 50), WHITE]), mirror=0)
    s.disc(38, -48, 9, 10, BLACK, mirror=0)


def horse(s: Layer) -> None:
    coat = s.subject(COAT)
    mane = s.pick([shade(coat, 0.4), shade(coat, 1.6), (40, 30, 26)])
    s.shape("60,-15 85,-10 98,30 90,65 75,30", mane, smooth=True)
    s.legs(-38, 48, 10, 95, 12, coat)
    s.shape("-57,-22 0,-18 57,-28 80,0 52,32 -47,34", coat, smooth=True)
    s.limb(-25, -15, -46, -73, 35, 20, mane)
    s.limb(-36, 2, -60, -68, 46, 24, coat)
    s.shape("-48,-72 -50,-98 -62,-76", coat)  # ear
    s.limb(-52, -76, -98, -40, 28, 17, coat)
    s.disc(-68, -68, 4, 4, BLACK)


def ship(s: Layer) -> None:
    hull, deck = s.subject(PAINT), s.between(10, 25)
    if s.pick([True, False]):
        sail = s.subject([WHITE, WHITE, *PAINT[3:6]])
        s.limb(0, deck, 0, -105, 5, 5, (90, 70, 50))
        s.shape([(6, -98), (75, deck - 10), (6, deck - 10)], sail)
        s.shape([(-6, -85), (-6, deck - 10), (-60, deck - 10)], shade(sail, 0.8))
    else:
        upper = s.colour([WHITE, *PAINT])
        s.shape("5,-45 10,-80 32,-80 30,-45", s.colour(PAINT))  # funnel
        for top, left, right in ((-46, -35, 50), (-29, -55, 70), (-12, -70, 85)):
            s.box(left, top, right, deck, shade(upper, 1 + top / 100))
            s.limb(left + 5, top + 10, right - 5, top + 10, 6, 6, GLASS)
    s.shape([(-100, deck - 6), (100, deck), (86, 58), (-72, 58)], hull)
    s.shape("-78,46 90,46 86,60 -72,60", s.pick([(130, 40, 36), (40, 44, 60)]))
    s.shape("-100,58 -80,54 90,55 100,62 10,68", (214, 226, 232))  # foam


def truck(s: Layer) -> None:
    paint, load = s.subject(PAINT), s.subject(PAINT)
    s.box(-95, 30, 98, 42, (50, 50, 54))
    s.shape("-100,38 -100,-10 -88,-46 -50,-46 -50,38", paint)
    s.shape("-94,-8 -85,-38 -58,-38 -58,-8", GLASS)
    if s.pick([True, True, False]):
        s.box(-44, s.between(-85, -60), 100, 30, load)
        s.box(-20, -35, s.between(0, 80), -5, s.colour(PAINT))
    else:  # a tank
        s.disc(28, -12, 72, 40, load)
        s.limb(-20, -20, 80, -20, 10, 10, shade(load, 1.5))
    s.wheels(s.pick([(-72, 68), (-72, 42, 80), (-72, 25, 55, 83)]), 42, 18)


# painter, usual surroundings, how far it may be turned (degrees)
SUBJECTS: list[tuple[Callable[[Layer], None], str, float]] = [
    (airplane, "sky sky sky sky sea road grass", 35),
    (automobile, "road road road grass sea indoor", 6),
    (bird, "sky sky grass grass sea indoor", 15),
    (cat, "indoor indoor indoor grass road sky", 9),
    (deer, "grass grass grass road sky", 9),
    (dog, "indoor indoor grass grass road sea", 9),
    (frog, "grass grass sea sea indoor sky", 9),
    (horse, "grass grass grass road sea indoor", 6),
    (ship, "sea sea sea sea sky grass", 6),
    (truck, "road road road grass sea sky", 6),
]


def surroundings(s: Layer, kind: str) -> Image.Image:
    """A sky or a wall; below a horizon the ground of that kind, with things that stand there."""
    top = s.colour(WALL if kind == "indoor" else SKY)
    s.box(-100, -100, 100, 100, top)
    for _ in range(s.pick([0, 3, 6])):  # clouds, or what hangs on the wall
        x, y = s.between(-100, 100), s.between(-100, 60)
        s.disc(x, y, s.between(15, 45), s.between(5, 15), shade(top, s.between(0.8, 1.6)))
    if kind in GROUND:
        level = s.between(-40, 50)
        for _ in range(s.pick([0, 2, 4])):  # hills, houses or furniture
            x, high = s.between(-110, 110), s.between(10, 60)
            s.disc(x, level, s.between(20, 60), high, s.colour(WALL + GROUND["grass"] + PAINT))
        s.box(-100, level, 100, 100, s.colour(GROUND[kind]))
    return s.image.convert("RGB")


def draw(split: int, index: int) -> np.ndarray:
    """One image, uint8 (3, 32, 32). Its class is `index % 10`; its seed is its own."""
    painter, places, tilt = SUBJECTS[index % 10]
    rng = random.Random(f"{SEED} {split} {index}")
    image = surroundings(Layer(rng), rng.choice(places.split()))
    s = Layer(rng, behind=image.reduce(CANVAS).getpixel((0, 0)))
    painter(s)
    width, height = (int(CANVAS * rng.uniform(0.7, 1.05)) for _ in range(2))
    subject = s.image.resize((width, height), Image.Resampling.BILINEAR)
    subject = subject.rotate(rng.uniform(-tilt, tilt), Image.Resampling.BILINEAR, expand=True)
    if rng.random() < 0.5:
        subject = subject.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    place = [(CANVAS - side) // 2 + rng.randint(-12, 12) for side in subject.size]
    image.paste(subject, place, subject)
    light = rng.uniform(0.75, 1.1) * np.array([rng.uniform(0.92, 1.08) for _ in "RGB"])
    noise = np.random.default_rng([SEED, split, index]).standard_normal((SIDE, SIDE, 3))
    small = image.reduce(CANVAS // SIDE)
    pixels = np.asarray(small) * light + noise * rng.uniform(1, 12) + rng.uniform(-15, 20)
    return pixels.round().clip(0, 255).astype(np.uint8).transpose(2, 0, 1)


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
