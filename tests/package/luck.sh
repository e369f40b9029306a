#!/bin/sh
# Do tests pass by luck? The Python suite, the program's tests and the C tests, each in random order, under several seeds,
# while the processors are busy with something else.
#
#     tests/package/luck.sh [seeds [first [pytest-arguments ...]]]
#
# After `make test`. With arguments for pytest (a file, -k ...) only these Python tests. LOAD=0 leaves the machine alone.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/dev
seeds=${1:-20} first=${2:-1}
[ $# -gt 2 ] && shift 2 || set --
busy=
trap 'kill $busy 2>/dev/null' EXIT
trap 'exit 130' INT TERM
for i in $(seq "${LOAD:-$(nproc)}"); do
    while :; do :; done & busy="$busy $!"
done
failed=0
for seed in $(seq "$first" $((first + seeds - 1))); do
    export MLX_TEST_SEED="$seed" MLX_TEST_ORDER="$seed"
    python3 "$root/tests/python/run.py" "$build" "$build/python" "${@:-$root/tests/python}" > "$build/luck.log" 2>&1 ||
        { failed=$((failed + 1)) && cat "$build/luck.log"; }
    echo "seed $seed: $(tail -1 "$build/luck.log")"
    [ $# -gt 0 ] && continue
    ctest --test-dir "$build" --schedule-random -E '^python_' --output-on-failure > "$build/luck.log" 2>&1 ||
        { failed=$((failed + 1)) && cat "$build/luck.log"; }
    echo "seed $seed: $(grep 'tests passed' "$build/luck.log")"
done
echo "$failed of $seeds seeds failed"
[ "$failed" = 0 ]
