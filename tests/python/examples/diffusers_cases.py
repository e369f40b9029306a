"""What diffusers_worker.py and the tests share: texts, and schedules with the class that has them."""

PROMPT, NEGATIVE, STEPS = "a cat and a dog", "dogs, cats", 4

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
