/* mlx.core._lm: tokenizers and streams of tokens, what mlx.lm.Tokenizer is made of.
 *
 * What no text and no token can be is a ValueError, whatever it is: a lone surrogate, a number
 * below 0 or beyond the vocabulary, one of more than 64 bits.
 */
#include "lm/lm.h"

#include <stdint.h>

typedef struct tokenizer {
    PyObject_HEAD mlx_tokenizer handle;
    mlx_template chat; /* empty until it is asked for */
} tokenizer;

typedef struct stream {
    PyObject_HEAD mlx_token_stream handle;
} stream;

static PyTypeObject tokenizer_type, stream_type;

static mlx_tokenizer handle_of(PyObject *o) {
    return ((tokenizer *)o)->handle;
}

/* --- texts ------------------------------------------------------------------------------ */

/* Which character of a str each byte of its UTF-8 belongs to, and one behind; for PyMem_Free. */
static uint32_t *characters(const char *text, size_t n) {
    uint32_t *at = PyMem_Malloc((n + 1) * sizeof *at), c = 0;
    if (!at) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        c += i && ((unsigned char)text[i] & 0xC0) != 0x80;
        at[i] = c;
    }
    at[n] = n ? c + 1 : 0;
    return at;
}

/* Pairs of begin and end; at: NULL, where bytes are meant. */
static PyObject *pairs(const int *offset, size_t n, const uint32_t *at) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        int from = offset[2 * i], to = offset[2 * i + 1];
        PyObject *pair =
            at ? Py_BuildValue("(II)", at[from], at[to]) : Py_BuildValue("(ii)", from, to);
        if (pair)
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *offset_list(PyObject *o, const int *offset, size_t n) {
    size_t size;
    const char *text = mpy_lm_text(o, &size);
    bool plain = PyBytes_Check(o) || PyUnicode_IS_COMPACT_ASCII(o);
    uint32_t *at = text && !plain ? characters(text, size) : NULL;
    PyObject *list = text && (plain || at) ? pairs(offset, n, at) : NULL;
    PyMem_Free(at);
    return list;
}

/* What was made of a text: a list of tokens, or that and a list of offsets. */
static PyObject *made_of(PyObject *text, const int *ids, const int *offset, size_t n) {
    PyObject *list = mpy_lm_token_list(ids, n), *pair = NULL;
    if (!list || !offset)
        return list;
    PyObject *where = offset_list(text, offset, n);
    if (where)
        pair = PyTuple_Pack(2, list, where);
    Py_DECREF(list);
    Py_XDECREF(where);
    return pair;
}

static int parts_of(mlx_tokens tokens, int flags, const int **ids, const int **offset, size_t *n) {
    *offset = NULL;
    return mlx_tokens_data(ids, n, tokens) ||
           (flags & MLX_ENCODE_OFFSETS && mlx_tokens_offsets(offset, n, tokens));
}

/* --- encoding --------------------------------------------------------------------------- */

static PyObject *encode(PyObject *o, PyObject *args) {
    PyObject *text, *result = NULL;
    int flags, status;
    size_t n;
    const int *ids, *offset;
    if (!PyArg_ParseTuple(args, "Oi:encode", &text, &flags))
        return NULL;
    const char *p = mpy_lm_text(text, &n);
    if (!p)
        return NULL;
    mlx_tokens tokens = mlx_tokens_new();
    MPY_WAIT(status, mlx_tokenizer_encode(&tokens, handle_of(o), p, n, flags));
    result = status || parts_of(tokens, flags, &ids, &offset, &n) ? mpy_raise()
                                                                  : made_of(text, ids, offset, n);
    mlx_tokens_free(tokens);
    return result;
}

static PyObject *count(PyObject *o, PyObject *args) {
    PyObject *text;
    int flags, status;
    size_t n;
    if (!PyArg_ParseTuple(args, "Oi:count", &text, &flags))
        return NULL;
    const char *p = mpy_lm_text(text, &n);
    if (!p)
        return NULL;
    mlx_tokens tokens = mlx_tokens_new();
    MPY_WAIT(status, mlx_tokenizer_encode(&tokens, handle_of(o), p, n, flags));
    status = status || mlx_tokens_size(&n, tokens);
    mlx_tokens_free(tokens);
    return status ? mpy_raise() : PyLong_FromSize_t(n);
}

