"""What came of each epoch, as rows, a picture or a line of blocks."""

import io
import os
from pathlib import Path
from typing import Any, Iterator, Optional, Sequence, Union

from .._saved import write_file

__all__ = ["History", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """Numbers as a line of blocks of eight heights; more than `width` of them are thinned out. What
    is not finite is a blank.

    Args:
        values: The numbers.
        width: The length of the line at most.

    Returns:
        str: The line.

    Example:
        >>> train.sparkline([0.0, 1.0, 3.0, 7.0])
        '▁▂▄█'
    """
    if len(values) > width:
        values = [values[i * len(values) // width] for i in range(width)]
    finite = [v for v in values if abs(v) < float("inf")]
    if not finite:
        return " " * len(values)
    part = 0.5 if max(finite) - min(finite) == float("inf") else 1.0
    low, span = part * min(finite), part * max(finite) - part * min(finite)
    top = (len(_BLOCKS) - 1) if span else 0
    return "".join(
        _BLOCKS[round((part * v - low) / (span or 1.0) * top)] if abs(v) < float("inf") else " "
        for v in values
    )


def _save(figure, path):
    """A figure of matplotlib's as a file, of the kind that its name says."""
    path = path if path.suffix else path.with_suffix(f".{figure.canvas.get_default_filetype()}")
    picture = io.BytesIO()
    try:
        figure.savefig(picture, format=path.suffix[1:].lower())
    except ValueError as error:
        raise ValueError(f"[train] {path}: {error}") from None
    write_file(path, picture.getbuffer())


class History:
    """A row, a dict of numbers, for each epoch: `history[-1]`, `history[:3]`, `history["loss"]`,
    `len`, `for`. `print(history)` is a table, `plot()` a picture.

    Args:
        rows: The rows; none by default.

    Raises:
        KeyError: when it is asked for a column that is not there

    Example:
        >>> history = train.History([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
        >>> history["loss"], history[-1]["epoch"]
        ([2.0, 1.0], 2)
        >>> print(history)
        loss  █▁  2 -> 1
    """

    def __init__(self, rows: Optional[list[dict[str, Any]]] = None) -> None:
        self.rows = rows if rows is not None else []

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, key: Union[int, slice, str]) -> Any:
        if isinstance(key, (int, slice)):
            return self.rows[key]
        if key not in self.names:
            raise KeyError(f"[train] no {key!r} in the history; there are {', '.join(self.names)}")
        return [row[key] for row in self.rows if key in row]

    @property
    def names(self) -> list[str]:
        """The columns, in the order in which they came."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def _curves(self) -> dict[str, list[float]]:
        """Columns of numbers that say how good it became."""
        skipped = ("epoch", "step", "seconds")
        columns = {name: self[name] for name in self.names if name not in skipped}
        return {n: c for n, c in columns.items() if all(isinstance(v, (int, float)) for v in c)}

    def __str__(self) -> str:
        if not self.rows:
            return "no epoch has ended"
        curves = self._curves()
        wide = max(map(len, curves), default=0)
        return "\n".join(
            f"{name:{wide}}  {sparkline(column)}  {column[0]:.4g} -> {column[-1]:.4g}"
            for name, column in curves.items()
        )

    def plot(self, path: Optional[Union[str, os.PathLike]] = None, show: bool = False) -> str:
        """The curves, each beside its validation, as a picture in a file (PNG, SVG, PDF by its
        name). Where matplotlib is not installed, as text in a file that ends in .txt instead.
        Returns the text."""
        text = str(self)
        figure = self._figure() if path is not None or show else None
        if figure is None:
            if path is not None:
                write_file(Path(path).with_suffix(".txt"), text.encode() + b"\n")
            return text
        if path is not None:
            _save(figure, Path(path))
        if show:
            figure.show()
        return text

    def _figure(self) -> Any:
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return None
        curves = self._curves()
        names = [n for n in curves if not (n.startswith("val_") and n[4:] in curves)]
        figure = Figure(figsize=(4 * max(1, len(names)), 3), layout="constrained")
        for place, name in enumerate(names, 1):
            axes = figure.add_subplot(1, len(names), place)
            for label in (name, f"val_{name}"):
                if label in curves:
                    epochs = [row["epoch"] for row in self.rows if label in row]
                    axes.plot(epochs, curves[label], marker=".", label=label)
            axes.set_xlabel("epoch")
            axes.legend()
        return figure
