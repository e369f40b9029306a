#!/bin/sh
# The LLaMA example on the real 260K-parameter model writes what it should, byte for byte, from both of
# its files; what it learns there lowers the loss; SmolLM2, where it is, knows the capital of France.
# Usage: example_llama.sh llama-program; data in $MLX_TEST_DATA or ../shared/data beside the sources.
data=${MLX_TEST_DATA:-$MLX_TEST_SOURCE/../shared/data}/stories260K
smol=${MLX_MODELS:-$MLX_TEST_SOURCE/build/models}/SmolLM2-135M-Instruct.Q4_1.gguf
if [ ! -r "$data/stories260K.bin" ]; then
    echo "skipped: no $data (set MLX_TEST_DATA)"
    exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
want=$data/expected_greedy_200.txt

"$1" "$data/stories260K.bin" "$data/tok512.bin" 200 | cmp - "$want" || exit 1
"$1" "$data/stories260K.gguf" "" 200 >"$folder/written"
cmp "$folder/written" "$want" || exit 1

said=$("$1" lora "$data/stories260K.gguf" "$want" 30 "$folder/adapters") || exit 1
echo "$said"
echo "$said" | awk '{ exit !($2 > 0.5 && $4 + 0 < 0.3) }' || exit 1
[ -s "$folder/adapters/adapters.safetensors" ] && [ -s "$folder/adapters/adapter_config.json" ] || exit 1

if "$1" "$folder/none.gguf" x 2>/dev/null || "$1" lora "$data/stories260K.gguf" "$folder/none" 2>/dev/null; then
    exit 1
fi
if [ -r "$smol" ]; then
    said=$("$1" "$smol" "The capital of France is" 2) && [ "$said" = " Paris." ]
fi
