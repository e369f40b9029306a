/* Paths and file objects: see io_files.h. Of a file object with a descriptor of its own the file is
 * opened again; others are read and written through their methods. */
#define _GNU_SOURCE
#include "io/io_files.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- paths ------------------------------------------------------------------------------------ */

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

/* --- reading ---------------------------------------------------------------------------------- */

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

static const char not_binary[] =
    "Input must be a file-like object opened in binary mode, or string";

/* What file.read(n) gives, as bytes-like; freed with PyBuffer_Release unless it fails. */
static int read_piece(Py_buffer *piece, PyObject *file, Py_ssize_t n) {
    PyObject *bytes = PyObject_CallMethod(file, "read", "n", n);
    int status = -1;
    if (bytes == Py_None)
        PyErr_SetString(PyExc_BlockingIOError, "[load] the file object has nothing to read now");
    else if (bytes && !PyUnicode_Check(bytes) && PyObject_CheckBuffer(bytes))
        status = PyObject_GetBuffer(bytes, piece, PyBUF_SIMPLE);
    else if (bytes)
        PyErr_Format(PyExc_ValueError, "[load] %s", not_binary);
    Py_XDECREF(bytes);
    if (status || piece->len <= n)
        return status;
    PyBuffer_Release(piece);
    PyErr_SetString(PyExc_ValueError, "[load] the file object gave more than it was asked for");
    return -1;
}

/* 1 as long as there is more. The first piece begins with magic, or nothing more is read. */
static int copy_piece(int fd, PyObject *file, const char *magic) {
    Py_buffer piece;
    size_t n = strlen(magic);
    if (read_piece(&piece, file, 1 << 24))
        return -1;
    int status = n && ((size_t)piece.len < n || memcmp(piece.buf, magic, n)) ? -1 : piece.len > 0;
    if (status < 0)
        PyErr_SetString(PyExc_RuntimeError,
                        "[load] the file object does not begin as its format does");
    else if (write_all(fd, piece.buf, piece.len))
        status = -1;
    PyBuffer_Release(&piece);
    return status;
}

static int copy_of(PyObject *file, const char *magic) {
    int fd = memfd_create("mlx", MFD_CLOEXEC), status = 1;
    if (fd < 0)
        return PyErr_SetFromErrno(PyExc_OSError), -1;
    for (; status > 0; magic = "")
        status = copy_piece(fd, file, magic);
    if (!status)
        return fd;
    close(fd);
    return -1;
}

/* --- reading in order ------------------------------------------------------------------------- */

typedef struct stream {
    PyObject *file;
    int failed; /* an exception is set and waits for the thread's return to Python */
} stream;

static bool stream_good(void *desc) {
    return !((stream *)desc)->failed;
}

static bool stream_open(void *desc) {
    (void)desc;
    return true;
}

static const char *stream_label(void *desc) {
    (void)desc;
    return "file object";
}

static void stream_free(void *desc) {
    Py_DECREF(((stream *)desc)->file); // freed where it was made, with the GIL
    PyMem_Free(desc);
}

enum { PIECE = 1 << 24 };

static int read_all(PyObject *file, char *to, size_t n) {
    while (n > 0) {
        Py_buffer piece;
        if (read_piece(&piece, file, n < PIECE ? (Py_ssize_t)n : PIECE))
            return -1;
        size_t got = (size_t)piece.len;
        memcpy(to, piece.buf, got);
        PyBuffer_Release(&piece);
        if (!got)
            return PyErr_Format(PyExc_RuntimeError,
                                "[load] the file object ended %zu bytes too early", n),
                   -1;
        to += got;
        n -= got;
    }
    return 0;
}

static void stream_read(void *desc, char *to, size_t n) {
    stream *s = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    if (!s->failed)
        s->failed = read_all(s->file, to, n) != 0;
    PyGILState_Release(state);
}

