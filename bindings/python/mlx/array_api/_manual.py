"""What help() says of the functions of this namespace: their own sentence, what their parameters mean, what they give,
and an example (_examples.py)."""

import textwrap
from types import FunctionType

from ._examples import EXAMPLES

DEVICE = "device (Device | None): Where it is made; arrays are in the memory of all devices."
# The standard gives a parameter the same meaning wherever it stands.
PARAMETERS = """
append (array | None): What comes after the elements.
arrays (Sequence[array]): The arrays.
arrays_and_dtypes (array | Dtype | scalar): What takes part.
axes (Sequence[int] | int | None): The axes; None: all.
axis (int | Sequence[int] | None): Which axis, or axes where several may be; None: all elements.
condition (array): What decides, bool.
copy (bool | None): True: a copy in any case; False: none, which is an error where one is needed.
correction (float): What is taken away from the number of elements.
d (float): The distance of samples.
descending (bool): The largest first.
destination (int | Sequence[int]): Where the axes go.
dtype (Dtype | None): The dtype of the result; None: what follows from the arguments.
endpoint (bool): Whether stop is the last number.
fill_value (scalar): The element.
from_ (array | Dtype): What is to be converted.
full_matrices (bool): Whether U and Vh are square.
include_initial (bool): Whether the result begins with what nothing gives.
indexing (str): "xy": the first two axes change places; "ij": they do not.
indices (array): Integers.
k (int): Which diagonal: 0 the main one, above it positive.
keepdims (bool): Whether reduced axes stay, of size 1.
kind (Dtype | str | tuple): A dtype, the name of a kind ("integral"), or several of these.
max (array | scalar | None): The greatest value; None: no bound.
min (array | scalar | None): The least value; None: no bound.
mode (str): "reduced" or "complete".
n (int | None): How many, or how often.
n_cols (int | None): Columns; None: as many as rows.
n_rows (int): Rows.
norm (str): "backward", "ortho" or "forward": which way is divided by the length.
num (int): How many numbers.
obj (object): Numbers, sequences of them, or what has a buffer or __dlpack__.
offset (int): Which diagonal: 0 the main one, above it positive.
ord (int | float | str): Which norm.
prepend (array | None): What comes before the elements.
repeats (int | array): How often, for all or for each.
repetitions (Sequence[int]): How often, along each axis.
rtol (float | array | None): The bound, as a part of the largest; None: what fits the dtype.
s (Sequence[int] | None): The lengths along the axes; None: those of x.
shape (int | Sequence[int]): The sizes.
shift (int | Sequence[int]): By how many places.
side (str): "left": before equal elements, "right": behind them.
sorter (array | None): The indices that sort x1; None: it is sorted.
source (int | Sequence[int]): The axes that move.
stable (bool): Whether equal elements keep their order, as they do here in any case.
start (scalar): The first number.
step (scalar): From one number to the next.
stop (scalar | None): The end.
to (Dtype): What it becomes.
type (array | Dtype): Of which dtype.
upper (bool): U in place of L.
x (array): The array.
x1 (array | scalar): The first operand.
x2 (array | scalar): The second operand.
"""
MEANS = {line.split(" ")[0]: line for line in [*PARAMETERS.strip().split("\n"), DEVICE]}


def parameters(f):
    """Their names, in order."""
    code = f.__code__
    flags = bool(code.co_flags & 4) + bool(code.co_flags & 8)
    count = code.co_argcount + code.co_kwonlyargcount + flags
    return code.co_varnames[:count]


def section(title, lines):
    return f"{title}:\n" + textwrap.indent("\n".join(lines), "    ") if lines else ""


def documented(f, block):
    """block: the lines of its entry in EXAMPLES, without its name."""
    gives, *rest = block
    raises = [line[1:] for line in rest if line[0] == "!"]
    parts = [
        f.__doc__.strip(),
        section("Args", [MEANS[name] for name in parameters(f)]),
        section("Returns", [gives]),
        section("Raises", raises),
        section("Example", [line for line in rest if line[0] != "!"]),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def complete(*namespaces):
    """Docstrings of all functions that have an entry."""
    for block in EXAMPLES.split("\n\n"):
        first, *lines = block.strip("\n").split("\n")
        name, gives = first.split(" ", 1)
        for namespace in namespaces:
            f = namespace.get(name)
            if isinstance(f, FunctionType) and "\nReturns:" not in (f.__doc__ or "\nReturns:"):
                f.__doc__ = documented(f, [gives, *lines])
