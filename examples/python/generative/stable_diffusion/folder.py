"""A model folder as diffusers has it: model_index.json, and a folder for each part."""

import sys
from pathlib import Path

import mlx.core as mx
from checkpoint import (
    check_same,
    config_of,
    described,
    field,
    filled,
    load_weights,
    read_json,
    weights_of,
)
from vision.clip.folder import TEXT, tower_config, without_position_ids
from vision.clip.inputs import load_tokenizer, pad_token

from generative.stable_diffusion.samplers import CLASSES, SAMPLERS
from generative.stable_diffusion.text import TextEncoder
from generative.stable_diffusion.unet import UNet
from generative.stable_diffusion.vae import VAE

PIPELINES = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")


def index_of(folder):
    """model_index.json of one of the pipelines that these programs run."""
    path = Path(folder) / "model_index.json"
    if not path.is_file():
        sys.exit(f"{path} is missing: {folder} is no model folder of diffusers.")
    index = read_json(path)
    if not str(index.get("_class_name")).startswith(PIPELINES[0].removesuffix("Pipeline")):
        sys.exit(f"{path} is of {index.get('_class_name')}, expected {' or '.join(PIPELINES)}.")
    return index


def add_widths(config, found, folder):
    """block_out_channels, which has no default."""
    widths = field(found, "block_out_channels", folder)
    config |= filled({"block_out_channels": []}, found, folder)
    if not widths:
        sys.exit(f"{folder}: block_out_channels is empty.")
    return widths


def per_level(found, name, default, levels, folder):
    """A number above 0 for each level, of one number or of a list."""
    value = default if found.get(name) is None else found[name]
    values = value if isinstance(value, list) else [value] * levels
    values = filled({name: []}, {name: values}, folder)[name]
    if len(values) != levels or not all(values):
        sys.exit(f"{folder}: {name} is {value}, expected a number for each of {levels} levels.")
    return values


UNET = {
    "in_channels": 4,
    "out_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
    "cross_attention_dim": 768,
    "addition_embed_type": "",
    "addition_time_embed_dim": 0,
    "projection_class_embeddings_input_dim": 0,
}
# What this UNet is built for.
EXPECTED = {
    "act_fn": "silu",
    "only_cross_attention": False,
    "dual_cross_attention": False,
    "resnet_time_scale_shift": "default",
    "class_embed_type": None,
    "encoder_hid_dim_type": None,
    "time_embedding_type": "positional",
    "center_input_sample": False,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "attention_type": "default",
    "addition_embed_type_num_heads": 64,
    "class_embeddings_concat": False,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "cross_attention_norm": None,
    "downsample_padding": 1,
    "mid_block_scale_factor": 1,
    "mid_block_only_cross_attention": None,
    "num_class_embeds": None,
    "resnet_out_scale_factor": 1,
    "resnet_skip_time_act": False,
    "reverse_transformer_layers_per_block": None,
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "time_embedding_dim": None,
    "timestep_post_act": None,
}


def unet_config(folder):
    """The configuration with its defaults, heads of each level, and depths of its transformers."""
    found = config_of(folder, "UNet2DConditionModel")
    check_same(found, EXPECTED, folder)
    config = filled(UNET, found, folder)
    levels = len(add_widths(config, found, folder))
    if config["addition_embed_type"] not in ("", "text_time"):
        sys.exit(f"{folder}: addition_embed_type is {config['addition_embed_type']}.")
    if not config["addition_embed_type"]:
        config["addition_time_embed_dim"] = 0
    # The first configurations call the number of heads attention_head_dim.
    heads = "num_attention_heads" if found.get("num_attention_heads") else "attention_head_dim"
    config["heads"] = per_level(found, heads, 8, levels, folder)
    depth = per_level(found, "transformer_layers_per_block", 1, levels, folder)
    config["depths"] = depths_of(found, depth, folder)
    return config


def depths_of(found, depth, folder):
    """How many transformer blocks follow each residual block: none where a level has no attention."""
    kinds = dict.fromkeys(("CrossAttnDownBlock2D", "CrossAttnUpBlock2D"), 1)
    kinds |= dict.fromkeys(("DownBlock2D", "UpBlock2D"), 0)
    down, up = field(found, "down_block_types", folder), field(found, "up_block_types", folder)
    for blocks in (down, up):
        if not isinstance(blocks, list) or len(blocks) != len(depth):
            sys.exit(f"{folder}: {blocks} are no blocks of {len(depth)} levels.")
        for kind in blocks:
            if kind not in kinds:
                sys.exit(f"{folder}: {kind} is no block that is known here.")
    return {
        "down": [kinds[kind] * n for kind, n in zip(down, depth)],
        "mid": depth[-1],
        "up": [kinds[kind] * n for kind, n in zip(reversed(up), depth)],
    }


