/* What the files of mlx.core share.
 *
 *     Python object --- mpy_array_from ---> mlx_array --- mlx_add ... ---> mlx_array ---
 *     mpy_array_wrap ---> Python object
 *
 * The module stands on the public C API and the catalog alone. Each file is one subject and has one
 * `mpy_init_<subject>` that adds its types and functions to the module (module.c lists them). A
 * function that fails returns NULL or -1 with a Python exception set, as everywhere in CPython;
 * handles that it made are freed. Functions that wait for computation or files let go of the GIL
 * (MPY_WAIT).
 */
#ifndef MPY_PY_H
#define MPY_PY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "mlx/c/mlx.h"

/* --- errors (error.c) ------------------------------------------------------------------------- */

/* Turn the thread's last libmlxc error into an exception: invalid -> ValueError, range ->
   RangeError (an IndexError, ValueError and OverflowError), memory -> MemoryError, otherwise
   RuntimeError; an exception that is already set (a callback raised it) is left as it is. Returns
   NULL. */
PyObject *mpy_raise(void);
extern PyObject *mpy_range_error;
/* A str as text for the library, which ends at its first NUL: one inside is a ValueError. */
const char *mpy_text(PyObject *o);

/* Run `call` (an int expression of libmlxc) without the GIL; its status is put in `status`. */
#define MPY_LET_GO(status, call)                         \
    do {                                                 \
        mpy_place = mlx_source_here();                   \
        PyThreadState *mpy_thread = PyEval_SaveThread(); \
        (status) = (call);                               \
        PyEval_RestoreThread(mpy_thread);                \
    } while (0)
/* The same for what takes long: a signal stops it, and it is run again unless the signal's handler
   raises (interrupt.c). */
#define MPY_WAIT(status, call)    \
    do                            \
        MPY_LET_GO(status, call); \
    while ((status) && mpy_try_again())
/* The same for a call that is made once, as it ends something (a file, a handle): what it computes
   is stopped by Control-C within a long step alone, and it is not run again then. */
#define MPY_WAIT_ONCE(status, call) \
    do {                            \
        mpy_unheard++;              \
        MPY_LET_GO(status, call);   \
        mpy_unheard--;              \
    } while (0)

/* The line that let go of the GIL on this thread (place.c): arrays that are made until it is taken
   again are that line's. */
extern _Thread_local uint32_t mpy_place;

/* While it is not 0, only Control-C within a long step stops what this thread computes: what must
   not be called again for a signal that raises nothing, as a function that is traced, which changes
   what it likes. */
extern _Thread_local int mpy_unheard;

/* Before a call that may wait for the system without asking us: that Control-C be noted. */
void mpy_listen(void);

/* After a call that failed: was it stopped by a signal whose handler has run now and raised
   nothing? */
int mpy_try_again(void);

/* NumPy drops whatever a buffer's export raises and goes on to __array__: an interrupt must not be
   lost with it. An export starts with mpy_watch and calls mpy_keep_interrupt when it fails: what a
   signal's handler raised, and what is no Exception, is kept. mpy_raise_dropped raises it (-1) if
   it was dropped since; Python does so itself soon. */
void mpy_watch(void);
void mpy_keep_interrupt(void);
int mpy_raise_dropped(void);

/* --- arrays (array.c) ------------------------------------------------------------------------- */

/* mlx.core.array: a box around one handle. In-place operators and item assignment replace the
   handle. */
typedef struct mpy_array {
    PyObject_HEAD mlx_array handle;
    PyObject *weakrefs;
} mpy_array;

extern PyTypeObject mpy_array_type;

static inline int mpy_array_check(PyObject *o) {
    return PyObject_TypeCheck(o, &mpy_array_type);
}
static inline mlx_array mpy_array_handle(PyObject *o) {
    return ((mpy_array *)o)->handle;
}

/* A Python array that owns `handle`; on an empty handle the library's error is raised. */
PyObject *mpy_array_wrap(mlx_array handle);
/* The same when `status` is 0; otherwise the handle is freed and the library's error raised. */
PyObject *mpy_array_result(int status, mlx_array handle);

/* The value of `o`, evaluated without the GIL, in a handle of its own: in-place operators on the
   object, here or on another thread, leave it alone. Whatever waits on an array's value starts with
   this. */
int mpy_array_value(mlx_array *out, PyObject *o);
/* `o` gets the value of `handle`, which it owns from now on. What random.state shows sets the
   state. */
void mpy_array_replace(PyObject *o, mlx_array handle);
PyObject *mpy_shape_tuple(mlx_array a);

/* --- from Python (convert.c, dtype.c, device.c) ----------------------------------------------- */

/* Whatever Python has for an array (array, scalar, nested lists, buffer, __array__, __dlpack__,
   __mlx__array__) as an array of `dtype`, or of the dtype that MLX would choose when `dtype` is
   NULL. `out` is initialised. */
int mpy_array_from(mlx_array *out, PyObject *o, const mlx_dtype *dtype);
/* Is it an array of ours or of another library: has it __mlx_array__ or __dlpack__? NumPy's scalars
   have neither. */
