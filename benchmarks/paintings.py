"""Paintings that no network of ours has seen, for measuring and for the documents: drawn here, the same every time.

    python -m benchmarks.paintings FOLDER

Four differ in kind: ``strokes`` (oil on canvas: a hill under a swirling sky), ``glass`` (stained glass with leads),
``ink`` (hatched lines on paper), ``weave`` (felt patches with stitches). The fifth, ``tissue``, is a stained cut under
the microscope from scikit-image's collection: no painting at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Floats = npt.NDArray[np.float64]
Color = tuple[int, ...]

SIDE = 1000  # pixels of the longer side


def smooth_noise(generator: np.random.Generator, height: int, width: int, cell: int) -> Floats:
    """Noise in -1..1 whose hills are about ``cell`` pixels wide, (height, width)."""
    coarse = generator.uniform(-1, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float64)


def _color(base: tuple[float, ...], generator: np.random.Generator, spread: float) -> Color:
    shade = generator.normal(0, spread)
    return tuple(int(np.clip(v + shade + generator.normal(0, spread / 3), 0, 255)) for v in base)


def strokes() -> Image.Image:
    """Short strokes of a loaded brush along a flow: two suns in a swirling sky, hills, a field."""
    generator = np.random.default_rng(1)
    height, width = 800, SIDE
    sky, hill, field = [(238, 150, 84), (222, 92, 86), (120, 70, 120)], [(36, 66, 96)], [(52, 120, 96), (226, 188, 72)]
    horizon = 470 + 60 * smooth_noise(generator, 1, width, 160)[0]
    flow = 3 * smooth_noise(generator, height, width, 220)
    suns = [(260, 170), (720, 240)]
    image = Image.new("RGB", (width, height), (80, 60, 70))
    draw = ImageDraw.Draw(image)
    for layer, (count, length, thick) in enumerate([(5000, 60, 16), (14000, 42, 9), (16000, 28, 5)]):
        for x, y in zip(generator.uniform(0, width, count), generator.uniform(0, height, count), strict=True):
            angle, base = _stroke(x, y, horizon, flow, suns, (sky, hill, field), generator)
            fill = _color(base, generator, 10 + 8 * layer)
            _bristles(draw, x, y, angle, length * generator.uniform(0.6, 1.3), thick, fill, generator)
    return image.filter(ImageFilter.UnsharpMask(2, 60))


def _stroke(
    x: float,
    y: float,
    horizon: Floats,
    flow: Floats,
    suns: list[tuple[int, int]],
    palettes: tuple[list[tuple[int, int, int]], ...],
    generator: np.random.Generator,
) -> tuple[float, tuple[float, ...]]:
    """Direction and colour of the stroke at (x, y)."""
    sky, hill, field = palettes
    turn = float(flow[int(y), int(x)])
    edge = horizon[int(x)]
    if y > edge + 130:
        return turn * 0.3 - 0.2, field[int(generator.random() < 0.3 + 0.3 * np.sin(x / 60))]
    if y > edge:
        return 0.5 * np.sin(x / 90) + turn * 0.2, hill[0]
    distances = [np.hypot(x - a, y - b) for a, b in suns]
    near = int(np.argmin(distances))
    a, b = suns[near]
    if distances[near] < 45:
        return turn, (250, 236, 170)
    around = np.arctan2(y - b, x - a) + np.pi / 2
    pull = np.exp(-distances[near] / 160)
    share = np.clip(y / edge + 0.25 * np.sin(distances[near] / 14) * pull + 0.2 * turn / 3, 0, 0.999)
    low, high = sky[2 - int(share * 2)], sky[1 - int(share * 2)] if share < 0.999 else sky[0]
    part = share * 2 % 1
    return pull * around + (1 - pull) * turn, tuple((1 - part) * p + part * q for p, q in zip(low, high, strict=True))


def _bristles(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    angle: float,
    length: float,
    thick: float,
    fill: Color,
    generator: np.random.Generator,
) -> None:
    """One stroke: parallel hairs of slightly different colour, the outer ones darker."""
    dx, dy = np.cos(angle), np.sin(angle)
    for offset in np.linspace(-0.5, 0.5, max(3, int(thick) // 2)):
        shade = generator.normal(0, 12) - 26 * abs(offset)
        hair = tuple(int(np.clip(v + shade, 0, 255)) for v in fill)
        ox, oy, half = x - dy * offset * thick, y + dx * offset * thick, length / 2 * generator.uniform(0.8, 1)
        draw.line((ox - dx * half, oy - dy * half, ox + dx * half, oy + dy * half), hair, 2)


def glass() -> Image.Image:
    """Panes of even, glowing colour between dark leads, larger ones far from the centre of a rose."""
    generator = np.random.default_rng(2)
    height, width = SIDE, 800
    rings = [(r, int(4 + r / 14)) for r in np.cumsum([0, 45, 55, 60, 70, 80, 90, 100, 110])]
    seeds = [(width / 2, height * 0.42)]
    for radius, count in rings[1:]:
        turn = generator.uniform(0, 1)
        for k in range(count):
            angle = 2 * np.pi * (k + turn) / count + generator.normal(0, 0.03)
            seeds.append((width / 2 + radius * np.cos(angle), height * 0.42 + radius * np.sin(angle)))
    points = np.array(seeds)
    y, x = np.mgrid[:height, :width]
    x = x + 8 * smooth_noise(generator, height, width, 60)
    y = y + 8 * smooth_noise(generator, height, width, 60)
    first, second, nearest = (np.full((height, width), v) for v in (np.inf, np.inf, 0.0))
    for i, (px, py) in enumerate(points):
        distance = np.hypot(x - px, y - py)
        closer = distance < first
        second = np.where(closer, first, np.minimum(second, distance))
        nearest = np.where(closer, i, nearest)
        first = np.where(closer, distance, first)
    palette = np.array([(20, 48, 150), (176, 24, 38), (236, 178, 40), (20, 120, 84), (96, 36, 128), (222, 226, 206)])
    radius = np.hypot(points[:, 0] - width / 2, points[:, 1] - height * 0.42)
    kinds = (radius / 85 + generator.uniform(0, 2.4, len(points))).astype(int) % len(palette)
    colors = palette[kinds] + generator.normal(0, 14, (len(points), 3))
    panes = colors[nearest.astype(int)]  # (h, w, 3)
    light = 1.08 - 0.0016 * first + 0.12 * smooth_noise(generator, height, width, 24)
    bubbles = 6 * generator.normal(0, 1, (height, width))
    lead = np.clip((second - first - 5) / 4, 0, 1)[..., None]
    picture = (panes * light[..., None] + bubbles[..., None]) * lead + np.array([22, 20, 24]) * (1 - lead)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def ink() -> Image.Image:
    """A drawing in black lines on cream paper: hatching that follows the forms, denser where it is dark."""
    generator = np.random.default_rng(3)
    height, width = SIDE, 800
    tone = 0.5 + 0.5 * smooth_noise(generator, height, width, 190)
    form = 2.2 * smooth_noise(generator, height, width, 260)
    image = Image.new("L", (2 * width, 2 * height), 255)
    draw = ImageDraw.Draw(image)
    for layer, (turn, level) in enumerate([(0.5, 0.85), (-0.6, 0.5), (1.5, 0.28)]):
        for _ in range(9000):
            x, y = generator.uniform(0, width), generator.uniform(0, height)
            if tone[int(y), int(x)] > level:
                continue
            line = [(2 * x, 2 * y)]
            for _ in range(int(generator.integers(8, 18))):
                angle = form[int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))] + turn
                x, y = x + 3 * np.cos(angle), y + 3 * np.sin(angle)
                line.append((2 * x, 2 * y))
            draw.line(line, 0, 4 - layer)
    lines = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float64)[..., None] / 255
    paper = np.array([240, 230, 206]) + 5 * smooth_noise(generator, height, width, 7)[..., None]
    paper += 3 * generator.normal(0, 1, (height, width, 1))
    return Image.fromarray(np.clip(paper * lines + np.array([34, 28, 30]) * (1 - lines), 0, 255).astype(np.uint8))


def weave() -> Image.Image:
    """Patches of felt in soft colours, with rows of light stitches and frayed edges."""
    generator = np.random.default_rng(4)
    height, width = 800, SIDE
    image = Image.new("RGB", (width, height), (196, 178, 168))
    draw = ImageDraw.Draw(image)
    palette = [(164, 90, 96), (92, 118, 110), (222, 190, 150), (110, 88, 122), (206, 140, 96), (232, 222, 206)]
    for _ in range(110):
        x, y = generator.uniform(0, width), generator.uniform(0, height)
        radius = generator.uniform(50, 140)
        angles = np.sort(generator.uniform(0, 2 * np.pi, 7))
        reach = radius * generator.uniform(0.7, 1.1, 7)
        corners = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1)
        fill = _color(palette[int(generator.integers(len(palette)))], generator, 9)
        draw.polygon([tuple(corner) for corner in corners], fill)
        inner = [x, y] + 0.86 * (corners - [x, y])
        for a, b in zip(inner, np.roll(inner, -1, axis=0), strict=True):
            count = max(1, int(np.hypot(*(b - a)) / 14))
            for k in range(count):
                p, q = a + (b - a) * k / count, a + (b - a) * (k + 0.6) / count
                draw.line((*p, *q), (244, 238, 226), 3)
    fibres = Image.new("L", (width, height), 128)
    pen = ImageDraw.Draw(fibres)
    for _ in range(60000):
        x, y, angle = generator.uniform(0, width), generator.uniform(0, height), generator.uniform(0, np.pi)
        reach, shade = generator.uniform(4, 12), int(generator.integers(70, 190))
        pen.line((x, y, x + reach * np.cos(angle), y + reach * np.sin(angle)), shade, 1)
    texture = np.asarray(fibres, np.float64)[..., None] - 128
    return Image.fromarray(np.clip(np.asarray(image, np.float64) + 0.4 * texture, 0, 255).astype(np.uint8))


def tissue() -> Image.Image:
    """Immunohistochemistry, from scikit-image's collection."""
    from skimage import data

    return Image.fromarray(data.immunohistochemistry()).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


UNSEEN: dict[str, Callable[[], Image.Image]] = {
    "strokes": strokes,
    "glass": glass,
    "ink": ink,
    "weave": weave,
    "tissue": tissue,
}


def save(folder: str | Path) -> dict[str, Path]:
    """Draw all of them into ``folder``, which is made; name -> file. Those that are there are not drawn again."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    files = {name: Path(folder) / f"{name}.png" for name in UNSEEN}
    for name, file in files.items():
        if not file.exists():
            UNSEEN[name]().save(file)
    return files


if __name__ == "__main__":
    for path in save(sys.argv[1]).values():
        print(path)
