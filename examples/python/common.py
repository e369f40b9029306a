"""What the examples share: options, where data lies and comes from, a progress line. It needs
nothing but the standard library."""

import argparse
import math
import os
import sys
import time
from pathlib import Path


def number(default):
    """Reads an option whose default is a number: above 0 as the default is, or from 0 where that is
    the default."""
    least, kind = "from 0" if default == 0 else "above 0", type(default)

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not (0 <= value < 2**31) or (value == 0 and default != 0):
            name = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"expected a {name} {least}, got {text}")
        return value

    return read


def check_output(options, ending=None):
    """Ends the program before its work where the file of --output could not be written after it,
    is one that another option names, or has another ending."""
    path, read = Path(options.output), []
    for name, value in vars(options).items():
        read += [] if name == "output" else value if isinstance(value, list) else [value]
    if path.is_dir():
        sys.exit(f"--output {path} is a folder, expected a file")
    if not path.parent.is_dir():
        sys.exit(f"--output {path}: there is no folder {path.parent}")
    if ending and path.suffix.lower() != ending:
        sys.exit(f"--output {path}: expected a name that ends in {ending}")
    if path.exists() and any(
        isinstance(file, str) and os.path.isfile(file) and path.samefile(file) for file in read
    ):
        sys.exit(f"--output {path} is a file that is read, expected another")


def check_multiple(options, name, of):
    """Ends the program where an option is no multiple of a number."""
    value = getattr(options, name)
    if value % of:
        sys.exit(f"--{name} {value}: expected a multiple of {of}")


# What begins the words of an error that data or files are to blame for.
OF_DATA = ("[data]", "[train]", "[load", "[save", "[open_file]")


def last_words(kind, error, trace):
    """Ends a program in a sentence where its data, its files or Ctrl-C end it; what is a mistake of
    the program's has its traceback."""
    if isinstance(error, KeyboardInterrupt):
        print("\nstopped", file=sys.stderr)
    elif isinstance(error, OSError) and error.filename is not None:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
    elif isinstance(error, (OSError, ImportError, MemoryError)) or str(error).startswith(OF_DATA):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def command(description):
    """The parser of a program's options, which names the program as one calls it; from here on the
    program ends in its last words."""
    sys.excepthook = last_words
    program = getattr(sys.modules["__main__"].__spec__, "name", sys.argv[0])
    return argparse.ArgumentParser(
        prog=f"python -m {program.removesuffix('.__main__')}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def arguments(description, **defaults):
    """Command line options `--name value`, one for each default, besides --data and --seed: numbers
    above 0, texts, or one of a tuple of texts whose first is the default. An output whose default
    has an ending is a file that will be written, with this ending."""
    parser = command(description)
    parser.add_argument(
        "--data", default=None, help="the folder of data; default: $MLX_TEST_DATA or ../shared/data"
    )
    for name, default in {"seed": 0, **defaults}.items():
        kind = {"type": str} if isinstance(default, str) else {"type": number(default)}
        if isinstance(default, tuple):
            kind, default = {"choices": default}, default[0]
        parser.add_argument(
            f"--{name.replace('_', '-')}", default=default, help=f"default: {default}", **kind
        )
    options, ending = parser.parse_args(), Path(defaults.get("output", "")).suffix
    if ending:
        check_output(options, ending)
    return options


def data_folder(data=None):
    """The folder that holds mnist/, text/, speech/ ..."""
    root = Path(__file__).resolve().parents[2]
    return Path(data or os.environ.get("MLX_TEST_DATA") or root.parent / "shared" / "data")


# Data that cannot come with the project, and who gives it.
SOURCES = {
    "mnist": "one of the four MNIST files (LeCun, Cortes and Burges; yann.lecun.com/exdb/mnist, and mirrors)",
    "cifar10_subset": "the first records of CIFAR-10's binary version (Krizhevsky; cs.toronto.edu/~kriz/cifar.html)",
    "clip": "a photograph of a cat (cat.jpeg of clip/assets in github.com/ml-explore/mlx-examples)",
    "text": "a list of first names, one a line (names.txt of github.com/karpathy/makemore)",
}
LICENSES = Path("/usr/share/common-licenses")  # English prose that every Debian system has


def data_file(data, folder, name):
    """The path of a file below the data folder, of one that ends in .gz also unpacked; where it is
    missing the program ends with a sentence that says what to get, and where."""
    path = data_folder(data) / folder / name
    plain = path.with_name(name.removesuffix(".gz"))
    if not path.is_file() and not plain.is_file():
        sys.exit(
            f"{path} is missing, {SOURCES[folder]}: put it there, or say --data DIR where it is DIR/{folder}/{name}."
        )
    return path if path.is_file() else plain


def text_file(data, name, instead):
    """The text, or where it is missing one of Debian's licences."""
    path = data_folder(data) / "text" / name
    return path if path.is_file() or not (LICENSES / instead).is_file() else LICENSES / instead


class Progress:
    """One line that is written over: `step 120/600  loss 1.234  41 ms a step`. A value that is no
    finite number ends the program."""

    def __init__(self, total, every=0.5):
        self.total, self.every = total, every
        self.start = self.last = time.perf_counter()

    def __call__(self, step, **values):
        now = time.perf_counter()
        if now - self.last < self.every and step != self.total:
            return
        self.last = now
        values = {name: float(value) for name, value in values.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                sys.exit(f"\nstep {step}: {name} is {value}, the steps were too large")
        text = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        speed = (now - self.start) / max(step, 1)
        end = "\n" if step == self.total else ""
        print(
            f"\rstep {step}/{self.total}  {text}  {1000 * speed:.1f} ms a step   ",
            end=end,
            file=sys.stderr,
            flush=True,
        )
