#!/usr/bin/env bash
# Builds Weir, starts it, runs scenarios on it, prints a table and writes JSON, and stops all.
#   scripts/bench.sh                        every scenario, once
#   scripts/bench.sh produce-512 --scale 3  one scenario with three times the records
#   scripts/bench.sh --list                 what there is
# Scenarios are entries of scripts/compare_kafka/scenarios.py; the load generators are weir-bench (tests/bench) and
# kafka-producer-perf-test.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/packages.sh
. scripts/packages.sh
install_packages python3 python3-venv openjdk-17-jdk-headless maven librdkafka-dev
scripts/build.sh release weir weir-controller weir-broker weir-bench
[ -x build/venv/bin/python ] || python3 -m venv build/venv
build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
exec python3 scripts/compare_kafka/compare.py --systems weir --rounds 1 --output build/bench.json "$@"
