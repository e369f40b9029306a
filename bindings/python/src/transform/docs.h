/* What help() says of the transforms, in the form that operations have from the catalog; the
 * examples are run by tests/python/package/test_manual.py. */
#ifndef MLXC_PYTHON_TRANSFORM_DOCS_H
#define MLXC_PYTHON_TRANSFORM_DOCS_H

// clang-format off
#define DOC_GRAD \
"grad($module, /, fun, argnums=None, argnames=[])\n--\n\n\
A function with the arguments of fun that returns the gradient of its result, a scalar array,\n\
towards the arguments of these numbers and names: the first one where none is given. A gradient\n\
has its argument's dtype: of integers it is cut to whole numbers.\n\
\n\
Args:\n\
    fun: A function of arrays, or of trees of arrays, whose result is a scalar array.\n\
    argnums: The number of an argument, or a list of them.\n\
    argnames: The name of an argument, or a list of them.\n\
\n\
Returns:\n\
    Callable: For one number its function gives one gradient, like the argument; for several\n\
        a tuple; with names a pair of that (or None) and a dict.\n\
\n\
Raises:\n\
    ValueError: when it is called: the result is no scalar, or there is no such argument\n\
\n\
Example:\n\
    >>> mx.grad(lambda x: (x * x).sum())(mx.array([1.0, 2.0]))\n\
    array([2, 4], dtype=float32)\n"

#define DOC_VALUE_AND_GRAD \
"value_and_grad($module, /, fun, argnums=None, argnames=[])\n--\n\n\
Like grad, but the result is a pair: what fun returned, and the gradient.\n\
\n\
Args:\n\
    fun: A function whose result is a scalar array, or a tuple whose first item is one and\n\
        whose others are anything.\n\
    argnums: The number of an argument, or a list of them.\n\
    argnames: The name of an argument, or a list of them.\n\
\n\
Returns:\n\
    Callable: Its function gives what fun gave, and the gradient as grad has it.\n\
\n\
Raises:\n\
    ValueError: when it is called: the result is no scalar, or there is no such argument\n\
\n\
Example:\n\
    >>> mx.value_and_grad(lambda x: x * x)(mx.array(3.0))\n\
    (array(9, dtype=float32), array(6, dtype=float32))\n"

#define DOC_VJP \
"vjp($module, /, fun, primals, cotangents)\n--\n\n\
What fun gives at the primals, and the products of the cotangents with its derivative.\n\
\n\
Args:\n\
    fun: A function of arrays that returns an array or a list of arrays.\n\
    primals: A list of arrays: its arguments.\n\
    cotangents: A list of arrays, one like each output, or one like each that is no\n\
        stop_gradient.\n\
\n\
Returns:\n\
    tuple: The list of outputs, and a list of one array like each primal.\n\
\n\
Raises:\n\
    ValueError: another number of cotangents, or of other shapes\n\
\n\
Example:\n\
    >>> mx.vjp(lambda x: x * x, [mx.array(3.0)], [mx.array(1.0)])\n\
    ([array(9, dtype=float32)], [array(6, dtype=float32)])\n"

#define DOC_JVP \
"jvp($module, /, fun, primals, tangents)\n--\n\n\
What fun gives at the primals, and its derivative in the direction of the tangents.\n\
\n\
Args:\n\
    fun: A function of arrays that returns an array or a list of arrays.\n\
    primals: A list of arrays: its arguments.\n\
    tangents: A list of arrays, one like each primal.\n\
\n\
Returns:\n\
    tuple: The list of outputs, and a list of one array like each output.\n\
\n\
Raises:\n\
    ValueError: tangents that are not as many as the primals, or of other shapes\n\
\n\
Example:\n\
    >>> mx.jvp(lambda x: x * x, [mx.array(3.0)], [mx.array(1.0)])\n\
    ([array(9, dtype=float32)], [array(6, dtype=float32)])\n"

