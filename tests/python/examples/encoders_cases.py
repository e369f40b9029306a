"""Inputs that encoders_worker.py and the tests share."""

CLIP_TEXTS = ["a cat and a dog", "Dogs, 12 CATS  don't", "naïve   café: cat!", ""]
T5_TEXT = "translate: the cat saw a dog."