typedef struct texts {
    PyObject *items; /* that hold them */
    size_t count;
    const char **text;
    size_t *length, *end;
} texts;

static void free_texts(texts *t) {
    PyMem_Free(t->text);
    PyMem_Free(t->length);
    Py_XDECREF(t->items);
}

/* A tuple, which nobody changes while the GIL is free. */
static bool take_texts(texts *t, PyObject *list) {
    if (PyUnicode_Check(list) || PyBytes_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "[tokenizer] texts are a list of str, not one");
        return false;
    }
    *t = (texts){.items = PySequence_Tuple(list)};
    t->count = t->items ? (size_t)PyTuple_GET_SIZE(t->items) : 0;
    t->text = PyMem_Calloc(t->count + 1, sizeof *t->text);
    t->length = PyMem_Calloc(2 * t->count + 2, sizeof *t->length);
    t->end = t->length ? t->length + t->count + 1 : NULL;
    bool ok = t->items && ((t->text && t->length) || PyErr_NoMemory());
    for (size_t i = 0; ok && i < t->count; i++) {
        t->text[i] = mpy_lm_text(PyTuple_GET_ITEM(t->items, (Py_ssize_t)i), &t->length[i]);
        ok = t->text[i];
    }
    return ok;
}

static PyObject *lists_of(const texts *t, const int *ids, const int *offset) {
    PyObject *all = PyList_New((Py_ssize_t)t->count);
    for (size_t i = 0, from = 0; all && i < t->count; from = t->end[i++]) {
        PyObject *one = made_of(PyTuple_GET_ITEM(t->items, (Py_ssize_t)i), ids + from,
                                offset ? offset + 2 * from : NULL, t->end[i] - from);
        if (one)
            PyList_SET_ITEM(all, (Py_ssize_t)i, one);
        else
            Py_CLEAR(all);
    }
    return all;
}

static PyObject *encode_all(PyObject *o, PyObject *args) {
    PyObject *list, *result = NULL;
    texts t = {0};
    int flags, status;
    size_t n;
    const int *ids, *offset;
    mlx_tokens tokens = mlx_tokens_new();
    if (!PyArg_ParseTuple(args, "Oi:encode_all", &list, &flags))
        return NULL;
    if (take_texts(&t, list)) {
        MPY_WAIT(status, mlx_tokenizer_encode_all(&tokens, t.end, handle_of(o), t.text, t.length,
                                                  t.count, flags));
        result = status || parts_of(tokens, flags, &ids, &offset, &n) ? mpy_raise()
                                                                      : lists_of(&t, ids, offset);
    }
    mlx_tokens_free(tokens);
    free_texts(&t);
    return result;
}

/* Variables, as JSON, and the file that has the template, which is opened the first time. NULL: a
   Python error. */
static const char *chat_given(tokenizer *self, PyObject *args, size_t *n) {
    PyObject *file, *variables;
    const char *given;
    if (!PyArg_ParseTuple(args, "OO", &variables, &file) || !(given = mpy_lm_text(variables, n)) ||
        !PyUnicode_FSConverter(file, &file))
        return NULL;
    int status = self->chat.ctx ? 0 : mlx_template_open(&self->chat, PyBytes_AS_STRING(file), NULL);
    Py_DECREF(file);
    return status ? mpy_raise(), NULL : given;
}

static PyObject *chat(PyObject *o, PyObject *args) {
    size_t size, n;
    const int *ids;
    int status;
    tokenizer *self = (tokenizer *)o;
    const char *given = chat_given(self, args, &n);
    if (!given)
        return NULL;
    mlx_string made = mlx_string_new();
    mlx_tokens tokens = mlx_tokens_new();
    MPY_WAIT(status, mlx_chat_render(&made, &size, self->chat, self->handle, given, n));
    const char *text = status ? "" : mlx_string_data(made);
    if (!status)
        MPY_WAIT(status, mlx_chat_encode(&tokens, self->handle, text, size));
    PyObject *list =
        status || mlx_tokens_data(&ids, &size, tokens) ? mpy_raise() : mpy_lm_token_list(ids, size);
    mlx_tokens_free(tokens);
    mlx_string_free(made);
    return list;
}

static PyObject *bool_list(const int *values, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, PyBool_FromLong(values[i]));
    return list;
}

