/* What help() says of files; the examples are run by tests/python/package/test_help.py. */
#ifndef MLXC_PYTHON_IO_DOCS_H
#define MLXC_PYTHON_IO_DOCS_H

// clang-format off
#define DOC_FUNCTION_EXPORTER \
"Writes several traces of a function to a file; made by exporter, best in a with statement.\n\
\n\
Example:\n\
    >>> with mx.exporter(\"both.mlxfn\", lambda x: x * 2) as export:\n\
    ...     export(mx.zeros(2))\n\
    ...     export(mx.zeros(3))\n\
    >>> mx.import_function(\"both.mlxfn\")(mx.array([1.0, 2.0, 3.0]))[0]\n\
    array([2, 4, 6], dtype=float32)\n"

#define DOC_MODEL_FILE \
"An open model file: its tensors by name, and its metadata. Made by open_file.\n\
\n\
Example:\n\
    >>> mx.save_safetensors(\"model.safetensors\", {\"w\": mx.zeros((2, 3))})\n\
    >>> file = mx.open_file(\"model.safetensors\")\n\
    >>> list(file), file[\"w\"].shape\n\
    (['w'], (2, 3))\n"

#define DOC_MODEL_WRITER \
"A model file that is written a tensor at a time. Made by create_file.\n\
\n\
Example:\n\
    >>> with mx.create_file(\"model.safetensors\") as file:\n\
    ...     file.declare(\"w\", (2, 3), mx.float32)\n\
    ...     file.put(\"w\", mx.ones((2, 3)))\n\
    >>> mx.load(\"model.safetensors\")[\"w\"].shape\n\
    (2, 3)\n"

#define DOC_ARRAY_STORAGE \
"array_storage(a: array, /) -> dict[str, Any]\n\
\n\
What an array lies on, evaluating nothing: its kind (\"none\" yet, \"pool\", \"mapped\" file,\n\
\"shared\" or \"borrowed\" memory), whether it is a view of a part of that, the offset of its\n\
first byte, and how many bytes that memory has.\n\
\n\
Args:\n\
    a: The array.\n\
\n\
Returns:\n\
    dict: `kind`, `view`, `offset` and `nbytes`.\n\
\n\
Example:\n\
    >>> mx.array_storage(mx.zeros(3) + 1)[\"kind\"]\n\
    'none'\n"

#define DOC_CONVERT_MODEL \
"convert_model(file: str | pathlib.Path, out: str | pathlib.Path, *, format: str | None = None, \
family: str | None = None, mode: str | None = None, group_size: int = 0, bits: int = 0, dtype: \
Dtype | str | None = None, dequantize: bool = False, rules: list[str] | None = None, max_bytes: \
int = 0, overwrite: bool = False, progress: Callable | None = None) -> None\n\
\n\
Convert a model between GGUF, a folder as Hugging Face or MLX has it (safetensors and\n\
config.json), and plain files of tensors; quantize it on the way.\n\
\n\
format is 'gguf', 'mlx', 'hf', 'safetensors' or 'npz'; without it the ending of `out` says,\n\
and no ending is a folder as MLX has it. mode is one of quantize ('affine', 'mxfp4', 'q4_k'\n\
...) or a mixture ('q4_k_m'). Rules, 'NAME=WHAT', are exceptions: 'lm_head=bfloat16',\n\
'*.ffn_down=q6_k', 'pooler*=drop'. progress is called with a dict after each tensor.\n\
\n\
Args:\n\
    file: A model: a GGUF file, a folder, or a file of tensors.\n\
    out: Where the new one goes.\n\
    format: 'gguf', 'mlx', 'hf', 'safetensors' or 'npz'; without it the ending of `out`\n\
        says.\n\
    family: The family, where the file does not tell.\n\
    mode: How weights are quantized; None: not.\n\
    group_size: Weights that share a scale; 0: the mode's default.\n\
    bits: Bits of a weight; 0: the mode's default.\n\
    dtype: The dtype of what is not quantized; None: as it is.\n\
    dequantize: Make numbers of quantized weights.\n\
    rules: Exceptions, 'NAME=WHAT'.\n\
    max_bytes: The most of one file; 0: 5 GB.\n\
    overwrite: Whether `out` may be there already.\n\
    progress: Called with a dict after each tensor.\n\
\n\
Raises:\n\
    ValueError: there is no such format, mode or rule\n\
    RuntimeError: a file cannot be read or written, or `out` is there already\n\
\n\
Example:\n\
    >>> mx.save_safetensors(\"old.safetensors\", {\"w\": mx.ones((64, 64))})\n\
    >>> mx.convert_model(\"old.safetensors\", \"new.npz\", dtype=\"float16\")\n\
    >>> mx.load(\"new.npz\")[\"w\"].dtype\n\
    mlx.core.float16\n"