/* Call a method of the file; its result as a number, 0 if it is none. */
static size_t call(stream *s, const char *method, PyObject *args) {
    PyObject *f = args ? PyObject_GetAttrString(s->file, method) : NULL;
    PyObject *result = f ? PyObject_CallObject(f, args) : NULL;
    size_t number = result && PyLong_Check(result) ? PyLong_AsSize_t(result) : 0;
    s->failed |= !result || PyErr_Occurred();
    Py_XDECREF(result);
    Py_XDECREF(f);
    Py_XDECREF(args);
    return number;
}

static size_t stream_tell(void *desc) {
    stream *s = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    size_t at = s->failed ? 0 : call(s, "tell", PyTuple_New(0));
    PyGILState_Release(state);
    return at;
}

static void stream_seek(void *desc, int64_t offset, int whence) {
    stream *s = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    if (!s->failed)
        call(s, "seek", Py_BuildValue("(Li)", (long long)offset, whence));
    PyGILState_Release(state);
}

static stream *stream_new(PyObject *file) {
    stream *s = PyMem_Calloc(1, sizeof *s);
    if (s)
        s->file = Py_NewRef(file);
    else
        PyErr_NoMemory();
    return s;
}

/* Can the file say how long it is? -1: an exception. */
static int is_seekable(PyObject *file) {
    if (!PyObject_HasAttrString(file, "seek") || !PyObject_HasAttrString(file, "tell"))
        return 0;
    if (!PyObject_HasAttrString(file, "seekable"))
        return 1;
    PyObject *answer = PyObject_CallMethod(file, "seekable", NULL);
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return yes;
}

/* Reading nothing tells what kind of file it is. */
static mlx_io_reader reader_of(PyObject *file) {
    Py_buffer nothing;
    int seeks =
        read_piece(&nothing, file, 0) ? -1 : (PyBuffer_Release(&nothing), is_seekable(file));
    mlx_io_vtable vtable = {.is_open = stream_open,
                            .good = stream_good,
                            .tell = seeks ? stream_tell : NULL,
                            .seek = seeks ? stream_seek : NULL,
                            .read = stream_read,
                            .label = stream_label,
                            .free = stream_free};
    stream *s = seeks < 0 ? NULL : stream_new(file);
    mlx_io_reader reader = {NULL};
    if (s && !(reader = mlx_io_reader_new(s, vtable)).ctx)
        mpy_raise(); // which has freed s
    return reader;
}

/* --- sources ---------------------------------------------------------------------------------- */

/* As bytes, or NULL. */
static PyObject *name_of(PyObject *file) {
    PyObject *name = PyObject_GetAttrString(file, "name");
    PyObject *bytes = name && PyUnicode_Check(name) ? PyUnicode_EncodeFSDefault(name) : NULL;
    Py_XDECREF(name);
    PyErr_Clear();
    return bytes;
}

int mpy_source_open(mpy_source *s, PyObject *file, const char *op) {
    *s = (mpy_source){.path = mpy_path_of(file, op), .copy = -1};
    if (s->path) {
        s->name = Py_NewRef(s->path);
        return 0;
    }
    if (PyErr_Occurred())
        return -1;
    int fd = descriptor_of(file);
    s->name = name_of(file);
    s->file = file;
    if (fd < 0)
        return (s->reader = reader_of(file)).ctx ? 0 : -1;
    s->path = PyBytes_FromFormat("/proc/self/fd/%d", fd);
    return s->path ? 0 : -1;
}

int mpy_source_copy(mpy_source *s, const char *op, const char *magic) {
    (void)op;
    if (s->path)
        return 0;
    s->copy = copy_of(s->file, magic);
    s->path = s->copy < 0 ? NULL : PyBytes_FromFormat("/proc/self/fd/%d", s->copy);
    return s->path ? 0 : -1;
}

