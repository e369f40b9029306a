"""Sphinx reads this (`make docs`; tools/docs/build.py lays out the sources and calls it)."""

import os
import sys
from pathlib import Path

TOOLS = Path(os.environ["CMLX_DOCS_TOOLS"])
sys.path.insert(0, str(TOOLS))

project = "cmlx"
author = "the authors of cmlx"
release = version = os.environ["CMLX_VERSION"]

extensions = ["myst_parser", "picture", "chart"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["ref.python"]  # names such as Stream, which two modules have
highlight_language = "none"
add_module_names = False
python_maximum_signature_line_length = 88
c_maximum_signature_line_length = 88
toc_object_entries = False
html_title = "cmlx"
html_theme = "theme"
pygments_style = "bw"  # no colours: those are in book.css
html_theme_path = [str(TOOLS)]
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_domain_indices = False
