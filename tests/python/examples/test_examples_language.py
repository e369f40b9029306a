"""The programs of examples/python/language do what their first lines say."""

import numpy as np
import pytest
from examples import FULL, common, needs_data


@needs_data
def test_text_trainer(tmp_path):
    from language import text_trainer

    path = tmp_path / "some.txt"
    whole = (common.data_folder() / "text" / "tinyshakespeare_input.txt").read_bytes()
    path.write_bytes(whole if FULL else whole[:80000])
    value, words = text_trainer.main(path, epochs=4 if FULL else 1, output=tmp_path / "out")
    assert value < (7 if FULL else 35)
    assert (
        words.startswith("The ") and "perplexity" in (tmp_path / "out" / "written.txt").read_text()
    )


@needs_data
def test_language_model(tmp_path):
    from language import language_model

    path = common.data_folder() / "text" / "tinyshakespeare_input.txt"
    loss, text = language_model.main(
        path, 600 if FULL else 60, output=tmp_path / "model.safetensors"
    )
    assert loss < (2.4 if FULL else 3.0)
    assert text.startswith("The ") and len(text) >= 400


@needs_data
def test_language_model_writes_the_same_with_and_without_cache():
    from language import language_model as lm
    import mlx.core as mx

    mx.random.seed(3)
    model = lm.LanguageModel(20)
    tokens = mx.random.randint(0, 20, (1, 9))
    whole, _ = model(tokens)
    cache, parts = None, []
    for i in range(9):
        logits, cache = model(tokens[:, i : i + 1], cache)
        parts.append(logits)
    np.testing.assert_allclose(whole, mx.concatenate(parts, axis=1), atol=2e-5)


@needs_data
def test_names_lstm(monkeypatch):
    from language import names_lstm

    if not FULL:
        names, rows = names_lstm.load(None)
        monkeypatch.setattr(names_lstm, "load", lambda data: (names, rows[:10000]))
    loss, invented = names_lstm.main(epochs=2 if FULL else 1)
    assert loss < (2.2 if FULL else 2.5)
    assert len(invented) == 10 and all(name.isalpha() or not name for name in invented)


@needs_data
def test_lora():
    from language import lora

    before, after, fused, share, _ = lora.main(steps=600 if FULL else 60)
    assert after < before - (0.5 if FULL else 0.2)
    assert fused == pytest.approx(after, abs=1e-3)
    assert share < 0.03
