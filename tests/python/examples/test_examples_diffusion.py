"""generative.stable_diffusion computes what diffusers does: each network, each sampler, whole runs."""

import json
import math
import shutil

import mlx.core as mx
import numpy as np
import pytest
import tiny_folders
from diffusers_cases import NEGATIVE, PROMPT, SCHEDULE, SCHEDULES, STEPS
from examples import is_png, near, needs_pillow, pictures, program, referenced
from generative.stable_diffusion import samplers
from generative.stable_diffusion.folder import CLASSES, SPACING
from generative.stable_diffusion.folder import SCHEDULE as DEFAULTS
from generative.stable_diffusion.folder import load_sampler
from generative.stable_diffusion.pipeline import StableDiffusion
from generative.stable_diffusion.vae import blended
from memory import peak_of

KINDS = ["sd15", "sd21", "xl"]


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    for kind in KINDS:
        tiny_folders.stable_diffusion(folder / kind, kind)
    return folder


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return referenced(tmp_path_factory, "diffusers_worker.py", "schedules", *KINDS)


@pytest.fixture(scope="module", params=KINDS)
def made(reference, request):
    return StableDiffusion(reference / request.param), np.load(reference / f"{request.param}.npz")


def test_unet(made):
    model, wanted = made
    x, text, time = (mx.array(wanted[name]) for name in ("x", "text", "time"))
    added = tuple(mx.array(wanted[name]) for name in ("text_embeds", "time_ids"))
    near(model.unet(x, time, text, added if model.unet.added else None), wanted["noise"])


def test_vae(made):
    model, wanted = made
    near(model.vae.encode(mx.array(wanted["picture"])), wanted["encoded"])
    latent = mx.array(wanted["latent"])
    near(model.vae.decode(latent), wanted["decoded"])
    near(model.vae.decode_tiled(latent), wanted["tiled"])


def test_texts(made):
    model, wanted = made
    states, added = model.text(PROMPT, NEGATIVE, 8, 8)
    near(states, wanted["states"])
    if added:
        near(added[0], wanted["vectors"])


@pytest.mark.parametrize("name", ["ddim", "euler", "dpm++"])
def test_text_to_image(made, name):
    model, wanted = made
    call = {"sampler": name, "steps": STEPS, "guidance": 4.0, "size": (48, 64)}
    noise = mx.array(wanted["start"])
    found = model.text_to_image(PROMPT, NEGATIVE, noise=noise, **call)
    near(found, wanted[f"text.{name}"], 3e-4)
    if "text.zeros" in wanted and name == "ddim":
        near(model.text_to_image(PROMPT, noise=noise, **call), wanted["text.zeros"], 3e-4)


