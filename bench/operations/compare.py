"""The performance table: operations of this library beside other libraries, by turns in one run.

    PYTHONPATH=build/python python3 bench/operations/compare.py [--python OTHER] [--beside NAME]...
        [--processor] [WORD]...

Each library has a process of its own, which takes its turn with a case when it is told to; those
that are not installed have no column. OTHER is a Python that has the other libraries, --beside
chooses one of them (all), --processor counts processor time (on a busy machine, with
MLX_NUM_THREADS=1) in place of wall time, and words choose the cases whose group or name contains
one of them. MLX_NUM_THREADS sets everybody's threads (2).

Prints milliseconds, the best of many turns, the best of the others over ours (above 1 is faster
here), and the rate where memory or multiply-adds are the limit; for each group and for all the
geometric mean of these ratios and the worst. Whole networks are in compare_models.py.
"""

import argparse
import contextlib
import logging
import math
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

from cases import cases
from engines import ENGINES, THREADS

SETTLE = 0.05  # seconds until the threads of the one before sleep
SPENT = 0.25  # seconds of a case's turns
THREADED = ("MLX_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def best(run, clock):
    """Milliseconds of the fastest of many calls."""
    run()
    spent, low = 0.0, math.inf
    while spent < SPENT:
        start = clock()
        run()
        took = clock() - start
        low, spent = min(low, took), spent + max(took, 1e-6)
    return low * 1e3


def measured(engine, case, clock):
    """The time of a case, or why there is none."""
    try:
        return f"{best(ENGINES[engine](case), clock):.6f}"
    except Exception as error:  # a library says in its own ways that it has no such thing
        return f"- {type(error).__name__}: {error}".splitlines()[0]


def work(engine, clock):
    """A library's process: a case for each line that comes, and its time in a line.

    It has as many processors as threads, as some libraries count processors alone.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-THREADS:])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries say of themselves is no answer
    warnings.simplefilter("ignore")
    logging.disable()
    by_name = {case.name: case for case in cases()}
    for line in sys.stdin:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            answer = measured(engine, by_name[line.strip()], clock)
        print(answer, file=answers)


class Side:
    """The process of a library, as long as it answers."""

    def __init__(self, python, engine, processor):
        variables = dict(os.environ)
        variables.update(dict.fromkeys(THREADED, str(THREADS)))
        # Settings of OpenBLAS that are this machine's would slow the others' down.
        for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            variables.pop(setting, None)
        if engine != "here":
            variables.pop("PYTHONPATH", None)
        command = [python, __file__, "--work", engine, *["--processor"] * processor]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=variables,
        )

    def turn(self, case):
        """Milliseconds, or None."""
        time.sleep(SETTLE)
        try:
            self.process.stdin.write(case.name + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if not answer or answer.startswith("-"):
            self.why = answer or "- its process ended"
            return None
        return float(answer)


MODULES = {
    "NumPy": "numpy",
    "PyTorch": "torch",
    "torch.compile": "torch",
    "JAX": "jax",
    "ONNX Runtime": "onnx, onnxruntime",
    "OpenVINO": "onnx, openvino",
}


def installed(python, beside, processor):
    """The sides that can run at all, by name."""
    sides = {"here": Side(sys.executable, "here", processor)}
    for engine in beside:
        tried = subprocess.run([python, "-c", f"import {MODULES[engine]}"], capture_output=True)
        if tried.returncode == 0:
            sides[engine] = Side(python, engine, processor)
    return sides


def rate(case, ms):
    """What a row reaches of memory or of multiply-adds."""
    if case.moved:
        return f"{case.moved / ms / 1e6:.0f} GB/s"
    return f"{2 * case.muladds / ms / 1e6:.0f} GFLOP/s" if case.muladds else ""


def number(ms):
    return (
        "" if ms is None else f"{ms:.4f}" if ms < 0.01 else f"{ms:.3f}" if ms < 1 else f"{ms:.2f}"
    )


def row(case, sides):
    """A row of the table; the ratio, where there is another's time."""
    times = [side.turn(case) for side in sides.values()]
    mine, others = times[0], [ms for ms in times[1:] if ms]
    ratio = min(others) / mine if mine and others else None
    cells = [case.name, *map(number, times)]
    cells += [f"{ratio:.2f}" if ratio else "", rate(case, mine) if mine else sides["here"].why]
    print("| " + " | ".join(cells) + " |", flush=True)
    return ratio


def summary(name, ratios):
    known = {case: ratio for case, ratio in ratios.items() if ratio}
    if known:
        mean = math.exp(sum(map(math.log, known.values())) / len(known))
        worst = min(known, key=known.get)
        behind = sum(ratio < 1 for ratio in known.values())
        print(f"{name}: geometric mean {mean:.2f} of {len(known)}, {behind} behind, ", end="")
        print(f"worst {known[worst]:.2f} ({worst})", flush=True)


def table(chosen, sides):
    everything = {}
    for group in dict.fromkeys(case.group for case in chosen):
        print(f"\n{group.capitalize()}\n")
        print("| ms | " + " | ".join(sides) + " | best of the others / here | |")
        print("|---" * (len(sides) + 3) + "|")
        ratios = {case.name: row(case, sides) for case in chosen if case.group == group}
        print()
        summary(group, ratios)
        everything.update(ratios)
    print()
    summary("all", everything)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, metavar="OTHER")
    parser.add_argument("--beside", action="append", choices=MODULES, metavar="NAME")
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", metavar="WORD")
    asked = parser.parse_args()
    if asked.work:
        return work(asked.work, time.process_time if asked.processor else time.perf_counter)
    chosen = [
        case
        for case in cases()
        if not asked.words or any(word in case.group or word in case.name for word in asked.words)
    ]
    if not chosen:
        sys.exit(f"no case or group contains {' or '.join(asked.words)}")
    table(chosen, installed(asked.python, asked.beside or MODULES, asked.processor))


if __name__ == "__main__":
    main()
