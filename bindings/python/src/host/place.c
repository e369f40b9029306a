/* Which line of Python makes an array: the hook of mlx/c/profile.h.
 *
 * The innermost frame that is not of this package's own modules counts: a line of the program, not
 * one of mlx.nn. It is called while somebody watches, for each operation, so numbers of places are
 * kept by code object and instruction. Without the GIL (a transform at work) it is the line that
 * let go of it, which MPY_WAIT has noted.
 */
#include "py.h"

#include <frameobject.h> // in Python 3.10 PyFrame_GetBack is there

#include <string.h>

enum { KEPT = 1024, INSIDE = -1 };

/* The number of a place; INSIDE: of this package. The code object is held, so that its address
   stays its own. */
static struct {
    PyCodeObject *code;
    int at;
    int64_t place;
} kept[KEPT];

_Thread_local uint32_t mpy_place;

static int position_of(PyFrameObject *frame) {
#if PY_VERSION_HEX >= 0x030b0000
    return PyFrame_GetLasti(frame);
#else
    return PyFrame_GetLineNumber(frame);
#endif
}

/* mlx.nn.layers.linear and the like. */
static int is_inside(PyFrameObject *frame) {
    PyObject *globals = PyObject_GetAttrString((PyObject *)frame, "f_globals");
    PyObject *name = globals ? PyDict_GetItemString(globals, "__name__") : NULL;
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    int inside = text && !strncmp(text, "mlx.", 4);
    Py_XDECREF(globals);
    return inside;
}

static int64_t find_place(PyFrameObject *frame, PyCodeObject *code) {
    if (is_inside(frame))
        return INSIDE;
    PyObject *path = PyUnicode_EncodeFSDefault(code->co_filename);
    int64_t place =
        path ? mlx_source_add(PyBytes_AS_STRING(path), PyFrame_GetLineNumber(frame)) : 0;
    Py_XDECREF(path);
    return place;
}

static int64_t place_of(PyFrameObject *frame) {
    PyCodeObject *code = PyFrame_GetCode(frame);
    int at = position_of(frame);
    size_t i = ((uintptr_t)code >> 5 ^ (size_t)at * 31) % KEPT;
    if (kept[i].code != code || kept[i].at != at) {
        int64_t place = find_place(frame, code);
        Py_XSETREF(kept[i].code, (PyCodeObject *)Py_NewRef(code));
        kept[i].at = at;
        kept[i].place = place;
    }
    Py_DECREF(code);
    return kept[i].place;
}

/* What the program may have set stays set. */
static uint32_t here(void *unused) {
    PyObject *type, *value, *traceback;
    int64_t place = 0;
    (void)unused;
    if (!PyGILState_Check())
        return mpy_place;
    PyErr_Fetch(&type, &value, &traceback);
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(PyEval_GetFrame());
    while (frame && (place = place_of(frame)) == INSIDE) {
        PyFrameObject *outer = PyFrame_GetBack(frame);
        Py_SETREF(frame, outer);
    }
    Py_XDECREF(frame);
    PyErr_Restore(type, value, traceback);
    return place > 0 ? (uint32_t)place : 0;
}

int mpy_init_place(PyObject *module) {
    (void)module;
    mlx_source_set_hook(here, NULL);
    return 0;
}
