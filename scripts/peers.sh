#!/usr/bin/env bash
# Compare Aloft with scikit-activeml, small-text and modAL: the cases of tests/bench/peers, then the table.
#   scripts/peers.sh [options of python -m tests.bench.peers.table]
# The peers live in an environment of their own beside the cache, which sees Aloft's environment behind it.
set -euo pipefail
cd "$(dirname "$0")/.."
peers="${XDG_CACHE_HOME:-$HOME/.cache}/aloft/peers"
wanted=tests/bench/peers.txt

if ! cmp --silent "$wanted" "$peers/made"; then
    echo 'peers: installing scikit-activeml, small-text and modAL (usually 1 minute, once)' >&2
    rm -rf "$peers"
    .venv/bin/python -m venv "$peers"
    "$peers/bin/python" -m pip install --quiet --disable-pip-version-check -c "$wanted" \
        scikit-activeml small-text modAL-python || {
        echo 'peers: the package index could not be reached, or lacks a package: nothing was compared' >&2
        exit 1
    }
    packages=("$PWD"/.venv/lib/python3*/site-packages)
    own=("$peers"/lib/python3*/site-packages)
    rm -rf "${own[0]}/tests" # small-text's, under a name that hides ours
    echo "import site; site.addsitedir('${packages[0]}')" >"${own[0]}/aloft-environment.pth"
    cp "$wanted" "$peers/made"
fi
"$peers/bin/python" -m pytest -q -m bench tests/bench/peers
exec "$peers/bin/python" -m tests.bench.peers.table "$@"
