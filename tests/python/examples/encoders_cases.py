"""Inputs that encoders_worker.py and the tests share."""

CLIP_TEXTS = ["a cat and a dog", "Dogs, 12 CATS  don't", "naïve   café: cat!", ""]
T5_TEXT = "translate: the cat saw a dog."
SAM_PROMPTS = {
    "point": {"points": [(20, 31)], "labels": [1], "several": True},
    "points": {"points": [(20, 31), (50, 3), (1, 60)], "labels": [1, 0, 1], "several": False},
    "box": {"box": (5, 8, 40, 60), "several": True},
    "both": {"points": [(9, 9)], "labels": [0], "box": (5, 8, 40, 60), "several": False},
    "mask": {"points": [(9, 9)], "labels": [1], "mask": True, "several": True},
}
