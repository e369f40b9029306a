"""What a C function takes, gives and refuses: by rules for the types of its declaration, by what its
comment and the catalog say, and by what it means where nothing is given (nothing.py).
test_capi_arguments.c holds every function to the rules.

    Contract    takes    [(names, sentence)]: who owns what is given
                gives    [(names, sentence)]: what is written where
                result   what the catalog says of it, or ""
                returns  sentences
                refuses  sentences
                words    the comment without what stands in the others
"""

import re
from dataclasses import dataclass, field

import catalog
import headers
import nothing

# Functions whose int is a number and no status.
NUMBERS = {
    "mlx_array_dim", "mlx_file_part_count", "mlx_distributed_group_rank", "mlx_distributed_group_size",
    "mlx_last_error_code",
}  # fmt: skip
# Enumerations: other numbers are refused.
ENUMS = {
    "mlx_dtype": "a dtype", "mlx_fft_norm": "a norm", "mlx_device_type": "a type of devices",
    "mlx_compile_mode": "a mode", "mlx_token_role": "a role",
}  # fmt: skip
# What fails where memory runs out, and nowhere else.
MAKERS = re.compile(
    r"mlx_(array_new_\w+|vector_\w+_new(_value)?|map_\w+_new|device_new|\w+_config_new|node_namer_new|io_gguf_new"
    r"|profile_new|default_\w+_stream_new)$"
)
# What is given by value and is no handle.
VALUES = re.compile(r"^(?:const )?(?:mlx_optional_\w+|mlx_\w+_(?:func|callback)|mlx_io_vtable)$")
HANDLE = re.compile(r"^(?:const )?(mlx_\w+)$")
RESULT = re.compile(r"^(mlx_\w+) \*$")
# Structs that the program fills or reads: their members are no references that somebody counts.
PLAIN = re.compile(
    r"mlx_(value|signature|file_tensor|profile_\w+|\w+_info|\w+_options|\w+_state|array_place|dtype|device_type"
    r"|complex64_t)$"
)
INFO_HANDLES = {"mlx_device_info"}
ERRORS = re.compile(r"Errors((?: (?:when|at)| of all)?[^:.]*)?: ((?:[^.]|\.(?=\w|\())*)\.(?=\s|$)")
AS_OF = re.compile(r"Errors as of (mlx_\w+)\.(?=\s|$)")
CODES = re.compile(r"Returns \d(?:[^.]|\.(?=\w))*\.(?=\s|$)")
SAME = re.compile(
    r"^The same(?=[,.]| (?:a|along|for|from|in|of|over|through|under|where|with|without)\b| as it)"
)
TOLD = (
    "after an error, of which the error handler was told; `mlx_last_error_message()` has the text."
)


@dataclass
class Contract:
    takes: list = field(default_factory=list)
    gives: list = field(default_factory=list)
    result: str = ""
    returns: list = field(default_factory=list)
    refuses: list = field(default_factory=list)
    words: str = ""


def is_plain(name):
    return bool(PLAIN.match(name)) and name not in INFO_HANDLES


def handle(kind):
    """The type of a handle that is given, or ""."""
    found = HANDLE.match(kind)
    return (
        found[1]
        if found and not is_plain(found[1]) and not VALUES.match(kind) and found[1] not in ENUMS
        else ""
    )


def result_handle(kind):
    found = RESULT.match(kind)
    return found[1] if found and not is_plain(found[1]) and found[1] not in ENUMS else ""


def is_status(name, result):
    return result == "int" and name not in NUMBERS


# --- parameters ---------------------------------------------------------------------------------


def length(given, k):
    """The parameter that counts a list: the one behind it, or behind the lengths of its texts."""
    after = [name for _, name in given[k + 1 :] if name != "lengths"]
    counts = (f"{given[k][1]}_num", "n", "size", "count", "dim")
    return after[0] if after and after[0] in counts else ""


def is_list(kind, given, k):
    lists = kind.startswith("const ") or (kind == "int *" and given[k][1] == "data")
    return lists and "*" in kind and bool(length(given, k))


