"""Recurrent networks over inputs `(..., L, D)`: the state at each position depends on the last."""

import math
from typing import Callable, Optional

import mlx.core as mx

from .activations import tanh
from .base import Module, check_sizes, of_this_shape


def _uniform(hidden_size, *shape):
    scale = 1.0 / math.sqrt(hidden_size)
    return mx.random.uniform(-scale, scale, shape)


def _steps(x):
    """The positions of `(..., L, D)`, one after the other."""
    x = of_this_shape(x)
    return (x[..., i, :] for i in range(x.shape[-2]))


class RNN(Module):
    """`h_t = f(W_xh x_t + W_hh h_(t-1) + b)` (Elman 1990).

    Args:
        input_size: The number of input features, `D`.
        hidden_size: The number of hidden features, `H`.
        bias: Whether to add `b`.
        nonlinearity: The function `f`; tanh by default.

    Parameters, uniform in `[-s, s)` with `s = 1 / sqrt(H)`: `Wxh` of shape `(H, D)`, `Whh` of shape
    `(H, H)`, `bias` of shape `(H,)`.

    Raises:
        ValueError: `nonlinearity` is no function, or a size is negative, or 0 where weights are
            scaled by it

    Example:
        >>> nn.RNN(3, 5)(mx.zeros((2, 7, 3))).shape  # all hidden states
        (2, 7, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Optional[Callable] = None,
    ):
        super().__init__()
        check_sizes(self, {"hidden_size": hidden_size}, {"input_size": input_size})
        self.nonlinearity = nonlinearity or tanh
        if not callable(self.nonlinearity):
            raise ValueError(f"Nonlinearity must be callable. Current value: {nonlinearity}.")
        self.hidden_size = hidden_size
        self.Wxh = _uniform(hidden_size, hidden_size, input_size)
        self.Whh = _uniform(hidden_size, hidden_size, hidden_size)
        self.bias = _uniform(hidden_size, hidden_size) if bias else None

    def _extra_repr(self):
        return (
            f"input_dims={self.Wxh.shape[1]}, hidden_size={self.hidden_size}, "
            f"nonlinearity={self.nonlinearity}, bias={self.bias is not None}"
        )

    def __call__(self, x: mx.array, hidden: Optional[mx.array] = None) -> mx.array:
        """All states, `(..., L, H)`, beginning after `hidden`, `(..., H)`, zeros by default."""
        x = x @ self.Wxh.T if self.bias is None else mx.addmm(self.bias, x, self.Wxh.T)
        states = []
        for step in _steps(x):
            if hidden is not None:
                step = step + hidden @ self.Whh.T
            hidden = self.nonlinearity(step)
            states.append(hidden)
        return mx.stack(states, axis=-2)


class GRU(Module):
    """Gated recurrent unit (Cho et al. 2014).

        r_t = sigmoid(W_xr x_t + W_hr h_(t-1) + b_r)
        z_t = sigmoid(W_xz x_t + W_hz h_(t-1) + b_z)
        n_t = tanh(W_xn x_t + b_n + r_t * (W_hn h_(t-1) + b_hn))
        h_t = (1 - z_t) * n_t + z_t * h_(t-1)

    Args:
        input_size: The number of input features, `D`.
        hidden_size: The number of hidden features, `H`.
        bias: Whether to add the `b`.

    Parameters, uniform in `[-s, s)` with `s = 1 / sqrt(H)`; of the three gates in the order r, z,
    n: `Wx` of shape `(3 H, D)`, `Wh` of shape `(3 H, H)`, `b` of shape `(3 H,)`; and `bhn`, `(H,)`.

    Raises:
        ValueError: a size is negative, or 0 where weights are scaled by it

    Example:
        >>> nn.GRU(3, 5)(mx.zeros((2, 7, 3))).shape  # all hidden states
        (2, 7, 5)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__()
        check_sizes(self, {"hidden_size": hidden_size}, {"input_size": input_size})
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 3 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 3 * hidden_size, hidden_size)
        self.b = _uniform(hidden_size, 3 * hidden_size) if bias else None
        self.bhn = _uniform(hidden_size, hidden_size) if bias else None

    def _extra_repr(self):
        return (
            f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, "
            f"bias={self.b is not None}"
        )

    def __call__(self, x: mx.array, hidden: Optional[mx.array] = None) -> mx.array:
        """All states, `(..., L, H)`, beginning after `hidden`, `(..., H)`, zeros by default."""
        x = x @ self.Wx.T if self.b is None else mx.addmm(self.b, x, self.Wx.T)
        states = []
        for step in _steps(x):
            xr, xz, xn = mx.split(step, 3, axis=-1)
            hn = 0 if self.bhn is None else self.bhn
            if hidden is not None:
                hr, hz, product = mx.split(hidden @ self.Wh.T, 3, axis=-1)
                xr, xz, hn = xr + hr, xz + hz, product + hn
            z = mx.sigmoid(xz)
            n = mx.tanh(xn + mx.sigmoid(xr) * hn)
            hidden = (1 - z) * n if hidden is None else (1 - z) * n + z * hidden
            states.append(hidden)
        return mx.stack(states, axis=-2)


class LSTM(Module):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

        i_t = sigmoid(W_xi x_t + W_hi h_(t-1) + b_i)
        f_t = sigmoid(W_xf x_t + W_hf h_(t-1) + b_f)
        g_t = tanh(W_xg x_t + W_hg h_(t-1) + b_g)
        o_t = sigmoid(W_xo x_t + W_ho h_(t-1) + b_o)
        c_t = f_t * c_(t-1) + i_t * g_t
        h_t = o_t * tanh(c_t)

    Args:
        input_size: The number of input features, `D`.
        hidden_size: The number of hidden features, `H`.
        bias: Whether to add the `b`.

    Parameters, uniform in `[-s, s)` with `s = 1 / sqrt(H)`; of the four gates in the order i, f, g,
    o: `Wx` of shape `(4 H, D)`, `Wh` of shape `(4 H, H)`, `bias` of shape `(4 H,)`.

    Raises:
        ValueError: a size is negative, or 0 where weights are scaled by it

    Example:
        >>> hidden, cells = nn.LSTM(3, 5)(mx.zeros((2, 7, 3)))
        >>> hidden.shape, cells.shape
        ((2, 7, 5), (2, 7, 5))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__()
        check_sizes(self, {"hidden_size": hidden_size}, {"input_size": input_size})
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        self.bias = _uniform(hidden_size, 4 * hidden_size) if bias else None

    def _extra_repr(self):
        return (
            f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, "
            f"bias={self.bias is not None}"
        )

    def __call__(
        self, x: mx.array, hidden: Optional[mx.array] = None, cell: Optional[mx.array] = None
    ) -> tuple:
        """All states `h` and all cells `c`, each `(..., L, H)`.

        They begin after `hidden` and `cell`, each `(..., H)`, zeros by default.
        """
        x = x @ self.Wx.T if self.bias is None else mx.addmm(self.bias, x, self.Wx.T)
        states, cells = [], []
        for step in _steps(x):
            if hidden is not None:
                step = step + hidden @ self.Wh.T
            i, f, g, o = mx.split(step, 4, axis=-1)
            new = mx.sigmoid(i) * mx.tanh(g)
            cell = new if cell is None else mx.sigmoid(f) * cell + new
            hidden = mx.sigmoid(o) * mx.tanh(cell)
            states.append(hidden)
            cells.append(cell)
        return mx.stack(states, axis=-2), mx.stack(cells, axis=-2)
