#!/usr/bin/env bash
# The ledger against the twins' own lists of what they sent, under random cuts, missing, doubled and late updates, with
# `kill -9` twice in between; on both runtimes at once.
#     tests/ledger.sh [SECONDS [SEED]]     600 and 1 by default
set -euo pipefail
cd "$(dirname "$0")/.."
export MARKETPRISM_SECONDS=${1:-600} MARKETPRISM_SEED=${2:-1}
cargo test --quiet --package marketprism --test it -- --nocapture every_number_that_was_sent