def is_written(kind, given, k):
    """A pointer through which the function writes."""
    if is_input(kind, given, k) or is_list(kind, given, k) or "*" not in kind or "(*)" in kind:
        return False
    addresses = kind in ("const char **", "const int **", "char **", "void **")
    return addresses or not kind.startswith(("const", "void *", "FILE"))


def is_input(kind, given, k):
    return kind == "const char **" and given[k][1] == "data"


def given_sentence(entry, given, k):
    """Who owns what a parameter gives; "" of numbers, and of what the function writes."""
    kind, name = given[k]
    if handle(kind):
        free = entry.name.endswith("_free")
        return "the handle, which is not to be used any more" if free else "borrowed"
    if "(*)" in kind or kind.endswith(("_callback", "_func", "_hook *")):
        return called(entry, name)
    if kind == "mlx_io_vtable":
        return "copied"
    if kind == "FILE *":
        return "written to, and left open"
    if kind in ("void *", "const void *"):
        return pointer(entry, name, given)
    if is_input(kind, given, k) or is_list(kind, given, k) or kind.startswith("const char *const"):
        count = length(given, k)
        return f"borrowed for the call, {count} entries" if count and kind != "const char *" else \
            "borrowed for the call" + (f", {count} bytes" if count else "")  # fmt: skip
    if kind == "const char *":
        return "borrowed for the call, up to its zero"
    return "borrowed for the call" if kind.startswith("const ") and "*" in kind else ""


def called(entry, name):
    if name == "dtor":
        return "called once, when the library needs what it is called with no more"
    kept = name == "fun" or entry.name.startswith(("mlx_set_", "mlx_source_set_"))
    return "kept and called later" if kept else "called while the function runs"


def pointer(entry, name, given):
    if entry.name.startswith(("mlx_array_new_data_managed",)) and name == "data":
        return "kept, not copied, until `dtor` is called"
    if any(other == "dtor" for _, other in given):
        return "kept until `dtor` is called with it; the library never looks at it"
    if name == "desc":
        return "kept for the functions of the table; the library never looks at it"
    if name in ("data", "payload") and not entry.name.startswith("mlx_array"):
        return "handed on; the library never looks at it"
    return "copied"


def written_sentence(kind):
    made = result_handle(kind)
    if made:
        return f"an initialised handle; it gets the result in place of what it held, and keeps that after an error. `{made}_free` lets go of it"
    if kind in ("const char **", "const int **", "char **"):
        return "gets the address of memory that is borrowed: not to be changed or freed"
    return "gets the pointer" if kind == "void **" else "written by the function"


def grouped(rows):
    out = {}
    for name, sentence in rows:
        out.setdefault(sentence, []).append(name)
    return [(names, sentence) for sentence, names in out.items()]


def parameters(entry):
    """(takes, gives)"""
    given = headers.parameters(entry.text)
    takes, gives = [], []
    for k, (kind, name) in enumerate(given):
        means = "" if "void *" in kind else nothing.meaning(entry.name, kind, name)
        empty = "empty" if handle(kind) else "NULL"
        if is_written(kind, given, k):
            gives.append((name, written_sentence(kind) + (f"; {empty}: {means}" if means else "")))
        else:
            sentence = given_sentence(entry, given, k)
            takes.append(
                (
                    name,
                    sentence
                    + (f"; {empty}: {means}" if means and "_free" not in entry.name else ""),
                )
            )
    return grouped([row for row in takes if row[1]]), grouped(gives)


# --- results -----------------------------------------------------------------------------------


def returned(entry, comment, fails):
    result, after = headers.returns(entry.text), TOLD if fails else ""
    if is_status(entry.name, result):
        return [f"0, or 1 {TOLD}" if fails else "0.", *CODES.findall(comment)]
    if handle(result):
        kept = f"A handle that is the caller's, for `{handle(result)}_free` to let go"
        return [f"{kept}; an empty one (its `ctx` is NULL) {TOLD}" if fails else f"{kept}."]
    if "*" in result:
        silent = "NULL where it is not evaluated, of which nobody is told, and " \
            if entry.name.startswith("mlx_array_data_") else ""  # fmt: skip
        return [f"An address of memory that is borrowed, not to be freed; {silent}NULL {TOLD}" if fails else
                "An address of memory that is borrowed, not to be freed."]  # fmt: skip
    return [f"0 {after}"] if fails and result != "void" else []


