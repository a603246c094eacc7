#!/usr/bin/env python3
"""Draws the sample digits: samples/digits/0.png to 9.png, and one as black ink on white paper.

    python3 samples/draw_digits.py

Needs Pillow and NumPy. The same pictures come out every time.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

# Each digit is a list of pen strokes, each stroke the points that the pen passes through, with
# x to the right and y down. Only proportions matter: a digit is scaled to its frame later.
# The curve through the points is smooth, so at a sharp corner one stroke ends and another begins.
STROKES = {
    0: [[(58, 4), (34, 10), (14, 38), (12, 70), (28, 95), (50, 94), (70, 68), (74, 34), (62, 10), (46, 6)]],
    1: [[(50, 0), (47, 30), (46, 62), (44, 100)]],
    2: [[(12, 24), (26, 6), (50, 2), (66, 16), (62, 38), (40, 66), (10, 94)], [(10, 94), (24, 88), (44, 92), (78, 91)]],
    3: [[(14, 12), (34, 1), (58, 6), (64, 22), (52, 38), (32, 46)], [(32, 46), (56, 50), (68, 68), (58, 90), (34, 99), (8, 90)]],
    4: [[(24, 4), (18, 30), (14, 52)], [(14, 52), (34, 55), (72, 50)], [(64, 6), (60, 40), (54, 70), (52, 102)]],
    5: [[(28, 4), (24, 24), (20, 44)], [(20, 44), (42, 38), (62, 50), (66, 72), (52, 92), (28, 98), (8, 88)], [(28, 5), (48, 6), (72, 2)]],
    6: [[(58, 0), (34, 22), (18, 52), (14, 78), (26, 97), (48, 96), (60, 78), (52, 60), (34, 60), (18, 76)]],
    7: [[(8, 10), (32, 8), (70, 5)], [(70, 5), (58, 34), (42, 66), (34, 100)]],
    8: [[(62, 14), (44, 2), (24, 10), (24, 28), (44, 46), (62, 66), (58, 90), (36, 99), (18, 84), (26, 62), (50, 42), (64, 24), (60, 10)]],
    9: [[(64, 18), (46, 4), (24, 12), (16, 32), (28, 48), (48, 44), (64, 22)], [(64, 22), (62, 50), (56, 76), (48, 102)]],
}  # fmt: skip

SLANT = 0.12  # right-handed writing leans a little
PEN = 2.7  # pixels, of the 20 that a digit's longer side measures
OVERSAMPLING = 16


def curve(points, steps=64):
    """Catmull-Rom spline through the points, [N, 2]."""
    p = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, steps)[:, None]
    return np.concatenate(
        [
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            for a, b, c, d in zip(p, p[1:], p[2:], p[3:])
        ]
    )


def trace(digit, size):
    """The digit's strokes as curves, slanted, the longer side of their ink `size` long."""
    curves = [curve(stroke) @ [[1, 0], [-SLANT, 1]] for stroke in STROKES[digit]]
    points = np.concatenate(curves)
    pen = size * PEN / 20
    scale = (size - pen) / np.ptp(points, axis=0).max()
    origin = points.min(axis=0)
    return [(c - origin) * scale + pen / 2 for c in curves]


def ink(curves, pen, frame, shift):
    """Coverage of each pixel of a frame x frame picture by a round pen, 0..255.

    The pen is stamped at each point of the curves, which lie close enough for a smooth edge.
    """
    k = OVERSAMPLING
    image = Image.new("L", (frame * k, frame * k))
    draw = ImageDraw.Draw(image)
    for c in curves:
        for x, y in (c + shift) * k:
            r = pen * k / 2
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return image.resize((frame, frame), Image.BOX)


def mnist_style(digit):
    """20x20 in 28x28, white on black, the centre of mass in the middle, as MNIST was made."""
    curves = trace(digit, 20)
    weight = np.asarray(ink(curves, PEN, 28, 0), float)
    centre = [(weight.sum(axis=axis) * (np.arange(28) + 0.5)).sum() / weight.sum() for axis in (0, 1)]
    return ink(curves, PEN, 28, 14 - np.array(centre))


def black_on_white(digit):
    """280x280 RGB, as a scan or an upload may be: too large, inverted, in colour, off centre."""
    size = 180
    paper = Image.new("RGB", (280, 280), "white")
    paper.paste("black", mask=ink(trace(digit, size), size * PEN / 20, 280, (84, 38)))
    return paper


def main():
    folder = Path(__file__).with_name("digits")
    folder.mkdir(exist_ok=True)
    for digit in STROKES:
        mnist_style(digit).save(folder / f"{digit}.png", optimize=True)
    black_on_white(7).save(folder / "seven_black_on_white.png", optimize=True)


if __name__ == "__main__":
    main()
