"""What diffusers_worker.py and the tests share: texts, and schedules with the class that has them."""

PROMPT, NEGATIVE, STEPS = "a cat and a dog", "dogs, cats", 4

UNET = {
    "sample_size": 8,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "cross_attention_dim": 32,
    "attention_head_dim": 2,
    "norm_num_groups": 4,
}
XL = {
    "block_out_channels": (16, 32, 32),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (2, 2, 4),
    "cross_attention_dim": 72,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 24 + 6 * 8,
}
LINEAR = {"use_linear_projection": True, "attention_head_dim": (2, 4)}
UNETS = {"sd15": UNET, "sd21": UNET | LINEAR, "xl": UNET | XL}
TEXT_2 = {"hidden_size": 40, "hidden_act": "gelu"}
VAE = {
    "block_out_channels": (8, 16, 16, 16),
    "layers_per_block": 1,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "norm_num_groups": 4,
    "sample_size": 64,
}
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

KARRAS = {"use_karras_sigmas": True}
V = {"prediction_type": "v_prediction"}
OFFSET = {"timestep_spacing": "leading", "steps_offset": 1}
TRAILING = {"timestep_spacing": "trailing"}
DDIM = {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}
EULER, ANCESTRAL = "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler"
MULTISTEP = "DPMSolverMultistepScheduler"

# Name: class, steps, configuration.
SCHEDULES = {
    "ddim": ("DDIMScheduler", 10, DDIM),
    "ddim default": ("DDIMScheduler", 7, {}),
    "ddim v": ("DDIMScheduler", 7, DDIM | V),
    "ddim trailing": ("DDIMScheduler", 7, DDIM | TRAILING),
    "ddim linspace": ("DDIMScheduler", 7, DDIM | {"timestep_spacing": "linspace"}),
    "ddim sample": ("DDIMScheduler", 7, DDIM | {"prediction_type": "sample"}),
    "euler": (EULER, 10, {}),
    "euler leading": (EULER, 7, OFFSET),
    "euler trailing": (EULER, 7, TRAILING),
    "euler karras": (EULER, 10, KARRAS),
    "euler v": (EULER, 7, V | OFFSET),
    "euler sigma_min": (EULER, 7, {"final_sigmas_type": "sigma_min"}),
    "euler karras sigma_min": (EULER, 16, KARRAS | {"final_sigmas_type": "sigma_min"}),
    "euler linear": (EULER, 7, {"beta_schedule": "linear"}),
    "euler_a": (ANCESTRAL, 10, {}),
    "euler_a v": (ANCESTRAL, 7, V | OFFSET),
    "dpm++": (MULTISTEP, 10, {}),
    "dpm++ 20": (MULTISTEP, 20, {}),
    "dpm++ leading": (MULTISTEP, 7, OFFSET),
    "dpm++ trailing": (MULTISTEP, 7, TRAILING),
    "dpm++ karras": (MULTISTEP, 20, KARRAS),
    "dpm++ v": (MULTISTEP, 10, V | OFFSET),
    "dpm++ sigma_min": (MULTISTEP, 16, {"final_sigmas_type": "sigma_min"}),
}
