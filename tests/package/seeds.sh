#!/bin/sh
# The C tests that draw random numbers, each by itself under many seeds: finds more in minutes than whole suites under
# a few seeds do in an hour.
#
#     tests/package/seeds.sh [first [last [seconds [name ...]]]]      # 1 100 60 and all of them
#
# After `make test`. A program gets the seeds first .. last, and no new one after so many seconds or after it failed.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/dev
first=${1:-1} last=${2:-100} most=${3:-60}

# Programs that draw numbers, and those that a header draws for.
drawing() {
    headers=$(grep -rl check_seed "$root/tests" --include='*.h' | grep -v '/check\.h$' | xargs -n1 basename | paste -sd'|' | sed 's/\./\\./g')
    grep -rlE "check_seed|\"([a-z/]*/)?($headers)\"" "$root/tests" --include='test_*.c' | xargs -n1 basename | sed 's/\.c$//'
}

[ $# -gt 3 ] && shift 3 || set -- $(drawing)
: "${MLX_TEST_DATA:=$root/../shared/data}"
export MLX_TEST_DATA MLX_TEST_SOURCE="$root"
failed=0
for name in "$@"; do
    [ -x "$build/tests/$name" ] || continue
    begin=$(date +%s) seed=$first
    while [ "$seed" -le "$last" ] && [ $(($(date +%s) - begin)) -lt "$most" ]; do
        if ! MLX_TEST_SEED=$seed "$build/tests/$name" > "$build/seeds.log" 2>&1; then
            failed=$((failed + 1))
            echo "$name, seed $seed:" && tail -5 "$build/seeds.log"
            break
        fi
        seed=$((seed + 1))
    done
    echo "$name: seeds from $first, $((seed - first)) passed"
done
echo "$failed failed"
[ "$failed" = 0 ]
