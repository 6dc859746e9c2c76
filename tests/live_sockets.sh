#!/usr/bin/env bash
# `run` as one process against `twin` as another, under faults, and the sockets of `run` watched from outside:
#     tests/live_sockets.sh [SECONDS]     60 by default
# First its own sockets (by inode) are sampled every 20 ms: at most one established per session, none in CLOSE_WAIT
# for longer than 100 ms. Then, for half the time, strace shows the close of each socket before the connect of the
# next. Linux only; without strace the second part is left out, unless MARKETPRISM_REQUIRE_PEERS is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cargo build --release --quiet --package marketprism
program=${CARGO_TARGET_DIR:-$PWD/target}/release/marketprism
folder=$(mktemp -d)
twin=
run=
finish() {
    # What strace runs outlives it otherwise.
    for process in $(child_of "${run:-self}") $run $twin; do kill "$process" 2>/dev/null || true; done
    rm -rf "$folder"
}
child_of() { cut -d' ' -f1 "/proc/$1/task/$1/children" 2>/dev/null || true; }
trap finish EXIT

# Every session has a twin of its own, so the remote port says whose a socket is.
start_twin() {
    rm -f "$folder"/ca.pem "$folder"/ledger.ndjson "$folder"/addresses
    "$program" twin --market binance-spot --market binance-usdm --market binance-usdm --market okx \
        --tls-ca "$folder/ca.pem" --seed "$1" --faults-every 2000 --ledger "$folder/ledger.ndjson" \
        >"$folder/addresses" &
    twin=$!
    for _ in $(seq 100); do
        [ "$(wc -l <"$folder/addresses")" = 4 ] && break
        sleep 0.1
    done
    mapfile -t urls < <(awk '{ print $2 }' "$folder/addresses")
    ports=("${urls[@]##*:}")
    write_config
}

write_config() {
    cat >"$folder/config.yaml" <<CONFIG
collect:
  - {market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth@100ms, bookTicker]}
  - {market: binance-usdm, instruments: [BTCUSDT, ETHUSDT], channels: [aggTrade, depth@100ms, bookTicker]}
  - {market: okx, instruments: [BTC-USDT, ETH-USDT-SWAP], channels: [trades, books, bbo-tbt, tickers]}
settings:
  ca_file: $folder/ca.pem
  timers:
    {connect: 2000, upgrade: 2000, probe: 700, silence: 1400, data: 1500, close: 400, retry: 50, retry_cap: 800,
     retry_after_cap: 2000, stable: 1500, rotate: 15000, ack: 700, settle: 150, first_data: 2500,
     stream_silence_floor: 1000, stream_silence_cap: 2500, stream_retry: 100, stream_retry_cap: 800,
     quarantine: 500, quarantine_cap: 1000, stream_stable: 2000}
sessions:
  binance-spot-1: {websocket: '${urls[0]}'}
  binance-usdm-public-1: {websocket: '${urls[1]}'}
  binance-usdm-market-1: {websocket: '${urls[2]}'}
  okx-public-1: {websocket: '${urls[3]}'}
sink: {file: $folder/events.ndjson}
CONFIG
}

# Asks a process to stop and expects it to end well.
stop() {
    kill -INT "$1"
    wait "$1" || { echo "process $1 ended with $?"; exit 1; }
}

figures() {
    echo "faults                       $(grep -c '"kind":"fault"' "$folder/ledger.ndjson")," \
        "recovered $(grep -c '"kind":"recovered"' "$folder/ledger.ndjson")"
    echo "events                       $(wc -l <"$folder/events.ndjson") lines"
}

echo "== sampled, $seconds s"
start_twin 1
"$program" run "$folder/config.yaml" &
run=$!
python3 tests/live_sockets.py sample "$run" "${ports[@]}" &
sampler=$!
sleep "$seconds"
stop "$run"
run=
wait "$sampler"
stop "$twin"
twin=
figures

if ! command -v strace >/dev/null; then
    echo "skipped: no strace"
    exit "${MARKETPRISM_REQUIRE_PEERS:-0}"
fi
echo "== traced, $((seconds / 2)) s"
start_twin 2
strace -f -e trace=connect,close -o "$folder/trace" "$program" run "$folder/config.yaml" &
run=$!
sleep $((seconds / 2))
kill -INT "$(child_of "$run")"
wait "$run" || { echo "run ended with $?"; exit 1; }
run=
python3 tests/live_sockets.py order "$folder/trace" "${ports[@]}"
stop "$twin"
twin=
figures
