#!/bin/sh
# The Debian packages: built from the files that git knows, by lintian's rules, and installed into a bare system, where the
# tests of debian/tests run (README's programs in C and Python, the program mlx).
#
#     tests/package/check_debian.sh [folder]       the packages are left there (build/debian)
#
# Needs debhelper, dh-python and lintian, else 77; without root and debootstrap nothing is installed, and it says so.
# DEBIAN_STEPS: some of lay, build, lint and install.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
for program in dpkg-buildpackage dh dh_python3 lintian; do
    command -v $program >/dev/null || { echo "skipped: there is no $program (debhelper, dh-python, lintian)"; exit 77; }
done
mkdir -p "${1:-$root/build/debian}"
work=$(cd "${1:-$root/build/debian}" && pwd)
version=$(python3 "$root/tools/versions.py" LIBRARY)
source=$work/cmlx-$version

# What is installed by hand, in /root/.pyenv or /usr/local, is no part of a package's build.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin CCACHE_DIR="${CCACHE_DIR:-$HOME/.cache/ccache}"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$root/debian/changelog" -STimestamp)
export SOURCE_DATE_EPOCH

lay() {
    rm -rf "$source" "$work"/*.deb "$work"/cmlx_*
    mkdir "$source"
    git -C "$root" ls-files -z -- ':!debian' ':!.ci' ':!.gitignore' >"$work/files"
    tar -C "$root" --null -T "$work/files" -cf - | tar -C "$source" -xf -
    tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
        -cJf "$work/cmlx_$version.orig.tar.xz" "cmlx-$version"
    cp -R "$root/debian" "$source/debian"
}

build() {
    echo "--- build"
    (cd "$source" && dpkg-buildpackage -us -uc --no-check-builddeps --build=full -j"$(nproc)") >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
    ls "$work"/*.deb
}

lint() {
    echo "--- lintian"
    # No bug of Debian's asks for a package that is not in Debian.
    lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs,bad-distribution-in-changes-file \
        --allow-root "$work"/cmlx_*.changes
}

leave() {
    for mounted in "$system/proc" "$system/dev"; do
        ! mountpoint -q "$mounted" || umount -l "$mounted"
    done
}

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$system" sh -c "cd /cmlx && $*"
}

install() {
    [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null || { echo "not installed: this needs root and debootstrap"; return; }
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    system=$work/system
    trap leave EXIT
    leave
    rm -rf --one-file-system "$system"
    archive=$root/build/fresh/$suite.tar
    if [ -e "$archive" ]; then
        mkdir "$system" && tar -C "$system" -xf "$archive"
    else
        debootstrap --variant=minbase "$suite" "$system" "${FRESH_MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap.log"
    fi
    cp -L /etc/resolv.conf "$system/etc/resolv.conf"
    mount -t proc proc "$system/proc" && mount --rbind /dev "$system/dev" && mount --make-rslave "$system/dev"
    mkdir "$system/cmlx" && cp -R "$root/debian" "$root/README.md" "$work"/*.deb "$system/cmlx"
    echo "--- install into a bare $suite"
    inside "apt-get update -qq && apt-get install -y -qq --no-install-recommends libopenblas0 gcc libc6-dev pkgconf ./*.deb" >"$work/install.log" 2>&1 ||
        { tail -20 "$work/install.log"; exit 1; }
    for test in c-program python-program tools; do
        echo "--- debian/tests/$test"
        inside "debian/tests/$test"
    done
    inside "apt-get purge -y -qq libmlxc1 && ! find /usr -path '/usr/bin/mlx*' -o -name 'libmlx*' -o -path '*/dist-packages/mlx*' -o -path '*/include/mlx' | grep ." >"$work/purge.log" 2>&1 || { tail -5 "$work/purge.log"; exit 1; }
}

for step in ${DEBIAN_STEPS:-lay build lint install}; do
    $step
done
echo "=== the Debian packages: ${DEBIAN_STEPS:-all of it works}"
