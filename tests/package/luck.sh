#!/bin/sh
# Do tests pass by luck? The Python suite, the program's tests and the C tests, each in the order of a seed, under several seeds,
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

# All rows but Python's, in the order of a seed: ctest's own random order cannot be had a second time.
rows() {
    ctest --test-dir "$build" -N -E '^python_' | sed -n 's/^ *Test *#[0-9]*: //p' > "$build/luck.rows"
    python3 - "$1" "$build/luck.rows" > "$build/luck.order" << 'PYTHON'
import random, sys
rows = open(sys.argv[2]).readlines()
random.Random(int(sys.argv[1])).shuffle(rows)
print(*rows, sep="", end="")
PYTHON
    bad=
    while read -r row; do
        ctest --test-dir "$build" -R "^$row\$" --output-on-failure < /dev/null > "$build/luck.row" 2>&1 ||
            { bad="$bad $row" && cat "$build/luck.row"; }
    done < "$build/luck.order"
    echo "$(wc -l < "$build/luck.order") rows, failed:${bad:- none}"
    [ -z "$bad" ]
}

failed=0
for seed in $(seq "$first" $((first + seeds - 1))); do
    export MLX_TEST_SEED="$seed" MLX_TEST_ORDER="$seed"
    python3 "$root/tests/python/run.py" "$build" "$build/python" "${@:-$root/tests/python}" > "$build/luck.log" 2>&1 ||
        { failed=$((failed + 1)) && cat "$build/luck.log"; }
    echo "seed $seed: $(tail -1 "$build/luck.log")"
    [ $# -gt 0 ] && continue
    rows "$seed" > "$build/luck.log" 2>&1 || { failed=$((failed + 1)) && cat "$build/luck.log"; }
    echo "seed $seed: $(tail -1 "$build/luck.log")"
done
echo "$failed of $seeds seeds failed"
[ "$failed" = 0 ]
