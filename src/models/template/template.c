/* A template: made of a text, and run. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "models/template/template.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/system.h"
#include "models/template/load.h"
#include "models/template/run.h"
#include "models/tokenizer/text.h"

/* --- making and letting go ------------------------------------------------------------------ */

void mx_template_release(mx_template *t) {
    if (!t || atomic_fetch_sub(&t->users, 1) != 1)
        return;
    tm_heap_free(&t->heap);
    mx_free(t->name);
    mx_free(t->given);
    mx_free(t->text);
    mx_free(t->word);
    mx_free(t->slot);
    mx_free(t->defaults);
    mx_free(t);
}

/* Lines end in \n, and the last newline is not part of the text. */
static void normalize(mx_template *t) {
    for (size_t i = 0; i < t->given_n; i++) {
        char c = t->given[i];
        bool pair = c == '\r' && i + 1 < t->given_n && t->given[i + 1] == '\n';
        t->text[t->n++] = c == '\r' ? '\n' : c;
        i += pair;
    }
    t->n -= t->n && t->text[t->n - 1] == '\n';
}

static bool is_text(const char *name, const char *text, size_t n) {
    if (n > TM_MOST_TEXT)
        return mx_fail(MX_FORMAT, "[template] %.200s has more than %d bytes", name, TM_MOST_TEXT);
    return tok_is_valid(text, n) || mx_fail(MX_FORMAT, "[template] %.200s is no UTF-8", name);
}

static mx_template *new_template(const char *name, const char *text, size_t n) {
    mx_template *t = is_text(name, text, n) ? mx_calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    atomic_init(&t->users, 1);
    t->heap = (tm_run){.template = t,
                       .line = 1,
                       .most_steps = UINT64_MAX,
                       .most_memory = (uint64_t)1 << 30,
                       .most_output = 2 * TM_MOST_TEXT};
    t->name = mx_strdup(name);
    t->given = mx_malloc(n + 1);
    t->text = mx_malloc(n + 1);
    t->given_n = n;
    if (t->name && t->given && t->text)
        return t;
    mx_template_release(t);
    return NULL;
}

mx_template *mx_template_of(const char *name, const char *text, size_t n) {
    mx_template *t = new_template(name, text, n);
    if (!t)
        return NULL;
    memcpy(t->given, text, n);
    t->given[n] = 0;
    normalize(t);
    if (tm_parse(t))
        return t;
    mx_template_release(t);
    return NULL;
}

const char *mx_template_text(const mx_template *t, size_t *n) {
    *n = t->given_n;
    return t->given;
}

/* --- calls from below ------------------------------------------------------------------------- */

static bool by_name(tm_run *r, const char *what, const tm_native *f, const tm_value *name,
                    const tm_args *a, tm_value *out) {
    if (name->kind != TM_STR || !f)
        return tm_fail(r, MX_INVALID, "there is no %s '%.*s'", what,
                       name->kind != TM_STR ? 0
                       : name->n > 60       ? 60
                                            : (int)name->n,
                       name->kind == TM_STR ? name->p : "");
    return tm_call_native(r, f, NULL, a, out);
}

static bool call_filter(tm_run *r, const tm_value *name, const tm_args *a, tm_value *out) {
    const tm_native *f = name->kind == TM_STR ? tm_find_filter(name->p, name->n) : NULL;
    return by_name(r, "filter", f, name, a, out);
}

static bool call_test(tm_run *r, const tm_value *name, const tm_args *a, bool *out) {
    const tm_native *f = name->kind == TM_STR ? tm_find_test(name->p, name->n) : NULL;
    tm_value v;
    if (!by_name(r, "test", f, name, a, &v))
        return false;
    *out = tm_truth(&v);
    return true;
}

static const tm_calls calls = {.filter = call_filter,
                               .test = call_test,
                               .find_filter = tm_find_filter,
                               .find_test = tm_find_test,
                               .eval = tm_eval,
                               .add = tm_add,
                               .macro = tm_call_macro,
                               .loop = tm_call_loop};

/* --- running ---------------------------------------------------------------------------------- */

static tm_run new_run(const mx_template *t, const mx_template_limits *l) {
    static const mx_template_limits none;
    l = l ? l : &none;
    tm_run r = {.template = t, .line = 1, .calls = &calls};
    r.most_steps = l->steps ? l->steps : 10000000;
    r.most_output = l->output ? l->output : 64 << 20;
    r.most_memory = l->memory ? l->memory : 256 << 20;
    r.now = l->now ? l->now : (int64_t)time(NULL);
    mx_secret(&r.secret, sizeof r.secret);
    return r;
}

/* The outermost names: global functions, then variables. */
static bool set_globals(tm_run *r, const mx_template *t) {
    r->frame = tm_frame_new(r, NULL);
    tm_value *all = r->frame ? tm_alloc(r, t->words + 1, sizeof *all) : NULL;
    for (size_t i = 0; all && i < t->words; i++) {
        const tm_native *f = tm_find_global(t->word[i], strlen(t->word[i]));
        all[i] = f ? (tm_value){.kind = TM_NATIVE, .native = f} : (tm_value){.kind = TM_MISSING};
    }
    if (all)
        r->frame->all = all;
    return all;
}

static bool set_variables(tm_run *r, const mx_template *t, const char *what, const char *json,
                          size_t n) {
    tm_dict *d;
    if (!tm_load_json(r, what, json, n, &d))
        return false;
    for (size_t i = 0; i < d->n; i++) {
        const tm_pair *p = &d->pair[i];
        uint32_t id = tm_find_name(t, p->key.p, p->key.n);
        if (id != TM_NO_ID && id >= TM_IDS)
            r->frame->all[id] = p->value;
    }
    return true;
}

static char *run(tm_run *r, const mx_template *t, const char *json, size_t n, size_t *out_n) {
    static const char none[] = "{\"tools\": null, \"documents\": null, "
                               "\"add_generation_prompt\": false}";
    const char *defaults = t->defaults ? t->defaults : none;
    if (!set_globals(r, t) ||
        !set_variables(r, t, "variables of the model", defaults, strlen(defaults)) ||
        !set_variables(r, t, "variables", json, n) || !tm_exec_root(r, t->root))
        return NULL;
    tm_put(r, "", 0); // room for the zero
    char *text = r->failed ? NULL : r->out;
    if (text) {
        text[ *out_n = r->out_n] = 0;
        r->out = NULL;
    }
    return text;
}

char *mx_template_render(const mx_template *t, const char *json, size_t json_n,
                         const mx_template_limits *limits, size_t *n) {
    tm_run r = new_run(t, limits);
    char *text = run(&r, t, json, json_n, n);
    tm_heap_free(&r);
    return text;
}
