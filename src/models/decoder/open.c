/* Opening language models: see decoder.h. */
#include <stdio.h>
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
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t first = n;
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
    if (!b->d || !b->held || !mx_model_open(&b->model, path, family, true) || !begin(b, path))
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

bool mx_decoder_understands(const char *path, const char *family) {
    dec_build b = {.sketch = true};
    bool ok = build(&b, path, family);
    mx_decoder_release(b.d);
    bool other = !ok && !b.refused && mx_error_status() != MX_NOMEM;
    if (other)
        mx_error_clear();
    return ok || other;
}
