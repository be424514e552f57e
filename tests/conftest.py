"""What every test may use."""

import signal

pytest_plugins = ["tests.postgres"]


def pytest_configure() -> None:
    """Let Ctrl-C be heard by the programs that tests start: what runs in the background of a script ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
