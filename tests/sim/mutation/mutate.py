#!/usr/bin/env python3
"""Writes copies of the sources that guards.txt names, with a switch at every guard.

    mutate.py --list GUARDS                  the source files, one a line
    mutate.py GUARDS SOURCE_DIR OUT_DIR      OUT_DIR/<path>.cc for each, and OUT_DIR/guards.inc

guards.inc names every guard, with what could not be found: the test of that guard says so. A guard
that has moved or changed its words does not break the build.
"""

import pathlib
import re
import sys


def parse(path):
    """[{guard, edits: [(file, find, then)]}] in the file's order."""
    guards = []
    file = find = None
    for line in pathlib.Path(path).read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, text = line.split(None, 1)
        if word == "guard":
            guards.append({"guard": text.strip(), "edits": []})
        elif word == "file":
            file = text.strip()
        elif word == "find":
            find = text.strip()
        elif word == "then":
            guards[-1]["edits"].append((file, find, text.strip()))
        else:
            sys.exit(f"{path}: what is {word}?")
    return guards


def pattern_of(find):
    return re.compile(r"\s*".join(re.escape(token) for token in find.split()))


def files_of(guards):
    return sorted({file for guard in guards for file, _, _ in guard["edits"]})


def mutate(guards, sources):
    """Edits `sources` in place; returns {guard: what was not found}."""
    missing = {}
    for guard in guards:
        name = guard["guard"]
        for file, find, then in guard["edits"]:
            found = list(pattern_of(find).finditer(sources[file]))
            if len(found) != 1:
                missing[name] = f"{file} has {len(found)} times: {find}"
                continue
            removed = f'::weir::sim::GuardRemoved("{name}")'
            text = then.replace("REMOVED", removed).replace("ORIGINAL", found[0].group(0))
            sources[file] = sources[file][:found[0].start()] + text + sources[file][found[0].end():]
    return missing


def write_if_new(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    if sys.argv[1] == "--list":
        print("\n".join(files_of(parse(sys.argv[2]))))
        return
    guards, root, out = parse(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    sources = {file: (root / file).read_text() for file in files_of(guards)}
    missing = mutate(guards, sources)
    for file, text in sources.items():
        write_if_new(out / file,
                     f'#include "tests/sim/mutation/removed_guard.h"\n#line 1 "{file}"\n{text}')
    lines = []
    for guard in guards:
        problem = missing.get(guard["guard"], "").replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{{"{guard["guard"]}", "{problem}"}},\n')
    write_if_new(out / "guards.inc", "".join(lines))


if __name__ == "__main__":
    main()
