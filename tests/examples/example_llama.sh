#!/bin/sh
# The LLaMA example on the real 260K-parameter model writes what it should, byte for byte.
# Usage: example_llama.sh llama-program; data in $MLX_TEST_DATA or ../shared/data beside the sources.
data=${MLX_TEST_DATA:-$MLX_TEST_SOURCE/../shared/data}/stories260K
if [ ! -r "$data/stories260K.bin" ]; then
    echo "skipped: no $data (set MLX_TEST_DATA)"
    exit 77
fi
"$1" "$data/stories260K.bin" "$data/tok512.bin" 200 | cmp - "$data/expected_greedy_200.txt"
