"""What all optimizers share: state, step count, learning rate, and the walk over trees of
parameters."""

from typing import Any, Optional

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten


def require(condition, message):
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def require_names(gradients, parameters, path=""):
    """Raise KeyError, which names the path, if there is a gradient for what is no parameter."""
    if isinstance(gradients, dict):
        for key, child in gradients.items():
            if not isinstance(parameters, dict) or key not in parameters:
                raise KeyError(f'There is a gradient of "{path}{key}", but no such parameter.')
            require_names(child, parameters[key], f"{path}{key}.")
    elif isinstance(gradients, (list, tuple)):
        for i, child in enumerate(gradients):
            if not isinstance(parameters, (list, tuple)) or i >= len(parameters):
                raise KeyError(f'There is a gradient of "{path}{i}", but no such parameter.')
            require_names(child, parameters[i], f"{path}{i}.")


def _states(parameters, old):
    """A tree like ``parameters`` with a dict for each array: the one that ``old`` has there, or a
    new one."""
    if isinstance(parameters, dict):
        old = old if isinstance(old, dict) else {}
        return {**old, **{k: _states(child, old.get(k)) for k, child in parameters.items()}}
    if isinstance(parameters, (list, tuple)):
        old = list(old) if isinstance(old, (list, tuple)) else []
        old += [None] * (len(parameters) - len(old))
        return type(parameters)(_states(child, o) for child, o in zip(parameters, old))
    return old if isinstance(old, dict) else {}


class Optimizer:
    """The base of every optimizer.

    A rule defines ``init_single(parameter, state)``, which fills the dict ``state`` of one
    parameter, and ``apply_single(gradient, parameter, state)``, which returns the new parameter and
    may change ``state``.

    Args:
        schedulers (dict, optional): functions from the step (an array) to a hyperparameter of that
        name.

    Example:
        >>> schedule = optim.step_decay(0.1, 0.5, 10)
        >>> optimizer = optim.Adam(schedule)  # in place of a number
        >>> model = nn.Linear(2, 1)
        >>> optimizer.update(model, {"weight": mx.ones((1, 2)), "bias": mx.ones(1)})
        >>> optimizer.step, optimizer.learning_rate
        (array(1, dtype=uint64), array(0.1, dtype=float32))
    """

    def __init__(self, schedulers: Optional[dict] = None) -> None:
        self._initialized = False
        self._state = {"step": mx.array(0, mx.uint64)}
        self._schedulers = dict(schedulers or {})

    def init(self, parameters: dict):
        """Make the state of each array in the tree ``parameters``; state that exists already is
        kept, and a ValueError if it is of an array of another shape.

        It is called with the first gradients, so that this is needed only to have the state
        beforehand, for instance to load it or to capture it in ``mx.compile``.
        """

        def prepare(parameter, state):
            if not state:
                self.init_single(parameter, state)

        self._require_shapes(parameters)
        self._state.update(_states(parameters, self._state))  # the dict may have been captured
        tree_map(prepare, parameters, self._state)
        self._initialized = True

    def init_single(self, parameter: mx.array, state: dict):
        """Fill the state of one parameter."""
        raise NotImplementedError()

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict):
        """The new value of one parameter, an array of its shape and dtype."""
        raise NotImplementedError()

    def update(self, model: "mlx.nn.Module", gradients: dict):
        """Take one step: the parameters of ``model`` named in the tree ``gradients`` get new
        values."""
        model.update(self.apply_gradients(gradients, model))

    def apply_gradients(self, gradients: dict, parameters: dict):
        """The tree of new parameters; ``parameters`` may have more arrays than ``gradients``."""
        if not self._initialized or not self._has_state_of(gradients):
            require_names(gradients, parameters)
            self.init(gradients)
        for name, schedule in self._schedulers.items():
            self.state[name] = schedule(self.step)
        self.state["step"] = self.step + 1
        try:
            return tree_map(self.apply_single, gradients, parameters, self.state)
        except Exception:
            # which may say more; a walk that costs nothing in the good case
            require_names(gradients, parameters)
            self._require_shapes(gradients)
            raise

    def _require_shapes(self, parameters):
        """Raise ValueError if state which begins in the shape of its parameter has another: it is
        of another model's."""

        def check(parameter, state):
            fresh: dict = {}
            if state:
                self.init_single(parameter, fresh)
            for name, array in fresh.items():
                there = state.get(name)
                if (
                    isinstance(there, mx.array)
                    and there.shape != parameter.shape
                    and getattr(array, "shape", None) == parameter.shape
                ):
                    raise ValueError(
                        f"The optimizer's {name!r} is of a parameter of shape {there.shape}, not "
                        f"{parameter.shape}: each model has an optimizer of its own."
                    )

        tree_map(check, parameters, _states(parameters, self._state))

    def _has_state_of(self, gradients):
        """Whether there is state: a trace that failed takes it back, and parameters that were
        frozen had none."""
        return not isinstance(gradients, dict) or all(key in self._state for key in gradients)

    @property
    def state(self) -> dict:
        """A dict: ``step``, ``learning_rate`` and, in the shape of the parameters, what the rule
        remembers."""
        return self._state

    @state.setter
    def state(self, state: dict):
        self._initialized = False
        self._state = state

    @property
    def step(self) -> mx.array:
        """The number of steps taken, a uint64 scalar."""
        return self.state["step"]

    @property
    def learning_rate(self) -> mx.array:
        """The current learning rate, a float32 scalar."""
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name: str, value):
        """Keep a hyperparameter in the state: a number, or what a function of the step gives."""
        if callable(value):
            self._schedulers[name] = value
            value = value(self.step)
        self.state[name] = mx.array(value)