# --- errors ------------------------------------------------------------------------------------


def needs(entry):
    """(parameters where NULL is an error, where an empty handle is one)"""
    given = headers.parameters(entry.text)
    needed = [(kind, name) for kind, name in given if not nothing.meaning(entry.name, kind, name)]
    null = [n for kind, n in needed if "*" in kind or kind.endswith(("_func", "_callback"))]
    return null, [n for kind, n in needed if handle(kind)]


def by_types(entry):
    null, empty = needs(entry)
    given = headers.parameters(entry.text)
    counts = {
        name: length(given, k) for k, (kind, name) in enumerate(given) if is_list(kind, given, k)
    }
    elements = entry.name.startswith("mlx_array_") and "data"  # NULL where there are none
    plain = [name for name in null if name not in counts and name != elements]
    out = [f"NULL is given for {listed(plain)}"] if plain else []
    if empty:
        out.append(f"an empty handle is given for {listed(empty)}")
    out += [
        f"NULL is given for `{name}` though `{counts[name]}` is above 0"
        for name in null
        if name in counts
    ]
    for kind, name in given:
        if kind in ENUMS and entry.name != "mlx_dtype_size":
            out.append(f"`{name}` is not {ENUMS[kind]}")
    handles = [name for kind, name in given if handle(kind)]
    return out or [f"`{name}` is no handle" for name in handles]


def listed(found):
    quoted = [f"`{name}`" for name in found]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def said(comment):
    """What a comment says of errors."""
    out = []
    for when, what in ERRORS.findall(comment):
        when = when.strip()
        out.append(f"{when}: {what}" if when.startswith(("when", "at")) else what)
    return out + [f"those of `{name}`" for name in AS_OF.findall(comment)]


# --- all of it ---------------------------------------------------------------------------------


def same(header, entry):
    """What a comment refers to that begins with "The same": the function above it that says more itself."""
    before = [e for e in header.entries if e.kind == "function"]
    found = [e for e in before[: before.index(entry)] if not SAME.match(e.comment)]
    return found[-1] if SAME.match(entry.comment) and found else None


def words(entry, base):
    """The comment without what stands in other sections; alone it says what it is about."""
    text = entry.comment if "\n\n" in entry.comment else " ".join(entry.comment.split())
    for pattern in ERRORS, AS_OF, CODES:
        text = pattern.sub("", text)
    if base:
        text = SAME.sub(f"As `{base.name}`,", text, count=1).replace(",,", ",")
    if entry.name.endswith("_free"):
        text = re.sub(
            r"^Let go of (it|them|the handle)\b", f"Let go of an `{entry.name[:-5]}`", text
        )
    return text.strip()


def distinct(sentences):
    """Each once, and none that a longer one says too."""
    once = list(dict.fromkeys(sentences))
    return [s for s in once if not any(s in other for other in once if s != other)]


def refusals(header, entry, catalogued=()):
    """What it refuses; nothing where it always succeeds."""
    base = same(header, entry)
    above = said(" ".join(base.comment.split())) if base else []
    out = distinct(said(" ".join(entry.comment.split())) + above + list(catalogued)) + by_types(
        entry
    )
    return out or (["memory runs out"] if MAKERS.match(entry.name) else [])


def contract(found, header, entry):
    """found: what catalog.rows gives."""
    c = Contract(words=words(entry, same(header, entry)))
    c.takes, c.gives = parameters(entry)
    c.result, catalogued = catalog.facts(found, entry)
    c.refuses = refusals(header, entry, catalogued)
    c.returns = returned(entry, " ".join(entry.comment.split()), bool(c.refuses))
    return c
