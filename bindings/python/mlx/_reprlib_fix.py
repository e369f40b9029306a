"""Let reprlib print arrays, and with it pytest, pprint and unittest.

Older ones choose by the name of a type alone, and take what is called `array` for Python's
`array.array`. Where reprlib looks at the type's module too (it has `_lookup` for that), nothing is
changed.
"""

import reprlib

_of_python = reprlib.Repr.repr_array


def _repr_array(self, x, level):
    """Arrays of this package as the objects that they are; what else has that name as before."""
    return (
        self.repr_instance(x, level)
        if type(x).__module__ == "mlx.core"
        else _of_python(self, x, level)
    )


if not hasattr(reprlib.Repr, "_lookup"):
    reprlib.Repr.repr_array = _repr_array
