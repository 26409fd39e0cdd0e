#!/usr/bin/env bash
# Weir beside Apache Kafka 4.3.1 (from Maven Central) on this machine: same load, same clients, alternating order. Weir
# always with fsync before the acknowledgement, Kafka without and with (flush.messages=1).
#   scripts/compare_kafka.sh                          everything, twice, in the order A B C C B A (more than half an hour)
#   scripts/compare_kafka.sh --scale 0.2 --rounds 1   a quick look
#   scripts/compare_kafka.sh produce-512 latency-10k  some scenarios; --list names them
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/packages.sh
. scripts/packages.sh
install_packages python3 python3-venv openjdk-17-jdk-headless maven librdkafka-dev
scripts/build.sh release weir weir-controller weir-broker weir-bench
[ -x build/venv/bin/python ] || python3 -m venv build/venv
build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
exec python3 scripts/compare_kafka/compare.py "$@"
