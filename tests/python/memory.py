"""What a computation needs beside what is in use already, of other tests too."""

import mlx.core as mx


def peak_of(call):
    """The most bytes in use during call() beyond those before it."""
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    call()
    return mx.get_peak_memory() - before
