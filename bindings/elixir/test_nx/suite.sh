#!/bin/sh
# suite.sh build folder backend|compiler [files]: the tests of a package that uses Nx (Axon, Scholar, Polaris), one row a file. ERL_LIBS has Nx
# and the package; what the files say is under build/suites. SECONDS_PER_FILE: the longest that a file may take.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$1 folder=$2 path=$3
shift 3
logs=$build/suites/$(basename "$folder")-$path
mkdir -p "$logs"
[ $# -gt 0 ] || set -- $(cd "$folder" && find test -name '*_tes*.exs' | sort)
status=0
for file in "$@"; do
    log=$logs/$(basename "$file" .exs).log
    start=$(date +%s)
    ERL_LIBS="$build/lib:$ERL_LIBS" timeout -s KILL "${SECONDS_PER_FILE:-600}" \
        elixir --erl +fnu "$here/suite.exs" "$folder" "$path" "$file" >"$log" 2>&1 </dev/null
    rc=$?
    [ $rc = 0 ] || status=1
    row=$(grep -aE '^[0-9]+ (doctests?|tests?|propert)' "$log" | tail -1)
    printf '%4d s  %s: %s\n' $(($(date +%s) - start)) "$file" "${row:-no result ($rc)}"
done
exit $status