/* Tokens, and which of them the assistant said. */
static PyObject *answers(PyObject *o, PyObject *args) {
    size_t size, n;
    const int *ids, *types;
    int status;
    tokenizer *self = (tokenizer *)o;
    const char *given = chat_given(self, args, &n);
    if (!given)
        return NULL;
    mlx_tokens tokens = mlx_tokens_new();
    MPY_WAIT(status, mlx_chat_answers(&tokens, self->chat, self->handle, given, n));
    status =
        status || mlx_tokens_data(&ids, &size, tokens) || mlx_tokens_types(&types, &size, tokens);
    PyObject *pair =
        status ? mpy_raise()
               : Py_BuildValue("(NN)", mpy_lm_token_list(ids, size), bool_list(types, size));
    mlx_tokens_free(tokens);
    return pair;
}

/* --- decoding --------------------------------------------------------------------------- */

static PyObject *decode(PyObject *o, PyObject *args) {
    PyObject *list, *result = NULL;
    int special, status;
    size_t n, size = 0;
    mlx_string text = mlx_string_new();
    if (!PyArg_ParseTuple(args, "OO&:decode", &list, mpy_lm_flag, &special))
        return NULL;
    int *ids = mpy_lm_tokens(list, &n);
    if (!ids)
        return NULL;
    MPY_WAIT(status, mlx_tokenizer_decode(&text, &size, handle_of(o), ids, n, special));
    result = status ? mpy_raise()
                    : PyUnicode_DecodeUTF8(mlx_string_data(text), (Py_ssize_t)size, "replace");
    PyMem_Free(ids);
    mlx_string_free(text);
    return result;
}

/* --- what it knows ---------------------------------------------------------------------- */

static PyObject *about(PyObject *o, PyObject *unused) {
    size_t size;
    const char *kind;
    int role[MLX_TOKEN_MASK + 1];
    (void)unused;
    int status = mlx_tokenizer_size(&size, handle_of(o)) || mlx_tokenizer_kind(&kind, handle_of(o));
    for (int i = 0; i <= MLX_TOKEN_MASK; i++)
        status = status || mlx_tokenizer_role(&role[i], handle_of(o), (mlx_token_role)i);
    return status ? mpy_raise()
                  : Py_BuildValue("(nsN)", (Py_ssize_t)size, kind,
                                  mpy_lm_token_list(role, MLX_TOKEN_MASK + 1));
}

static PyObject *piece(PyObject *o, PyObject *arg) {
    const char *text;
    size_t n, size;
    int id;
    bool special;
    if (!mpy_lm_token(arg, &id))
        return NULL;
    if (mlx_tokenizer_size(&size, handle_of(o)))
        return mpy_raise();
    if (id < 0 || (size_t)id >= size)
        return PyErr_Format(mpy_range_error, "[tokenizer] the id %d: ids are 0 to %zu", id,
                            size - 1);
    if (mlx_tokenizer_piece(&text, &n, handle_of(o), id) ||
        mlx_tokenizer_is_special(&special, handle_of(o), id))
        return mpy_raise();
    return text ? Py_BuildValue("(NO)", PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "replace"),
                                special ? Py_True : Py_False)
                : Py_NewRef(Py_None);
}

static PyObject *id(PyObject *o, PyObject *arg) {
    size_t n;
    int found;
    const char *text = mpy_lm_text(arg, &n);
    if (!text)
        return NULL;
    return mlx_tokenizer_id(&found, handle_of(o), text, n) ? mpy_raise() : PyLong_FromLong(found);
}

/* --- streams ---------------------------------------------------------------------------- */

static PyObject *stream_of(PyObject *o, PyObject *args) {
    int special, follows, status;
    if (!PyArg_ParseTuple(args, "O&O&:stream", mpy_lm_flag, &special, mpy_lm_flag, &follows))
        return NULL;
    stream *s = PyObject_New(stream, &stream_type);
    if (!s)
        return NULL;
    s->handle = mlx_token_stream_new();
    status = mlx_token_stream_open(&s->handle, handle_of(o), special) ||
             (follows && mlx_token_stream_follow(s->handle));
    if (status) {
        Py_DECREF(s);
        return mpy_raise();
    }
    return (PyObject *)s;
}

static PyObject *shown(int status, const char *text, size_t n) {
    return status ? mpy_raise() : PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "replace");
}

