"""The array API standard, version 2024.12, to the letter, over the arrays of mlx.core.

    import mlx.array_api as xp

mlx.core has the signatures, defaults and dtypes of MLX, which here and there are not the
standard's. This namespace has the standard's alone: what it leaves out is not here, what it asks
for is. Arrays are mlx.core's, so that both can be used side by side. There is no complex128.
"""

from mlx.core import (
    Dtype,
    complex64,
    e,
    euler_gamma,
    float32,
    float64,
    inf,
    int8,
    int16,
    int32,
    int64,
    nan,
    newaxis,
    pi,
    uint8,
    uint16,
    uint32,
    uint64,
)
from mlx.core import bool_ as bool

from . import _manual, fft, linalg
from ._creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    tril,
    triu,
    zeros,
    zeros_like,
)
from ._dtypes import astype, can_cast, finfo, iinfo, isdtype, result_type
from ._elementwise import *  # noqa: F403
from ._elementwise import __all__ as _elementwise
from ._info import __array_namespace_info__
from ._manipulation import (
    broadcast_arrays,
    broadcast_to,
    concat,
    expand_dims,
    flip,
    moveaxis,
    permute_dims,
    repeat,
    reshape,
    roll,
    squeeze,
    stack,
    tile,
    unstack,
)
from ._searching import (
    argmax,
    argmin,
    argsort,
    count_nonzero,
    nonzero,
    searchsorted,
    sort,
    take,
    take_along_axis,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    where,
)
from ._statistical import (
    all,
    any,
    cumulative_prod,
    cumulative_sum,
    diff,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from .linalg import matmul, matrix_transpose, tensordot, vecdot

__array_api_version__ = "2024.12"

__all__ = [name for name in dir() if not name.startswith("_") and name != "Dtype"] + [
    "__array_api_version__",
    "__array_namespace_info__",
]
_manual.complete(globals(), vars(fft), vars(linalg))