class MultiOptimizer(Optimizer):
    """Several optimizers, each for a part of the parameters.

    Args:
        optimizers (list): one more than there are filters; the last takes what no filter wants.
        filters (list): predicates of a parameter's path and gradient; the first that holds decides.

    Raises:
        ValueError: there is not one optimizer more than filters

    Example:
        >>> optimizer = optim.MultiOptimizer(
        ...     [optim.Muon(0.02), optim.AdamW(1e-3)], [lambda path, gradient: gradient.ndim == 2]
        ... )
        >>> model = nn.Linear(2, 1)  # its weight goes to Muon, its bias to AdamW
        >>> optimizer.update(model, {"weight": mx.ones((1, 2)), "bias": mx.ones(1)})
    """

    def __init__(self, optimizers, filters: list = []):
        super().__init__({})
        self._state = {}
        require(
            len(filters) == len(optimizers) - 1,
            f"Given {len(filters)} filters but {len(optimizers) - 1} needed.",
        )
        self.optimizers = optimizers
        self.filters = list(filters) + [lambda *args: True]

    def _split(self, gradients: dict):
        parts = [[] for _ in self.optimizers]
        for path, gradient in tree_flatten(gradients):
            for part, wants in zip(parts, self.filters):
                if wants(path, gradient):
                    part.append((path, gradient))
                    break
        return [tree_unflatten(part) if part else {} for part in parts]

    def init(self, parameters: dict):
        """Initialise each optimizer with its part of the parameters."""
        for optimizer, part in zip(self.optimizers, self._split(parameters)):
            optimizer.init(part)
        self._initialized = True

    def apply_gradients(self, gradients: dict, parameters: dict):
        """The tree of new parameters, each made by its optimizer."""
        result = {}
        for optimizer, part in zip(self.optimizers, self._split(gradients)):
            if part:
                result = tree_merge(result, optimizer.apply_gradients(part, parameters))
        return result

    @property
    def state(self) -> dict:
        """``{"states": [...]}``, one state for each optimizer."""
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict):
        require(
            "states" in state and len(state["states"]) == len(self.optimizers),
            "Invalid state provided",
        )
        for optimizer, part in zip(self.optimizers, state["states"]):
            optimizer.state = part

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate of the first optimizer; setting it sets all."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate


def clip_grad_norm(grads: Any, max_norm: float) -> Any:
    """Scale a tree of gradients so that the norm of all of them together is at most ``max_norm``.

    Pascanu et al. 2013.

    Args:
        grads (tree): arrays.
        max_norm (float): the largest norm.

    Returns:
        tuple: The scaled tree, and the norm before, a scalar array.

    Raises:
        ValueError: ``max_norm`` is negative, which would turn the gradients around

    Example:
        >>> optim.clip_grad_norm({"w": mx.array([3.0, 4.0])}, max_norm=1.0)
        ({'w': array([0.6, 0.8], dtype=float32)}, array(5, dtype=float32))
    """
    require(max_norm >= 0, f"max_norm should be >=0, {max_norm} was provided instead")
    norm = mx.sqrt(tree_reduce(lambda total, g: total + g.square().sum(), grads, 0.0))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale, grads), norm
