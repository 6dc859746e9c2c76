#!/usr/bin/env bash
# Runs the benches and prints their ratios; what is given goes on to criterion:
#     benches/ratios.sh                        everything
#     benches/ratios.sh frame                  the benches whose name holds `frame`
#     benches/ratios.sh frame --measurement-time 1
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p target
cargo bench --quiet --benches -- "$@" >target/criterion.log 2>&1 || {
    cat target/criterion.log
    exit 1
}
cargo run --quiet --release --bin ratios
