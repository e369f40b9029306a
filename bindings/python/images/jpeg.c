/* mlx.data._jpeg: JPEG files decoded by libjpeg without the GIL, so that threads decode side by
 * side. It is built where libjpeg's headers are; without it mlx.data.images decodes with Pillow.
 *
 * A file may be hostile. libjpeg leaves an error by longjmp, to the one setjmp below; what is
 * allocated in between belongs to its struct or to Python. Files with very many scans, which take a
 * long time for few bytes, are refused. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MOST_SCANS = 500, MESSAGE = JMSG_LENGTH_MAX };

typedef struct {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    char message[MESSAGE];
    const unsigned char *data;
    size_t length;
    unsigned long long most;
    PyObject *pixels; /* a bytearray */
} jpeg;

static jpeg *of(j_common_ptr common) {
    return common->client_data;
}

static void on_error(j_common_ptr common) {
    common->err->format_message(common, of(common)->message);
    longjmp(of(common)->failed, 1);
}

static void fail(jpeg *j, const char *message) {
    snprintf(j->message, sizeof j->message, "%s", message);
    longjmp(j->failed, 1);
}

/* Warnings pass, but for the one that the data have ended. */
static void on_message(j_common_ptr common, int level) {
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        fail(of(common), "image file is truncated");
}

static void on_progress(j_common_ptr common) {
    if (of(common)->decoder.input_scan_number > MOST_SCANS)
        fail(of(common), "the file has too many scans");
}

static void prepare(jpeg *j) {
    struct jpeg_decompress_struct *d = &j->decoder;
    d->err = jpeg_std_error(&j->errors);
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    j->progress.progress_monitor = on_progress;
    d->client_data = j;
}

/* Whether the file is one that Pillow would make the same pixels of: grey or YCbCr, 8 bits. */
static int is_plain(const struct jpeg_decompress_struct *d) {
    return d->data_precision == 8 &&
           (d->jpeg_color_space == JCS_GRAYSCALE || d->jpeg_color_space == JCS_YCbCr);
}

/* Allocates the pixels; called without the GIL. */
static int make_room(jpeg *j, size_t size) {
    PyGILState_STATE state = PyGILState_Ensure();
    j->pixels = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (!j->pixels)
        PyErr_Clear();
    PyGILState_Release(state);
    return j->pixels != NULL;
}

static void read_rows(jpeg *j) {
    struct jpeg_decompress_struct *d = &j->decoder;
    size_t stride = (size_t)d->output_width * 3;
    JSAMPROW start = (JSAMPROW)PyByteArray_AS_STRING(j->pixels);
    while (d->output_scanline < d->output_height) {
        JSAMPROW row = start + stride * d->output_scanline;
        jpeg_read_scanlines(d, &row, 1);
    }
}

/* Decodes. 1: done, 0: failed with a message, -1: a kind of file that is left to others, -2: it has
 * more pixels than may be. */
static int decode(jpeg *j) {
    struct jpeg_decompress_struct *d = &j->decoder;
    prepare(j);
    if (setjmp(j->failed)) {
        jpeg_destroy_decompress(d);
        return 0;
    }
    jpeg_create_decompress(d);
    d->progress = &j->progress;
    jpeg_mem_src(d, j->data, (unsigned long)j->length);
    jpeg_read_header(d, TRUE);
    unsigned long long pixels = (unsigned long long)d->image_width * d->image_height;
    if (!is_plain(d) || pixels > j->most) {
        jpeg_destroy_decompress(d);
        return pixels > j->most ? -2 : -1;
    }
    d->out_color_space = JCS_RGB;
    if (!make_room(j, (size_t)pixels * 3))
        fail(j, "out of memory");
    jpeg_start_decompress(d);
    read_rows(j);
    jpeg_destroy_decompress(d);
    return 1;
}

/* decode(data, max_pixels) -> (bytearray, height, width), or None: the file is left to Pillow */
static PyObject *decode_jpeg(PyObject *module, PyObject *args) {
    Py_buffer data;
    jpeg j = {0};
    if (!PyArg_ParseTuple(args, "y*K:decode", &data, &j.most))
        return NULL;
    j.data = data.buf;
    j.length = (size_t)data.len;
    int done;
    Py_BEGIN_ALLOW_THREADS;
    done = decode(&j);
    Py_END_ALLOW_THREADS;
    PyBuffer_Release(&data);
    unsigned height = j.decoder.image_height, width = j.decoder.image_width;
    if (done > 0)
        return Py_BuildValue("(NII)", j.pixels, height, width);
    Py_XDECREF(j.pixels);
    if (done == -1)
        Py_RETURN_NONE;
    if (done == -2)
        return PyErr_Format(PyExc_ValueError,
                            "[data] %u x %u pixels are more than max_pixels, %llu", width, height,
                            j.most);
    PyErr_SetString(PyExc_OSError, j.message);
    return NULL;
}

static PyMethodDef methods[] = {
    {"decode", decode_jpeg, METH_VARARGS,
     "decode(data, max_pixels): (pixels, height, width) of a JPEG file in RGB, or None."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "mlx.data._jpeg", .m_doc = "JPEG files decoded by libjpeg.",
    .m_methods = methods,  .m_slots = slots,
};

PyMODINIT_FUNC PyInit__jpeg(void) {
    return PyModuleDef_Init(&definition);
}
