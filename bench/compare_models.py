"""Models of examples/python beside what one usually takes, by turns in one run.

    PYTHONPATH=build/python python3 bench/compare_models.py OTHER [CASE]...

OTHER is a Python that has the other packages. MLX_NUM_THREADS sets the threads of both (2),
BENCH_ROUNDS the rounds (7), MLX_MODELS and MLX_TEST_DATA say where models and recordings are.
Medians in milliseconds: of wall time, and of processor time, which counts on a busy machine
(threads that wait busily for each other spend it, too: then one thread says more); their ratio.

A case is two functions of ours and theirs, which prepare and return what is measured. Each side
has a process of its own that takes its turn when it is told to.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("MLX_MODELS", ROOT / "build" / "models"))
DATA = Path(os.environ.get("MLX_TEST_DATA", ROOT.parent / "shared" / "data"))
THREADS = os.environ.get("MLX_NUM_THREADS", "2")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SETTLE = 0.3  # seconds until the threads of the one before sleep


def whisper_ours(beam):
    from speech.speech_features import read_audio
    from speech.whisper.load import load
    from speech.whisper.transcribe import Options, transcribe

    model = load(MODELS / "whisper-tiny.en")
    samples = read_audio(DATA / "speech" / "jfk.wav")
    return lambda: transcribe(*model, samples, Options("en", beam=beam)).text


def whisper_theirs(beam):
    from faster_whisper import WhisperModel, decode_audio

    model = WhisperModel(
        str(MODELS / "whisper-tiny.en"),
        device="cpu",
        compute_type="float32",
        cpu_threads=int(THREADS),
    )
    samples = decode_audio(str(DATA / "speech" / "jfk.wav"))

    def run():
        segments, _ = model.transcribe(samples, language="en", beam_size=beam)
        return "".join(s.text for s in segments)

    return run


UNET = {  # of Stable Diffusion 1.5
    "sample_size": 64,
    "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
TIME = 500.0


def unet_ours(side):
    """A step with guidance: two latent images, texts of 77 tokens; all weights are 0.01."""
    import json
    import tempfile

    import mlx.core as mx
    from generative.stable_diffusion.folder import unet_config
    from generative.stable_diffusion.unet import UNet
    from mlx.utils import tree_map

    with tempfile.TemporaryDirectory() as folder:
        config = json.dumps(UNET | {"_class_name": "UNet2DConditionModel"})
        (Path(folder) / "config.json").write_text(config)
        model = UNet(unet_config(folder)).eval()
    model.update(tree_map(lambda x: mx.full(x.shape, 0.01), model.parameters()))
    mx.eval(model.parameters())
    x, text = mx.random.normal((2, side, side, 4)), mx.random.normal((2, 77, 768))
    return lambda: mx.eval(model(x, mx.array([TIME, TIME]), text))


def unet_theirs(side):
    import torch
    from diffusers import UNet2DConditionModel

    torch.set_num_threads(int(THREADS))
    torch.set_grad_enabled(False)
    with torch.device("meta"):
        model = UNet2DConditionModel(**UNET)
    model = model.to_empty(device="cpu").eval()
    for parameter in model.parameters():
        parameter.fill_(0.01)
    x, text = torch.randn(2, 4, side, side), torch.randn(2, 77, 768)
    return lambda: model(x, torch.tensor([TIME, TIME]), text)


CASES = {  # name: (ours, theirs, arguments of both)
    "whisper_greedy": (whisper_ours, whisper_theirs, (1,)),
    "whisper_beams": (whisper_ours, whisper_theirs, (5,)),
    "unet_32": (unet_ours, unet_theirs, (32,)),
    "unet_64": (unet_ours, unet_theirs, (64,)),
}


def work(name, side):
    """A side's process: a turn for each line that comes, and the two times of it."""
    case = CASES[name]
    run = case[side](*case[2])
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        run()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(wall, processor, flush=True)


def start(python, name, side):
    variables = dict(os.environ, MLX_NUM_THREADS=THREADS, OMP_NUM_THREADS=THREADS)
    # Settings of OpenBLAS that are this machine's would slow the others' down.
    for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        variables.pop(setting, None)
    ours = [variables.get("PYTHONPATH", ""), str(ROOT / "examples" / "python")]
    variables["PYTHONPATH"] = "" if side else os.pathsep.join(ours)
    command = [python, __file__, "--work", name, str(side)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables
    )
    if process.stdout.readline() != "ready\n":
        sys.exit(f"{name}: {python} cannot run it")
    return process


def turn(process):
    time.sleep(SETTLE)
    process.stdin.write("\n")
    process.stdin.flush()
    return [float(x) * 1e3 for x in process.stdout.readline().split()]


def compare(name, other):
    sides = [start(python, name, side) for side, python in enumerate((sys.executable, other))]
    times = [[turn(process) for process in sides] for _ in range(ROUNDS)]
    for process in sides:
        process.stdin.close()
        process.wait()
    wall, processor = (
        [statistics.median(row[side][kind] for row in times) for side in (0, 1)] for kind in (0, 1)
    )
    cells = [f"{a:9.0f}{b:9.0f}{b / a:7.2f}" for a, b in (wall, processor)]
    print(f"{name:24}{cells[0]}   {cells[1]}", flush=True)


def main(other, *names):
    unknown = [n for n in names if n not in CASES]
    if unknown:
        sys.exit(f"{unknown[0]}: there are {', '.join(CASES)}")
    print(f"{'ms':24}{'ours':>9}{'theirs':>9}{'ratio':>7}   processor: ours, theirs, ratio")
    for name in names or CASES:
        compare(name, other)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    if sys.argv[1] == "--work":
        work(sys.argv[2], int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