#define DOC_CREATE_FILE \
"create_file(file: str | pathlib.Path, *, format: str | None = None, shard_bytes: int | None = \
None) -> ModelWriter\n\
\n\
Write a model file a tensor at a time: format \"safetensors\" or \"gguf\", by the path's ending\n\
where none is given. With shard_bytes tensors beyond that many bytes go to further files,\n\
with an index beside them. First set and declare, then put; nothing is at the path before\n\
finish, which a with statement calls.\n\
\n\
Args:\n\
    file: The path.\n\
    format: \"safetensors\" or \"gguf\"; by default the path's ending says.\n\
    shard_bytes: The most of one file; None: one file.\n\
\n\
Returns:\n\
    ModelWriter: What the tensors are put into.\n\
\n\
Raises:\n\
    ValueError: the ending is of no format\n\
    RuntimeError: when it ends: the file cannot be written\n\
\n\
Example:\n\
    >>> with mx.create_file(\"mine.gguf\") as file:\n\
    ...     file.set(\"general.name\", \"mine\")\n\
    ...     file.declare(\"w\", (2,), mx.float32)\n\
    ...     file.put(\"w\", mx.ones(2))\n\
    >>> sorted(mx.load(\"mine.gguf\"))\n\
    ['w']\n"

#define DOC_EXPORT_FUNCTION \
"export_function($module, /, file_or_callback, fun, *args, shapeless=False, metadata=None, \
**kwargs)\n--\n\n\
Write what fun computes to a file that import_function, and MLX, read. args and kwargs are\n\
example arrays, or one tuple and one dict of them. shapeless: the file serves other shapes\n\
too. fun returns an array or a list or tuple of arrays. A callback in the place of the file\n\
is called with dicts, whose 'type' is 'inputs', 'keyword_inputs', 'outputs', 'constants',\n\
then 'primitive' for each operation.\n\
\n\
Args:\n\
    file_or_callback: A path, or a function that is called with dicts.\n\
    fun: A function of arrays.\n\
    args: Example arrays.\n\
    shapeless: Whether the file serves other shapes, too.\n\
    metadata: A text that comes with it.\n\
    kwargs: Example arrays of arguments by name.\n\
\n\
Raises:\n\
    ValueError: fun returns no arrays\n\
    RuntimeError: the file cannot be written\n\
\n\
Example:\n\
    >>> mx.export_function(\"double.mlxfn\", lambda x: 2 * x, mx.zeros(3))\n\
    >>> mx.import_function(\"double.mlxfn\")(mx.array([1.0, 2.0, 3.0]))\n\
    (array([2, 4, 6], dtype=float32),)\n"

#define DOC_EXPORT_TO_DOT \
"export_to_dot($module, /, file, *args, **kwargs)\n--\n\n\
Write the graph that computes the arrays of args in Graphviz' language to a file, by name or\n\
open for writing. Arrays given by keyword are labelled so.\n\
\n\
Args:\n\
    file: A path, or what has `write`.\n\
    args: Arrays, or trees of them.\n\
    kwargs: Arrays with names.\n\
\n\
Raises:\n\
    OSError: the file cannot be written\n\
\n\
Example:\n\
    >>> import io\n\
    >>> text = io.StringIO()\n\
    >>> mx.export_to_dot(text, mx.array(1) + 2)\n\
    >>> \"Add\" in text.getvalue()\n\
    True\n"

#define DOC_EXPORTER \
"exporter($module, /, file, fun, *, shapeless=False, metadata=None)\n--\n\n\
A FunctionExporter: call it with example arrays once for each trace of fun that the file is\n\
to hold.\n\
\n\
Args:\n\
    file: The path.\n\
    fun: A function of arrays.\n\
    shapeless: Whether the file serves other shapes, too.\n\
    metadata: A text that comes with it.\n\
\n\
Returns:\n\
    FunctionExporter: What is called with example arrays.\n\
\n\
Raises:\n\
    RuntimeError: when it is closed: the file cannot be written\n\
\n\
Example:\n\
    >>> with mx.exporter(\"double.mlxfn\", lambda x: 2 * x) as export:\n\
    ...     export(mx.zeros(3))\n\
    ...     export(mx.zeros((2, 2)))\n"

