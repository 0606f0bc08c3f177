#!/usr/bin/env bash
# Print the path of a Python that Aloft runs on: the one named by PYTHON, or the first that fits.
set -euo pipefail
for name in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if "$path" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
echo 'no Python 3.11 or newer with its venv module was found' >&2
exit 1
