"""Programs in Go: built once into build/.cache with the toolchain named here, which any Go (Debian's too, which is older
than the clients allow) fetches from the Go module proxy. Standard library only.
"""

import json
import os
import subprocess
from pathlib import Path

from support.processes import CACHE_DIR, REPOSITORY, making

TOOLCHAIN = "go1.25.5"
MEMBERS = REPOSITORY / "tests" / "compat" / "members" / "go"
_CACHE = CACHE_DIR / "go"


def _environment():
    kept = {name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOFLAGS", "GOBIN")}
    return {**kept, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOMODCACHE": str(_CACHE / "modules"),
            "GOCACHE": str(_CACHE / "objects")}


def _go():
    """The toolchain's `go`, fetched if it is not there yet."""
    platform = subprocess.run(["go", "env", "GOHOSTOS", "GOHOSTARCH"], capture_output=True, text=True, check=True)
    version = f"{TOOLCHAIN}.{'-'.join(platform.stdout.split())}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["go", "mod", "download", "-json", f"golang.org/toolchain@v0.0.1-{version}"],
                             capture_output=True, text=True, timeout=300, env=_environment(), cwd=_CACHE)
    if fetched.returncode != 0:
        raise RuntimeError(f"no toolchain {version}:\n{fetched.stdout}{fetched.stderr}")
    root = Path(json.loads(fetched.stdout)["Dir"])
    # A module's files are unpacked without their execute bits.
    for program in [*(root / "bin").iterdir(), *root.glob("pkg/tool/**/*")]:
        if program.is_file():
            program.chmod(0o555)
    return root / "bin" / "go"


@making("go")
def built(program):
    """The binary of tests/compat/members/go/<program>."""
    binary = _CACHE / "bin" / program
    sources = [*MEMBERS.glob("*.*"), *MEMBERS.glob("*/*.go")]
    newest = max(source.stat().st_mtime for source in sources)
    if not binary.exists() or binary.stat().st_mtime < newest:
        done = subprocess.run([_go(), "build", "-o", binary, f"./{program}"], cwd=MEMBERS, env=_environment(),
                              capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{program} was not built:\n{done.stdout}{done.stderr}")
    return binary