#define DOC_IMPORT_FUNCTION \
"import_function($module, /, file, return_metadata=False)\n--\n\n\
The function in a file. It takes arrays, or one tuple and one dict of them, that fit one of\n\
its traces, and returns a tuple of arrays. return_metadata: a pair of it and the text that\n\
came with it.\n\
\n\
Args:\n\
    file: The path.\n\
    return_metadata: Whether the text that came with it is wanted, too.\n\
\n\
Returns:\n\
    Callable: A function of arrays, which gives a tuple of arrays; with return_metadata a\n\
        pair.\n\
\n\
Raises:\n\
    RuntimeError: there is no such file, or it is damaged\n\
    ValueError: when it is called: the arrays fit no trace\n\
\n\
Example:\n\
    >>> mx.export_function(\"add.mlxfn\", lambda x, y: x + y, mx.array(0), mx.array(0))\n\
    >>> mx.import_function(\"add.mlxfn\")(mx.array(1), mx.array(2))\n\
    (array(3, dtype=int32),)\n"

#define DOC_LOAD \
"load(file: file | str | pathlib.Path, /, format: str | None = None, return_metadata: bool = \
False, *, mmap: bool = False, stream: StreamOrDevice = None) -> array | dict[str, array] | \
tuple[dict[str, array], dict[str, Any]]\n\
\n\
The array of an npy file, the arrays of an npz, safetensors or GGUF file by name. The format\n\
is told by the name's ending unless it is given, and where the file is another one by its\n\
first bytes, which may be a checkpoint of PyTorch, too.\n\
\n\
Arrays of a path are read when they are evaluated, and depend on the file no more after\n\
that; npz archives and what a file object without a descriptor gives are read at once. Until\n\
then the file is held open: renaming or replacing it changes nothing, and evaluating raises\n\
if it was cut short or written to.\n\
\n\
With mmap=True arrays are the file's own pages, which are read as they are touched: for\n\
weights larger than memory. While such an array lives the file must not be cut short (what\n\
is lost is zeros, and evaluating it raises) or written to (the array would change).\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    format: \"npy\", \"npz\", \"safetensors\" or \"gguf\"; by default the name's ending says.\n\
    return_metadata: Whether what a safetensors or GGUF file says of itself is wanted, too.\n\
    mmap: Whether arrays are the file's own pages.\n\
    stream: Where arrays are read.\n\
\n\
Returns:\n\
    array or dict: The array of an npy file, else arrays by name; with return_metadata a\n\
        pair.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be opened, or is damaged\n\
    ValueError: the format is none of these\n\
\n\
Example:\n\
    >>> mx.savez(\"two.npz\", x=mx.array([1, 2]), y=mx.array(3.5))\n\
    >>> loaded = mx.load(\"two.npz\")\n\
    >>> loaded[\"x\"], loaded[\"y\"].item()\n\
    (array([1, 2], dtype=int32), 3.5)\n"

#define DOC_MODEL_FAMILY \
"model_family(file: str | pathlib.Path) -> str\n\
\n\
The name of the family of a model file or folder, 'llama', or '' where it is of none that is\n\
known.\n\
\n\
Args:\n\
    file: A model file, or a folder.\n\
\n\
Returns:\n\
    str: The name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be opened, or is damaged\n\
\n\
Example:\n\
    >>> mx.save_safetensors(\"w.safetensors\", {\"w\": mx.zeros(3)})\n\
    >>> mx.model_family(\"w.safetensors\")\n\
    ''\n"

#define DOC_OPEN_FILE \
"open_file(file: str | pathlib.Path, *, mmap: bool = False) -> ModelFile\n\
\n\
Open a model file, or a folder of shards, by its content: safetensors, GGUF, npy, npz,\n\
PyTorch's checkpoints. Headers are read, and tensors when they are evaluated; with mmap\n\
their arrays are pages of the file, as in load.\n\
\n\
Args:\n\
    file: A path.\n\
    mmap: Whether arrays are the file's own pages.\n\
\n\
Returns:\n\
    ModelFile: The tensors by name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be opened, or is damaged\n\
\n\
Example:\n\
    >>> mx.save_safetensors(\"model.safetensors\", {\"w\": mx.zeros((2, 3))}, {\"by\": \"me\"})\n\
    >>> with mx.open_file(\"model.safetensors\") as file:\n\
    ...     print(list(file), file.metadata[\"by\"])\n\
    ['w'] me\n"

