"""The directive `picture`: a Python program that ends in draw(array, name=array ...). The library
exports the graph of what was not computed yet, Graphviz lays it out, and the page shows both.

    ```{picture} What the picture shows.
    a = mx.array([1.0, 2.0])
    draw(mx.exp(a) + 1, a=a)
    ```
"""

import html
import io
import re
import subprocess

from docutils import nodes
from docutils.parsers.rst import Directive

LOOK = [
    '-Gbgcolor=transparent', '-Gmargin=0', '-Gnodesep=0.25', '-Granksep=0.3', '-Nfontsize=11',
    '-Nfontname=sans-serif', '-Nheight=0.3', '-Nmargin=0.1,0.04', '-Earrowsize=0.6',
]  # fmt: skip


def run(source):
    """What the program drew, in Graphviz' language."""
    import mlx.core as mx

    drawn = []

    def draw(*arrays, **names):
        text = io.StringIO()
        mx.export_to_dot(text, *arrays, **names)
        drawn.append(text.getvalue())

    exec(compile(source, "picture", "exec"), {"mx": mx, "draw": draw})
    return drawn


def layout(dot):
    svg = subprocess.run(
        ["dot", "-Tsvg", *LOOK], input=dot, capture_output=True, text=True, check=True
    ).stdout
    svg = svg[svg.index("<svg") :].replace('"black"', '"currentColor"')
    return re.sub(r"<title>.*?</title>\s*|<!--.*?-->\s*", "", svg, flags=re.S)


class Picture(Directive):
    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        source = "\n".join(self.content)
        shown = "\n".join(line for line in self.content if not line.startswith("draw("))
        block = nodes.literal_block(shown, shown, language="python")
        caption = html.escape(self.arguments[0])
        drawn = "\n".join(map(layout, run(source)))
        figure = f'<figure class="picture" role="img" aria-label="{caption}">{drawn}'
        figure += f"<figcaption>{caption}</figcaption></figure>"
        return [block, nodes.raw("", figure, format="html")]


def setup(app):
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "version": "1"}
