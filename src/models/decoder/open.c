/* Opening language models: see decoder.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/large.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/mapped.h"
#include "graph/trace/scope.h"
#include "models/decoder/build.h"

static void release_held(dec_held *h) {
    if (!h)
        return;
    for (size_t i = 0; i < h->arrays; i++)
        mx_array_release(h->array[i]);
    for (size_t i = 0; i < h->blocks; i++)
        mx_free(h->block[i]);
    mx_free(h->array);
    mx_free(h->block);
    mx_decoder_release(h->base);
    mx_free(h);
}

mx_decoder *mx_decoder_derive(mx_decoder *d) {
    dec_held *held = mx_calloc(1, sizeof *held);
    mx_decoder *made = held ? mx_memdup(d, sizeof *d) : NULL;
    if (!made) {
        mx_free(held);
        return NULL;
    }
    held->base = mx_decoder_retain(d);
    made->held = held;
    made->references = 1;
    made->name = mx_strdup(d->name);
    made->layer = mx_memdup(d->layer, (size_t)d->layers * sizeof *d->layer);
    if (made->name && made->layer)
        return made;
    mx_decoder_release(made);
    return NULL;
}

mx_decoder *mx_decoder_retain(mx_decoder *d) {
    mx_decoder *counted = d && d->owner ? d->owner : d;
    if (d)
        __atomic_add_fetch(&counted->references, 1, __ATOMIC_RELAXED);
    return d;
}

static void free_ahead(mx_decoder *d) {
    if (!d->ahead || d->ahead->owner != d)
        return; // a derived one has its base's
    mx_free(d->ahead->layer);
    mx_free(d->ahead);
}

void mx_decoder_release(mx_decoder *d) {
    d = d && d->owner ? d->owner : d;
    if (!d || __atomic_sub_fetch(&d->references, 1, __ATOMIC_ACQ_REL))
        return;
    free_ahead(d);
    release_held(d->held);
    mx_free(d->layer);
    mx_free(d->name);
    mx_free(d);
}

bool mx_decoder_is_whole(const mx_decoder *d) {
    const dec_held *h = (d->owner ? d->owner : d)->held;
    for (; h; h = h->base ? h->base->held : NULL)
        for (size_t i = 0; i < h->arrays; i++)
            if (!mx_mapped_check(h->array[i]))
                return false;
    return true;
}

enum { MOVED = 16 << 20 /* bytes at once */ };

/* The next mapping that is not in large pages wholly; NULL: there is none. */
static mx_mapped *unmoved(const dec_held *h) {
    for (size_t i = 0; i < h->arrays; i++) {
        mx_mapped *m = mx_mapped_of(h->array[i]);
        if (m && m->large < m->size)
            return m;
    }
    return NULL;
}

void mx_decoder_settle(mx_decoder *d) {
    dec_held *h = (d->owner ? d->owner : d)->held;
    if (h->base)
        mx_decoder_settle(h->base);
    if (atomic_flag_test_and_set(&h->moving))
        return;
    mx_mapped *m = h->settled ? NULL : unmoved(h);
    h->settled = !m || !mx_large_allowed(d->bytes);
    if (!h->settled)
        mx_large_copy(m->data, m->size, &m->large, MOVED);
    atomic_flag_clear(&h->moving);
}

static const dec_trait *trait_of(const mx_family *f) {
    for (size_t i = 0; i < dec_trait_count; i++)
        if (strcmp(dec_traits[i].family, f->name) == 0)
            return &dec_traits[i];
    return NULL;
}

/* "a/b/model.gguf": "model.gguf"; "a/b/": "b" */
static char *last_name(const char *path) {
    size_t n = mx_path_length(path), first = n;
    while (first && path[first - 1] != '/')
        first--;
    char *s = mx_malloc(n - first + 1);
    if (s) {
        memcpy(s, path + first, n - first);
        s[n - first] = 0;
    }
    return s;
}

