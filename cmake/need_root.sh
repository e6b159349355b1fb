#!/bin/sh
# need_root.sh COMMAND...: runs it as root; without root says so and exits 77, which ctest shows as
# "Skipped" (and which scripts/test takes for a failure in CI).
[ "$(id -u)" -eq 0 ] || { echo "skipped: this test needs root; run: sudo scripts/test"; exit 77; }
exec "$@"
