/* mlx.core._lm: language models, their tokens, logits and vectors. */
#include "lm/lm.h"

#include <string.h>

static mpy_lm *self_of(PyObject *o) {
    return (mpy_lm *)o;
}

/* --- tokens ---------------------------------------------------------------------------- */

/* The handle is let go of. */
static PyObject *taken(int status, mlx_tokens tokens) {
    const int *ids;
    size_t n;
    PyObject *list =
        status || mlx_tokens_data(&ids, &n, tokens) ? mpy_raise() : mpy_lm_token_list(ids, n);
    mlx_tokens_free(tokens);
    return list;
}

static PyObject *chat(PyObject *o, PyObject *variables) {
    size_t n;
    int status;
    const char *given = mpy_lm_text(variables, &n);
    mlx_tokens tokens = mlx_tokens_new();
    if (!given)
        return NULL;
    MPY_WAIT(status, mlx_lm_chat(&tokens, self_of(o)->handle, given, n));
    return taken(status, tokens);
}

static PyObject *tokenizer(PyObject *o, PyObject *unused) {
    mlx_tokenizer handle = mlx_tokenizer_new();
    (void)unused;
    return mlx_lm_tokenizer(&handle, self_of(o)->handle) ? mpy_raise()
                                                         : mpy_lm_tokenizer_wrap(handle);
}

/* --- numbers --------------------------------------------------------------------------- */

static PyObject *logits(PyObject *o, PyObject *list) {
    size_t n;
    int *ids = mpy_lm_tokens(list, &n), status;
    mlx_array res = mlx_array_new();
    if (!ids)
        return NULL;
    MPY_WAIT(status, mlx_lm_logits(&res, self_of(o)->handle, ids, n));
    PyMem_Free(ids);
    return mpy_array_result(status, res);
}

/* Texts as UTF-8, which the items hold. */
static int texts_of(PyObject *items, const char **text, size_t *length) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); i++) {
        text[i] = mpy_lm_text(PySequence_Fast_GET_ITEM(items, i), &length[i]);
        if (!text[i])
            return -1;
    }
    return 0;
}

/* Numbers of texts: their vectors, or what the classifier says of each with `first`. */
typedef struct texts {
    const char *first;
    size_t first_num;
    const char **text;
    size_t *length, *ends, count;
} texts;

static int compute(const mpy_lm *m, mlx_array *res, const texts *t) {
    const int *ids, *types;
    size_t n;
    mlx_tokens tokens = mlx_tokens_new();
    int status =
        (t->first ? mlx_lm_pairs(&tokens, t->ends, m->handle, t->first, t->first_num, t->text,
                                 t->length, t->count)
                  : mlx_lm_texts(&tokens, t->ends, m->handle, t->text, t->length, t->count)) ||
        mlx_tokens_data(&ids, &n, tokens) || mlx_tokens_types(&types, &n, tokens) ||
        (t->first ? mlx_lm_classify : mlx_lm_embed)(res, m->handle, ids, types, t->ends, t->count);
    mlx_tokens_free(tokens);
    return status;
}

static PyObject *numbers_of(PyObject *o, PyObject *list, texts t) {
    PyObject *items = PySequence_Fast(list, "[lm] texts are a list of str");
    mlx_array res = mlx_array_new();
    int status = -1;
    t.count = items ? (size_t)PySequence_Fast_GET_SIZE(items) : 0;
    t.text = PyMem_Calloc(t.count + 1, sizeof *t.text);
    t.length = PyMem_Calloc(2 * t.count + 2, sizeof *t.length);
    t.ends = t.length ? t.length + t.count + 1 : NULL;
    if (!t.text || !t.length)
        PyErr_NoMemory();
    else if (items && !texts_of(items, t.text, t.length))
        MPY_WAIT(status, compute(self_of(o), &res, &t));
    PyMem_Free(t.text);
    PyMem_Free(t.length);
    Py_XDECREF(items);
    if (PyErr_Occurred()) {
        mlx_array_free(res);
        return NULL;
    }
    return mpy_array_result(status, res);
}

static PyObject *embed(PyObject *o, PyObject *list) {
    return numbers_of(o, list, (texts){0});
}

static PyObject *classify(PyObject *o, PyObject *args) {
    texts t = {0};
    PyObject *first, *list;
    if (!PyArg_ParseTuple(args, "OO:classify", &first, &list) ||
        !(t.first = mpy_lm_text(first, &t.first_num)))
        return NULL;
    return numbers_of(o, list, t);
}

static PyObject *about(PyObject *o, PyObject *unused) {
    mlx_lm_info i;
    (void)unused;
    if (mlx_lm_about(&i, self_of(o)->handle))
        return mpy_raise();
    return Py_BuildValue("{s:s,s:s,s:L,s:L,s:L,s:L,s:K,s:K,s:O,s:L,s:L,s:N}", "family", i.family,
                         "name", i.name, "context", (long long)i.context, "vocabulary",
                         (long long)i.vocabulary, "hidden", (long long)i.hidden, "layers",
                         (long long)i.layers, "parameters", (unsigned long long)i.parameters,
                         "nbytes", (unsigned long long)i.bytes, "encoder",
                         i.encoder ? Py_True : Py_False, "vector", (long long)i.vector, "classes",
                         (long long)i.classes, "end_tokens",
                         mpy_lm_token_list(i.end_tokens, i.end_token_num));
}

/* --- the type -------------------------------------------------------------------------- */

static void let_go(PyObject *o) {
    mlx_tokenizer_free(self_of(o)->tokenizer);
    mlx_lm_free(self_of(o)->handle);
    Py_TYPE(o)->tp_free(o);
}

static PyMethodDef methods[] = {{"tokenizer", tokenizer, METH_NOARGS, NULL},
                                {"chat", chat, METH_O, NULL},
                                {"logits", logits, METH_O, NULL},
                                {"embed", embed, METH_O, NULL},
                                {"classify", classify, METH_VARARGS, NULL},
                                {"about", about, METH_NOARGS, NULL},
                                {NULL}};

PyTypeObject mpy_lm_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name =
                                "mlx.core._lm.Model",
                            .tp_basicsize = sizeof(mpy_lm)};

PyObject *mpy_lm_open(PyObject *module, PyObject *args) {
    PyObject *file;
    mlx_lm_options o = {0};
    int status = -1;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&|z:open", PyUnicode_FSConverter, &file, &o.adapter))
        return NULL;
    mpy_lm *m = PyObject_New(mpy_lm, &mpy_lm_type);
    if (m) {
        m->handle = mlx_lm_new();
        m->tokenizer = mlx_tokenizer_new();
        MPY_WAIT(status, mlx_lm_open(&m->handle, PyBytes_AS_STRING(file), &o) ||
                             mlx_lm_tokenizer(&m->tokenizer, m->handle));
    }
    Py_DECREF(file);
    if (m && status) {
        Py_DECREF(m);
        return mpy_raise();
    }
    return (PyObject *)m;
}

int mpy_lm_init_model(void) {
    return mpy_lm_ready(&mpy_lm_type, let_go, methods);
}
