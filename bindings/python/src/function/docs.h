/* What help() says of kernels of GPUs; the examples are run by
 * tests/python/package/test_help.py. */
#ifndef MLXC_PYTHON_FUNCTION_DOCS_H
#define MLXC_PYTHON_FUNCTION_DOCS_H

// clang-format off
#define DOC_CUDA_KERNEL \
"cuda_kernel(name: str, input_names: collections.abc.Sequence[str], output_names: \
collections.abc.Sequence[str], source: str, header: str = '', ensure_row_contiguous: bool = \
True, shared_memory: int = 0) -> object\n\
\n\
A kernel in CUDA C++. It can be made everywhere, and called where there is a CUDA backend.\n\
\n\
Args:\n\
    name: The kernel's name.\n\
    input_names: Names of the arrays that it reads.\n\
    output_names: Names of the arrays that it writes.\n\
    source: The body.\n\
    header: What stands before it.\n\
    ensure_row_contiguous: Whether arrays are copied that do not lie row by row.\n\
    shared_memory: Bytes of memory that a group of threads shares.\n\
\n\
Returns:\n\
    object: A function of arrays.\n\
\n\
Raises:\n\
    RuntimeError: when it is called: there is no CUDA backend\n\
\n\
Example:\n\
    >>> kernel = mx.fast.cuda_kernel(\"copy\", [\"x\"], [\"y\"], \"y[0] = x[0];\")\n"

#define DOC_METAL_KERNEL \
"metal_kernel(name: str, input_names: collections.abc.Sequence[str], output_names: \
collections.abc.Sequence[str], source: str, header: str = '', ensure_row_contiguous: bool = \
True, atomic_outputs: bool = False, compile_options: object | None = None) -> object\n\
\n\
A kernel in Metal's language. It can be made everywhere, and called where there is Metal.\n\
\n\
Args:\n\
    name: The kernel's name.\n\
    input_names: Names of the arrays that it reads.\n\
    output_names: Names of the arrays that it writes.\n\
    source: The body.\n\
    header: What stands before it.\n\
    ensure_row_contiguous: Whether arrays are copied that do not lie row by row.\n\
    atomic_outputs: Whether outputs are written by several threads.\n\
    compile_options: Options of the compiler.\n\
\n\
Returns:\n\
    object: A function of arrays.\n\
\n\
Raises:\n\
    RuntimeError: when it is called: there is no Metal\n\
\n\
Example:\n\
    >>> kernel = mx.fast.metal_kernel(name=\"copy\", input_names=[\"x\"], output_names=[\"y\"], \
source=\"\")\n"

#define DOC_PRECOMPILED_CUDA_KERNEL \
"precompiled_cuda_kernel(*, name: str, compiled_source: bytes, inputs: \
collections.abc.Sequence[bool | int | float | array | ndarray[writable=False] | complex | \
ArrayLike], output_shapes: collections.abc.Sequence[tuple[int, ...]], output_dtypes: \
collections.abc.Sequence[Dtype], scalars: collections.abc.Sequence[object], grid: tuple[int, \
int, int], threadgroup: tuple[int, int, int], shared_memory: int = 0, init_value: float | None \
= None, ensure_row_contiguous: bool = False, stream: Stream | ThreadLocalStream | Device | \
DeviceType | None = None) -> list[array]\n\
\n\
Run a kernel that was compiled before; an error where there is no CUDA backend.\n\
\n\
Args:\n\
    name: The kernel's name.\n\
    compiled_source: What the compiler gave.\n\
    inputs: Arrays and numbers.\n\
    output_shapes: The results' shapes.\n\
    output_dtypes: The results' dtypes.\n\
    scalars: Further arguments.\n\
    grid: How many threads there are.\n\
    threadgroup: How many of them are a group.\n\
    shared_memory: Bytes of memory that a group shares.\n\
    init_value: What results hold before.\n\
    ensure_row_contiguous: Whether arrays are copied that do not lie row by row.\n\
    stream: Where it runs.\n\
\n\
Returns:\n\
    list: The results.\n\
\n\
Raises:\n\
    RuntimeError: there is no CUDA backend\n\
\n\
Example:\n\
    >>> mx.fast.precompiled_cuda_kernel(name=\"copy\", compiled_source=b\"...\", inputs=[], \
output_shapes=[(1,)], output_dtypes=[mx.float32], scalars=[], grid=(1, 1, 1), \
threadgroup=(1, 1, 1))\n\
    Traceback (most recent call last):\n\
        ...\n\
    RuntimeError: [precompiled_cuda_kernel] No CUDA back-end: this library computes on the CPU.\n"

#define DOC_METAL_DEVICE_INFO \
"device_info() -> dict[str, str | int]\n\
\n\
What is known of the Metal device: nothing where there is none.\n\
\n\
Returns:\n\
    dict: Names and sizes, by name; empty where there is no Metal.\n\
\n\
Example:\n\
    >>> mx.metal.device_info()\n\
    {}\n"
// clang-format on

#endif
