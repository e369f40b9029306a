"""CLIP (Radford et al. 2021) says which of some texts an image shows, without having been trained on
these classes:

python -m vision.clip --model DIR image.jpg "a photo of a cat" "a photo of a dog"

DIR is a CLIP as transformers saves it, such as openai/clip-vit-base-patch32: config.json,
model.safetensors, tokenizer.json (or vocab.json and merges.txt), preprocessor_config.json.
"""

import mlx.core as mx
from checkpoint import dtype_of
from common import command
from pictures import read_image

from vision.clip.folder import load
from vision.clip.inputs import load_tokenizer, pad_token, preprocess, tokenize


def main(folder, image, texts, dtype="float32"):
    """The probability of each text."""
    model, how = load(folder, dtype_of(dtype))
    tokenizer = load_tokenizer(folder)
    length = len(model.text_model.embeddings.position_embedding.weight)
    tokens = tokenize(tokenizer, texts, length, pad_token(folder, tokenizer))
    pixels = preprocess(read_image(image), *how)[None].astype(dtype_of(dtype))
    return mx.softmax(model(pixels, tokens).astype(mx.float32), axis=-1)[0].tolist()


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("--model", required=True, help="a folder of CLIP")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("image", help="a JPEG or PNG file")
    parser.add_argument("texts", nargs="+", help="what it may show")
    o = parser.parse_args()
    found = main(o.model, o.image, o.texts, o.dtype)
    for probability, text in sorted(zip(found, o.texts), reverse=True):
        print(f"{100 * probability:6.2f}%  {'#' * round(30 * probability):30}  {text}")
