#!/bin/sh
# The MNIST example with the trained network gets 9,917 of the 10,000 test images right.
# Usage: example_mnist.sh mnist-program; data in $MLX_TEST_DATA or ../shared/data beside the sources.
data=${MLX_TEST_DATA:-$MLX_TEST_SOURCE/../shared/data}
if [ ! -r "$data/mnist_cnn/mnist.safetensors" ] || [ ! -r "$data/mnist/t10k-images-idx3-ubyte.gz" ]; then
    echo "skipped: no mnist and mnist_cnn in $data (set MLX_TEST_DATA)"
    exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
gzip -dc "$data/mnist/t10k-images-idx3-ubyte.gz" > "$folder/images" &&
gzip -dc "$data/mnist/t10k-labels-idx1-ubyte.gz" > "$folder/labels" &&
result=$("$1" "$data/mnist_cnn/mnist.safetensors" "$folder/images" "$folder/labels") || exit 1
echo "$result"
[ "$result" = "9917 of 10000 right" ]