static bool begin(dec_build *b, const char *path) {
    b->name = b->model.folder ? b->model.folder : b->model.label;
    if (!b->model.family)
        return mx_fail(MX_UNSUPPORTED,
                       "[model] '%s' does not say of what family it is: a GGUF file or a folder "
                       "with config.json was expected",
                       path);
    b->trait = trait_of(b->model.family);
    if (!b->trait)
        return mx_fail(MX_UNSUPPORTED, "[model] '%s': models of the family '%s' cannot be run",
                       path, b->model.family->name);
    b->d->family = b->model.family;
    b->d->gguf = b->model.is_gguf;
    b->d->name = last_name(path);
    b->values = json_array();
    if (!b->values)
        return mx_fail_nomem("model", 0);
    return b->d->name != NULL;
}

static bool fill(dec_build *b, const char *path, const char *family) {
    b->d = mx_calloc(1, sizeof *b->d);
    b->held = mx_calloc(1, sizeof *b->held);
    if (b->d) {
        b->d->references = 1;
        b->d->held = b->held;
    } else {
        mx_free(b->held);
    }
    if (!b->d || !b->held || !mx_model_open(&b->model, path, family, true) ||
        (b->as_gguf && !dec_read_as_gguf(b)) || !begin(b, path))
        return false;
    mx_model_leave_out(&b->model, b->trait->looks_ahead && !b->sketch);
    return mx_model_check(&b->model) && dec_describe(b);
}

/* b->d is to be released in any case. */
static bool build(dec_build *b, const char *path, const char *family) {
    mx_scope scope = mx_scope_open();
    bool ok = fill(b, path, family);
    mx_scope_close(scope);
    mx_model_close(&b->model);
    mx_map_free(&b->asked, NULL);
    json_decref(b->values);
    return ok;
}

mx_decoder *mx_decoder_open(const char *path) {
    dec_build b = {0};
    if (!path)
        return mx_fail(MX_INVALID, "[model] the path is NULL");
    if (build(&b, path, NULL))
        return b.d;
    mx_decoder_release(b.d);
    return NULL;
}

/* What the description differs in that GGUF makes of it, but for one key; NULL and no error: in
   nothing. *said: config.json, for json_decref. */
static const char *lost(const mx_decoder *d, const char *path, const char *family,
                        const char *given, json_t **said) {
    dec_build b = {.sketch = true, .as_gguf = true, .given = given};
    const char *what = build(&b, path, family) ? dec_difference(d, b.d) : NULL;
    mx_decoder_release(b.d);
    *said = b.said;
    return what;
}

/* The key of config.json that alone would make it good; NULL: there is none. */
static const char *key_of_loss(const mx_decoder *d, const char *path, const char *family,
                               const json_t *said) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)said, key, v) {
        json_t *own;
        bool good = !lost(d, path, family, key, &own) && !mx_failed();
        json_decref(own);
        mx_error_clear();
        if (good)
            return key;
    }
    return NULL;
}

/* Names that key, or else what differs. */
static bool fail_lost(const mx_decoder *d, const char *path, const char *family, const char *what,
                      const json_t *said) {
    const char *key = key_of_loss(d, path, family, said);
    char *text = key ? json_dumps(json_object_get(said, key), JSON_ENCODE_ANY) : NULL;
    mx_fail(MX_UNSUPPORTED, "[convert] '%.*s': %s is %.80s, and GGUF has no key that says so",
            (int)mx_path_length(path), path, key ? key : what, text ? text : "special");
    free(text);
    return false;
}

static bool is_kept(const mx_decoder *d, const char *path, const char *family) {
    json_t *said = NULL;
    const char *what = lost(d, path, family, NULL, &said);
    bool ok = what ? fail_lost(d, path, family, what, said) : !mx_failed();
    json_decref(said);
    return ok;
}

bool mx_decoder_understands(const char *path, const char *family) {
    dec_build b = {.sketch = true};
    bool ok = build(&b, path, family);
    bool other = !ok && !b.refused && mx_error_status() != MX_NOMEM;
    if (other)
        mx_error_clear();
    ok = ok ? is_kept(b.d, path, family) : other;
    mx_decoder_release(b.d);
    return ok;
}