int mpy_array_like(PyObject *o);
/* The two operands of a binary operation: a Python scalar is weak and takes the other's dtype where
   it fits. */
int mpy_array_pair(mlx_array *a, mlx_array *b, PyObject *x, PyObject *y);
/* One operand beside an array of dtype `other`. 1: it is nothing that can be one (no exception is
   set). */
int mpy_operand(mlx_array *out, PyObject *o, mlx_dtype other);
/* The same for Python numbers alone, borrowed: for an operation that makes a new array. 1: `o` is
   no number. */
int mpy_constant_operand(mlx_array *borrowed, PyObject *o, mlx_dtype other);
int mpy_dtype_from(mlx_dtype *out, PyObject *o);
int mpy_dtype_check(PyObject *o);
/* ": write mlx.core.float32" if o is the name of a dtype, or another library's dtype of that name;
   else "". */
PyObject *mpy_dtype_hint(PyObject *o);
mlx_dtype mpy_dtype_value(PyObject *o);      /* of a Dtype */
const char *mpy_dtype_name(mlx_dtype dtype); /* "float32" */
PyObject *mpy_dtype_object(mlx_dtype dtype); /* a new reference to the one object of this dtype */
/* None is the default stream (an empty handle, never freed); Stream, Device, DeviceType and
   ThreadLocalStream are taken; the handle is borrowed from the object. */
int mpy_stream_from(mlx_stream *out, PyObject *o);
PyObject *mpy_stream_wrap(mlx_stream handle);
PyObject *mpy_device_info(PyObject *device); /* None: the default one */
/* An enum.Enum of the module with n members, which also become names of the module. */
PyObject *mpy_enum(PyObject *module, const char *name, PyObject **members, int n,
                   const char *(*member_name)(int));

/* A Group, borrowed; None: an empty handle. (process.c) */
int mpy_group_from(mlx_distributed_group *out, PyObject *o);

/* --- random.state (random.c) ------------------------------------------------------------------ */

/* A sequence of one array, read with mlx_random_get_state and set with mlx_random_set_state: in a
   tree it counts as a list of one that can be written. */
extern PyTypeObject mpy_random_state_type;
static inline int mpy_random_state_check(PyObject *o) {
    return Py_IS_TYPE(o, &mpy_random_state_type);
}
/* The array that the thread's random.state[0] gave last, not owned: only to be compared. */
extern _Thread_local PyObject *mpy_random_shown;
/* That array goes from one value to another one: so does the state, unless random numbers were
   drawn since. */
void mpy_random_assigned(mlx_array from, mlx_array to);

/* --- trees of dict, list, tuple (tree.c) ------------------------------------------------------ */

/* The arrays of a tree, in order; leaves that are no arrays are passed over. */
int mpy_tree_arrays(mlx_vector_array *out, PyObject *tree);
/* A copy of the tree with its arrays (and the holes of a template, tree.h) replaced, in the same
 * order, starting at
   *next (which moves on). */
PyObject *mpy_tree_fill(PyObject *tree, mlx_vector_array arrays, size_t *next);

/* Give the arrays of a dict the names they have in it, for pictures (function_file.c). */
int mpy_name_arrays(mlx_node_namer namer, PyObject *names);

/* --- the parts of the module ------------------------------------------------------------------ */

int mpy_init_error(PyObject *module);
int mpy_init_array(PyObject *module);
int mpy_init_iterate(PyObject *module);
int mpy_init_at(PyObject *module);
int mpy_init_print(PyObject *module);
int mpy_init_io(PyObject *module);
int mpy_init_model_file(PyObject *module);
int mpy_init_model_convert(PyObject *module);
int mpy_init_storage(PyObject *module);
int mpy_init_asarray(PyObject *module);
int mpy_init_dtype(PyObject *module);
int mpy_init_numinfo(PyObject *module);
int mpy_init_device(PyObject *module);
int mpy_init_stream(PyObject *module);
/* the catalog's (function.c), and the submodules; after the types */
int mpy_init_functions(PyObject *module);
int mpy_init_plugins(PyObject *module);
int mpy_init_model_write(PyObject *module);
int mpy_init_lm(PyObject *module);
int mpy_init_random(PyObject *module);
int mpy_init_process(PyObject *module);
int mpy_init_names(PyObject *module);
int mpy_init_gpu_kernel(PyObject *module);
int mpy_init_interrupt(PyObject *module);
int mpy_init_tree(PyObject *module);
int mpy_init_eval(PyObject *module);
int mpy_init_transform(PyObject *module);
int mpy_init_grad(PyObject *module);
int mpy_init_products(PyObject *module);
int mpy_init_vmap(PyObject *module);
int mpy_init_compile(PyObject *module);
int mpy_init_custom(PyObject *module);
int mpy_init_function_file(PyObject *module);
int mpy_init_place(PyObject *module);
int mpy_init_profile(PyObject *module);
int mpy_init_debug(PyObject *module);

/* Is a function traced for arrays of any shape on this thread? Sizes that are read then are those
   of one call only. */
extern _Thread_local int mpy_shapeless;

#endif
