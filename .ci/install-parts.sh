#!/usr/bin/env bash
# Real parts that some tests drive: a browser, a Redis and a Prometheus. Where they are not and cannot be installed, those tests are
# skipped and say so; that is no failure.
set -uo pipefail

# The program that tests look for, and Debian's package that has it.
readonly parts=(chromium:chromium redis-server:redis-server prometheus:prometheus promtool:prometheus)

missing=()
for part in "${parts[@]}"; do
  if path=$(command -v "${part%%:*}"); then
    printf '%s: %s\n' "${part%%:*}" "$path"
  else
    missing+=("$part")
  fi
done
((${#missing[@]} == 0)) && exit 0

reason=
if ! command -v apt-get >/dev/null; then
  reason='there is no apt-get'
elif ((EUID != 0)); then
  reason='only root may install them'
elif ! timeout 120 apt-get update -qq </dev/null; then
  reason='apt-get update failed'
elif ! DEBIAN_FRONTEND=noninteractive timeout 300 \
  apt-get install -y -qq --no-install-recommends "${missing[@]##*:}" </dev/null >/dev/null; then
  reason='apt-get install failed'
fi

for part in "${missing[@]}"; do
  if path=$(command -v "${part%%:*}"); then
    printf '%s: %s, installed now\n' "${part%%:*}" "$path"
  else
    printf '%s: NOT installed (%s): tests that need it are skipped\n' "${part%%:*}" "${reason:-it is not in the package}"
  fi
done
exit 0
