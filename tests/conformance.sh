#!/usr/bin/env bash
# Puts our clients and our server through the Autobahn suite; anything other than OK or INFORMATIONAL fails.
#
#     tests/conformance.sh selection          the cases without large compressed messages, about 40 s each, of
#                                             client (over tokio) and server
#     tests/conformance.sh whole              all 517, about 6 minutes each on an idle machine, of client,
#                                             client_mio and server
#     tests/conformance.sh whole client_mio   one of them
#
# AUTOBAHN_HARNESS names the folder with setup.sh, run-client.sh, run-server.sh and summarise.py
# (../shared/autobahn), AUTOBAHN_VENV its Python environment (made under the target folder when missing).
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-}
target=${CARGO_TARGET_DIR:-$PWD/target}
harness=${AUTOBAHN_HARNESS:-$PWD/../shared/autobahn}
export AUTOBAHN_VENV=${AUTOBAHN_VENV:-$target/autobahn/venv}

case $mode in
selection)
    directions=${2:-client server}
    export AUTOBAHN_CASES='1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*,12.*.[1-7]$*,13.*.[1-7]$*,12.*.1[12],13.*.1[12]'
    ;;
whole)
    directions=${2:-client client_mio server}
    unset AUTOBAHN_CASES
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
if [ ! -e "$harness/run-client.sh" ]; then
    echo "skipped: no Autobahn harness in $harness"
    exit "${MARKETPRISM_REQUIRE_PEERS:-0}"
fi
if [ ! -x "$AUTOBAHN_VENV/bin/python" ]; then
    mkdir -p "$(dirname "$AUTOBAHN_VENV")"
    "$harness/setup.sh" "$AUTOBAHN_VENV"
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

cargo build --release --package marketprism-tokio --package marketprism-mio \
    --example autobahn_client --example autobahn_client_mio --example autobahn_server
reports=()
for direction in $directions; do
    export AUTOBAHN_OUT=$target/autobahn/$mode-$direction
    AUTOBAHN_PORT=$(free_port)
    export AUTOBAHN_PORT
    # Its own verdict is milder than ours, below.
    "$harness/run-${direction%_mio}.sh" "marketprism-$direction" \
        "$target/release/examples/autobahn_$direction" || true
    reports+=("$AUTOBAHN_OUT")
done
echo "Strictly:"
python3 "$harness/summarise.py" --strict "${reports[@]}"
