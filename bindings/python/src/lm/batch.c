/* mlx.core._lm: requests that are computed together. Events go into lists (whatever has append)
 * that the requests were given with. */
#include "host/gil.h"
#include "lm/lm.h"

#include <string.h>

typedef struct batch {
    PyObject_HEAD mlx_lm_batch handle;
    PyObject *lists; /* of requests that have not ended, by number */
} batch;

static batch *self_of(PyObject *o) {
    return (batch *)o;
}

/* --- events ---------------------------------------------------------------------------- */

static PyObject *top_of(const mlx_lm_event *e) {
    PyObject *list = PyList_New((Py_ssize_t)e->top_num);
    for (size_t i = 0; list && i < e->top_num; i++) {
        PyObject *pair = Py_BuildValue("(id)", e->top_tokens[i], (double)e->top_log_p[i]);
        if (pair)
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *event_object(const mlx_lm_event *e) {
    PyObject *text = PyUnicode_DecodeUTF8(e->text, (Py_ssize_t)e->text_num, "replace");
    PyObject *top = text ? top_of(e) : NULL;
    if (!top) {
        Py_XDECREF(text);
        return NULL;
    }
    return Py_BuildValue("(iNiLLLLdN)", e->token, text, (int)e->finish, (long long)e->prompt,
                         (long long)e->prompt_done, (long long)e->cached, (long long)e->generated,
                         e->log_p, top);
}

/* Of a request that has ended the list is let go of. */
static int forget(batch *b, const mlx_lm_event *e) {
    PyObject *id = e->finish ? PyLong_FromLongLong(e->id) : NULL;
    int status = e->finish && (!id || PyDict_DelItem(b->lists, id));
    Py_XDECREF(id);
    return status;
}

/* What fails stays set, and is what step raises. */
static int tell(const mlx_lm_event *e, void *payload) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return 1;
    int status = 1;
    if (!PyErr_Occurred()) {
        PyObject *event = event_object(e);
        PyObject *done =
            event ? PyObject_CallMethod((PyObject *)e->payload, "append", "(O)", event) : NULL;
        status = !done || forget(payload, e);
        Py_XDECREF(event);
        Py_XDECREF(done);
    }
    PyGILState_Release(gil);
    return status;
}

static PyObject *step(PyObject *o, PyObject *unused) {
    bool busy = false;
    int status;
    (void)unused;
    Py_INCREF(o);
    MPY_WAIT(status, mlx_lm_batch_step(&busy, self_of(o)->handle, tell, o));
    Py_DECREF(o);
    if (PyErr_Occurred())
        return NULL;
    return status ? mpy_raise() : PyBool_FromLong(busy);
}

/* --- requests -------------------------------------------------------------------------- */

/* What a request is made of while it is added. */
typedef struct parts {
    PyObject *tokens, *text, *stop, *bias, *structure, *choices, *seed;
    int *ids, *bias_tokens;
    float *biases;
    const char **stops;
    size_t bias_num;
    mlx_sampler_options sampling;
    mlx_lm_request request;
} parts;

static int take_prompt(parts *p) {
    if (p->text != Py_None) {
        p->request.text = mpy_lm_text(p->text, &p->request.text_num);
        return p->request.text ? 0 : -1;
    }
    p->ids = mpy_lm_tokens(p->tokens, &p->request.token_num);
    p->request.tokens = p->ids;
    return p->ids ? 0 : -1;
}

static int take_stops(parts *p) {
    p->request.stop_num = (size_t)PyTuple_GET_SIZE(p->stop);
    p->stops = PyMem_Calloc(p->request.stop_num + 1, sizeof *p->stops);
    for (size_t i = 0; p->stops && i < p->request.stop_num; i++) {
        p->stops[i] = mpy_lm_word(PyTuple_GET_ITEM(p->stop, (Py_ssize_t)i), "stop");
        if (!p->stops[i])
            return -1;
    }
    p->request.stop = p->stops;
    return p->stops ? 0 : (PyErr_NoMemory(), -1);
}

static int take_bias(parts *p) {
    PyObject *key, *value;
    if (p->bias != Py_None && !PyDict_Check(p->bias)) {
        PyErr_SetString(PyExc_TypeError, "[lm] logit_bias is a dict of numbers by token");
        return -1;
    }
    Py_ssize_t at = 0, n = p->bias == Py_None ? 0 : PyDict_Size(p->bias);
    p->bias_tokens = PyMem_Calloc((size_t)n + 1, sizeof *p->bias_tokens);
    p->biases = PyMem_Calloc((size_t)n + 1, sizeof *p->biases);
    if (!p->bias_tokens || !p->biases)
        return PyErr_NoMemory(), -1;
    while (n && PyDict_Next(p->bias, &at, &key, &value)) {
        if (!mpy_lm_token(key, &p->bias_tokens[p->bias_num]))
            return -1;
        p->biases[p->bias_num++] = (float)PyFloat_AsDouble(value);
        if (PyErr_Occurred())
            return -1;
    }
    p->sampling.bias_tokens = p->bias_tokens;
    p->sampling.bias = p->biases;
    p->sampling.bias_count = p->bias_num;
    return 0;
}

static int open_choices(mlx_structure *s, PyObject *texts) {
    mlx_vector_string list = mlx_vector_string_new();
    PyObject *items = PySequence_Fast(texts, "[lm] choices are a list of str");
    int status = items ? 0 : -1;
    for (Py_ssize_t i = 0; !status && i < PySequence_Fast_GET_SIZE(items); i++) {
        const char *text = mpy_lm_word(PySequence_Fast_GET_ITEM(items, i), "choices");
        status = text ? mlx_vector_string_append_value(list, text) : -1;
    }
    if (!status)
        MPY_WAIT(status, mlx_structure_open_choices(s, list));
    Py_XDECREF(items);
    mlx_vector_string_free(list);
    return status;
}

/* None, or (kind, text). */
static int take_structure(parts *p) {
    const char *kind;
    PyObject *what;
    mlx_structure *s = &p->request.structure;
    if (p->structure == Py_None)
        return 0;
    if (!PyArg_ParseTuple(p->structure, "sO", &kind, &what))
        return -1;
    if (!strcmp(kind, "choices"))
        return open_choices(s, what);
    const char *text = mpy_lm_word(what, kind);
    if (!text)
        return -1;
    int status;
    MPY_WAIT(status, !strcmp(kind, "schema")
                         ? mlx_structure_open_schema(s, text, MLX_STRUCTURE_SPACED)
                     : !strcmp(kind, "regex") ? mlx_structure_open_regex(s, text)
                                              : mlx_structure_open_gbnf(s, text));
    return status;
}

static void let_go_of(parts *p) {
    mlx_structure_free(p->request.structure);
    PyMem_Free(p->ids);
    PyMem_Free(p->stops);
    PyMem_Free(p->bias_tokens);
    PyMem_Free(p->biases);
}

static int parse(parts *p, PyObject *args, PyObject *kwargs, PyObject **list) {
    static char *keywords[] = {"list",
                               "text",
                               "tokens",
                               "special",
                               "max_tokens",
                               "stop",
                               "ignore_end",
                               "log_probabilities",
                               "echo",
                               "show_special",
                               "structure",
                               "logit_bias",
                               "seed",
                               "temperature",
                               "top_k",
                               "top_p",
                               "min_p",
                               "typical_p",
                               "xtc_probability",
                               "xtc_threshold",
                               "repetition_penalty",
                               "presence_penalty",
                               "frequency_penalty",
                               "penalty_last",
                               "dry_multiplier",
                               "dry_base",
                               "dry_allowed",
                               "dry_last",
                               "mirostat_tau",
                               "mirostat_eta",
                               "load_cache",
                               "save_cache",
                               NULL};
    mlx_sampler_options *s = &p->sampling;
    mlx_lm_request *r = &p->request;
    int special = 0, ignore_end = 0, echo = 0, show_special = 0;
    p->text = p->tokens = p->structure = p->bias = Py_None;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O|$OOO&iO!O&iO&O&OOOdiddddddddiddiiddzz:stream", keywords, list,
            &p->text, &p->tokens, mpy_lm_flag, &special, &r->most, &PyTuple_Type, &p->stop,
            mpy_lm_flag, &ignore_end, &r->log_probabilities, mpy_lm_flag, &echo, mpy_lm_flag,
            &show_special, &p->structure, &p->bias, &p->seed, &s->temperature, &s->top_k, &s->top_p,
            &s->min_p, &s->typical_p, &s->xtc_probability, &s->xtc_threshold,
            &s->repetition_penalty, &s->presence_penalty, &s->frequency_penalty, &s->penalty_last,
            &s->dry_multiplier, &s->dry_base, &s->dry_allowed, &s->dry_last, &s->mirostat_tau,
            &s->mirostat_eta, &r->load_cache, &r->save_cache))
        return -1;
    r->special = special, r->ignore_end = ignore_end;
    r->echo = echo, r->show_special = show_special;
    r->sampling = s;
    return !p->seed || mpy_lm_unsigned(p->seed, "seed", &p->sampling.seed) ? 0 : -1;
}

