"""The libraries that compare.py measures: each prepares a case of cases.py as a call that waits for
its result.

ONNX Runtime and OpenVINO take what PyTorch exports; what cannot be exported they do not have.
OpenVINO computes float64 in float32 (a product of 1024x1024 is off by 6e-7), which is not the same.
"""

import os
import tempfile

import numpy as np

THREADS = int(os.environ.get("MLX_NUM_THREADS", "2"))


def made(case):
    generator = np.random.default_rng(0)
    return [(i.make(generator), i.dtype) for i in case.inputs]


def missing(library):
    raise NotImplementedError(library)


def ours(case):
    import mlx.core as mx

    f = case.of("mlx") or missing("mlx")
    inputs = [mx.array(a, getattr(mx, dtype)) for a, dtype in made(case)]
    mx.eval(inputs)

    def run():
        result = f(mx, *inputs)
        mx.eval(result)
        return result

    with mx.stream(mx.cpu):
        run()
    return run


def numpy(case):
    f = case.of("numpy") or missing("numpy")
    inputs = [a.astype(dtype) for a, dtype in made(case)]
    return lambda: f(np, *inputs)


def tensors(case):
    import torch

    torch.set_num_threads(THREADS)
    f = case.of("torch") or missing("torch")
    inputs = [torch.from_numpy(np.array(a)).to(getattr(torch, dtype)) for a, dtype in made(case)]
    return torch, f, channels_first(case, inputs)


def channels_first(case, inputs):
    """Images and filters in PyTorch's shapes; in memory channels are last still."""
    if case.group != "convolutions":
        return inputs
    return [a.movedim(-1, 1) if a.ndim > 2 else a for a in inputs]


def torch(case):
    library, f, inputs = tensors(case)

    def run():
        with library.inference_mode():
            return f(library, *inputs)

    return run


def torch_compiled(case):
    library, f, inputs = tensors(case)
    compiled = library.compile(lambda *a: f(library, *a), dynamic=False)

    def run():
        with library.no_grad():
            return compiled(*inputs)

    return run


def jax(case):
    import jax as library

    library.config.update("jax_enable_x64", any(i.dtype.endswith("64") for i in case.inputs))
    f = case.of("jax") or missing("jax")
    inputs = [library.numpy.asarray(a, dtype) for a, dtype in made(case)]
    compiled = library.jit(lambda *a: f(library.numpy, *a))
    return lambda: library.block_until_ready(compiled(*inputs))


def exported(case, folder):
    """The path of a case as ONNX, and its inputs by name."""
    library, f, inputs = tensors(case)

    class Module(library.nn.Module):
        def forward(self, *a):
            return f(library, *a)

    names = [f"x{i}" for i in range(len(inputs))]
    path = f"{folder}/case.onnx"
    library.onnx.export(Module(), tuple(inputs), path, input_names=names, dynamo=False)
    return path, {n: a.contiguous().numpy() for n, a in zip(names, inputs)}


def onnxruntime(case):
    import onnxruntime as library

    options = library.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        path, inputs = exported(case, folder)
        session = library.InferenceSession(path, options)
    return lambda: session.run(None, inputs)


def openvino(case):
    import openvino as library

    if any(i.dtype == "float64" for i in case.inputs):
        missing("float64")
    hints = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    with tempfile.TemporaryDirectory() as folder:
        path, inputs = exported(case, folder)
        request = library.Core().compile_model(path, "CPU", hints).create_infer_request()
    return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)


ENGINES = {
    "here": ours,
    "NumPy": numpy,
    "PyTorch": torch,
    "torch.compile": torch_compiled,
    "JAX": jax,
    "ONNX Runtime": onnxruntime,
    "OpenVINO": openvino,
}
