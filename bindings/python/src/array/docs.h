/* What help() says of arrays, dtypes and printing; the examples are run by
 * tests/python/package/test_help.py. */
#ifndef MLXC_PYTHON_ARRAY_DOCS_H
#define MLXC_PYTHON_ARRAY_DOCS_H

// clang-format off
#define DOC_ARRAY \
"array(val, dtype=None)\n--\n\n\
An N-dimensional array of one dtype, made from a number, nested lists, or what has a buffer,\n\
__dlpack__ or __array__. Operations are recorded and run when a value is needed.\n\
\n\
Args:\n\
    val: A number, nested lists or tuples of numbers, an array, or what has a buffer,\n\
        `__dlpack__` or `__array__`.\n\
    dtype: The elements' dtype; by default that of `val`: float32 and int32 of Python's\n\
        numbers.\n\
\n\
Raises:\n\
    ValueError: nested lists have different lengths, or hold what is no number\n\
\n\
Example:\n\
    >>> mx.array([[1, 2], [3, 4]])\n\
    array([[1, 2],\n\
           [3, 4]], dtype=int32)\n\
    >>> mx.array(1.5, mx.float16).dtype\n\
    mlx.core.float16\n"

#define DOC_ARRAY_AT \
"x.at[...]: updates of an array at an index. x[i] += v counts an index that is named twice\n\
once, x.at[i].add(v) counts it twice.\n\
\n\
Example:\n\
    >>> x = mx.array([1, 2, 3])\n\
    >>> x.at[mx.array([0, 0])].add(5)\n\
    array([11, 2, 3], dtype=int32)\n"

#define DOC_ARRAY_ITERATOR \
"Goes through an array along its first axis.\n\
\n\
Example:\n\
    >>> [row.tolist() for row in mx.array([[1, 2], [3, 4]])]\n\
    [[1, 2], [3, 4]]\n"

#define DOC_ARRAY_LIKE \
"ArrayLike(o)\n--\n\n\
What can be an operand beside arrays: an object with __mlx_array__.\n\
\n\
Args:\n\
    o: The object, or anything that array() takes: a number, a list, an array of NumPy's.\n\
\n\
Raises:\n\
    TypeError: it is None\n\
    ValueError: there is no array of it: a text, a list whose rows have several lengths\n\
\n\
Example:\n\
    >>> class Two:\n\
    ...     def __mlx_array__(self):\n\
    ...         return mx.array(2)\n\
    >>> mx.array([1, 2]) + Two()\n\
    array([3, 4], dtype=int32)\n"

#define DOC_DTYPE \
"What the elements of an array are. See the list of dtypes: mlx.core.float32 and so on.\n\
\n\
Example:\n\
    >>> mx.float16.size\n\
    2\n\
    >>> mx.array([1, 2]).dtype == mx.int32\n\
    True\n"

#define DOC_PRINT_OPTIONS \
"PrintOptions(precision=-1)\n--\n\n\
How arrays are printed.\n\
\n\
Args:\n\
    precision: The number of decimals; -1: six significant digits.\n\
\n\
Raises:\n\
    ValueError: it is less than -1\n\
\n\
Example:\n\
    >>> mx.PrintOptions(3).precision\n\
    3\n"

#define DOC_ASARRAY \
"asarray(a, dtype: Dtype | None = None, *, copy: bool | None = None, device: StreamOrDevice = \
None) -> array\n\
\n\
An array of anything that holds numbers. copy: True makes a copy of an array too, False\n\
shares another library's memory or is refused; of an array it is refused, as two arrays\n\
never share what can be written. device: where the array is to be used; all devices share\n\
the memory.\n\
\n\
Args:\n\
    a: An array, a number, lists, or what has a buffer, `__dlpack__` or `__array__`.\n\
    dtype: The elements' dtype; None: that of `a`.\n\
    copy: True: never share memory; False: share it, or raise; None: share it where that can\n\
        be.\n\
    device: Where the array is to be used.\n\
\n\
Returns:\n\
    array: The array.\n\
\n\
Raises:\n\
    ValueError: with copy=False: the memory cannot be shared\n\
\n\
Example:\n\
    >>> mx.asarray([1, 2], dtype=mx.float16)\n\
    array([1, 2], dtype=float16)\n"

#define DOC_FINFO \
"finfo(dtype)\n--\n\n\
The limits of a floating-point dtype (of a complex one's parts), or an array's.\n\
\n\
Args:\n\
    dtype: A floating-point or complex dtype, or an array of one.\n\
\n\
Raises:\n\
    ValueError: it is another dtype\n\
\n\
Example:\n\
    >>> mx.finfo(mx.float16).max, mx.finfo(mx.float32).eps\n\
    (65504.0, 1.1920928955078125e-07)\n"

