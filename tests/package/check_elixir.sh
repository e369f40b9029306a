#!/bin/sh
# The Elixir package as it would go to Hex: the files that mix.exs lists, alone in a fresh folder, serve a program that depends on
# them, with the precompiled archive where there is no compiler, and with make where there is no archive. An archive with another
# checksum is refused.
#
#     tests/package/check_elixir.sh folder-of-libmlxc       needs mix and patchelf, else 77
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$1" && pwd)
for program in mix erl patchelf cc make; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MIX_HOME="$work/home" ELIXIR_ERL_OPTIONS=+fnu

MLXC_LIB=$library MLXC_INCLUDE=$root/include sh "$root/bindings/elixir/precompile.sh" "$work/archives" >"$work/log" || { cat "$work/log"; exit 1; }

echo "--- the package's files"
cd "$root/bindings/elixir"
mix run --no-compile --no-start -e '
config = Mix.Project.config()
for key <- [:description, :version, :app], do: true = config[key] != nil
true = String.length(config[:description]) <= 300 and config[:package][:licenses] != []
for pattern <- config[:package][:files] do
  found = Path.wildcard(pattern, match_dot: true)
  if found == [], do: raise("no file is #{pattern}")
  for path <- found, file <- Path.wildcard(path <> "/**", match_dot: true) ++ [path], File.regular?(file), do: IO.puts(file)
end' >"$work/files"
tar -cf - -T "$work/files" | { mkdir "$work/mlx" && tar -C "$work/mlx" -xf -; }
tar -C "$work/mlx" -czf "$work/mlx.tar.gz" .
echo "$(wc -l <"$work/files") files, $(($(wc -c <"$work/mlx.tar.gz") / 1024)) KB"

mkdir "$work/app"
cat >"$work/app/mix.exs" <<'END'
defmodule App.MixProject do
  use Mix.Project
  def project, do: [app: :app, version: "0.1.0", deps: [{:mlx, path: "../mlx"}]]
end
END
program='[3.0, 7.0] = Mlx.array([[1.0, 2.0], [3.0, 4.0]]) |> Mlx.sum(axis: 1) |> Mlx.to_list()
g = Mlx.grad(fn w -> Mlx.sum(Mlx.square(w)) end).(Mlx.array([1.0, 2.0]))
[2.0, 4.0] = Mlx.to_list(g)
IO.puts(Path.join(:code.priv_dir(:mlx), "mlx_nif.so"))'
run() { (cd "$work/app" && rm -rf _build && mix run -e "$program"); }

echo "--- with the archive, and without a compiler"
mkdir "$work/bin"
for tool in sh sed dirname basename readlink uname expr awk tr cat rm mkdir elixir mix erl erl_child_setup env; do
    found=$(command -v $tool) && ln -s "$found" "$work/bin/$tool"
done
(export PATH="$work/bin" MLX_PRECOMPILED="$work/archives"; run)

echo "--- with make"
MLXC_LIB=$library MLXC_INCLUDE=$root/include run

echo "--- another archive"
for archive in "$work/archives"/*.gz; do echo changed >>"$archive"; done
! MLX_PRECOMPILED=$work/archives run >"$work/log" 2>&1 || { echo "it was taken"; exit 1; }
grep 'has the SHA-256' "$work/log" | cut -c 1-120
