"""Fixtures for all tests."""

import gc
import os
import shutil
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres"]

VENDORS = tuple(f"{own}{vendor}_" for own in ("", "GREENROOM_") for vendor in ("ANTHROPIC", "OLLAMA", "OPENAI"))
"""How the variables of models' vendors begin, and those of our settings for them."""
_CONSOLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30
"""Bytes; a run writes about 2 GB."""


def pytest_configure(config: pytest.Config) -> None:
    """Restore SIGINT, so that programs started by tests receive it: background jobs of scripts ignore it.

    Forget the keys and settings of models, so that only live tests can call a vendor. Let servers load nothing ahead,
    because most tests make no records. Let generated cases take their time: tests measure none, and a busy machine is
    slow. Write test data to memory where possible: a disk would be waited for at each commit. Print exceptions that are
    logged without local variables, which take seconds to render.
    """
    if MEMORY.is_dir() and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    os.environ["GREENROOM_WARM_WORKERS"] = "0"
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    structlog.configure([structlog.processors.add_log_level, _CONSOLE])
    if config.option.markexpr != "live":
        for name in [name for name in os.environ if name.endswith("_API_KEY") or name.startswith(VENDORS)]:
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the thousands of tests out of garbage collections, which would take a sixth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
