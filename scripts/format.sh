#!/usr/bin/env bash
# Formats every C++ file with the tree's .clang-format. `scripts/format.sh --check` only tells.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:---write}
files=$(git ls-files --cached --others --exclude-standard '*.h' '*.cc')
if [ "$mode" = --check ]; then
  # shellcheck disable=SC2086
  clang-format --dry-run -Werror $files
else
  # shellcheck disable=SC2086
  clang-format -i $files
fi
