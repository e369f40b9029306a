"""Folders of tiny random models, written by the examples' own modules in the layout that transformers and
diffusers have, for tests that compare nothing with these packages."""

import json

import mlx.core as mx

from diffusers_cases import SCHEDULE, TEXT_2, UNETS, VAE
from encoders_cases import CLIP_VISION, SAM, T5, clip_text, clip_tokenizer, t5_tokenizer
from examples import checkpoint
from generative.stable_diffusion import folder as diffusion
from generative.stable_diffusion.text import TextEncoder
from generative.stable_diffusion.unet import UNet
from generative.stable_diffusion.vae import VAE as VAEModel
from language.t5.folder import t5_config
from language.t5.model import T5 as T5Model
from mlx.utils import tree_flatten
from vision.clip import folder as clip_folder
from vision.clip.model import CLIP
from vision.sam.model import SAM as SAMModel
from vision.sam.model import parts_of


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def save(model, folder, stem="model"):
    """Random weights, norms around 1, in torch's order of axes."""
    axes, weights = checkpoint.torch_axes(model), {}
    for name, x in tree_flatten(model.parameters()):
        norm = x.ndim == 1 and name.endswith("weight")
        weights[name] = mx.random.normal(x.shape) * 0.15 + float(norm)
        if name in axes:
            back = sorted(range(x.ndim), key=lambda i: axes[name][i])
            weights[name] = weights[name].transpose(back)
    mx.save_safetensors(str(folder / f"{stem}.safetensors"), weights)


def clip(folder):
    text = clip_text(clip_tokenizer(folder))
    config = {"text_config": text, "vision_config": CLIP_VISION, "projection_dim": 24}
    write_json(folder / "config.json", config | {"model_type": "clip"})
    towers = [
        clip_folder.tower_config(found, defaults, folder)
        for found, defaults in ((text, clip_folder.TEXT), (CLIP_VISION, clip_folder.VISION))
    ]
    save(CLIP(*towers, 24), folder)


def t5(folder, **more):
    config = T5 | {"vocab_size": t5_tokenizer(folder), "model_type": "t5"} | more
    write_json(folder / "config.json", config)
    save(T5Model(t5_config(folder), not config.get("tie_word_embeddings", True)), folder)


def t5_gated(folder):
    t5(folder, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def sam(folder):
    write_json(folder / "config.json", SAM | {"model_type": "sam"})
    save(SAMModel(*parts_of(SAM, folder)), folder)


def text_encoder(folder, number, projected, **more):
    size = clip_tokenizer(folder / f"tokenizer{number}")
    place = folder / f"text_encoder{number}"
    kind = "CLIPTextModelWithProjection" if projected else "CLIPTextModel"
    config = clip_text(size) | {"model_type": "clip_text_model", "architectures": [kind]} | more
    write_json(place / "config.json", config)
    tower = clip_folder.tower_config(config, clip_folder.TEXT, place)
    save(TextEncoder(tower, projected, None, 0), place)


def stable_diffusion(folder, kind):
    """Of the kind sd15, sd21 or xl."""
    stem, xl = "diffusion_pytorch_model", kind == "xl"
    write_json(
        folder / "unet" / "config.json", UNETS[kind] | {"_class_name": "UNet2DConditionModel"}
    )
    save(UNet(diffusion.unet_config(folder / "unet")), folder / "unet", stem)
    write_json(folder / "vae" / "config.json", VAE | {"_class_name": "AutoencoderKL"})
    save(VAEModel(diffusion.vae_config(folder / "vae")), folder / "vae", stem)
    text_encoder(folder, "", False)
    plan = {"_class_name": "DDIMScheduler", "clip_sample": False, "set_alpha_to_one": False}
    plan["prediction_type"] = "v_prediction" if kind == "sd21" else "epsilon"
    write_json(
        folder / "scheduler" / "scheduler_config.json", SCHEDULE | plan | {"steps_offset": 1}
    )
    index = {"_class_name": f"StableDiffusion{'XL' if xl else ''}Pipeline"}
    if xl:
        text_encoder(folder, "_2", True, **TEXT_2)
        index |= {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
        index["force_zeros_for_empty_prompt"] = True
    write_json(folder / "model_index.json", index)


def made(tmp_path_factory, kind):
    """A new folder of one of these models: clip, sam, t5 ..."""
    place = tmp_path_factory.mktemp("tiny") / kind
    globals()[kind](place)
    return place
