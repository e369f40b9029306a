#!/bin/sh
# The same sources give the same bytes: the wheel, with libmlxc in it, and the Debian packages, built twice, in folders of different names
# and lengths, at different times, in another time zone and under another umask; the second time without ccache.
#
#     tests/package/check_reproducible.sh [wheel] [debian]
#
# REPRODUCIBLE_FOLDER: where it is built, a temporary folder without it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${REPRODUCIBLE_FOLDER:-$(mktemp -d)}
one=$work/one
two=$work/another-folder-with-a-longer-name/two
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1000000000}"
[ -n "${REPRODUCIBLE_FOLDER:-}" ] || trap 'rm -rf "$work"' EXIT

lay() {
    mkdir -p "$1/cmlx"
    git -C "$root" ls-files -z >"$work/files"
    tar -C "$root" --null -T "$work/files" -cf - | tar -C "$1/cmlx" -xf -
}

other_way() {
    (umask 027 && TZ=Pacific/Chatham CCACHE_DISABLE=1 "$@")
}

wheel() {
    for folder in "$one" "$two"; do
        [ -e "$folder/cmlx" ] || lay "$folder"
    done
    python3 "$one/cmlx/tools/make_wheel.py" "$one/wheels"
    other_way python3 "$two/cmlx/tools/make_wheel.py" "$two/wheels"
    compare wheels whl
}

debian() {
    export DEBIAN_STEPS="lay build"
    "$root/tests/package/check_debian.sh" "$one/debian"
    other_way "$root/tests/package/check_debian.sh" "$two/debian"
    compare debian deb
}

# What differs is named: members of a wheel, files of a package.
list() {
    case $1 in
    *.whl) python3 -c 'import sys, zipfile; [print(f"{i.CRC:08x}", i.filename) for i in zipfile.ZipFile(sys.argv[1]).infolist()]' "$1" ;;
    *.deb) rm -rf "$work/list" && dpkg-deb -R "$1" "$work/list" && (cd "$work/list" && find . -type f -exec sha256sum {} + | sort -k2) ;;
    esac
}

compare() {
    for file in "$one/$1"/*."$2"; do
        other=$two/$1/$(basename "$file")
        if ! cmp -s "$file" "$other"; then
            list "$file" >"$work/list.one"
            list "$other" >"$work/list.two"
            diff "$work/list.one" "$work/list.two" || true
            echo "$(basename "$file"): two builds, two files"
            exit 1
        fi
        echo "$(sha256sum <"$file" | cut -c 1-64)  $(basename "$file"), twice"
    done
}

for part in ${*:-wheel debian}; do
    $part
done
