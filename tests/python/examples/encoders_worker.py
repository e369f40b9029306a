"""Run by a Python that has transformers (MLX_TRANSFORMERS_PYTHON): tiny random models with what they
make of random inputs.

encoders_worker.py FOLDER PART...       writes FOLDER/PART, a model folder, and FOLDER/PART.npz
"""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import tokenizers
import torch
import transformers
from encoders_cases import (
    CLIP_TEXTS,
    CLIP_VISION,
    SAM,
    SAM_ODD,
    SAM_PROMPTS,
    T5,
    T5_TEXT,
    clip_text,
    clip_tokenizer,
    t5_tokenizer,
)

torch.set_num_threads(1)


def shaken(model, scale=0.15):
    """Every parameter random, norms around 1, so that an error in any shows."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = parameter.ndim == 1 and name.endswith("weight")
            parameter.copy_(torch.randn_like(parameter) * scale + float(norm))
    return model.eval()


def clip_odd(folder):
    return clip(folder, hidden_act="relu", num_attention_heads=1, layer_norm_eps=1e-2)


def clip(folder, **more):
    text, vision = clip_text(clip_tokenizer(folder)) | more, CLIP_VISION | more
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model = shaken(transformers.CLIPModel(config))
    model.save_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    tokens = tokenizer(CLIP_TEXTS, padding="max_length", truncation=True, max_length=24)[
        "input_ids"
    ]
    picture = np.random.default_rng(0).integers(0, 256, (50, 41, 3), np.uint8)
    picture = np.repeat(np.repeat(picture[:10, :9], 5, 0), 5, 1)
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    processor.save_pretrained(folder)
    pixels = processor(picture, return_tensors="pt")["pixel_values"]
    images = torch.cat([pixels, torch.randn(2, 3, 32, 32)])
    found = model(input_ids=torch.tensor(tokens), pixel_values=images)
    return {
        "tokens": tokens,
        "picture": picture,
        "pixels": pixels.permute(0, 2, 3, 1),
        "images": images.permute(0, 2, 3, 1),
        "logits": found.logits_per_image,
        "text": found.text_embeds,
        "image": found.image_embeds,
    }


def t5(folder, **more):
    size = t5_tokenizer(folder)
    config = transformers.T5Config(vocab_size=size, **(T5 | more))
    model = shaken(transformers.T5ForConditionalGeneration(config), 0.3)
    model.save_pretrained(folder)
    tokens, after = torch.randint(3, size, (2, 30)), torch.randint(3, size, (2, 25))
    mask = torch.ones_like(tokens)
    mask[1, 17:] = 0
    found = model(input_ids=tokens, attention_mask=mask, decoder_input_ids=after)
    asked = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode(T5_TEXT).ids
    answer = model.generate(torch.tensor([asked]), max_new_tokens=12, do_sample=False, num_beams=1)
    return {
        "tokens": tokens,
        "after": after,
        "mask": mask,
        "states": found.encoder_last_hidden_state[0],
        "logits": found.logits,
        "asked": asked,
        "answer": answer[0],
    }


def t5_gated(folder):
    return t5(folder, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def t5_gelu(folder):
    return t5(folder, feed_forward_proj="gelu", d_kv=5, num_heads=3, layer_norm_epsilon=1e-2)


def sam_odd(folder):
    return sam(folder, SAM_ODD)


def sam(folder, config=SAM):
    model = transformers.SamModel(transformers.SamConfig(**config))
    model = shaken(model, 0.3)
    model.prompt_encoder.shared_embedding.positional_embedding.copy_(torch.randn(2, 20))
    same = model.prompt_encoder.shared_embedding.positional_embedding
    model.shared_image_embedding.positional_embedding.copy_(same)
    model.save_pretrained(folder)
    image = torch.randn(1, 3, 64, 64)
    embedding = model.get_image_embeddings(image)
    found = {"image": image[0].movedim(0, -1), "embedding": embedding[0].movedim(0, -1)}
    prior = torch.randn(1, 1, 32, 32)
    found["prior"] = prior[0].movedim(0, -1)
    for name, ask in SAM_PROMPTS.items():
        call = {"multimask_output": ask["several"]}
        if "points" in ask:
            call["input_points"] = torch.tensor([[ask["points"]]], dtype=torch.float32)
            call["input_labels"] = torch.tensor([[ask["labels"]]])
        if "box" in ask:
            call["input_boxes"] = torch.tensor([[ask["box"]]], dtype=torch.float32)
        if "mask" in ask:
            call["input_masks"] = prior
        made = model(image_embeddings=embedding, **call)
        found[f"{name}.masks"] = made.pred_masks[0, 0]
        found[f"{name}.quality"] = made.iou_scores[0, 0]
    return found


PARTS = {"sam": sam, "sam_odd": sam_odd, "clip": clip, "clip_odd": clip_odd}
PARTS |= {"t5": t5, "t5_gated": t5_gated, "t5_gelu": t5_gelu}


def main(folder, *parts):
    for part in parts:
        torch.manual_seed(int(os.environ.get("MLX_TEST_SEED", "0")))
        with torch.no_grad():
            found = PARTS[part](Path(folder) / part)
        np.savez(Path(folder) / f"{part}.npz", **{k: np.asarray(v) for k, v in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
