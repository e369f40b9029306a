"""The directive `chart`: a table of the page as a picture. The table stays what is measured; the picture follows it.

    ```{chart} What it shows.
    :section: A run
    :bars: ratio to the best
    ```

:section: is the heading above the table, whose first column has the labels. :bars: names a column
of numbers: a bar for each row, on a scale of logarithms around 1. :lines: names columns, between
semicolons, that are drawn against the first one, both scales logarithmic; :of: says what the
numbers are.
"""

import html
import math
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives

WIDE, LEFT, ROW = 720, 210, 17  # of bars
BOX = (60, 16, 560, 320)  # of lines: left, top, right, bottom


# --- tables -------------------------------------------------------------------------------------


def table(text, section):
    """Rows of the first table below a heading, its head first."""
    found = re.search(rf"^#+ {re.escape(section)}\n(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    if not found:
        raise ValueError(f"chart: the page has no section '{section}'")
    lines = [line for line in found.group(1).splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(rows) < 3:
        raise ValueError(f"chart: there is no table in '{section}'")
    return [rows[0], *rows[2:]]


def number(text):
    """The first of a cell; None: it has none."""
    found = re.match(r"[\d,]*\.?\d+", text)
    return float(found.group().replace(",", "")) if found else None


def column(rows, name):
    if name not in rows[0]:
        raise ValueError(f"chart: there is no column '{name}'; there are {', '.join(rows[0])}")
    at = rows[0].index(name)
    return [number(row[at]) for row in rows[1:]]


# --- drawing ------------------------------------------------------------------------------------


def words(x, y, text, anchor="start", kind=""):
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{html.escape(text)}</text>'


def stroke(x1, y1, x2, y2, kind):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="{kind}"/>'


def svg(width, height, parts, kind):
    head = f'<svg viewBox="0 0 {width} {height}" class="{kind}" xmlns="http://www.w3.org/2000/svg">'
    return head + "".join(parts) + "</svg>"


def steps(low, high, base=10):
    """Powers of the base that enclose the values."""
    first, last = math.floor(math.log(low, base) + 1e-9), math.ceil(math.log(high, base) - 1e-9)
    return [base**k for k in range(first, max(last, first + 1) + 1)]


def short(value):
    for size, letter in ((1 << 20, "M"), (1 << 10, "K")):
        if value >= size and value % size == 0:
            return f"{value // size:.0f}{letter}"
    return f"{value:g}"


def bars(rows, name):
    """From 1 to the left what is better than the others, to the right what is worse."""
    shown = [(row[0], v) for row, v in zip(rows[1:], column(rows, name), strict=True) if v]
    shown.sort(key=lambda item: item[1])
    marks = steps(shown[0][1], max(1, shown[-1][1]), 2)
    low, high = math.log(marks[0]), math.log(marks[-1])
    bottom = ROW * len(shown) + 8

    def x(value):
        return LEFT + (WIDE - LEFT - 50) * (math.log(value) - low) / (high - low)

    parts = [stroke(x(m), 0, x(m), bottom, "one" if m == 1 else "grid") for m in marks]
    parts += [words(x(m), bottom + 14, f"{m:g}", "middle", "faint") for m in marks]
    for k, (label, value) in enumerate(shown):
        y, ends = ROW * k + 4, sorted((x(1), x(value)))
        kind = "better" if value <= 1 else "worse"
        size = f'width="{max(ends[1] - ends[0], 1):.1f}" height="{ROW - 5}"'
        parts.append(f'<rect x="{ends[0]:.1f}" y="{y}" {size} class="{kind}"/>')
        parts.append(words(LEFT - 8, y + ROW - 7, label, "end"))
        parts.append(words(ends[1] + 5, y + ROW - 7, f"{value:.2f}", kind="faint"))
    return svg(WIDE, bottom + 20, parts, "bars")


def lines(rows, names, of):
    left, top, right, bottom = BOX
    xs = column(rows, rows[0][0])
    series = {name: list(zip(xs, column(rows, name), strict=True)) for name in names}
    series = {name: [p for p in points if p[1]] for name, points in series.items()}
    values = [v for points in series.values() for _, v in points]
    across, up = steps(min(xs), max(xs), 4), steps(min(values), max(values))

    def x(value):
        return left + (right - left) * math.log(value / across[0]) / math.log(
            across[-1] / across[0]
        )

    def y(value):
        return bottom - (bottom - top) * math.log(value / up[0]) / math.log(up[-1] / up[0])

    parts = [stroke(left, y(m), right, y(m), "grid") for m in up]
    parts += [words(left - 6, y(m) + 4, f"{m:g}", "end", "faint") for m in up]
    parts += [words(x(m), bottom + 18, short(m), "middle", "faint") for m in across]
    parts.append(words((left + right) / 2, bottom + 38, rows[0][0], "middle"))
    parts.append(words(left - 40, top - 4, of, kind="faint"))
    for k, (name, points) in enumerate(series.items()):
        path = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in points)
        parts.append(f'<path d="M{path}" class="line l{k % 3}"/>')
        parts.append(words(right + 12, ends(series, y)[name] + 4, name, kind=f"l{k % 3}"))
    return svg(WIDE, bottom + 46, parts, "lines")


def ends(series, y):
    """Where the names of lines stand: at their ends, apart enough to be read."""
    places, last = {}, -math.inf
    for name in sorted(series, key=lambda name: y(series[name][-1][1])):
        last = places[name] = max(y(series[name][-1][1]), last + 16)
    return places


class Chart(Directive):
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {
        "section": directives.unchanged_required,
        "bars": directives.unchanged,
        "lines": directives.unchanged,
        "of": directives.unchanged,
    }

    def run(self):
        page = Path(self.state.document.current_source or self.state.document["source"])
        rows = table(page.read_text(), self.options["section"])
        if "bars" in self.options:
            drawn = bars(rows, self.options["bars"])
        else:
            names = [name.strip() for name in self.options["lines"].split(";")]
            drawn = lines(rows, names, self.options.get("of", ""))
        caption = html.escape(self.arguments[0])
        figure = f'<figure class="chart" role="img" aria-label="{caption}">{drawn}'
        figure += f"<figcaption>{caption}</figcaption></figure>"
        return [nodes.raw("", figure, format="html")]


def setup(app):
    app.add_directive("chart", Chart)
    return {"parallel_read_safe": True, "version": "1"}
