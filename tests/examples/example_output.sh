#!/bin/sh
# A program prints what is expected of it. Usage: example_output.sh program expected-file
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
expected=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$folder" && "$1" > printed || { echo "$1 failed with $?"; exit 1; }
diff -u "$expected" printed && echo "$(wc -l < printed) lines as expected"