@pytest.mark.parametrize("name", ["ddim", "euler", "dpm++"])
def test_image_to_image(made, name):
    model, wanted = made
    call = {"sampler": name, "steps": STEPS, "guidance": 4.0, "strength": 0.6}
    image, noise = mx.array(wanted["image"]), mx.array(wanted["fresh"])
    found = model.image_to_image(image, PROMPT, NEGATIVE, noise=noise, **call)
    near(found, wanted[f"image.{name}"], 3e-4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_trajectory(reference, monkeypatch, name):
    """A sampler's steps for a model that answers tanh(x + time / 1000)."""
    wanted = np.load(reference / "schedules.npz")
    cls, steps, more = SCHEDULES[name]
    kind = CLASSES[cls]
    own = {"timestep_spacing": SPACING[kind], "clip_sample": kind == "ddim"}
    sampler = samplers.SAMPLERS[kind](DEFAULTS | own | SCHEDULE | more, steps)
    near(sampler.times, wanted[f"{name}.times"])
    fresh = iter(wanted[f"{name}.fresh"])
    monkeypatch.setattr(mx.random, "normal", lambda shape, dtype: mx.array(next(fresh)))
    x = sampler.first(mx.array(wanted[f"{name}.noise"]))
    for i in range(len(sampler)):
        answer = mx.tanh(sampler.scaled(i, x) + float(sampler.times[i]) / 1000)
        x = sampler.step(i, x, answer)
        near(x, wanted[f"{name}.states"][i])


@pytest.mark.parametrize("name", ["ddim", "euler", "dpm++"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_samplers_solve_the_equation(name, prediction):
    """Where images are normal with deviation s, the best model is linear and the equation has a
    solution: x keeps its ratio to the deviation at each time, sqrt(a s^2 + 1 - a)."""
    s, errors = 0.5, []
    more = {"prediction_type": prediction, "timestep_spacing": "trailing"}
    more |= {"clip_sample": False, "use_karras_sigmas": False}
    for steps in (20, 80):
        sampler = samplers.SAMPLERS[name](DEFAULTS | SCHEDULE | more, steps)
        start = mx.array([-1.0, 0.3, 2.0])
        x = sampler.first(start)
        for i in range(steps):
            a = sampler.alphas[int(sampler.times[i])]
            seen = sampler.scaled(i, x)
            image = seen * float(a**0.5 * s**2 / (a * s**2 + 1 - a))
            noise = (seen - float(a**0.5) * image) / float(1 - a) ** 0.5
            v = float(a**0.5) * noise - float(1 - a) ** 0.5 * image
            answers = {"epsilon": noise, "v_prediction": v, "sample": image}
            x = sampler.step(i, x, answers[prediction])
        a = sampler.alphas[-1]
        errors.append(mx.abs(x - start * float(s / (a * s**2 + 1 - a) ** 0.5)).max().item())
    assert errors[1] < errors[0] / 2.5 and errors[1] < 0.05, errors


def test_fresh_noise_has_the_right_size():
    """What euler_a gives is spread as the images are."""
    mx.random.seed(3)
    more = {"timestep_spacing": "trailing", "use_karras_sigmas": True}
    sampler, s = samplers.EulerAncestral(DEFAULTS | SCHEDULE | more, 240), 0.5
    x = sampler.first(mx.random.normal((20000,)))
    for i in range(240):
        sigma = float(sampler.sigmas[i])
        x = sampler.step(i, x, x * sigma / (s**2 + sigma**2))
    assert mx.std(x).item() == pytest.approx(s, rel=0.05)


def test_tiles_of_one_colour():
    """Where nothing differs, tiles are what the whole is."""
    weights = mx.ones((1, 30, 40, 2))
    before = blended(weights, 3 * weights, 10, 1)
    assert before[0, :, 0, 0].tolist()[:11] == pytest.approx([1 + 0.2 * i for i in range(10)] + [3])
    assert mx.array_equal(blended(weights, weights, 10, 2), weights)


@pytest.mark.parametrize("kind", KINDS)
def test_halves(top, kind):
    """bfloat16 says about what float32 says."""
    found = []
    for dtype in (mx.float32, mx.bfloat16):
        model = StableDiffusion(top / kind, dtype)
        mx.random.seed(2)
        call = {"steps": 2, "guidance": 1, "size": (32, 24)}
        found.append(np.array(model.text_to_image("a cat", **call)))
    assert np.linalg.norm(found[1] - found[0]) < 0.05 * np.linalg.norm(found[0])


def test_tiles_need_less_memory(top):
    """As much for a long picture as for a short one, but for the pictures themselves."""
    vae, peaks = StableDiffusion(top / "sd15").vae, {}
    for name, decode in (("whole", vae.decode), ("tiled", vae.decode_tiled)):
        latents = mx.random.normal((1, 8, 400, 4))
        mx.eval(latents)
        peaks[name] = peak_of(lambda: mx.eval(decode(latents)))
    assert peaks["tiled"] < peaks["whole"] / 3, peaks


@pytest.mark.parametrize("kind", KINDS)
def test_program(top, tmp_path, kind):
    output = tmp_path / "x.png"
    call = ["generative.stable_diffusion", "--model", top / kind, "--output", output, "a cat"]
    size = ["--width", 48, "--height", 40]
    said = program(*call, *size, "--steps", 3, "--dtype", "bfloat16", "--tiled")
    assert "48 x 40 pixels" in said and is_png(output)
    first = output.read_bytes()
    program(*call, *size, "--steps", 3, "--dtype", "bfloat16", "--tiled")
    assert output.read_bytes() == first
    program(*call, *size, "--steps", 3, "--seed", 1, "--sampler", "euler_a", "--karras")
    assert output.read_bytes() != first


def picture(path, height=50, width=61):
    pictures.write_png(
        path, np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    )


def test_program_from_a_picture(top, tmp_path):
    needs_pillow()
    picture(tmp_path / "in.png")
    call = ["--model", top / "sd15", "--image", tmp_path / "in.png", "--output", tmp_path / "x.png"]
    said = program("generative.stable_diffusion", *call, "--steps", 4, "--strength", 0.5, "a cat")
    assert "56 x 48 pixels" in said and is_png(tmp_path / "x.png")


WRONG = [
    (["--steps", 0], "--steps is from 1 to 1000, not 0."),
    (["--steps", 1001], "--steps is from 1 to 1000, not 1001."),
    (["--width", 100], "--width is a multiple of 8 from 8 to 4096, not 100."),
    (["--height", -8], "--height is a multiple of 8 from 8 to 4096, not -8."),
    (["--width", 100000], "--width is a multiple of 8 from 8 to 4096, not 100000."),
    (["--guidance", "nan"], "--guidance is a number from 0 on, not nan."),
    (["--dtype", "int8"], "--dtype is one of float32, bfloat16, float16, not int8."),
    (["--image", "none.png"], "none.png cannot be read as an image: No such file"),
    (["--output", "none/x.png"], "there is no folder none"),
    (["--model", "none"], "none is no model folder of diffusers"),
]


@pytest.mark.parametrize("words, sentence", WRONG)
def test_what_is_wrong_with_a_call(top, words, sentence):
    call = ["--model", top / "sd15", "--width", 16, "--height", 16, "--steps", 1, *words, "a cat"]
    said = program("generative.stable_diffusion", *call)
    assert sentence in said and said.count("\n") == 1, said


@pytest.mark.parametrize("strength", [0, 1.5, -1, "nan", 0.1])
def test_strength_out_of_range(top, strength):
    model = StableDiffusion(top / "sd15")
    with pytest.raises(SystemExit, match="--strength"):
        model.image_to_image(mx.zeros((1, 2, 2, 4)), "a cat", strength=float(strength), steps=4)


def test_broken_pictures(top, tmp_path):
    needs_pillow()
    picture(tmp_path / "in.png")
    (tmp_path / "in.png").write_bytes((tmp_path / "in.png").read_bytes()[:3000])
    call = ["--model", top / "sd15", "--image", tmp_path / "in.png", "a cat"]
    assert "in.png cannot be read as an image" in program("generative.stable_diffusion", *call)
    picture(tmp_path / "in.png")
    said = program("generative.stable_diffusion", *call, "--width", 100000, "--height", 100000)
    assert "not 100000." in said
    picture(tmp_path / "in.png", 5, 40)
    assert "in.png is smaller than 8 x 8" in program("generative.stable_diffusion", *call)


def configured(name, **values):
    def change(folder):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


@pytest.mark.parametrize(
    "name, option, value",
    [
        ("dpm++", "algorithm_type", "sde-dpmsolver++"),
        ("dpm++", "solver_order", 3),
        ("dpm++", "use_beta_sigmas", True),
        ("euler", "interpolation_type", "log_linear"),
        ("euler", "sigma_max", 10.0),
        ("euler_a", "trained_betas", [0.1, 0.2]),
    ],
)
def test_what_a_sampler_has_not(top, tmp_path, name, option, value):
    """It is refused by the sampler that would compute something else, and no matter to others."""
    shutil.copytree(top / "sd15" / "scheduler", tmp_path / "scheduler")
    configured("scheduler/scheduler_config.json", **{option: value})(tmp_path)
    with pytest.raises(SystemExit, match=f"{option} is .*, expected "):
        load_sampler(tmp_path, name, 4)
    if option != "trained_betas":
        assert len(load_sampler(tmp_path, "ddim", 4)) == 4


@pytest.mark.parametrize(
    "least, fine", [(-math.inf, True), (-5.1, True), (-2.0, False), ("x", False)]
)
def test_times_that_a_schedule_leaves_out(top, tmp_path, least, fine):
    """The least logarithm of signal to noise of these models is -2.68."""
    shutil.copytree(top / "sd15" / "scheduler", tmp_path / "scheduler")
    configured("scheduler/scheduler_config.json", lambda_min_clipped=least)(tmp_path)
    assert len(load_sampler(tmp_path, "euler", 4)) == 4
    if fine:
        assert len(load_sampler(tmp_path, "dpm++", 4)) == 4
        return
    with pytest.raises(SystemExit, match="lambda_min_clipped is -2.0, expected at most|'str'"):
        load_sampler(tmp_path, "dpm++", 4)


def gone(name):
    return lambda folder: (folder / name).unlink()


UNET, MODEL = "unet/config.json", "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    "change, sentence",
    [
        (gone("model_index.json"), "model_index.json is missing"),
        (
            configured("model_index.json", _class_name="FluxPipeline"),
            "is of FluxPipeline, expected",
        ),
        (gone(UNET), "config.json is missing"),
        (configured(UNET, _class_name="UNet2DModel"), "is of UNet2DModel, expected"),
        (configured(UNET, down_block_types=["AttnDownBlock2D"] * 2), "AttnDownBlock2D is no block"),
        (
            configured(UNET, class_embed_type="timestep"),
            "class_embed_type is timestep, expected None",
        ),
        (configured(UNET, cross_attention_dim=48), "has shape"),
        (configured(UNET, down_block_types=["DownBlock2D"]), "are no blocks of 2 levels"),
        (configured(UNET, attention_head_dim=[2, 0]), "attention_head_dim is [2, 0], expected"),
        (configured(UNET, norm_eps="x"), "norm_eps is 'x', expected something like 1e-05"),
        (configured(UNET, norm_num_groups=0), "no such model can be built"),
        (configured("vae/config.json", block_out_channels=[]), "block_out_channels is empty"),
        (configured("text_encoder/config.json", num_attention_heads=0), "no multiple of its heads"),
        (configured("scheduler/scheduler_config.json", beta_start=[]), "beta_start is []"),
        (configured("scheduler/scheduler_config.json", beta_end=2), "are from 0 to 1"),
        (configured(UNET, layers_per_block=2), "is missing"),
        (gone(f"unet/{MODEL}"), f"{MODEL} is missing"),
        (lambda f: (f / "vae" / MODEL).write_bytes(b"1234"), "cannot be read"),
        (gone("text_encoder/model.safetensors"), "model.safetensors is missing"),
        (configured("scheduler/scheduler_config.json", beta_schedule="sigmoid"), "beta_schedule"),
        (configured("scheduler/scheduler_config.json", timestep_spacing="x"), "timestep_spacing x"),
        (gone("scheduler/scheduler_config.json"), "cannot be read as JSON"),
        (
            configured("scheduler/scheduler_config.json", rescale_betas_zero_snr=True),
            "rescale_betas_zero_snr is True, expected False",
        ),
        (configured("scheduler/scheduler_config.json", thresholding=True), "thresholding is True"),
        (configured(UNET, mid_block_scale_factor=2), "mid_block_scale_factor is 2, expected 1"),
        (configured(UNET, time_cond_proj_dim=8), "time_cond_proj_dim is 8, expected None"),
        (configured("vae/config.json", shift_factor=0.1), "shift_factor is 0.1, expected None"),
    ],
)
def test_what_is_wrong_with_a_folder(top, tmp_path, change, sentence):
    shutil.copytree(top / "sd15", tmp_path / "model")
    change(tmp_path / "model")
    with pytest.raises(SystemExit) as caught:
        StableDiffusion(tmp_path / "model").text_to_image("a cat", steps=2, size=(16, 16))
    assert sentence in str(caught.value)
