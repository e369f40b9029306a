"""Pictures of curves and points for the programs of this folder, without a plotting package."""

import numpy as np
from pictures import write_png

BLACK, GREY, RED, BLUE, GREEN = (
    (0, 0, 0),
    (150, 150, 150),
    (200, 30, 30),
    (30, 60, 200),
    (20, 140, 60),
)


class Plot:
    """A white picture of a plane from `low` to `high`, each (x, y). What is drawn outside is left
    out."""

    def __init__(self, low, high, width=640, height=400):
        self.low, self.high = np.array(low, float), np.array(high, float)
        self.pixels = np.full((height, width, 3), 255, np.uint8)

    def _pixels(self, x, y):
        """Columns and rows of points, as fractions; far outside for what is no number."""
        height, width = self.pixels.shape[:2]
        points = np.stack([np.asarray(x, float), np.asarray(y, float)], axis=-1)
        share = (points - self.low) / (self.high - self.low)
        column, row = np.where(np.isfinite(share), share, -1).clip(-1, 2).T
        return column * (width - 1), (1 - row) * (height - 1)

    def _stamp(self, column, row, colour, radius):
        height, width = self.pixels.shape[:2]
        for i in range(-radius, radius + 1):
            for j in range(-radius, radius + 1):
                c, r = column + i, row + j
                inside = (c >= 0) & (c < width) & (r >= 0) & (r < height)
                if i * i + j * j <= radius * radius:
                    self.pixels[r[inside], c[inside]] = colour

    def points(self, x, y, colour=BLACK, radius=3):
        """Discs at (x, y)."""
        column, row = self._pixels(x, y)
        self._stamp(np.round(column).astype(int), np.round(row).astype(int), colour, radius)

    def line(self, x, y, colour=BLUE, radius=1):
        """Straight lines from each point to the next."""
        column, row = self._pixels(x, y)
        length = np.append(0, np.cumsum(np.hypot(np.diff(column), np.diff(row))))
        along = np.linspace(0, length[-1], int(length[-1]) + 2)
        column, row = np.interp(along, length, column), np.interp(along, length, row)
        self._stamp(np.round(column).astype(int), np.round(row).astype(int), colour, radius)

    def band(self, x, low, high, colour=(200, 215, 245)):
        """The area between two curves over rising x."""
        height, width = self.pixels.shape[:2]
        columns, bottom = self._pixels(x, low)
        _, top = self._pixels(x, high)
        across, rows = np.arange(width), np.arange(height)[:, None]
        inside = (across >= columns[0]) & (across <= columns[-1])
        under = rows >= np.interp(across, columns, top)
        self.pixels[inside & under & (rows <= np.interp(across, columns, bottom))] = colour

    def write(self, path):
        write_png(path, self.pixels)
