"""The rooms of the layers, in order of floors, for check_layers.py and for who looks where a thing
belongs (docs/architecture.md says what is in them).

A room may use rooms of lower floors and of its own. A name is a folder of the layer, or files that
lie beside the folders, without their ending; "." are all others of those. Rooms stand on one floor
where they do not know each other, or need each other: then BOTH says why.
"""

ROOMS = {
    "base": [
        "status signals dtype half fp8 fenv mem guard interrupt system system_linux system_alone "
        "vec text map ending thread_local",
        "machine",
        "threads",
        "memory",
        ".",
    ],
    "kernels": [
        "kernels.h simd",
        "blocks copy index norm pointwise random reduce scan sort",
        "linalg",
        "matmul fft",
        "conv quant",
        "codes",
        "attention",
        ".",
    ],
    "graph": ["array eval trace watch show profile"],
    "cpu": [
        "cpu.h",
        "memory",
        "index",
        "matmul program random fft plugin",
        "attention conv reduce quant linalg",
        ".",
    ],
    "ops": [
        "ops.h",
        "rules index pointwise reduce shape standard",
        "matmul conv fft plugin",
        "attention linalg quant",
        "random",
        ".",
    ],
    "io": [".", "gguf numpy", "safetensors", "archive", "pytorch"],
    "transforms": [".", "mlxfn"],
    "models": [
        "json_place json meta family families family_keys family_rows family_tensors rope sampling",
        "tokenizer",
        "template structure config particular",
        ". convert",
        "decoder",
        "direct train",
        "generate",
    ],
    "capi": [".", "handles", "ops transforms io devices debug abi version", "models"],
    "catalog": [
        "cat value signature",
        "attention conv fft index linalg matmul pointwise process quant random reduce shape",
        "standard plugin",
        ".",
    ],
    "python": [
        "py",
        "host",
        "array interop",
        "transform",
        "index io",
        "watch",
        "function lm",
        ".",
    ],
    "cli": [
        "output",
        "cli answer",
        "bench interrupt functions call",
        "parse trace",
        "model help serve",
        "lm train manual",
        "commands",
        ".",
    ],
}

# Rooms of one floor that need each other, and why.
BOTH = {
    "graph": [
        (
            "array eval trace watch show profile",
            "a pending array holds its node, a node its scope and stream, and whoever wants a value "
            "evaluates it; what looks on is called by the evaluation and shows arrays",
        )
    ],
    "ops": [
        (
            "rules index pointwise reduce shape standard",
            "the derivatives of each of them are written in the others",
        )
    ],
    "python": [
        ("array interop", "arrays are made of others' memory, and lend their own"),
    ],
}
