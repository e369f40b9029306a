"""Run by a Python that has diffusers and transformers (MLX_TRANSFORMERS_PYTHON): tiny random Stable
Diffusions, and what diffusers makes of random inputs.

    diffusers_worker.py FOLDER KIND...    writes FOLDER/KIND, a model folder, and FOLDER/KIND.npz
"""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import diffusers
import numpy as np
import torch
import transformers
from diffusers_cases import (
    NEGATIVE,
    PROMPT,
    SCHEDULE,
    SCHEDULES,
    STEPS,
    TEXT_2,
    UNETS,
    VAE,
)
from encoders_cases import clip_text, clip_tokenizer
from encoders_worker import shaken

torch.set_num_threads(1)
diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()


def tokenizer(folder):
    clip_tokenizer(folder)
    made = transformers.CLIPTokenizer.from_pretrained(folder, model_max_length=24)
    made.save_pretrained(folder)
    return made


def text_encoder(kind, size, **more):
    config = clip_text(size) | more
    return shaken(getattr(transformers, kind)(transformers.CLIPTextConfig(**config)))


def parts(kind, folder):
    """The modules of a pipeline."""
    read = tokenizer(folder / "tokenizer")
    found = {
        "unet": shaken(diffusers.UNet2DConditionModel(**UNETS[kind])),
        "vae": shaken(diffusers.AutoencoderKL(**VAE)),
        "text_encoder": text_encoder("CLIPTextModel", len(read)),
        "tokenizer": read,
    }
    if kind == "xl":
        found["text_encoder_2"] = text_encoder("CLIPTextModelWithProjection", len(read), **TEXT_2)
        found["tokenizer_2"] = tokenizer(folder / "tokenizer_2")
    else:
        found |= dict.fromkeys(("safety_checker", "feature_extractor"))
        found["requires_safety_checker"] = False
    return found


def scheduler(cls, **more):
    return getattr(diffusers, cls)(**(SCHEDULE | more))


def pipeline(kind, folder):
    prediction = {"prediction_type": "v_prediction"} if kind == "sd21" else {}
    plan = scheduler(
        "DDIMScheduler", clip_sample=False, set_alpha_to_one=False, steps_offset=1, **prediction
    )
    cls = diffusers.StableDiffusionXLPipeline if kind == "xl" else diffusers.StableDiffusionPipeline
    pipe = cls(scheduler=plan, **parts(kind, folder))
    pipe.save_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def last(x):
    """(B, C, H, W) with its channels last."""
    return x.movedim(1, -1)


def networks(pipe):
    """UNet, VAE and text encoders alone."""
    xl = hasattr(pipe, "text_encoder_2")
    width = pipe.unet.config.cross_attention_dim
    x, text, time = torch.randn(2, 4, 10, 7), torch.randn(2, 24, width), torch.tensor([7.0, 801.0])
    added = {
        "text_embeds": torch.randn(2, 24),
        "time_ids": torch.tensor([[80, 56, 0, 0, 64, 96.0]] * 2),
    }
    noise = pipe.unet(x, time, text, added_cond_kwargs=added if xl else None).sample
    picture, latent = torch.rand(1, 3, 48, 32) * 2 - 1, torch.randn(1, 4, 17, 11)
    scale = pipe.vae.config.scaling_factor
    found = {"x": last(x), "text": text, "time": time, "noise": last(noise), **added}
    found |= {"picture": last(picture), "latent": last(latent)}
    found["encoded"] = last(pipe.vae.encode(picture).latent_dist.mean * scale)
    found["decoded"] = last(pipe.vae.decode(latent / scale).sample)
    pipe.vae.enable_tiling()
    found["tiled"] = last(pipe.vae.decode(latent / scale).sample)
    pipe.vae.disable_tiling()
    encode = pipe.encode_prompt(
        PROMPT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True,
        negative_prompt=NEGATIVE,
    )  # fmt: skip
    found["states"] = torch.cat([encode[1], encode[0]])
    if xl:
        found["vectors"] = torch.cat([encode[3], encode[2]])
    return found


def trajectories(kind):
    """The latents of each step, for a model that answers tanh(x + time / 1000)."""
    found = {}
    for name, (cls, steps, more) in SCHEDULES.items():
        plan = scheduler(cls, **more)
        plan.set_timesteps(steps)
        x = torch.randn(1, 4, 4, 4)
        found[f"{name}.noise"] = last(x)
        generator = torch.Generator().manual_seed(5)
        x, states = x * plan.init_noise_sigma, []
        for time in plan.timesteps:
            seen = plan.scale_model_input(x, time)
            answer = torch.tanh(seen + time / 1000)
            more = {"generator": generator} if "Ancestral" in cls else {}
            x = plan.step(answer, time, x, **more).prev_sample
            states.append(last(x))
        found[f"{name}.times"] = plan.timesteps
        found[f"{name}.states"] = torch.stack(states)
        generator = torch.Generator().manual_seed(5)
        fresh = [last(torch.randn(1, 4, 4, 4, generator=generator)) for _ in states]
        found[f"{name}.fresh"] = torch.stack(fresh)
    return found


def pictures(pipe, kind, folder):
    """Whole runs from the same noise."""
    noise, image = torch.randn(1, 4, 8, 6), torch.randn(1, 4, 8, 6)
    same = {
        "prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": STEPS,
        "guidance_scale": 4.0, "output_type": "latent",
    }  # fmt: skip
    call = same | {"height": 64, "width": 48, "latents": noise}
    found = {"start": last(noise), "image": last(image)}
    from_image = getattr(diffusers, type(pipe).__name__.replace("Pipeline", "Img2ImgPipeline"))
    for name in ("ddim", "euler", "dpm++"):
        plan = getattr(diffusers, SCHEDULES[name][0]).from_pretrained(folder, subfolder="scheduler")
        modules = pipe.components | {"scheduler": plan}
        whole, other = type(pipe)(**modules), from_image(**modules)
        for made in (whole, other):
            made.set_progress_bar_config(disable=True)
        found[f"text.{name}"] = last(whole(**call).images)
        if kind == "xl" and name == "ddim":
            found["text.zeros"] = last(whole(**call | {"negative_prompt": None}).images)
        generator = torch.Generator().manual_seed(5)
        made = other(image=image, strength=0.6, generator=generator, **same).images
        found[f"image.{name}"] = last(made)
    found["fresh"] = last(torch.randn(1, 4, 8, 6, generator=torch.Generator().manual_seed(5)))
    return found


def main(folder, *kinds):
    for kind in kinds:
        torch.manual_seed(int(os.environ.get("MLX_TEST_SEED", "0")))
        with torch.no_grad():
            if kind == "schedules":
                found = trajectories(kind)
            else:
                pipe = pipeline(kind, Path(folder) / kind)
                found = networks(pipe) | pictures(pipe, kind, Path(folder) / kind)
        np.savez(Path(folder) / f"{kind}.npz", **{k: np.asarray(v) for k, v in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
