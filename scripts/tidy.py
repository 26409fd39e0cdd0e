#!/usr/bin/env python3
"""Checks that no compiler makes: arrows between rooms, PURE rooms, banned calls, file headers, line
lengths, and that README.md names what exists. Exits 1 on any violation.

    scripts/tidy.py            check everything
    scripts/tidy.py --long     also list long functions and files, for whoever reads

The rooms and their arrows stand in one table here; CMakeLists.txt must agree with it.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Room -> rooms it may include (its own is implied, common/base too).
ARROWS = {
    "common/base": [],
    "common/metadata": ["proto"],
    "common/runtime": [],
    "common/rpc": ["proto", "common/runtime"],
    "controller/raft": [],
    "controller/state": ["proto", "common/metadata"],
    "controller/quorum": ["proto", "common/metadata", "common/runtime", "common/rpc",
                          "controller/raft", "controller/state"],
    "controller/service": ["proto", "common/metadata", "common/runtime", "common/rpc",
                           "controller/raft", "controller/state", "controller/quorum"],
    "controller/ctl": ["proto", "common/runtime", "common/rpc"],
    "broker/wire": [],
    "broker/log": ["broker/wire", "common/runtime"],
    "broker/replica": ["broker/wire", "broker/log", "common/metadata", "common/runtime"],
    "broker/net": ["broker/wire", "common/runtime"],
    "broker/metadata": ["proto", "common/metadata", "common/runtime", "common/rpc",
                        "broker/wire", "broker/log", "broker/replica"],
    "broker/handlers": ["proto", "common/metadata", "common/runtime", "common/rpc", "broker/wire",
                        "broker/log", "broker/replica", "broker/metadata", "broker/net",
                        "broker/coordinator"],
    "broker/node": ["proto", "common/metadata", "common/runtime", "common/rpc", "broker/wire",
                    "broker/log", "broker/replica", "broker/metadata", "broker/net",
                    "broker/coordinator", "broker/handlers"],
    "broker/coordinator": ["proto", "common/metadata", "common/runtime", "common/rpc",
                           "broker/wire", "broker/log", "broker/replica", "broker/metadata"],
}

PURE = {"common/base", "common/metadata", "controller/raft", "controller/state", "broker/wire"}
PURE_FILES = {"broker/coordinator/heard_members.h", "broker/coordinator/heard_members.cc",
              "broker/replica/partition.h", "broker/replica/partition.cc",
              "broker/replica/replica_fetcher.h", "broker/replica/replica_fetcher.cc"}

# Headers that make a file impure.
IMPURE_INCLUDES = re.compile(
    r"<(thread|mutex|shared_mutex|condition_variable|future|fstream|filesystem|random"
    r"|grpc.*|rocksdb/.*|asio.*|spdlog/.*|sys/.*|unistd\.h|fcntl\.h|netinet/.*|httplib\.h)>")

# Libraries that only the rooms that own them may include.
OWNED = [
    (re.compile(r"<rocksdb/"), {"common/runtime"}),
    (re.compile(r"<grpc"), {"common/rpc", "controller/quorum", "controller/service"}),
    (re.compile(r"<spdlog/"), {"common/runtime"}),
    (re.compile(r"<prometheus/"), {"common/runtime"}),
    (re.compile(r"<re2/"), {"controller/state"}),
    (re.compile(r"<httplib\.h>"), {"common/runtime"}),
    (re.compile(r"<yaml-cpp/"), {"common/runtime", "controller/ctl"}),
    (re.compile(r"<asio"), {"broker/net"}),
    (re.compile(r"<librdkafka/"), {"controller/ctl"}),
    (re.compile(r"<nlohmann/"), {"controller/ctl"}),
]

# (pattern, rooms where it is allowed, what to use instead)
EDGES = {"common/runtime", "common/rpc"}
BANS = [
    (re.compile(r"\bstd::j?thread\b"), EDGES | {"broker/net"},  # a shard is a thread (D10)
     "runtime::ThreadExecutor"),
    (re.compile(r"\bstd::(mutex|shared_mutex|recursive_mutex|condition_variable)\b"), EDGES,
     "runtime/mailbox.h, or post to an executor"),
    (re.compile(r"\b(random_device|mt19937|rand\(\))"), set(), "common/base/prng.h"),
    (re.compile(r"\b(system_clock|steady_clock|high_resolution_clock)::now\b"), EDGES,
     "a time that is handed in, or runtime/clock.h at the edge"),
    (re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\("), set(),
     "wait for a condition, or a timer of the executor"),
    (re.compile(r"\busing namespace\b"), set(), "names"),
    (re.compile(r"\b(FIXME|TODO|XXX|HACK)\b"), set(), "do it, or write down the law that holds"),
    (re.compile(r"\bassert\s*\("), set(), "WEIR_CHECK, which stays on in release"),
    (re.compile(r"\b(std::cout|std::cerr|printf\s*\()"), {"controller/ctl"}, "runtime/log.h"),
]
# Files at the very edge, each for a reason that stands in its header.
BAN_EXCEPTIONS = {
    "common/base/check.cc",  # must print before aborting
}

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_LISTED = 70
FILE_LINES_LISTED = 500


def room_of(path):
    parts = path.parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def strip_comments_and_strings(text):
    """Blanks comments and string contents, keeping line numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'',
                  blank, text, flags=re.S)


