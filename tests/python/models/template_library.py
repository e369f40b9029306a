"""mlx/c/template.h through ctypes, for test_template.py and bench/models/compare_template.py."""

import ctypes
import json

from c_library import BUILD, Handle, c_library

LIBRARY = BUILD / "libmlxc.so"
NOW = 1700000000


class Options(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("steps", "output", "memory")] + [
        ("now", ctypes.c_int64)
    ]


class Library:
    def __init__(self):
        c = self.c = c_library()
        size, text, handle = ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(Handle)
        c.mlx_string_data.argtypes, c.mlx_string_data.restype = [Handle], ctypes.c_void_p
        c.mlx_string_free.argtypes = c.mlx_template_free.argtypes = [Handle]
        c.mlx_template_open_bytes.argtypes = [handle, text, text, size]
        c.mlx_template_open.argtypes = [handle, text, text]
        c.mlx_template_render.argtypes = [
            handle,
            ctypes.POINTER(size),
            Handle,
            text,
            size,
            ctypes.POINTER(Options),
        ]

    def error(self):
        return ["error", self.c.mlx_last_error_message().decode()]

    def render_with(self, template, variables, now):
        made, n, given = Handle(), ctypes.c_size_t(), json.dumps(variables).encode()
        options = Options(0, 0, 0, now)
        if self.c.mlx_template_render(made, n, template, given, len(given), options):
            return self.error()
        text = ctypes.string_at(self.c.mlx_string_data(made), n.value).decode()
        self.c.mlx_string_free(made)
        return ["text", text]

    def render(self, text, variables, now=NOW):
        template, given = Handle(), text.encode()
        if self.c.mlx_template_open_bytes(template, b"t", given, len(given)):
            return self.error()
        made = self.render_with(template, variables, now)
        self.c.mlx_template_free(template)
        return made

    def open(self, path):
        """The template of a model. Where mlx.core is loaded, too, it has the first evaluation of
        a process stop, to look for signals, and expects the call to be made again."""
        template = Handle()
        for _ in range(2):
            if self.c.mlx_template_open(template, str(path).encode(), None) == 0:
                return template
        raise AssertionError(self.error())
