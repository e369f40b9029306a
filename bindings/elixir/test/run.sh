#!/bin/sh
# run.sh build-folder folder-of-libmlxc [arguments of mix test]: the tests of the Elixir package. 77: there is no mix.
set -eu
build=$1
export MLXC_LIB="$2"
shift 2
command -v mix >/dev/null || { echo "skipped: there is no mix"; exit 77; }
command -v make >/dev/null || { echo "skipped: there is no make"; exit 77; }
erl -noshell -eval 'halt(case filelib:is_regular(code:root_dir() ++ "/usr/include/erl_nif.h") of true -> 0; _ -> 77 end)' ||
    { echo "skipped: there is no erl_nif.h (erlang-dev)"; exit 77; }
# the Python package of this build, which results are compared with
python=$(sed -n 's/^_Python_EXECUTABLE:[^=]*=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
if [ -n "$python" ] && PYTHONPATH="$build/python" "$python" -c 'import mlx.core' 2>/dev/null; then
    export MLX_TEST_PYTHON="$python" PYTHONPATH="$build/python"
fi
export MIX_HOME="$build/elixir/home" MIX_BUILD_PATH="$build/elixir/test" MIX_ENV=test CI=1 ELIXIR_ERL_OPTIONS=+fnu
cd "$(dirname "$0")/.."
mix format --check-formatted
# Nx's own doctests call what Nx has deprecated.
mix test $([ -n "${ERL_LIBS:-}" ] || echo --warnings-as-errors) "$@"
