"""Proximal policy optimization (Schulman et al. 2017) learns to balance a pole on a cart (Barto,
Sutton and Anderson 1983): sixty-four carts at once, as arrays, pushed left or right fifty times a
second. A cart is done when the pole leans more than 12 degrees, at the end of the track, or after
500 pushes.

    python -m methods.ppo        writes ppo.png: how many pushes the pole stayed up, while learning
"""

import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from common import Progress, arguments
from samples import batches
from plot import GREY, Plot

LIMIT = 500
GRAVITY, CART, POLE, LENGTH, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02


def push(state, right):
    """The carts' next states (N, 4): place, speed, angle and its speed, by the equations of the paper
    in steps of Euler's; and which of them fell."""
    x, speed, angle, turn = state.T
    sin, cos, total = mx.sin(angle), mx.cos(angle), CART + POLE
    force = mx.where(right, FORCE, -FORCE)
    common = (force + POLE * LENGTH * mx.square(turn) * sin) / total
    bend = GRAVITY * sin - cos * common
    bend = bend / (LENGTH * (4 / 3 - POLE * mx.square(cos) / total))
    pull = common - POLE * LENGTH * bend * cos / total
    new = state + SECONDS * mx.stack([speed, pull, turn, bend], axis=1)
    return new, (mx.abs(new[:, 0]) > 2.4) | (mx.abs(new[:, 2]) > 12 * math.pi / 180)


def fresh(count):
    """Carts that stand nearly still and upright."""
    return mx.random.uniform(-0.05, 0.05, (count, 4))


def layers(out):
    return nn.Sequential(
        nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out)
    )


class Agent(nn.Module):
    """The chances of left and right as logits, and how many more pushes are to be expected."""

    def __init__(self):
        super().__init__()
        self.actor, self.critic = layers(2), layers(1)
        self.actor.layers[-1].weight = self.actor.layers[-1].weight * 0.01

    def log_chances(self, states):
        return nn.log_softmax(self.actor(states), axis=-1)

    def value(self, states):
        return self.critic(states)[..., 0]


def chosen(log_chances, actions):
    return mx.take_along_axis(log_chances, actions[..., None], axis=-1)[..., 0]


def stepper(agent):
    """A compiled step of all carts: (states, ages) to the same after it, and what to learn from."""

    def step(states, ages):
        log_chances = agent.log_chances(states)
        actions = mx.random.categorical(log_chances)
        after, fell = push(states, actions == 1)
        done = fell | (ages + 1 >= LIMIT)
        seen = (states, actions, chosen(log_chances, actions), agent.value(states))
        future = mx.where(fell, 0, agent.value(after))
        states = mx.where(done[:, None], fresh(len(ages)), after)
        return states, mx.where(done, 0, ages + 1), (*seen, future, done)

    state = [agent.state, mx.random.state]
    return mx.compile(step, inputs=state, outputs=state)


def rollout(step, states, ages, steps):
    """Where the carts are after so many steps, what was seen on the way as arrays (steps, N, ...), and
    the ages of carts that were done."""
    seen, finished = [], []
    for _ in range(steps):
        before = ages
        states, ages, parts = step(states, ages)
        seen.append(parts)
        finished.append(mx.where(parts[-1], before + 1, 0))
    seen = [mx.stack(parts) for parts in zip(*seen)]
    ends = np.array(mx.stack(finished))
    return states, ages, seen, ends[ends > 0]


def advantages(values, futures, done, discount=0.99, trace=0.95):
    """How much better each push was than expected (Schulman et al. 2016), from the last to the first;
    each push that is survived is worth 1."""
    surprise = 1 + discount * futures - values
    total, out = mx.zeros_like(values[0]), []
    for i in reversed(range(len(values))):
        total = surprise[i] + discount * trace * mx.where(done[i], 0, total)
        out.append(total)
    return mx.stack(out[::-1])


def loss(agent, states, actions, before, gains, returns, clip=0.2):
    """The clipped objective, the critic's error, and a little for staying curious."""
    log_chances = agent.log_chances(states)
    ratio = mx.exp(chosen(log_chances, actions) - before)
    better = mx.minimum(ratio * gains, mx.clip(ratio, 1 - clip, 1 + clip) * gains)
    entropy = -mx.sum(mx.exp(log_chances) * log_chances, axis=-1)
    wrong = mx.square(agent.value(states) - returns) / 100
    return mx.mean(wrong - better - 0.01 * entropy)


def learner(agent, optimizer):
    """A compiled step of the optimizer on a batch."""
    value_and_grad = nn.value_and_grad(agent, lambda *batch: loss(agent, *batch))

    def learn(*batch):
        value, gradients = value_and_grad(*batch)
        gradients, _ = optim.clip_grad_norm(gradients, 0.5)
        optimizer.update(agent, gradients)
        return value

    state = [agent.state, optimizer.state]
    return mx.compile(learn, inputs=state, outputs=state)


def improve(learn, agent, seen, random, passes=4, batch=1024):
    """A few passes over what was seen."""
    states, actions, before, values, futures, done = seen
    gains = advantages(values, futures, done)
    returns = gains + values
    gains = (gains - mx.mean(gains)) / (mx.sqrt(mx.var(gains)) + 1e-8)
    parts = [p.reshape(-1, *p.shape[2:]) for p in (states, actions, before, gains, returns)]
    for _ in range(passes):
        for some in batches(min(batch, len(gains) * len(gains[0])), *parts, random=random):
            mx.eval(learn(*some), agent.state)


def balance(agent, carts=100):
    """How many pushes each of so many carts lasts when the likelier one is always taken."""

    def step(states, ages, standing):
        states, fell = push(states, mx.argmax(agent.actor(states), axis=1) == 1)
        standing = standing & ~fell
        return states, ages + standing, standing

    step = mx.compile(step, inputs=[agent.state])
    parts = fresh(carts), mx.zeros(carts, mx.int32), mx.ones(carts, mx.bool_)
    for _ in range(LIMIT):
        parts = step(*parts)
        mx.eval(parts)
    return parts[1]


def main(rounds=80, carts=64, steps=64, seed=0, output=None):
    """Returns the agent and for each round the mean number of pushes of the last hundred carts that
    were done; ends when that is 475, which counts as solved."""
    mx.random.seed(seed)
    agent, random = Agent(), np.random.default_rng(seed)
    step, learn = stepper(agent), learner(agent, optim.Adam(1e-3))
    states, ages = fresh(carts), mx.zeros(carts, mx.int32)
    lasted, means, progress = [], [], Progress(rounds)
    for i in range(1, rounds + 1):
        states, ages, seen, ends = rollout(step, states, ages, steps)
        improve(learn, agent, seen, random)
        lasted = [*lasted, *ends.tolist()][-100:]
        means.append(np.mean(lasted) if lasted else 0)
        progress(i, pushes=means[-1])
        if means[-1] >= 475:
            break
    if output:
        plot = Plot((0, 0), (len(means), LIMIT))
        plot.line([0, len(means)], [475, 475], GREY)
        plot.line(range(len(means)), means)
        plot.write(output)
    return agent, means


if __name__ == "__main__":
    o = arguments(__doc__, rounds=80, carts=64, output="ppo.png")
    agent, means = main(o.rounds, o.carts, seed=o.seed, output=o.output)
    print(f"\nthe pole stayed up for {means[0]:.0f} pushes at first: {o.output}")
    print(
        f"at last for {mx.mean(balance(agent)).item():.0f} of {LIMIT}, the mean of a hundred new carts"
    )
