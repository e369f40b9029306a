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
# says words-of-the-message arguments...: what is refused, or told beside the text
says() {
    words=$1
    shift
    "$program" "$@" >"$folder/out" 2>&1
    grep -q -e "$words" "$folder/out" || { cat "$folder/out"; exit 1; }
}

program=$1
{ cat "$data/tok512.bin" && printf '\0\0\0\0\1\0\0\0x'; } >"$folder/more.bin"
head -c 6000 "$data/tok512.bin" >"$folder/less.bin"
{ cat "$data/stories260K.bin" && printf 'more'; } >"$folder/longer.bin"
says "more.bin: more tokens than the model has" "$data/stories260K.bin" "$folder/more.bin"
says "less.bin: the file is too short" "$data/stories260K.bin" "$folder/less.bin"
says "longer.bin: the file is longer than" "$folder/longer.bin" "$data/tok512.bin"
long=$(yes once | head -n 700)
says "the prompt: it has [0-9]* tokens, the model's context 2048" "$data/stories260K.gguf" "$long"
almost=$(yes once | head -n 680)
says "the model's context of 2048 tokens is full" "$data/stories260K.gguf" "$almost"
# 511 rows, behind which bytes are left: a tensor's second size stands 12 bytes behind its name
cat "$data/stories260K.gguf" >"$folder/fewer.gguf"
for name in token_embd.weight output.weight; do
    at=$(LC_ALL=C grep -abo "[^_]$name" "$data/stories260K.gguf" | cut -d: -f1)
    printf '\377\1' | dd of="$folder/fewer.gguf" bs=1 seek=$((at + 1 + ${#name} + 12)) conv=notrunc 2>/dev/null
done
says "fewer.gguf' at byte [0-9]*: .* are 256 bytes that are no tensor's" "$folder/fewer.gguf" x
if [ -r "$smol" ]; then
    said=$("$1" "$smol" "The capital of France is" 2) && [ "$said" = " Paris." ]
fi
