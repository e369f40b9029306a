#!/bin/sh
# The programs tell how they are used, refuse what is no number, file or label, and fail where
# what they print goes nowhere. Usage: example_commands.sh folder-of-the-programs
programs=$1
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
cd "$folder" || exit 1

# says status words-of-the-message program arguments...
says() {
    status=$1 words=$2
    shift 2
    "$programs/$@" >out 2>err
    found=$?
    if [ $found != "$status" ] || ! grep -q -e "$words" out err; then
        echo "$*: status $found, not $status with '$words':" && cat out err
        exit 1
    fi
}

for program in mnist llama language_model whisper; do
    says 2 "usage: $program" $program
done
for program in mnist llama language_model whisper gguf safetensors export graph closures; do
    says 0 "usage: $program" $program --help
    says 0 "usage: $program" $program -h
    says 0 "usage: $program" $program --help more
    says 2 "usage: $program" $program 1 2 3 4 5 6 7
    [ "$(ls)" = "$(printf 'err\nout')" ] || { echo "$program --help wrote a file" && exit 1; }
    if "$programs/$program" --help >/dev/full 2>/dev/null || "$programs/$program" --help >&- 2>/dev/null; then
        echo "$program does not see that nothing can be printed" && exit 1
    fi
done

for program in gguf safetensors; do
    says 2 "arrays are written to a file .$program, not '--hlep'" $program --hlep
done
says 2 "the function is written to a file .mlxfn, not 'f'" export f
for program in gguf safetensors export graph closures; do
    "$programs/$program" >/dev/full 2>/dev/null && echo "$program does not see that nothing can be printed" && exit 1
done
rm -f example.gguf example.safetensors function.mlxfn
[ "$(ls)" = "$(printf 'err\nout')" ] || exit 1

seq 400 >text
for steps in 6oo abc -3 0 99999999999999 w.safetensors; do
    says 2 "not '$steps'" language_model text $steps
done
says 2 "not 'weights'" language_model text 1 weights
says 1 "256 bytes" language_model . 1
says 2 "not '2x'" llama model.gguf text 2x
says 2 "usage" llama model.gguf text 2 more
[ "$(ls)" = "$(printf 'err\nout\ntext')" ] || exit 1

says 0 "written to w.safetensors" language_model text 1 w.safetensors
"$programs/language_model" text 1 v.safetensors >/dev/full 2>/dev/null && exit 1
cmp w.safetensors v.safetensors || exit 1 # they are kept

# IDX files of two items: images of 14 x 56, and a label of 77
printf '\0\0\010\003\0\0\0\002\0\0\0\016\0\0\0\070' >wide && head -c 1568 /dev/zero >>wide
printf '\0\0\010\003\0\0\0\002\0\0\0\034\0\0\0\034' >images && head -c 1568 /dev/zero >>images
printf '\0\0\010\001\0\0\0\002\001\115' >labels
says 1 "28 x 28" mnist w.safetensors wide labels
says 1 "ten digits" mnist w.safetensors images labels
