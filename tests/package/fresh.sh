#!/bin/sh
# The README's commands on bare systems: in a fresh Debian 12 and 13 (debootstrap) a clone without data runs `make demo`,
# `make test`, `make install` and the C program, `make wheel`; a second bare system installs the wheel and runs the
# Python program.
#
#     tests/package/fresh.sh [bookworm] [trixie]        FRESH_STEPS=600: steps of the demo's training
#
# Needs root and debootstrap, else 77. Bare systems are kept as archives under build/fresh, and so is a ccache.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$source/build/fresh
mirror=${FRESH_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || {
    echo "skipped: this needs root and debootstrap"
    exit 77
}
mkdir -p "$work/ccache"

leave() {
    for mounted in "$work"/*.root/proc "$work"/*.root/dev "$work"/*.root/ccache; do
        ! mountpoint -q "$mounted" || umount -l "$mounted"
    done
}
trap leave EXIT

# A bare system in $1, of the suite $2.
bare() {
    archive=$work/$2.tar
    if [ ! -e "$archive" ]; then
        debootstrap --variant=minbase "$2" "$work/$2.new" "$mirror" >"$work/$2.log"
        tar -C "$work/$2.new" --one-file-system -cf "$archive.part" . && mv "$archive.part" "$archive"
        rm -rf "$work/$2.new"
    fi
    leave
    rm -rf --one-file-system "$1" "$1.log"
    mkdir -p "$1" && tar -C "$1" -xf "$archive" && mkdir -p "$1/ccache"
    cp -L /etc/resolv.conf "$1/etc/resolv.conf"
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --make-rslave "$1/dev" && mount --bind "$work/ccache" "$1/ccache"
}

# Registries that this machine reaches through a certificate of its own are reached from inside with the same one.
certificates() {
    bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ ! -r "$bundle" ] || { mkdir -p "$1/etc/ssl/certs" && cp -L "$bundle" "$1/etc/ssl/certs/ca-certificates.crt"; }
}

# A command line in the system $1, in the folder of the clone where there is one. What it says is kept beside the system.
inside() {
    system=$1
    shift
    certificates "$system"
    echo "--- $(basename "$system" .root): $*"
    echo failed >"$work/state"
    {
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CCACHE_DIR=/ccache PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
            chroot "$system" sh -c "cd /cmlx 2>/dev/null; $*" && echo fine >"$work/state"
    } 2>&1 | tee -a "$system.log"
    grep -q fine "$work/state"
}

no_warnings() {
    ! grep '^[^ ]*:[0-9]*: warning: ' "$1.log" || { echo "this system's compiler warns"; exit 1; }
}

# The block of the README in language $1.
readme() {
    awk -v fence="\`\`\`$1" '$0 == "```" { on = 0 } on; $0 == fence { on = 1 }' "$source/README.md"
}

packages() {
    inside "$@" >/dev/null
}

build_and_test() {
    root=$work/$1.root
    bare "$root" "$1"
    packages "$root" "apt-get update -qq && apt-get install -y -qq --no-install-recommends git make ca-certificates"
    git clone -q --no-hardlinks "$source" "$root/cmlx"
    inside "$root" "make demo STEPS=${FRESH_STEPS:-600}"
    inside "$root" "make test"
    inside "$root" "make install"
    readme c >"$root/cmlx/program.c"
    inside "$root" 'cc program.c $(pkg-config --cflags --libs mlxc) -o program && ./program'
    inside "$root" 'ccache -z >/dev/null && make wheel && ccache --print-stats' >"$work/$1.wheel"
    misses=$(awk '$1 == "cache_miss" { print $2 }' "$work/$1.wheel")
    no_warnings "$root"
    [ "$misses" -lt 20 ] || { echo "make wheel compiled $misses files that make had compiled"; exit 1; }
}

use_wheel() {
    other=$work/$1-user.root
    bare "$other" "$1"
    packages "$other" "apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv"
    cp "$work/$1.root"/cmlx/build/wheels/*.whl "$other/root"
    readme python >"$other/root/program.py"
    inside "$other" "python3 -m venv /venv && /venv/bin/pip install -q --no-index /root/*.whl && /venv/bin/python /root/program.py"
}

for suite in ${*:-bookworm trixie}; do
    build_and_test "$suite"
    use_wheel "$suite"
    echo "=== $suite: all of it works"
done
