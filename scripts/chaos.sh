#!/usr/bin/env bash
# Random faults on real processes while clients write and read; every record's story is checked at the end.
#   scripts/chaos.sh 600                      ten minutes; prints each fault, its effect and the clients' progress
#   scripts/chaos.sh 60 --seed 7              the same faults in the same order
#   scripts/chaos.sh 60 --faults kill-leader  only these; --help names them
# As root it also fills up a disk (a loop device). --keep DIRECTORY leaves logs, data and history.jsonl.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/packages.sh
. scripts/packages.sh
install_packages python3 python3-venv
scripts/build.sh release weir weir-controller weir-broker
[ -x build/venv/bin/python ] || python3 -m venv build/venv
build/venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
exec build/venv/bin/python tests/chaos/run.py "$@"
