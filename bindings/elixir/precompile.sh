#!/bin/sh
# precompile.sh folder: the native half with libmlxc and what it needs, as an archive for packages (native.exs): builds
# it for this machine (for another: TARGET, CC, STRIP, LDD, ERL_INCLUDE, as tools/cross_elixir.sh says them), puts it into the folder, and its row
# into checksum.txt there and here. MLXC_LIB has the library; patchelf is needed.
set -eu
cd "$(dirname "$0")"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=$(python3 ../../tools/versions.py LIBRARY)
echo "$version" >VERSION
nif=$(erl -noshell -eval 'io:format("~s", [erlang:system_info(nif_version)]), halt().')
target=${TARGET:-$(elixir -r native.exs -e 'IO.write(Mlx.Precompiled.target())')}
name=mlx-$version-nif-$nif-$target.tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make --no-print-directory PRIV="$work/priv" MLX_BUNDLE=1
tar -C "$work/priv" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . | gzip -n9 >"$folder/$name"
for list in "$folder/checksum.txt" checksum.txt; do
    { grep -v " $name\$" "$list" 2>/dev/null || true; (cd "$folder" && sha256sum "$name"); } | sort -k2 >"$work/list"
    cp "$work/list" "$list"
done
echo "$folder/$name"
