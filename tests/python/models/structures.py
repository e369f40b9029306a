"""mlx/c/structure.h for tests, through ctypes: structures, a vocabulary of bytes and words, matchers."""

import ctypes
import json

import numpy as np
from c_library import Handle, c_library

WORDS = '{" "} ": ", ":" "], [{ }} null true false aaa ab 00 123 -1 \\u é€ b", "a" {"a":'.split(" ")
SPACED, OPEN = 1, 2
INTERRUPTED = 8  # MLX_ERROR_INTERRUPTED


def _library():
    library = c_library()
    for kind in ("structure", "structure_vocabulary", "structure_matcher", "tokenizer"):
        getattr(library, f"mlx_{kind}_free").argtypes = [Handle]
    return library


LIBRARY = _library()


class Refused(ValueError):
    pass


def check(failed):
    if failed:
        raise Refused(LIBRARY.mlx_last_error_message().decode())


class Owned:
    """A handle that is let go of with the object."""

    kind = ""

    def __init__(self):
        self.handle = Handle(None)

    def call(self, name, *arguments):
        """Again after a signal that came before: mlx.core has the library ask for those."""
        failed = 1
        while failed:
            failed = getattr(LIBRARY, f"mlx_{self.kind}_{name}")(*arguments)
            if LIBRARY.mlx_last_error_code() != INTERRUPTED:
                break
            LIBRARY.mlx_clear_last_error()
        check(failed)

    def __del__(self):
        getattr(LIBRARY, f"mlx_{self.kind}_free")(self.handle)


class Structure(Owned):
    kind = "structure"

    def __init__(self, schema=None, flags=0, regex=None, gbnf=None):
        super().__init__()
        text = regex or gbnf or json.dumps(schema)
        name = "open_regex" if regex else "open_gbnf" if gbnf else "open_schema"
        more = [] if regex or gbnf else [flags]
        self.call(name, ctypes.byref(self.handle), text.encode(), *more)


def _byte_characters():
    plain = [b for b in range(256) if 33 <= b <= 126 or (b >= 161 and b != 173)]
    other = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(other)}


class Vocabulary(Owned):
    """All bytes, some words, and an end."""

    kind = "structure_vocabulary"

    def __init__(self, words=WORDS):
        super().__init__()
        self.tokens = [bytes([b]) for b in range(256)] + [w.encode() for w in words]
        shown = _byte_characters()
        names = ["".join(shown[b] for b in token) for token in self.tokens] + ["<end>"]
        self.end = len(self.tokens)
        model = {"type": "BPE", "vocab": {n: i for i, n in enumerate(names)}, "merges": []}
        text = json.dumps({"model": model, "decoder": {"type": "ByteLevel"}}).encode()
        tokenizer = Handle(None)
        size = ctypes.c_size_t(len(text))
        check(LIBRARY.mlx_tokenizer_open_bytes(ctypes.byref(tokenizer), b"test", text, size))
        ends, one = (ctypes.c_int * 1)(self.end), ctypes.c_size_t(1)
        self.call("open", ctypes.byref(self.handle), tokenizer, ends, one)
        LIBRARY.mlx_tokenizer_free(tokenizer)


class Matcher(Owned):
    kind = "structure_matcher"

    def __init__(self, structure, vocabulary):
        super().__init__()
        self.vocabulary = vocabulary
        self.words = np.zeros((vocabulary.end + 32) // 32, np.uint32)
        self.call("open", ctypes.byref(self.handle), structure.handle, vocabulary.handle)

    def asked(self, name, *arguments):
        answer = ctypes.c_bool()
        self.call(name, ctypes.byref(answer), self.handle, *arguments)
        return answer.value

    def take(self, text):
        return self.asked("accept_bytes", text, ctypes.c_size_t(len(text)))

    def accept(self, token):
        return self.asked("accept", ctypes.c_int(token))

    def complete(self):
        return self.asked("is_complete")

    def allowed(self):
        """The tokens that may come next."""
        words = self.words.ctypes.data_as(ctypes.c_void_p)
        self.call("mask", words, ctypes.c_size_t(len(self.words)), self.handle)
        bits = np.unpackbits(self.words.view(np.uint8), bitorder="little")
        return np.flatnonzero(bits).tolist()


def accepts(structure, vocabulary, text):
    matcher = Matcher(structure, vocabulary)
    return matcher.take(text.encode()) and matcher.complete()