void mpy_source_close(mpy_source *s) {
    if (s->copy >= 0)
        close(s->copy);
    mlx_io_reader_free(s->reader);
    Py_CLEAR(s->path);
    Py_CLEAR(s->name);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What a call of write says that it took of n bytes: 1 to n, or -1 and an exception. None from a
   file of Python's own means that nothing could be taken; from other objects that nobody counted,
   as print and pickle read it. */
static Py_ssize_t taken(PyObject *result, Py_ssize_t n, bool own) {
    if (result == Py_None && !own)
        return n;
    if (result == Py_None)
        return PyErr_SetString(PyExc_BlockingIOError, "the file object takes nothing now"), -1;
    Py_ssize_t done = PyNumber_AsSsize_t(result, PyExc_OverflowError);
    if (done == -1 && PyErr_Occurred())
        return -1;
    if (done > 0 && done <= n)
        return done;
    PyErr_Format(PyExc_OSError, "the file object says that it wrote %zd of %zd bytes", done, n);
    return -1;
}

static int is_pythons(PyObject *file) {
    PyObject *io = PyImport_ImportModule("io"),
             *base = io ? PyObject_GetAttrString(io, "IOBase") : NULL;
    int yes = base ? PyObject_IsInstance(file, base) : -1;
    Py_XDECREF(base);
    Py_XDECREF(io);
    return yes;
}

/* The bytes are the file object's to keep, so it gets copies, a piece at a time: at most twice what
   it took last, that the copies of all pieces together are a few times the data, however little it
   takes. */
static int write_pieces(PyObject *file, const char *data, size_t n) {
    int own = is_pythons(file);
    size_t most = PIECE;
    while (own >= 0 && n > 0) {
        Py_ssize_t some = (Py_ssize_t)(n < most ? n : most);
        PyObject *result = PyObject_CallMethod(file, "write", "y#", data, some);
        Py_ssize_t done = result ? taken(result, some, own) : -1;
        Py_XDECREF(result);
        if (done < 0)
            return -1;
        data += done;
        n -= (size_t)done;
        most = done < PIECE / 2 ? 2 * (size_t)done : PIECE;
    }
    return own < 0 ? -1 : 0;
}

static void writer_write(void *desc, const char *data, size_t n) {
    stream *s = desc;
    PyGILState_STATE state = PyGILState_Ensure();
    if (!s->failed)
        s->failed = write_pieces(s->file, data, n) != 0;
    PyGILState_Release(state);
}

mlx_io_writer mpy_writer_of(PyObject *file) {
    static const mlx_io_vtable vtable = {
        .is_open = stream_open,
        .good = stream_good,
        .tell = stream_tell,
        .seek = stream_seek,
        .write = writer_write,
        .label = stream_label,
        .free = stream_free,
    };
    stream *s = stream_new(file);
    mlx_io_writer handle = {NULL};
    if (s && !(handle = mlx_io_writer_new(s, vtable)).ctx)
        mpy_raise(); // which has freed s
    return handle;
}

/* --- a file object that takes all ------------------------------------------------------------- */

typedef struct whole_writer {
    PyObject_HEAD PyObject *file;
} whole_writer;

static PyObject *whole_write(PyObject *o, PyObject *data) {
    Py_buffer bytes;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE))
        return NULL;
    Py_ssize_t n = bytes.len;
    int failed = write_pieces(((whole_writer *)o)->file, bytes.buf, (size_t)n);
    PyBuffer_Release(&bytes);
    return failed ? NULL : PyLong_FromSsize_t(n);
}

/* All else is the file's. */
static PyObject *whole_get(PyObject *o, PyObject *name) {
    if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "write") == 0)
        return PyObject_GenericGetAttr(o, name);
    return PyObject_GetAttr(((whole_writer *)o)->file, name);
}

static void whole_dealloc(PyObject *o) {
    Py_DECREF(((whole_writer *)o)->file);
    Py_TYPE(o)->tp_free(o);
}

static PyMethodDef whole_methods[] = {{"write", whole_write, METH_O, "Write all of it."}, {NULL}};

static PyTypeObject whole_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.whole_writer",
    .tp_basicsize = sizeof(whole_writer),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_getattro = whole_get,
    .tp_dealloc = whole_dealloc,
    .tp_methods = whole_methods,
    .tp_doc = "A file object whose write takes all it is given.",
};

PyObject *mpy_whole_writer(PyObject *file) {
    whole_writer *w = PyType_Ready(&whole_type) ? NULL : PyObject_New(whole_writer, &whole_type);
    if (w)
        w->file = Py_NewRef(file);
    return (PyObject *)w;
}
