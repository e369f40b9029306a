#!/bin/sh
# The Whisper example on the real model says what is said in jfk.wav, and says no to what is no model or sound.
# Usage: example_whisper.sh whisper-program; recordings in $MLX_TEST_DATA or ../shared/data beside the sources, the model
# (tools/get_models.sh) in $MLX_MODELS or build/models.
data=${MLX_TEST_DATA:-$MLX_TEST_SOURCE/../shared/data}/speech
model=${MLX_MODELS:-$MLX_TEST_SOURCE/build/models}/whisper-tiny.en
if [ ! -r "$data/jfk.wav" ] || [ ! -r "$model/model.bin" ]; then
    echo "skipped: no $data/jfk.wav or no $model (set MLX_TEST_DATA; tools/get_models.sh)"
    exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT

refused() { # word, arguments
    word=$1
    shift
    if "$program" "$@" >"$folder/out" 2>&1; then
        echo "$* was taken" && exit 1
    fi
    grep -q "$word" "$folder/out" || { cat "$folder/out"; exit 1; }
}

program=$1
result=$("$program" "$model" "$data/jfk.wav") || exit 1
echo "$result"
expected="[00:00.00 --> 00:08.00] And so my fellow Americans ask not what your country can do for you
[00:08.00 --> 00:11.00] ask what you can do for your country."
[ "$result" = "$expected" ] || exit 1
for size in '\377\377\377\377' '\0\0\0\0'; do # a stream's header, written before its end was known
    { head -c 36 "$data/jfk.wav" && printf "data$size" && tail -c +79 "$data/jfk.wav"; } >"$folder/stream.wav"
    [ "$("$program" "$model" "$folder/stream.wav")" = "$expected" ] || exit 1
done
refused "neither model.bin nor" "$folder" "$data/jfk.wav"
head -c 1000 "$data/jfk.wav" >"$folder/short.wav"
refused "cut short" "$model" "$folder/short.wav"
refused "not a WAV" "$model" "$data/ls_test.flac"
refused "cannot be read" "$model" "$folder/none.wav"
cp "$model/tokenizer.json" "$folder" && head -c 1000000 "$model/model.bin" >"$folder/model.bin"
refused "ends early" "$folder" "$data/jfk.wav"
cp "$model/model.bin" "$folder" && chmod u+w "$folder/model.bin"
printf '\377\377\377\377\377\377\377\377' | dd of="$folder/model.bin" bs=1 seek=20000000 conv=notrunc 2>/dev/null
refused "what it computes is no number: its weights are broken" "$folder" "$data/jfk.wav"
printf 'not a model at all' >"$folder/model.bin"
refused "model.bin" "$folder" "$data/jfk.wav"
