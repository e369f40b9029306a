"""Let reprlib print arrays, and with it pytest, pprint and unittest.

reprlib chooses by the name of a type alone, and takes what is called `array` for Python's `array.array`.
"""

import array
import reprlib

_of_python = reprlib.Repr.repr_array


def _repr_array(self, x, level):
    """Python's arrays as before; any other array as the object that it is."""
    if isinstance(x, array.array):
        return _of_python(self, x, level)
    return self.repr_instance(x, level)


reprlib.Repr.repr_array = _repr_array