static PyObject *put(PyObject *o, PyObject *arg) {
    const char *text;
    size_t n;
    int token;
    if (!mpy_lm_token(arg, &token))
        return NULL;
    int status = mlx_token_stream_put(&text, &n, ((stream *)o)->handle, token);
    return shown(status, text, n);
}

static PyObject *end(PyObject *o, PyObject *unused) {
    const char *text;
    size_t n;
    (void)unused;
    int status = mlx_token_stream_end(&text, &n, ((stream *)o)->handle);
    return shown(status, text, n);
}

/* --- the types -------------------------------------------------------------------------- */

static void let_go(PyObject *o) {
    mlx_tokenizer_free(handle_of(o));
    mlx_template_free(((tokenizer *)o)->chat);
    Py_TYPE(o)->tp_free(o);
}

static void let_go_stream(PyObject *o) {
    mlx_token_stream_free(((stream *)o)->handle);
    Py_TYPE(o)->tp_free(o);
}

static PyMethodDef methods[] = {{"encode", encode, METH_VARARGS, NULL},
                                {"encode_all", encode_all, METH_VARARGS, NULL},
                                {"count", count, METH_VARARGS, NULL},
                                {"chat", chat, METH_VARARGS, NULL},
                                {"answers", answers, METH_VARARGS, NULL},
                                {"decode", decode, METH_VARARGS, NULL},
                                {"about", about, METH_NOARGS, NULL},
                                {"piece", piece, METH_O, NULL},
                                {"id", id, METH_O, NULL},
                                {"stream", stream_of, METH_VARARGS, NULL},
                                {NULL}};

static PyMethodDef stream_methods[] = {
    {"put", put, METH_O, NULL}, {"end", end, METH_NOARGS, NULL}, {NULL}};

static PyTypeObject tokenizer_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name =
                                          "mlx.core._lm.Tokenizer",
                                      .tp_basicsize = sizeof(tokenizer)};
static PyTypeObject stream_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name =
                                       "mlx.core._lm.TokenStream",
                                   .tp_basicsize = sizeof(stream)};

PyObject *mpy_lm_tokenizer_wrap(mlx_tokenizer handle) {
    tokenizer *t = PyObject_New(tokenizer, &tokenizer_type);
    if (!t) {
        mlx_tokenizer_free(handle);
        return NULL;
    }
    t->handle = handle;
    t->chat = mlx_template_new();
    return (PyObject *)t;
}

PyObject *mpy_lm_tokenizer_open(PyObject *module, PyObject *args) {
    PyObject *file;
    int status;
    mlx_tokenizer handle = mlx_tokenizer_new();
    (void)module;
    if (!PyArg_ParseTuple(args, "O&:tokenizer", PyUnicode_FSConverter, &file))
        return NULL;
    MPY_WAIT(status, mlx_tokenizer_open(&handle, PyBytes_AS_STRING(file)));
    Py_DECREF(file);
    return status ? mpy_raise() : mpy_lm_tokenizer_wrap(handle);
}

PyObject *mpy_lm_tokenizer_bytes(PyObject *module, PyObject *args) {
    Py_buffer bytes;
    int status;
    mlx_tokenizer handle = mlx_tokenizer_new();
    (void)module;
    if (!PyArg_ParseTuple(args, "y*:tokenizer_bytes", &bytes))
        return NULL;
    MPY_WAIT(status, mlx_tokenizer_open_bytes(&handle, "bytes", bytes.buf, (size_t)bytes.len));
    PyBuffer_Release(&bytes);
    return status ? mpy_raise() : mpy_lm_tokenizer_wrap(handle);
}

PyObject *mpy_lm_find(PyObject *module, PyObject *args) {
    const char *model;
    mlx_string folder = mlx_string_new();
    (void)module;
    if (!PyArg_ParseTuple(args, "s:find", &model))
        return NULL;
    int status = mlx_hub_find(&folder, model, NULL);
    PyObject *found =
        status ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(mlx_string_data(folder));
    if (status == 1)
        mlx_clear_last_error();
    mlx_string_free(folder);
    return found;
}

int mpy_lm_init_tokenizer(void) {
    return mpy_lm_ready(&tokenizer_type, let_go, methods) ||
           mpy_lm_ready(&stream_type, let_go_stream, stream_methods);
}
