#!/usr/bin/env bash
# Say in one go what of this machine is missing for a target, before anything runs.
#   scripts/require.sh python [servers]
# As root on Debian it installs what Debian has; what it cannot get it names, and ends with 1.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/aloft/stack"
missing=()
packages=()

has() { command -v "$1" >/dev/null 2>&1; }
installed=no
may_install() { [ $installed = no ] && [ "$(id -u)" = 0 ] && has apt-get; }

# want SENTENCE PACKAGE...: have Debian's packages installed where that is possible, or keep the sentence.
want() {
    local sentence=$1
    shift
    if may_install && [ $# -gt 0 ]; then packages+=("$@"); else missing+=("$sentence"); fi
}

want_python() {
    "$(dirname "$0")/python.sh" >/dev/null 2>&1 ||
        want "Python 3.11 or newer with its venv module" python3 python3-venv
}

go_is_new_enough() {
    has go || return 1
    local version minor
    version=$(go env GOVERSION) # go1.26.8
    minor=${version#go1.}
    [ "${minor%%[!0-9]*}" -ge 21 ]
}

want_servers() {
    if [ "$(uname -s)" != Linux ] || ! has setpriv; then missing+=("Linux with util-linux (setpriv), to run servers"); fi
    has java || want "a Java runtime, 17 or newer, for Kafka" default-jre-headless
    if ! ls -d "$cache"/kafka/*/libs >/dev/null 2>&1; then
        has mvn || want "Maven, to get Kafka" maven
    fi
    if ! ls "$cache"/minio/*/minio >/dev/null 2>&1; then
        go_is_new_enough || missing+=("Go 1.21 or newer, to build MinIO")
    fi
    if ! has initdb && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
        want "PostgreSQL's programs (initdb, postgres), 15 or newer" postgresql
    fi
    if ! has prometheus && ! [ -d "$cache/prometheus" ] && ! has apt-get; then
        missing+=("Prometheus with promtool")
    fi
}

install_packages() {
    echo "installing with apt: ${packages[*]}; usually 1 to 2 minutes" >&2
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get -q update
        if [[ " ${packages[*]} " == *" postgresql "* ]]; then
            # Only the programs are wanted, no database server of the machine's own.
            apt-get -q install -y --no-install-recommends postgresql-common
            sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
        fi
        apt-get -q install -y --no-install-recommends "${packages[@]}"
    } >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
    rm -f "$log"
}

look() { for what in "$@"; do "want_$what"; done; }

look "$@"
if [ ${#missing[@]} -eq 0 ] && [ ${#packages[@]} -gt 0 ]; then
    install_packages
    installed=yes
    look "$@" # Debian may have had too old a one
fi

if [ ${#missing[@]} -gt 0 ]; then
    printf 'This needs what this machine does not have and this script cannot get: ' >&2
    printf '%s' "${missing[0]}" >&2
    [ ${#missing[@]} -eq 1 ] || printf '; %s' "${missing[@]:1}" >&2
    printf '.\n' >&2
    exit 1
fi