#define DOC_VMAP \
"vmap($module, /, fun, in_axes=0, out_axes=0)\n--\n\n\
A function that calls fun for every example of a batch at once.\n\
\n\
Args:\n\
    fun: A function of arrays, or of trees of arrays: of one example.\n\
    in_axes: Along which axis of the arguments the examples lie: an int, None (no batch), or a\n\
        tree of those that is a prefix of the tree of arguments.\n\
    out_axes: Along which axis of the results they go, likewise.\n\
\n\
Returns:\n\
    Callable: A function of all examples.\n\
\n\
Raises:\n\
    ValueError: when it is called: batches of different sizes\n\
    RangeError: when it is called: an axis that an argument does not have\n\
\n\
Example:\n\
    >>> mx.vmap(lambda x, y: (x * y).sum())(mx.ones((3, 2)), mx.ones((3, 2)))\n\
    array([2, 2, 2], dtype=float32)\n"

#define DOC_COMPILE \
"compile($module, /, fun, inputs=None, outputs=None, shapeless=False)\n--\n\n\
A function that calls fun once for each kind of arguments (structure, constants, dtypes, shapes)\n\
and from then on runs what it recorded.\n\
\n\
Args:\n\
    fun: A function of arrays, trees of arrays and constants.\n\
    inputs: A list or dict of the arrays that fun reads besides its arguments, and that change.\n\
    outputs: A list or dict of the arrays that fun sets besides its result.\n\
    shapeless: Whether one record serves all shapes with the same number of dimensions; fun\n\
        must not depend on sizes then.\n\
\n\
Returns:\n\
    Callable: A function with the arguments and results of fun.\n\
\n\
Raises:\n\
    ValueError: when it is called: fun reads values while it is recorded\n\
\n\
Example:\n\
    >>> mx.compile(lambda x, y: mx.exp(-x) + y)(mx.array(0.0), mx.array(2.0))\n\
    array(3, dtype=float32)\n"

#define DOC_CHECKPOINT \
"checkpoint($module, /, fun)\n--\n\n\
fun, whose inner values are computed again when derivatives need them, instead of being kept.\n\
\n\
Args:\n\
    fun: A function of arrays, or of trees of arrays.\n\
\n\
Returns:\n\
    Callable: A function with the arguments and results of fun.\n\
\n\
Example:\n\
    >>> mx.grad(mx.checkpoint(lambda x: mx.sin(x) ** 2))(mx.array(0.0))\n\
    array(0, dtype=float32)\n"
#define DOC_CUSTOM_FUNCTION \
"custom_function(f)\n--\n\n\
A function whose derivatives and batching may be given by hand, with the methods vjp, jvp\n\
and vmap; those that are not given follow from f. Once one is given, arrays that f reads\n\
besides its arguments are constants to transforms.\n\
\n\
Args:\n\
    f: A function of arrays, or of trees of arrays.\n\
\n\
Example:\n\
    >>> @mx.custom_function\n\
    ... def double(x):\n\
    ...     return 2 * x\n\
    >>> @double.vjp\n\
    ... def double_vjp(primals, cotangents, outputs):\n\
    ...     return 100 * cotangents\n\
    >>> mx.grad(double)(mx.array(1.0))\n\
    array(100, dtype=float32)\n"

#define DOC_DISABLE_COMPILE \
"disable_compile($module, /)\n--\n\n\
Compiled functions call what they were made from, until enable_compile.\n\
\n\
Example:\n\
    >>> mx.disable_compile()\n\
    >>> mx.compile(lambda x: x + 1)(mx.array(1))\n\
    array(2, dtype=int32)\n\
    >>> mx.enable_compile()\n"

#define DOC_ENABLE_COMPILE \
"enable_compile($module, /)\n--\n\n\
Compiled functions are compiled; undoes disable_compile and the environment variable\n\
MLX_DISABLE_COMPILE.\n\
\n\
Example:\n\
    >>> mx.enable_compile()\n"

// clang-format on

#endif