#define DOC_FROM_DLPACK \
"from_dlpack(x, /, *, copy: bool | None = None) -> array\n\
from_dlpack(x, /, *, copy: bool | None = None, device: Device | None = None) -> array\n\
\n\
An array of the elements of an object with __dlpack__, or of the capsule that one gives,\n\
copied (float64 becomes float32). With copy=False it shares the object's memory, or is\n\
refused where that cannot be.\n\
\n\
Args:\n\
    x: What has `__dlpack__`.\n\
    copy: True: copy; False: share the memory, or raise.\n\
    device: Where the array is to be used.\n\
\n\
Returns:\n\
    array: The array.\n\
\n\
Raises:\n\
    ValueError: with copy=False: the memory cannot be shared\n\
    TypeError: it has no `__dlpack__`\n\
\n\
Example:\n\
    >>> import numpy\n\
    >>> mx.from_dlpack(numpy.arange(3, dtype=numpy.int32))\n\
    array([0, 1, 2], dtype=int32)\n"

#define DOC_GET_PRINTOPTIONS \
"get_printoptions() -> PrintOptions\n\
\n\
How arrays are printed now.\n\
\n\
Returns:\n\
    PrintOptions: A copy of them.\n\
\n\
Example:\n\
    >>> mx.get_printoptions().precision\n\
    -1\n"

#define DOC_IINFO \
"iinfo(dtype)\n--\n\n\
The limits of an integer dtype, or an array's.\n\
\n\
Args:\n\
    dtype: An integer dtype, or an array of one.\n\
\n\
Raises:\n\
    ValueError: it is another dtype\n\
\n\
Example:\n\
    >>> mx.iinfo(mx.int8).min, mx.iinfo(mx.uint8).max\n\
    (-128, 255)\n"

#define DOC_ISDTYPE \
"isdtype(dtype: Dtype, kind: Dtype | str | tuple[Dtype | str, ...]) -> bool\n\
\n\
Is a dtype of a kind: a dtype, one of the array API's names ('bool', 'signed integer',\n\
'unsigned integer', 'integral', 'real floating', 'complex floating', 'numeric'), or any of a\n\
tuple of these?\n\
\n\
Args:\n\
    dtype: A dtype.\n\
    kind: A dtype, a name, or a tuple of these.\n\
\n\
Returns:\n\
    bool: Whether it is of one of them.\n\
\n\
Raises:\n\
    ValueError: there is no such name\n\
\n\
Example:\n\
    >>> mx.isdtype(mx.float16, \"real floating\"), mx.isdtype(mx.int8, (\"bool\", mx.int16))\n\
    (True, False)\n"

#define DOC_ISSUBDTYPE \
"issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory) -> bool\n\
\n\
Does every dtype of the first belong to the second?\n\
\n\
Args:\n\
    arg1: A dtype or a category, such as mx.floating.\n\
    arg2: A dtype or a category.\n\
\n\
Returns:\n\
    bool: Whether the first is in the second.\n\
\n\
Example:\n\
    >>> mx.issubdtype(mx.float16, mx.floating), mx.issubdtype(mx.int8, mx.unsignedinteger)\n\
    (True, False)\n"

#define DOC_PRINTOPTIONS \
"printoptions(precision: int = -1) -> _PrintOptionsContext\n\
\n\
A context in which floats are printed with so many decimals.\n\
\n\
Args:\n\
    precision: The number of decimals; -1: six significant digits.\n\
\n\
Returns:\n\
    object: The context.\n\
\n\
Raises:\n\
    ValueError: it is less than -1\n\
\n\
Example:\n\
    >>> with mx.printoptions(precision=2):\n\
    ...     print(mx.array(1 / 3))\n\
    array(0.33, dtype=float32)\n"

#define DOC_SET_PRINTOPTIONS \
"set_printoptions(precision: int = -1) -> None\n\
\n\
Print floats with so many decimals; -1: with six significant digits.\n\
\n\
Args:\n\
    precision: The number of decimals; -1: six significant digits.\n\
\n\
Raises:\n\
    ValueError: it is less than -1\n\
\n\
Example:\n\
    >>> mx.set_printoptions(precision=2)\n\
    >>> print(mx.array(1 / 3))\n\
    array(0.33, dtype=float32)\n\
    >>> mx.set_printoptions(precision=-1)\n"
// clang-format on

#endif
