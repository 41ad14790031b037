#!/bin/sh
# Kills a process that writes files at 200 different moments, and looks for half-written ones.
#
#   tests/faults/atomic_writes.sh         # 200 times
#   tests/faults/atomic_writes.sh 1000
set -eu
cd "$(dirname "$0")/../.."
VWMP_KILLS="${1:-200}" exec cargo test --package vwmp-plugins --test faults -- --nocapture a_kill
