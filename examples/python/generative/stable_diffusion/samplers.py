"""From noise to a latent image in a few steps. A sampler is made of the noise schedule that the model
was trained with (scheduler/scheduler_config.json) and a number of steps:

    x = sampler.first(noise)
    for i in range(len(sampler)):
        x = sampler.step(i, x, model(sampler.scaled(i, x), sampler.times[i]))

Tables are float64. At time t the model saw sqrt(a) image + sqrt(1 - a) noise, a = alphas[t], which
is, up to a factor, image + sigma noise with sigma = sqrt((1 - a) / a).
"""

import sys

import mlx.core as mx
import numpy as np


def alphas(config):
    """What is left of the image at each time of training: the products of 1 - beta."""
    start, end, count = config["beta_start"], config["beta_end"], config["num_train_timesteps"]
    if not 0 < start <= end < 1:
        sys.exit(f"beta_start and beta_end are from 0 to 1, not {start} and {end}.")
    if config["beta_schedule"] == "scaled_linear":
        betas = np.linspace(start**0.5, end**0.5, count) ** 2
    elif config["beta_schedule"] == "linear":
        betas = np.linspace(start, end, count)
    else:
        sys.exit(f"beta_schedule {config['beta_schedule']} is not linear or scaled_linear.")
    return np.cumprod(1 - betas)


def times_of(config, steps, ends=True):
    """The times of the steps, latest first, as `timestep_spacing` says (Lin et al. 2023). Where the
    sampler goes on behind the last of them (not `ends`), linspace and leading divide finer."""
    count, spacing, more = config["num_train_timesteps"], config["timestep_spacing"], int(not ends)
    if spacing == "linspace":
        return np.linspace(0, count - 1, steps + more)[::-1][:steps]
    if spacing == "leading":
        stride = count // (steps + more)
        return (np.arange(steps + more) * stride)[::-1][:steps] + float(config["steps_offset"])
    if spacing == "trailing":
        return np.round(count - np.arange(steps) * count / steps) - 1
    sys.exit(f"timestep_spacing {spacing} is not linspace, leading or trailing.")


def karras(low, high, steps, rho=7):
    """Sigmas that are dense where they are small (Karras et al. 2022, equation 5)."""
    ends = high ** (1 / rho), low ** (1 / rho)
    return np.linspace(*ends, steps) ** rho


class Sampler:
    """Defaults: the model's prediction means image and noise, x enters the model as it is."""

    def __init__(self, config, steps):
        self.config = config
        self.alphas = alphas(config)
        self.train_sigmas = np.sqrt((1 - self.alphas) / self.alphas)
        self.times = self.prepare(steps)

    def __len__(self):
        return len(self.times)

    def first(self, noise):
        """Where sampling begins without a picture."""
        return noise

    def scaled(self, i, x):
        """What the model sees at step i."""
        return x

    def image_and_noise(self, x, prediction, alpha):
        """What the model's output says about x = sqrt(alpha) image + sqrt(1 - alpha) noise: itself
        is the noise, or v (Salimans and Ho 2022), or the image."""
        a, b = float(alpha) ** 0.5, float(1 - alpha) ** 0.5
        if self.config["prediction_type"] == "epsilon":
            return (x - b * prediction) / a, prediction
        if self.config["prediction_type"] == "v_prediction":
            return a * x - b * prediction, a * prediction + b * x
        return prediction, (x - a * prediction) / b


class DDIM(Sampler):
    """Song et al. 2020. eta is the share of fresh noise."""

    eta = 0.0

    def prepare(self, steps):
        self.stride = self.config["num_train_timesteps"] // steps
        return np.round(times_of(self.config, steps))

    def alpha(self, time):
        """Before the first time the image is whole, or as clear as it was in training."""
        if time < 0:
            return 1.0 if self.config["set_alpha_to_one"] else self.alphas[0]
        return self.alphas[int(time)]

    def noised(self, i, image, noise):
        a = self.alpha(self.times[i])
        return float(a) ** 0.5 * image + float(1 - a) ** 0.5 * noise

    def step(self, i, x, prediction):
        now, then = self.alpha(self.times[i]), self.alpha(self.times[i] - self.stride)
        image, noise = self.image_and_noise(x, prediction, now)
        if self.config["clip_sample"]:
            limit = self.config["clip_sample_range"]
            image = mx.clip(image, -limit, limit)
        fresh = self.eta**2 * (1 - then) / (1 - now) * (1 - now / then)
        x = float(then) ** 0.5 * image + float(1 - then - fresh) ** 0.5 * noise
        return x + float(fresh) ** 0.5 * mx.random.normal(x.shape, x.dtype) if fresh else x


