/* Paths and file objects: see io_files.h. What a file object holds is not read piece by piece when arrays need it, but
 * mapped: the object's own descriptor, or a copy of its bytes in a file without a name. */
#define _GNU_SOURCE
#include "io_files.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- paths -------------------------------------------------------------------------------------------------------- */

PyObject *mpy_path_of(PyObject *file, const char *op) {
    PyObject *path = NULL;
    int is_path =
        PyUnicode_Check(file) || PyBytes_Check(file) || PyObject_HasAttrString(file, "__fspath__");
    if (is_path)
        return PyUnicode_FSConverter(file, &path) ? path : NULL;
    if (!PyObject_HasAttrString(file, "read") && !PyObject_HasAttrString(file, "write"))
        PyErr_Format(file == Py_None ? PyExc_TypeError : PyExc_ValueError,
                     "[%s] Input must be a file-like object opened in binary mode, or string", op);
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The descriptor of a file object that stands at the start of a regular file, or -1. */
static int descriptor_of(PyObject *file) {
    struct stat status;
    PyObject *at = PyObject_CallMethod(file, "tell", NULL);
    int fd =
        at && PyLong_Check(at) && PyLong_AsLong(at) == 0 ? PyObject_AsFileDescriptor(file) : -1;
    Py_XDECREF(at);
    PyErr_Clear();
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fd : -1;
}

static int write_all(int fd, const char *data, Py_ssize_t n) {
    while (n > 0) {
        ssize_t done = write(fd, data, (size_t)n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return PyErr_SetFromErrno(PyExc_OSError), -1;
        data += done;
        n -= done;
    }
    return 0;
}

/* 1 as long as there is more. */
static int copy_piece(int fd, PyObject *file, const char *op) {
    char *data;
    Py_ssize_t n;
    PyObject *piece = PyObject_CallMethod(file, "read", "i", 1 << 24);
    int status = -1;
    if (piece && !PyBytes_Check(piece))
        PyErr_Format(PyExc_ValueError,
                     "[%s] Input must be a file-like object opened in binary mode, or string", op);
    else if (piece && PyBytes_AsStringAndSize(piece, &data, &n) == 0)
        status = write_all(fd, data, n) ? -1 : n > 0;
    Py_XDECREF(piece);
    return status;
}

static int copy_of(PyObject *file, const char *op) {
    int fd = memfd_create("mlx", MFD_CLOEXEC), status = 1;
    if (fd < 0)
        return PyErr_SetFromErrno(PyExc_OSError), -1;
    while (status > 0)
        status = copy_piece(fd, file, op);
    if (!status)
        return fd;
    close(fd);
    return -1;
}

static PyObject *name_of(PyObject *file) {
    PyObject *name = PyObject_GetAttrString(file, "name");
    if (name && !PyUnicode_Check(name))
        Py_CLEAR(name);
    PyErr_Clear();
    return name;
}

int mpy_source_open(mpy_source *s, PyObject *file, const char *op) {
    *s = (mpy_source){.path = mpy_path_of(file, op), .copy = -1};
    if (s->path) {
        s->name = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(s->path));
        return s->name ? 0 : -1;
    }
    if (PyErr_Occurred())
        return -1;
    int fd = descriptor_of(file);
    if (fd < 0)
        fd = s->copy = copy_of(file, op);
    if (fd < 0)
        return -1;
    s->name = name_of(file);
    s->path = PyBytes_FromFormat("/proc/self/fd/%d", fd);
    return s->path ? 0 : -1;
}

void mpy_source_close(mpy_source *s) {
    if (s->copy >= 0)
        close(s->copy);
    Py_CLEAR(s->path);
    Py_CLEAR(s->name);
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

typedef struct writer {
    PyObject *file;
    int failed; /* an exception is set and waits for the thread's return to Python */
} writer;

static bool writer_good(void *desc) {
    return !((writer *)desc)->failed;
}

static bool writer_open(void *desc) {
    (void)desc;
    return true;
}

/* Call a method of the file; its result as a number, 0 if it is none. */
static size_t call(writer *w, const char *method, PyObject *args) {
    PyObject *f = args ? PyObject_GetAttrString(w->file, method) : NULL;
    PyObject *result = f ? PyObject_CallObject(f, args) : NULL;
    size_t number = result && PyLong_Check(result) ? PyLong_AsSize_t(result) : 0;
    w->failed |= !result;
    Py_XDECREF(result);
    Py_XDECREF(f);
    Py_XDECREF(args);
    return number;
}

static void writer_write(void *desc, const char *data, size_t n) {
    writer *w = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    if (!w->failed)
        call(w, "write", Py_BuildValue("(y#)", data, (Py_ssize_t)n));
    PyGILState_Release(state);
}

static size_t writer_tell(void *desc) {
    writer *w = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    size_t at = w->failed ? 0 : call(w, "tell", PyTuple_New(0));
    PyGILState_Release(state);
    return at;
}

static void writer_seek(void *desc, int64_t offset, int whence) {
    writer *w = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    if (!w->failed)
        call(w, "seek", Py_BuildValue("(Li)", (long long)offset, whence));
    PyGILState_Release(state);
}

static const char *writer_label(void *desc) {
    (void)desc;
    return "file object";
}

static void writer_free(void *desc) {
    Py_DECREF(((writer *)desc)->file); // the writer is freed where it was made, with the GIL
    PyMem_Free(desc);
}

mlx_io_writer mpy_writer_of(PyObject *file) {
    static const mlx_io_vtable vtable = {
        .is_open = writer_open,
        .good = writer_good,
        .tell = writer_tell,
        .seek = writer_seek,
        .write = writer_write,
        .label = writer_label,
        .free = writer_free,
    };
    writer *w = PyMem_Calloc(1, sizeof *w);
    if (!w) {
        PyErr_NoMemory();
        return (mlx_io_writer){NULL};
    }
    w->file = Py_NewRef(file);
    mlx_io_writer handle = mlx_io_writer_new(w, vtable);
    if (!handle.ctx) {
        writer_free(w);
        mpy_raise();
    }
    return handle;
}
