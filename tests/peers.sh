#!/usr/bin/env bash
# Installs the WebSocket servers of others that stand in for the twin in tests, from PyPI and npm:
#     tests/peers.sh [DIR]      DIR: target/peers, where the tests look (or MARKETPRISM_PEERS)
# Afterwards DIR/venv/bin/python has `websockets`, and DIR/node_modules has `ws`.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${1:-${MARKETPRISM_PEERS:-${CARGO_TARGET_DIR:-$PWD/target}/peers}}
mkdir -p "$peers"

if ! "$peers/venv/bin/python" -c 'import websockets' 2>/dev/null; then
    python3 -m venv "$peers/venv"
    "$peers/venv/bin/python" -m pip --disable-pip-version-check --quiet install websockets==17.4
fi
if [ ! -e "$peers/node_modules/ws" ]; then
    npm install --silent --no-audit --no-fund --prefix "$peers" ws@8.23.0
fi
"$peers/venv/bin/python" -c 'import websockets; print("websockets", websockets.__version__)'
node -p '"ws " + require(process.argv[1]).version' "$peers/node_modules/ws/package.json"
