#!/usr/bin/env bash
# Installs what the tests need, builds, runs everything fast, and closes with `N passed, M failed`.
#   scripts/test.sh             all of it: tidy, unit, simulation, integration, real clients
#   scripts/test.sh unit        tidy, unit tests and simulation only
#   scripts/test.sh python      integration and compatibility suites only
#   scripts/test.sh long        half an hour of faults on real processes: full and slow disks, failover and groups measured
#   scripts/test.sh asan|tsan   unit, simulation and integration under the sanitizers (long)
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-all}

# shellcheck source=scripts/packages.sh
. scripts/packages.sh
install_packages python3 python3-venv clang-format openjdk-17-jdk-headless maven kcat
[ "$suite" != long ] || install_commands go=golang-go

preset=release
case $suite in
  all | unit | python | long) ;;
  asan | tsan) preset=$suite ;;
  *) echo "usage: scripts/test.sh [unit|python|long|asan|tsan]" >&2; exit 2 ;;
esac
echo "== build ($preset)"
scripts/build.sh "$preset"

if [ "$suite" != unit ]; then
  echo "== python environment"
  [ -x build/venv/bin/pytest ] || python3 -m venv build/venv
  build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
fi
exec python3 scripts/run_tests.py "$suite"
