#!/usr/bin/env bash
# Every recording through the debug build and the release build: the same events, the same digest.
#     tests/replay.sh [FILE...]     tests/recordings/*.mplog by default
# At the end the speed of the release build, printing nothing. There is no bar for it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tests/recordings/*.mplog
cargo build --quiet --package marketprism
cargo build --quiet --release --package marketprism
target=${CARGO_TARGET_DIR:-$PWD/target}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for log in "$@"; do
    for build in debug release; do
        "$target/$build/marketprism" replay "$log" >"$folder/$build.ndjson" 2>"$folder/$build.words"
    done
    cmp "$folder/debug.ndjson" "$folder/release.ndjson"
    cmp "$folder/debug.words" "$folder/release.words"
    echo "$log: $(tail -n 1 "$folder/release.words")"
done

messages=0
began=$(date +%s%N)
for log in "$@"; do
    words=$("$target/release/marketprism" replay --quiet "$log" 2>&1)
    count=${words% messages*}
    messages=$((messages + ${count##* }))
done
elapsed=$((($(date +%s%N) - began) / 1000))
echo "$messages messages in $elapsed µs, starting the program $# times: $((messages * 1000000 / elapsed)) a second"
