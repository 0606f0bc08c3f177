#!/usr/bin/env bash
# Make .venv with aloft in it, editable, at the versions of constraints.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(scripts/python.sh)
    echo "setup: making .venv with $("$python" --version)" >&2
    rm -rf .venv
    "$python" -m venv .venv
fi
echo 'setup: installing aloft and what it needs, PyTorch with it (5.5 GB); usually 2 to 3 minutes the first time' >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,test]'
touch .venv/made