def load_unet(folder, dtype=mx.float32):
    weights = weights_of(folder, "diffusion_pytorch_model")
    for name, x in weights.items():  # convolutions of 1x1 are linear
        if name.endswith(("proj_in.weight", "proj_out.weight")) and x.ndim == 4:
            weights[name] = x.squeeze((2, 3))
    with described(folder):
        model = UNet(unet_config(folder))
    return load_weights(model, weights, folder, dtype)


VAE_DEFAULTS = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 32,
    "sample_size": 32,
    "scaling_factor": 0.18215,
    "use_quant_conv": True,
    "use_post_quant_conv": True,
    "mid_block_add_attention": True,
}
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def renamed(name):
    """The first files of VAEs had other names for attention."""
    parts = name.split(".")
    if "attentions" in parts and parts[-2] in OLD_NAMES:
        parts[-2] = OLD_NAMES[parts[-2]]
    return ".".join(parts)


def vae_config(folder):
    found = config_of(folder, "AutoencoderKL")
    others = dict.fromkeys(("shift_factor", "latents_mean", "latents_std"))
    check_same(found, {"act_fn": "silu", **others}, folder)
    config = filled(VAE_DEFAULTS, found, folder)
    add_widths(config, found, folder)
    return config


def load_vae(folder, dtype=mx.float32):
    weights = weights_of(folder, "diffusion_pytorch_model")
    weights = {renamed(name): x for name, x in weights.items()}
    with described(folder):
        model = VAE(vae_config(folder))
    return load_weights(model, weights, folder, dtype)


def load_text(folder, number, dtype=mx.float32):
    """The text encoder and tokenizer of a number, "" or "_2"."""
    place = Path(folder) / f"text_encoder{number}"
    found = config_of(place, "clip_text_model")
    projected = "CLIPTextModelWithProjection" in str(found.get("architectures"))
    weights = without_position_ids(weights_of(place))
    if not any(name.startswith("text_model.") for name in weights):
        weights = {f"text_model.{name}": x for name, x in weights.items()}
    config = tower_config(found, TEXT, place)
    tokenizer = load_tokenizer(Path(folder) / f"tokenizer{number}")
    pad = pad_token(Path(folder) / f"tokenizer{number}", tokenizer)
    with described(place):
        model = TextEncoder(config, projected, tokenizer, pad)
    return load_weights(model, weights, place, dtype)


SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "prediction_type": "epsilon",
    "steps_offset": 0,
    "timestep_spacing": "",
    "use_karras_sigmas": False,
    "set_alpha_to_one": True,
    "clip_sample": None,
    "clip_sample_range": 1.0,
    "final_sigmas_type": "zero",
    "lower_order_final": True,
    "lambda_min_clipped": None,
}
# What a scheduler_config.json leaves out means something else in each class.
SPACING = {"ddim": "leading", "euler": "linspace", "euler_a": "linspace", "dpm++": "linspace"}

# What the samplers are written for; of what a class has not, its configuration says nothing.
NOISE = {"trained_betas": None, "rescale_betas_zero_snr": False}
SIGMAS = {"use_exponential_sigmas": False, "use_beta_sigmas": False}
EULER = NOISE | SIGMAS | {"interpolation_type": "linear", "timestep_type": "discrete"}
EULER |= {"sigma_min": None, "sigma_max": None}
DPM = NOISE | SIGMAS | {"algorithm_type": "dpmsolver++", "solver_order": 2}
DPM |= {"solver_type": "midpoint", "euler_at_final": False, "thresholding": False}
DPM |= {"use_lu_lambdas": False, "use_flow_sigmas": False, "variance_type": None}
OF_SAMPLERS = {
    "ddim": NOISE | {"thresholding": False},
    "euler": EULER,
    "euler_a": NOISE,
    "dpm++": DPM,
}


def load_sampler(folder, name, steps, spacing=None, karras=None):
    """The sampler of a name, or where it is None the one that scheduler_config.json names."""
    path = Path(folder) / "scheduler" / "scheduler_config.json"
    found = read_json(path)
    own = CLASSES.get(str(found.get("_class_name")))
    if name is None and own is None:
        sys.exit(f"{path} is of {found.get('_class_name')}: say --sampler {' or '.join(SAMPLERS)}.")
    name = name or own
    check_same(found, OF_SAMPLERS[name], path)
    config = filled(SCHEDULE, found, path)
    config["timestep_spacing"] = spacing or config["timestep_spacing"] or SPACING[name]
    if config["clip_sample"] is None:
        config["clip_sample"] = found.get("_class_name") == "DDIMScheduler"
    if config["prediction_type"] not in ("epsilon", "v_prediction", "sample"):
        sys.exit(f"{path}: prediction_type is {config['prediction_type']}.")
    if karras is not None:
        config["use_karras_sigmas"] = karras
    if not 1 <= steps <= config["num_train_timesteps"]:
        sys.exit(f"--steps is from 1 to {config['num_train_timesteps']}, not {steps}.")
    with described(path):
        return SAMPLERS[name](config, steps)
