"""A shell's background jobs ignore Control-C, which some tests send."""

import signal


def pytest_configure():
    signal.signal(signal.SIGINT, signal.default_int_handler)
