"""Speech to text with Whisper (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision"), tiny to large-v3-turbo.

    python -m speech.whisper FILE...                   with tiny.en of tools/get_models.sh
    python -m speech.whisper --model DIR --words FILE --format srt --output talk.srt

DIR is a folder of Hugging Face's (config.json, tokenizer.json, safetensors) or of CTranslate2's
(model.bin, tokenizer.json). Sound is WAV at any rate; FLAC, Ogg and MP3 need the package soundfile."""

import os
import sys
import time
from pathlib import Path

import mlx.core as mx
from common import check_output, command, number
from mlx.data import write_file
from speech.speech_features import RATE, read_audio
from speech.whisper.load import DTYPES, load
from speech.whisper.transcribe import Options, transcribe
from speech.whisper.write import FORMATS

ROOT = Path(__file__).resolve().parents[4]


def default_model():
    folder = Path(os.environ.get("MLX_MODELS", ROOT / "build" / "models"))
    return folder / "whisper-tiny.en"


def parse():
    parser = command(__doc__)
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE")
    add("--model", default=default_model(), help="default: %(default)s")
    add("--language", help="its code, as en or de; without it the first 30 s tell")
    add("--task", default="transcribe", choices=["transcribe", "translate"])
    add("--format", default="txt", choices=FORMATS, help="default: %(default)s")
    add("--output", help="a file to write, for one FILE; default: the screen")
    add("--words", action="store_true", help="with the time of each word (JSON has them)")
    add("--beam", type=int, default=5, help="rows of the search, 1: greedy; default: %(default)s")
    add("--temperature", type=float, help="of all windows; default: 0, then 0.2 to 1 if need be")
    add("--no-timestamps", action="store_true", help="text alone")
    add("--no-previous-text", action="store_true", help="each window without the text before it")
    add("--prompt", default="", help="text that sets the style, as if it had been said before")
    add("--dtype", default="float32", choices=DTYPES, help="default: %(default)s")
    add("--seed", type=number(0), default=0)
    return parser.parse_args()


def options_of(o):
    temperatures = Options.temperatures if o.temperature is None else (o.temperature,)
    if not 1 <= o.beam <= 64:
        sys.exit(f"--beam {o.beam}: 1 to 64 rows")
    if not all(0 <= t <= 10 for t in temperatures):
        sys.exit(f"--temperature {o.temperature}: 0 to 10")
    return Options(
        language=o.language,
        task=o.task,
        beam=o.beam,
        temperatures=temperatures,
        timestamps=not o.no_timestamps,
        words=o.words,
        previous_text=not o.no_previous_text,
        prompt=o.prompt,
    )


def progress(done, total):
    print(f"\r{done:.0f} of {total:.0f} s", end="", file=sys.stderr, flush=True)


def run(o):
    options = options_of(o)
    if o.output and len(o.files) > 1:
        sys.exit("--output takes the transcript of one FILE")
    if o.output:
        check_output(o)
    mx.random.seed(o.seed)
    model, vocabulary = load(o.model, o.dtype)
    for file in o.files:
        samples = read_audio(file)
        start = time.perf_counter()
        found = transcribe(model, vocabulary, samples, options, progress)
        seconds = time.perf_counter() - start
        print(f"\r{file}: {len(samples) / RATE:.1f} s in {seconds:.2f} s", file=sys.stderr)
        text = FORMATS[o.format](found)
        if o.output:
            write_file(o.output, text.encode())
        else:
            print(text, end="")


if __name__ == "__main__":
    try:
        run(parse())
    except (OSError, ValueError) as error:
        sys.exit(str(error))
