#!/usr/bin/env bash
# `run` as one process under every fault that an exchange, a proxy or a network can do, judged from outside:
#     tests/faults.sh [FAULTS] [RUNTIME]     500 and tokio by default
# Eight sessions, on TLS and plain TCP, each against an exchange twin of its own, timers compressed about twenty
# times. Most sessions suffer from their exchange, two from their network, each in a seeded order of all that there is.
# Meanwhile the kernel's own table is sampled for the sockets that the process holds, its dials are counted by their
# SYN, its memory and descriptors are written down, and every line that it writes is checked. Then a
# flood meets a slow reader; and for a tenth of the faults, strace shows the close of each socket before the connect of
# the next.
# Needs Linux, Python 3, network namespaces (as root, or user namespaces), ip, nft and strace. Whatever is missing is
# left out with a word, unless MARKETPRISM_REQUIRE_PEERS is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
faults=${1:-500}
runtime=${2:-tokio}
cargo build --release --quiet --package marketprism
program=${CARGO_TARGET_DIR:-$PWD/target}/release/marketprism
required=${MARKETPRISM_REQUIRE_PEERS:-0}

# Says what is left out, or fails where nothing may be.
skip() {
    echo "skipped: $1"
    [ "$required" = 0 ]
}

place=namespaces
if unshare --net true 2>/dev/null; then
    inside=(unshare --net)
elif unshare --map-root-user --net true 2>/dev/null; then
    inside=(unshare --map-root-user --net)
else
    place=loopback
fi
command -v ip nft >/dev/null || place=loopback
if [ "$place" = loopback ]; then
    skip "the faults of the network, and samples every 5 ms instead of 20 (no network namespaces, ip or nft)"
    inside=()
fi
# A busy machine should not be taken for a slow recovery: what is measured needs a fifth of a core, and gets it first.
urgently=()
if chrt --rr 1 true 2>/dev/null; then urgently=(chrt --rr 1); fi

echo "== $faults faults, $runtime"
"${urgently[@]}" "${inside[@]}" python3 tests/faults/campaign.py "$program" "$faults" "$runtime" "$place"
echo "== a flood"
python3 tests/faults/flood.py "$program" "$runtime"
if command -v strace >/dev/null; then
    echo "== traced"
    "${inside[@]}" python3 tests/faults/campaign.py "$program" $((faults / 10)) "$runtime" "$place" traced
else
    skip "the order of system calls (no strace)"
fi