#define DOC_REMOVE_SHARED_ARRAY \
"remove_shared_array(name: str, /) -> None\n\
\n\
Take the name away. Arrays that have the memory keep it.\n\
\n\
Args:\n\
    name: The name.\n\
\n\
Raises:\n\
    ValueError: it is no name of shared memory\n\
\n\
Example:\n\
    >>> import os\n\
    >>> name = f\"/removed-{os.getpid()}\"\n\
    >>> x = mx.shared_array(name, mx.array([1, 2]))\n\
    >>> mx.remove_shared_array(name)\n\
    >>> x\n\
    array([1, 2], dtype=int32)\n"

#define DOC_SAVE \
"save(file: file | str | pathlib.Path, arr: array) -> None\n\
\n\
Write one array in NumPy's npy format. \".npy\" is appended to a path that has no such ending.\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    arr: The array.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be written\n\
\n\
Example:\n\
    >>> mx.save(\"x.npy\", mx.array([1, 2, 3]))\n\
    >>> mx.load(\"x.npy\")\n\
    array([1, 2, 3], dtype=int32)\n"

#define DOC_SAVE_GGUF \
"save_gguf(file: file | str | pathlib.Path, arrays: dict[str, array], metadata: dict[str, array \
| str | list[str]])\n\
\n\
Write arrays by name and metadata to a GGUF file.\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    arrays: Arrays by name.\n\
    metadata: Arrays, texts and lists of texts by name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be written, or the format has no word for a dtype\n\
\n\
Example:\n\
    >>> mx.save_gguf(\"w.gguf\", {\"w\": mx.array([1.0, 2.0])}, {\"general.name\": \"mine\"})\n\
    >>> mx.load(\"w.gguf\", return_metadata=True)[1][\"general.name\"]\n\
    'mine'\n"

#define DOC_SAVE_SAFETENSORS \
"save_safetensors(file: file | str | pathlib.Path, arrays: dict[str, array], metadata: dict[str, \
str] | None = None)\n\
\n\
Write arrays by name to a safetensors file.\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    arrays: Arrays by name.\n\
    metadata: Texts by name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be written\n\
\n\
Example:\n\
    >>> mx.save_safetensors(\"w.safetensors\", {\"w\": mx.array([1.0, 2.0])})\n\
    >>> mx.load(\"w.safetensors\")[\"w\"]\n\
    array([1, 2], dtype=float32)\n"

#define DOC_SAVEZ \
"savez(file: file | str | pathlib.Path, *args, **kwargs)\n\
\n\
Write arrays to an npz archive: by their keywords, and the others as arr_0, arr_1 and so on.\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    args: Arrays that get names.\n\
    kwargs: Arrays by name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be written\n\
\n\
Example:\n\
    >>> mx.savez(\"two.npz\", mx.array(1), y=mx.array(2))\n\
    >>> sorted(mx.load(\"two.npz\"))\n\
    ['arr_0', 'y']\n"

#define DOC_SAVEZ_COMPRESSED \
"savez_compressed(file: file | str | pathlib.Path, *args, **kwargs)\n\
\n\
As savez, compressed.\n\
\n\
Args:\n\
    file: A path, or an open file.\n\
    args: Arrays that get names.\n\
    kwargs: Arrays by name.\n\
\n\
Raises:\n\
    RuntimeError: the file cannot be written\n\
\n\
Example:\n\
    >>> import os\n\
    >>> mx.savez_compressed(\"zeros.npz\", x=mx.zeros(100000))\n\
    >>> os.path.getsize(\"zeros.npz\") < 10000\n\
    True\n"

#define DOC_SHARED_ARRAY \
"shared_array(name: str, a: array | None = None) -> array\n\
\n\
The array of a name (\"/weights\") in shared memory, one copy for all processes of the user;\n\
with a, a copy of it under that name, which stays until remove_shared_array.\n\
\n\
Args:\n\
    name: A slash and what a file may be called.\n\
    a: What is to be copied there; None: the array is there already.\n\
\n\
Returns:\n\
    array: The array.\n\
\n\
Raises:\n\
    RuntimeError: there is no such name\n\
    ValueError: it is no name of shared memory\n\
\n\
Example:\n\
    >>> import os\n\
    >>> name = f\"/example-{os.getpid()}\"\n\
    >>> x = mx.shared_array(name, mx.array([1, 2]))\n\
    >>> mx.shared_array(name)\n\
    array([1, 2], dtype=int32)\n\
    >>> mx.remove_shared_array(name)\n"
// clang-format on

#endif
