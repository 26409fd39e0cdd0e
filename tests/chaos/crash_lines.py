"""Finds what a process that crashed leaves in its log (RELIABILITY C-19)."""

import re

_CRASH = re.compile(
    r"WEIR_CHECK|check failed|CHECK failed|Assertion .* failed|terminate called|Segmentation fault|SIGSEGV|SIGABRT"
    r"|AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|stack smashing|double free|free\(\): invalid",
    re.IGNORECASE)


def crash_lines(text):
    return [line for line in text.splitlines() if _CRASH.search(line)]