class Euler(Sampler):
    """Euler's method for the ODE of Karras et al. 2022, whose x is image + sigma noise."""

    def prepare(self, steps):
        times = times_of(self.config, steps)
        self.sigmas = np.interp(times, np.arange(len(self.train_sigmas)), self.train_sigmas)
        if self.config["use_karras_sigmas"]:
            self.sigmas = karras(self.sigmas[-1], self.sigmas[0], steps)
            times = self.times_at(self.sigmas)
        self.sigmas = np.append(self.sigmas, self.last())
        return times

    def last(self):
        """The sigma behind the last step."""
        return self.train_sigmas[0] if self.config["final_sigmas_type"] == "sigma_min" else 0

    def times_at(self, sigmas):
        """The times at which training had these sigmas, interpolated in their logarithms."""
        logs = np.log(self.train_sigmas)
        return np.interp(np.log(sigmas), logs, np.arange(len(logs)))

    def first(self, noise):
        top = self.sigmas.max()
        ends = self.config["timestep_spacing"] in ("linspace", "trailing")
        return noise * float(top if ends else np.sqrt(top**2 + 1))

    def noised(self, i, image, noise):
        return image + float(self.sigmas[i]) * noise

    def scaled(self, i, x):
        return x / float(self.sigmas[i] ** 2 + 1) ** 0.5

    def direction(self, i, x, prediction):
        """dx by dsigma, which is the noise."""
        return self.image_and_noise(self.scaled(i, x), prediction, 1 / (self.sigmas[i] ** 2 + 1))[1]

    def step(self, i, x, prediction):
        return x + float(self.sigmas[i + 1] - self.sigmas[i]) * self.direction(i, x, prediction)


class EulerAncestral(Euler):
    """A longer step of Euler's, and fresh noise up to the sigma that was wanted."""

    def last(self):
        return 0

    def step(self, i, x, prediction):
        now, then = self.sigmas[i], self.sigmas[i + 1]
        up = np.sqrt(then**2 * (now**2 - then**2) / now**2)
        down = np.sqrt(then**2 - up**2)
        x = x + float(down - now) * self.direction(i, x, prediction)
        return x + float(up) * mx.random.normal(x.shape, x.dtype) if up else x


class DPM(Euler):
    """DPM-Solver++ 2M (Lu et al. 2022): steps from the images of this step and the one before, exact in
    the linear part of the ODE. x is sqrt(alpha) image + sqrt(1 - alpha) noise."""

    def prepare(self, steps):
        least, most = self.config["lambda_min_clipped"], float(-np.log(self.train_sigmas[-1]))
        if least is not None and not least <= most:
            sys.exit(
                f"lambda_min_clipped is {least}, expected at most {most:.4g}: all times count."
            )
        times = np.round(times_of(self.config, steps, ends=False))
        self.sigmas = np.interp(times, np.arange(len(self.train_sigmas)), self.train_sigmas)
        if self.config["use_karras_sigmas"]:
            self.sigmas = karras(self.train_sigmas[0], self.train_sigmas[-1], steps)
            times = np.round(self.times_at(self.sigmas))
        self.sigmas, self.before = np.append(self.sigmas, self.last()), None
        return times

    def first(self, noise):
        return noise

    def scaled(self, i, x):
        return x

    def alpha(self, i):
        return 1 / (self.sigmas[i] ** 2 + 1)

    def noised(self, i, image, noise):
        a = self.alpha(i)
        return float(a) ** 0.5 * image + float(1 - a) ** 0.5 * noise

    def is_first_order(self, i):
        """The first step knows no step before; the last of few, or onto sigma 0, would be unstable."""
        last = i == len(self) - 1
        few = len(self) < 15 and self.config["lower_order_final"]
        return self.before is None or (last and (few or self.sigmas[-1] == 0))

    def step(self, i, x, prediction):
        image = self.image_and_noise(x, prediction, self.alpha(i))[0]
        now, then = self.sigmas[i], self.sigmas[i + 1]
        shrink = then / now  # exp(-h), h the step in log(1 / sigma)
        goal = image
        if not self.is_first_order(i):
            ratio = np.log(self.sigmas[i - 1] / now) / np.log(now / then)
            goal = image + (image - self.before) * float(0.5 / ratio)
        self.before = image
        a, b = np.sqrt(self.alpha(i)), np.sqrt(self.alpha(i + 1))
        return float(shrink * b / a) * x + float(b * (1 - shrink)) * goal


SAMPLERS = {"ddim": DDIM, "euler": Euler, "euler_a": EulerAncestral, "dpm++": DPM}

# The schedulers of scheduler_config.json, by the sampler that does the same; what PNDM (Liu et al.
# 2022) would do with several predictions, DDIM does with one.
CLASSES = {
    "DDIMScheduler": "ddim",
    "PNDMScheduler": "ddim",
    "EulerDiscreteScheduler": "euler",
    "EulerAncestralDiscreteScheduler": "euler_a",
    "DPMSolverMultistepScheduler": "dpm++",
}
