#!/usr/bin/env bash
# Builds Weir. Installs the Debian packages it lacks (as root, or with sudo).
#   scripts/build.sh                    release binaries in build/bin
#   scripts/build.sh asan [target…]     ASan+UBSan build in build/asan; tsan and debug likewise
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
[ $# -gt 0 ] && shift

packages="g++ cmake ninja-build ccache pkg-config git libabsl-dev libgrpc++-dev libprotobuf-dev
  protobuf-compiler protobuf-compiler-grpc librocksdb-dev libspdlog-dev libfmt-dev libgtest-dev
  libgmock-dev libbenchmark-dev libasio-dev libssl-dev zlib1g-dev libsnappy-dev liblz4-dev
  libzstd-dev libexpected-dev prometheus-cpp-dev libcpp-httplib-dev libre2-dev libcli11-dev
  libyaml-cpp-dev nlohmann-json3-dev librdkafka-dev libjemalloc-dev"

# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck disable=SC2086
install_packages $packages

case $preset in
  release) directory=build ;;
  debug | asan | tsan) directory=build/$preset ;;
  *) echo "usage: scripts/build.sh [release|debug|asan|tsan] [target…]" >&2; exit 2 ;;
esac
cmake -G Ninja -DWEIR_PRESET="$preset" -B "$directory" > "/tmp/weir-cmake.$$" 2>&1 ||
  { cat "/tmp/weir-cmake.$$"; rm -f "/tmp/weir-cmake.$$"; exit 1; }
rm -f "/tmp/weir-cmake.$$"
ninja -C "$directory" "$@"
