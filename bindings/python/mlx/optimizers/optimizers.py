"""All optimizers in one module, as programs import them that know where MLX keeps them."""

from mlx.nn import Module
from mlx.optimizers.adafactor import Adafactor
from mlx.optimizers.adam import Adam, AdamW, Adamax, Lion
from mlx.optimizers.gradient_descent import SGD, AdaDelta, Adagrad, RMSprop
from mlx.optimizers.muon import Muon
from mlx.optimizers.optimizer import MultiOptimizer, Optimizer, clip_grad_norm
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten
