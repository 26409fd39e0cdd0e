#!/usr/bin/env bash
# The main job on a fresh Debian 12 machine: builds Weir, starts three controllers and three brokers, stores every line of
# a text as a record through a real Kafka client, kills nodes, reads all back, compares, and stops everything.
#   scripts/demo.sh [FILE]     FILE: any text; without it, the licences and documentation of this machine
set -euo pipefail
input=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
milliseconds() { date +%s%3N; }

partitions=3
work=$(mktemp -d /tmp/weir-demo.XXXXXX)
dev_pid=
cleanup() {
  local code=$?
  trap - EXIT
  if [ -n "$dev_pid" ] && kill "$dev_pid" 2> /dev/null; then wait "$dev_pid" || true; fi
  [ $code -eq 0 ] || tail -n 20 "$work"/dev.* 2> /dev/null || true
  rm -rf "$work"
  exit $code
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say "setting up: packages and build (the first time takes some minutes)"
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
install_packages kcat
scripts/build.sh release weir weir-controller weir-broker
weir=build/bin/weir

# ---- the input: numbered lines, dealt to the partitions in turn -------------------------------------------
if [ -n "$input" ]; then
  [ -r "$input" ] || fail "cannot read $input"
  cp "$input" "$work/text"
else
  input="this machine's licences and documentation"
  find -L /usr/share/common-licenses /usr/share/doc /usr/share/perl /usr/include -type f \
    \( -name 'copyright' -o -name 'README*' -o -name '*.txt' -o -name '*.pod' -o -name '*.h' \
    -o -path '*licenses*' \) ! -name '*.gz' -print0 2> /dev/null | sort -z |
    xargs -0 cat 2> /dev/null | head -n 300000 > "$work/text" || true
fi
awk -v parts=$partitions -v out="$work/written" \
  '{ print NR "\t" $0 > (out "." (NR - 1) % parts) }' "$work/text"
lines=$(wc -l < "$work/text")
[ "$lines" -ge $partitions ] || fail "$input has only $lines lines"
echo "input: $input, $lines lines, $(du -h "$work/text" | cut -f1)"

# ---- three controllers and three brokers -------------------------------------------------------------------
start_cluster() {
  local base=$1
  : > "$work/dev.out"
  "$weir" dev --nodes 3 --data "$work/data" --kafka-port "$base" --admin-port $((base + 10)) \
    --http-port $((base + 20)) > "$work/dev.out" 2> "$work/dev.err" &
  dev_pid=$!
  for _ in $(seq 1500); do
    grep -q '^READY ' "$work/dev.out" && return 0
    kill -0 "$dev_pid" 2> /dev/null || return 1
    sleep 0.02
  done
  return 1
}

say "weir dev --nodes 3"
for base in 19092 20092 21092 22092 23092; do
  begin=$(milliseconds)
  start_cluster $base && break
  wait "$dev_pid" || true
  dev_pid=
done
[ -n "$dev_pid" ] || fail "weir dev did not start: $(cat "$work/dev.err")"
ready_ms=$(($(milliseconds) - begin))
cat "$work/dev.out"
bootstrap=$(sed -n 's/^READY kafka=\([^ ]*\).*/\1/p' "$work/dev.out")
admin=$(sed -n 's/^READY .*admin=\([^ ]*\).*/\1/p' "$work/dev.out")
pid_of() { sed -n "s/^NODE $1 pid=\([0-9]*\).*/\1/p" "$work/dev.out"; }

say "topic lines, $partitions partitions"
"$weir" topic create lines --partitions $partitions --admin "$admin"
"$weir" topic describe lines --admin "$admin"

# ---- write and read with kcat, a Kafka client that knows nothing of Weir -----------------------------------
produce() {
  local partition
  for partition in $(seq 0 $((partitions - 1))); do
    kcat -P -b "$bootstrap" -t lines -p "$partition" -K $'\t' -X acks=all -X linger.ms=5 \
      "$work/written.$partition" -l || return 1
    echo "  partition $partition: $(wc -l < "$work/written.$partition") records acknowledged"
  done
}

consume() {
  local partition
  for partition in $(seq 0 $((partitions - 1))); do
    timeout 120 kcat -C -b "$bootstrap" -t lines -p "$partition" -o beginning -e -q -f '%k\t%s\n' \
      -X check.crcs=true -X fetch.wait.max.ms=50 > "$work/read.$partition"
    cmp "$work/written.$partition" "$work/read.$partition" ||
      fail "partition $partition did not come back as it was written"
    echo "  partition $partition: equal and in order, sha256 $(sha256sum < "$work/read.$partition" | cut -c1-16)"
  done
}

say "producing every line as a record, fsynced before each acknowledgement"
begin=$(milliseconds)
produce
produce_ms=$(($(milliseconds) - begin))
say "reading all back from offset 0"
begin=$(milliseconds)
consume
consume_ms=$(($(milliseconds) - begin))

# ---- failures ------------------------------------------------------------------------------------------------
active=$("$weir" quorum describe --admin "$admin" --format json |
  sed -n 's/.*"leader_id": *\([0-9]*\).*/\1/p' | head -n 1)
say "kill -9 of the active controller (controller-$active) and of broker-2"
kill -9 "$(pid_of "controller-$active")" "$(pid_of broker-2)"
begin=$(milliseconds)
"$weir" topic create after-the-kill --partitions 1 --admin "$admin"
created_ms=$(($(milliseconds) - begin))
for node in "controller-$active" broker-2; do
  "$weir" dev restart "$node" --data "$work/data"
done
for _ in $(seq 500); do
  "$weir" topic describe lines --admin "$admin" --format json | grep -q '"leader_id": *-1' || break
  sleep 0.02
done
say "reading all back again"
consume

say "stopping"
kill "$dev_pid"
wait "$dev_pid" || fail "weir dev ended with $?"
dev_pid=

say "verified"
rate() { echo $(($1 * 1000 / ($2 > 0 ? $2 : 1))); }
cat << SUMMARY
$lines records of $input written by kcat and read back equal and in order, before and after kill -9
  three controllers, three brokers ready     $ready_ms ms
  produced                                   $(rate "$lines" $produce_ms) records/s, each on disk before its acknowledgement
  consumed                                   $(rate "$lines" $consume_ms) records/s
  topic created after kill -9 of the leader  $created_ms ms
SUMMARY
