#!/usr/bin/env bash
# Two lines against a twin: line A is cut every 10 s, both are renewed now and then, and nothing may be missing.
#     tests/lines.sh [SECONDS]     300 by default
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-300}
cargo build --quiet --release --package marketprism
program=${CARGO_TARGET_DIR:-$PWD/target}/release/marketprism
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
python3 tests/lines.py "$program" "$folder" "$seconds"
