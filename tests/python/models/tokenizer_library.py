"""mlx/c/tokenizer.h through ctypes, for processes that cannot import mlx: workers of tests and
bench/models/compare_tokenizers.py. And tokenizers as the package `tokenizers` has them, made here."""

import ctypes
import json

from c_library import BUILD, Handle, c_library

BARE, PLAIN = 1, 2


class Library:
    def __init__(self, build=BUILD):
        c = self.c = c_library(build)
        size, text, handle = ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(Handle)
        c.mlx_tokenizer_open.argtypes = [handle, text]
        c.mlx_tokenizer_open_bytes.argtypes = [handle, text, text, size]
        c.mlx_tokenizer_encode.argtypes = [handle, Handle, text, size, ctypes.c_int]
        c.mlx_tokens_free.argtypes = c.mlx_tokenizer_free.argtypes = [Handle]
        c.mlx_tokens_data.argtypes = [
            ctypes.POINTER(ctypes.POINTER(ctypes.c_int)),
            ctypes.POINTER(size),
            Handle,
        ]

    def check(self, status):
        if status:
            raise RuntimeError(self.c.mlx_last_error_message().decode())

    def open(self, path):
        t = Handle()
        self.check(self.c.mlx_tokenizer_open(t, str(path).encode()))
        return t

    def open_json(self, text):
        t, given = Handle(), text.encode()
        self.check(self.c.mlx_tokenizer_open_bytes(t, b"test", given, len(given)))
        return t

    def count(self, t, text, flags=0):
        """How many tokens the bytes of a text have."""
        made, ids, n = Handle(), ctypes.POINTER(ctypes.c_int)(), ctypes.c_size_t()
        self.check(self.c.mlx_tokenizer_encode(made, t, text, len(text), flags))
        self.check(self.c.mlx_tokens_data(ids, n, made))
        self.c.mlx_tokens_free(made)
        return n.value
