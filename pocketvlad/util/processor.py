"""The processor of this machine."""

import platform
import re
from pathlib import Path


def processor() -> str:
    """Its name, as the system gives it."""
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return named[1] if named else platform.processor() or platform.machine()
