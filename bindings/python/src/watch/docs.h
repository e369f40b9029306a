/* What help() says of what looks on; the examples are run by
 * tests/python/package/test_help.py. */
#ifndef MLXC_PYTHON_WATCH_DOCS_H
#define MLXC_PYTHON_WATCH_DOCS_H

// clang-format off
#define DOC_DEBUG \
"debug(*, nan: bool = False, inf: bool = False)\n\
\n\
From now on, or inside a with statement, the operation that makes the first NaN (infinity)\n\
is a FloatingPointError that names it, its inputs and the line that made it. For the whole\n\
process.\n\
\n\
Args:\n\
    nan: Whether a NaN is an error.\n\
    inf: Whether an infinity is one, too.\n\
\n\
Raises:\n\
    FloatingPointError: in evaluations: one was made\n\
\n\
Example:\n\
    >>> with mx.debug(nan=True):\n\
    ...     try:\n\
    ...         mx.eval(mx.log(mx.array(-1.0)))\n\
    ...     except FloatingPointError as error:\n\
    ...         print(str(error).split(\" at \")[0])\n\
    [debug] Log made the first NaN\n"

#define DOC_PROFILE \
"profile(*, memory: int = 0)\n\
\n\
What runs inside a with statement, on all threads: print it for a table by operation and\n\
line, save it for a timeline. It keeps the newest events that fit into `memory` bytes (0: 64\n\
MiB).\n\
\n\
Args:\n\
    memory: Bytes; 0: 64 MiB.\n\
\n\
Raises:\n\
    ValueError: memory is negative; when it is printed: it has not run\n\
\n\
Example:\n\
    >>> with mx.profile() as p:\n\
    ...     mx.eval(mx.exp(mx.zeros(1000)))\n\
    >>> \"Exp\" in str(p)\n\
    True\n"

#define DOC_SHOW \
"show(*args, **kwargs) -> None\n\
\n\
Print the graph of arrays, or trees of them, that are not evaluated yet: a line an array,\n\
with the operation that makes it. Arrays given by keyword are named so.\n\
\n\
Args:\n\
    args: Arrays, or trees of them.\n\
    kwargs: Arrays with names.\n\
\n\
Raises:\n\
    ValueError: a leaf is no array\n\
\n\
Example:\n\
    >>> mx.show(mx.exp(mx.array(1.0) + 2))\n\
    A: float32 ()\n\
    B: float32 ()\n\
    C: float32 () = Add(A, B)\n\
    D: float32 () = Exp(C)\n\
    return D\n"
// clang-format on

#endif
