"""kafka-python 2.0.2 beside 3.x: the same package name, so that it lives in a directory of its own."""

import subprocess
import sys

from support.processes import CACHE_DIR, making

VERSION = "2.0.2"


@making("old-client")
def directory():
    """What PYTHONPATH must hold to import kafka-python 2.0.2; installed on first use."""
    target = CACHE_DIR / f"kafka-python-{VERSION}"
    if not (target / "kafka" / "__init__.py").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target",
                        str(target), f"kafka-python=={VERSION}"], check=True, timeout=300)
    return target