/* The number of the request; 0: too many wait. The list is kept before anybody can step. */
static PyObject *add_request(batch *b, const mlx_lm_request *r) {
    int64_t id = 0;
    PyObject *number = NULL;
    if (mlx_lm_batch_add(&id, b->handle, r))
        return mpy_raise();
    number = PyLong_FromLongLong(id);
    if (number && id && PyDict_SetItem(b->lists, number, r->payload)) {
        mlx_lm_batch_cancel(b->handle, id);
        Py_CLEAR(number);
    }
    return number;
}

static PyObject *add(PyObject *o, PyObject *args, PyObject *kwargs) {
    parts p = {0};
    PyObject *list, *number = NULL;
    if (parse(&p, args, kwargs, &list))
        return NULL;
    p.request.payload = list;
    int status = take_prompt(&p) || (p.stop && take_stops(&p)) || take_bias(&p);
    if (!status && (status = take_structure(&p)) && !PyErr_Occurred())
        mpy_raise();
    if (!status)
        number = add_request(self_of(o), &p.request);
    let_go_of(&p);
    return number;
}

static PyObject *cancel(PyObject *o, PyObject *number) {
    long long id = PyLong_AsLongLong(number);
    if (id == -1 && PyErr_Occurred())
        return NULL;
    return mlx_lm_batch_cancel(self_of(o)->handle, id) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *about(PyObject *o, PyObject *unused) {
    mlx_lm_batch_state s;
    (void)unused;
    if (mlx_lm_batch_about(&s, self_of(o)->handle))
        return mpy_raise();
    return Py_BuildValue("{s:L,s:L,s:K,s:K,s:L,s:L,s:L,s:L,s:L,s:L}", "running",
                         (long long)s.running, "waiting", (long long)s.waiting, "kv_bytes",
                         (unsigned long long)s.kv_bytes, "kv_kept", (unsigned long long)s.kv_kept,
                         "prompt_tokens", (long long)s.prompt_tokens, "generated",
                         (long long)s.generated, "cached", (long long)s.cached, "guessed",
                         (long long)s.guessed, "accepted", (long long)s.accepted, "steps",
                         (long long)s.steps);
}

/* --- the type -------------------------------------------------------------------------- */

static void let_go(PyObject *o) {
    mlx_lm_batch_free(self_of(o)->handle);
    Py_XDECREF(self_of(o)->lists);
    Py_TYPE(o)->tp_free(o);
}

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef methods[] = {{"add", KEYWORDS(add), NULL},
                                {"cancel", cancel, METH_O, NULL},
                                {"step", step, METH_NOARGS, NULL},
                                {"about", about, METH_NOARGS, NULL},
                                {NULL}};

PyTypeObject mpy_lm_batch_type = {.ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name =
                                      "mlx.core._lm.Batch",
                                  .tp_basicsize = sizeof(batch)};

int mpy_lm_init_batch(void) {
    return mpy_lm_ready(&mpy_lm_batch_type, let_go, methods);
}

static batch *new_batch(void) {
    batch *b = PyObject_New(batch, &mpy_lm_batch_type);
    if (!b)
        return NULL;
    b->handle = mlx_lm_batch_new();
    b->lists = PyDict_New();
    if (!b->lists)
        Py_CLEAR(b);
    return b;
}

PyObject *mpy_lm_batch_open(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"model",    "requests",     "waiting", "context", "chunk",
                               "kv_bytes", "kv_bits",      "shift",   "keep",    "lookup",
                               "draft",    "draft_tokens", "heads",   NULL};
    PyObject *model, *draft = Py_None, *kv_bytes = NULL;
    mlx_lm_batch_options o = {0};
    int shift = 0;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|$iiiiOiO&iiOii:load", keywords, &mpy_lm_type,
                                     &model, &o.requests, &o.waiting, &o.context, &o.chunk,
                                     &kv_bytes, &o.kv_bits, mpy_lm_flag, &shift, &o.keep, &o.lookup,
                                     &draft, &o.draft_tokens, &o.heads))
        return NULL;
    if (draft != Py_None && !PyObject_TypeCheck(draft, &mpy_lm_type)) {
        PyErr_SetString(PyExc_TypeError, "[lm] the draft is a model");
        return NULL;
    }
    if (kv_bytes && !mpy_lm_unsigned(kv_bytes, "kv_bytes", &o.kv_bytes))
        return NULL;
    o.shift = shift;
    o.draft = draft == Py_None ? mlx_lm_new() : ((mpy_lm *)draft)->handle;
    batch *b = new_batch();
    if (b && mlx_lm_batch_open(&b->handle, ((mpy_lm *)model)->handle, &o)) {
        Py_DECREF(b);
        return mpy_raise();
    }
    return (PyObject *)b;
}