def check_includes(path, room, text, problems):
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#include"):
            continue
        where = f"{path}:{number}"
        own = re.search(r'"([^"]+)"', line)
        if own and not own.group(1).startswith("absl/"):
            included = pathlib.PurePosixPath(own.group(1))
            if len(included.parts) == 1:
                problems.append(f"{where}: include from the repository's root, not {own.group(1)}")
                continue
            target = room_of(included)
            if target in ("tests", room, "common/base") or room.startswith("tests"):
                continue
            main = path.name == "main.cc"
            if not main and target not in ARROWS.get(room, []):
                problems.append(f"{where}: {room} may not include {target} (see ARROWS)")
        elif (room in PURE or str(path) in PURE_FILES) and IMPURE_INCLUDES.search(line):
            problems.append(f"{where}: {room} is PURE: {line.strip()}")
        elif not room.startswith("tests") and path.name != "main.cc":
            for pattern, owners in OWNED:
                if pattern.search(line) and room not in owners:
                    problems.append(f"{where}: only {', '.join(sorted(owners))} include that")


def check_bans(path, room, text, problems):
    if str(path) in BAN_EXCEPTIONS or room.startswith("tests"):
        return
    for number, line in enumerate(strip_comments_and_strings(text).splitlines(), 1):
        for pattern, allowed, instead in BANS:
            match = pattern.search(line)
            if match and room not in allowed and path.name != "main.cc":
                problems.append(f"{path}:{number}: {match.group(0)} is banned here; use {instead}")
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(FIXME|TODO|XXX)\b", line):
            problems.append(f"{path}:{number}: unfinished work is not left in comments")


def check_shape(path, text, problems):
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            problems.append(f"{path}:{number}: {len(line)} columns, {LINE_COLUMNS_MAX} at most")
        if line != line.rstrip():
            problems.append(f"{path}:{number}: trailing blanks")
    if path.suffix == ".h":
        if not text.startswith("// "):
            problems.append(f"{path}: a header begins with a comment: what it is, laws, thread rule")
        if "#pragma once" not in text:
            problems.append(f"{path}: #pragma once is missing")


def check_test_mirror(path, problems):
    """A unit test lives at tests/unit/<folder of what it tests>/."""
    if path.parts[:2] == ("tests", "unit"):
        folder = ROOT.joinpath(*path.parts[2:-1])
        if not folder.is_dir():
            problems.append(f"{path}: no folder {'/'.join(path.parts[2:-1])} to mirror")
        if path.suffix == ".cc" and not path.name.endswith("_test.cc") and "support" not in path.name:
            problems.append(f"{path}: a test that is not named *_test.cc is never built")


def check_cmake_arrows(problems):
    text = (ROOT / "CMakeLists.txt").read_text()
    for match in re.finditer(r"weir_room\(([^)]*)\)", text):
        words = match.group(1).split()
        room, rest = words[0], [w for w in words[1:] if "/" in w]
        for linked in rest:
            if linked != "common/base" and linked not in ARROWS.get(room, []):
                problems.append(f"CMakeLists.txt: {room} links {linked} against ARROWS")
        if ("PURE" in words) != (room in PURE):
            problems.append(f"CMakeLists.txt: PURE of {room} differs from tidy.py")


def check_scripts_are_run(problems):
    """A script that nothing names is dead."""
    known = "".join(p.read_text(errors="ignore") for p in
                    [ROOT / "README.md", *ROOT.glob("scripts/*"), *ROOT.glob(".ci/*"),
                     *ROOT.glob("scripts/hooks/*")] if p.is_file())
    for script in ROOT.glob("scripts/*"):
        if script.is_file() and known.count(script.name) < 2 and script.name not in known:
            problems.append(f"scripts/{script.name}: nothing runs or names it")


def long_functions(path, text):
    """Rough: a function body starts at a line ending in '{' at column 0-2 and ends at its '}'."""
    start, indent = None, ""
    for number, line in enumerate(text.splitlines(), 1):
        opening = re.match(r"^( {0,2})(?!namespace|class|struct|enum|union|extern)\S.*\)[^;]*\{$", line)
        if start is None and opening:
            start, indent = number, opening.group(1)
        elif start is not None and line == indent + "}":
            if number - start > FUNCTION_LINES_LISTED:
                yield f"{path}:{start}: function of {number - start} lines"
            start = None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="list long functions and files")
    arguments = parser.parse_args()
    problems, listed, count = [], [], 0
    for folder in ("common", "controller", "broker", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            count += 1
            text = path.read_text()
            relative = path.relative_to(ROOT)
            room = room_of(relative)
            check_includes(relative, room, text, problems)
            check_bans(relative, room, text, problems)
            check_shape(relative, text, problems)
            check_test_mirror(relative, problems)
            listed += long_functions(relative, text)
            lines = text.count("\n")
            if lines > FILE_LINES_LISTED:
                listed.append(f"{relative}: file of {lines} lines")
    check_cmake_arrows(problems)
    check_scripts_are_run(problems)
    if arguments.long:
        print("\n".join(listed))
    print("\n".join(problems))
    print(f"tidy: {count} files, {len(problems)} problems, {len(listed)} long functions or files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
