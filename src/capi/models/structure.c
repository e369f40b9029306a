/* structure.h: handles of structures, vocabularies and matchers. */
#include "mlx/c/structure.h"

#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "models/json.h"
#include "models/structure/schema/schema.h"
#include "models/structure/structure.h"

_Static_assert((int)MLX_STRUCTURE_SPACED == (int)SG_SPACED &&
                   (int)MLX_STRUCTURE_OPEN == (int)SG_OPEN && sizeof(int) == sizeof(uint32_t),
               "flags and tokens are those of the library");

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[structure] the %s NULL", what);
}

static bool are_flags(int flags) {
    return !(flags & ~(MLX_STRUCTURE_SPACED | MLX_STRUCTURE_OPEN)) ||
           mx_fail(MX_INVALID, "[structure] the flags %d: known are 1 and 2", flags);
}

/* --- structures --------------------------------------------------------------------------- */

mlx_structure mlx_structure_new(void) {
    return (mlx_structure){NULL};
}

/* Put a structure (taken over; NULL fails) into a handle. */
static int put_structure(mlx_structure *res, sg_grammar *g) {
    sg_grammar **slot = g ? (sg_grammar **)capi_slot(res, "structure") : NULL;
    if (!slot) {
        sg_grammar_release(g);
        return capi_report();
    }
    sg_grammar_release(*slot);
    *slot = g;
    return 0;
}

int mlx_structure_open_regex(mlx_structure *res, const char *pattern) {
    mx_error_clear();
    return put_structure(res, mx_structure_regex(pattern));
}

int mlx_structure_open_gbnf(mlx_structure *res, const char *grammar) {
    mx_error_clear();
    return put_structure(res, mx_structure_gbnf(grammar));
}

int mlx_structure_open_choices(mlx_structure *res, const mlx_vector_string texts) {
    size_t n = 0;
    mx_error_clear();
    const char *const *list = capi_strings(texts, &n);
    return put_structure(res, mx_failed() ? NULL : mx_structure_choice(list, n));
}

int mlx_structure_open_schema(mlx_structure *res, const char *schema, int flags) {
    mx_error_clear();
    bool ok = is_given(schema, "schema is") && are_flags(flags);
    return put_structure(res, ok ? mx_structure_schema(schema, strlen(schema), flags) : NULL);
}

int mlx_structure_open_json(mlx_structure *res, bool object, int flags) {
    mx_error_clear();
    return put_structure(res, are_flags(flags) ? mx_structure_json(object, flags) : NULL);
}

int mlx_structure_free(mlx_structure s) {
    int status;
    if (capi_frees(s.ctx, "structure", &status))
        sg_grammar_release(s.ctx);
    return status;
}

int mlx_structure_limit_steps(uint64_t *before, uint64_t steps) {
    mx_error_clear();
    bool ok = is_given(before, "result is");
    if (ok)
        *before = sg_limit_steps(steps);
    return capi_done(ok);
}

int mlx_json_place(mlx_string *place, const char *text, size_t at) {
    mx_text path = {0};
    mx_error_clear();
    bool ok = is_given(place, "result is") && is_given(text, "text is");
    if (ok)
        mx_json_path(&path, text, at);
    char *made = ok ? mx_text_take(&path) : NULL;
    return capi_done(made && capi_take_string(place, made));
}

/* --- vocabularies ------------------------------------------------------------------------- */

mlx_structure_vocabulary mlx_structure_vocabulary_new(void) {
    return (mlx_structure_vocabulary){NULL};
}

int mlx_structure_vocabulary_open(mlx_structure_vocabulary *res, const mlx_tokenizer t,
                                  const int *ends, size_t n) {
    mx_error_clear();
    struct mx_tokenizer *from = capi_object(t.ctx, "tokenizer");
    sg_vocabulary **slot =
        from && (!n || is_given(ends, "ends are")) ? (void *)capi_slot(res, "vocabulary") : NULL;
    sg_vocabulary *v = slot ? sg_vocabulary_of(from, (const uint32_t *)ends, n) : NULL;
    if (!v)
        return capi_report();
    sg_vocabulary_release(*slot);
    *slot = v;
    return 0;
}

int mlx_structure_vocabulary_free(mlx_structure_vocabulary v) {
    int status;
    if (capi_frees(v.ctx, "vocabulary", &status))
        sg_vocabulary_release(v.ctx);
    return status;
}

int mlx_structure_vocabulary_bytes(const char **bytes, size_t *bytes_num,
                                   const mlx_structure_vocabulary v, int token) {
    mx_error_clear();
    const sg_vocabulary *x = capi_object(v.ctx, "vocabulary");
    bool ok = x && is_given(bytes, "result is") && is_given(bytes_num, "result is");
    if (ok && (token < 0 || (size_t)token >= x->count))
        ok = mx_fail(MX_RANGE, "[structure] token %d of a vocabulary of %zu", token, x->count);
    if (ok) {
        *bytes = x->text + x->from[token];
        *bytes_num = x->from[token + 1] - x->from[token];
    }
    return capi_done(ok);
}

/* --- matchers ----------------------------------------------------------------------------- */

/* A matcher, and the bytes that were asked for last. */
typedef struct matcher {
    mx_matcher *m;
    char *forced;
} matcher;

enum { MOST_FORCED = 4096 };

static mx_matcher *matcher_of(mlx_structure_matcher m) {
    matcher *x = capi_object(m.ctx, "matcher");
    return x ? x->m : NULL;
}

static void free_matcher(matcher *x) {
    if (!x)
        return;
    mx_matcher_free(x->m);
    mx_free(x->forced);
    mx_free(x);
}

/* Put a matcher (taken over; NULL fails) into a handle. */
static int put_matcher(mlx_structure_matcher *res, mx_matcher *m) {
    matcher **slot = m ? (matcher **)capi_slot(res, "matcher") : NULL;
    matcher *x = slot ? mx_calloc(1, sizeof *x) : NULL;
    if (!x) {
        mx_matcher_free(m);
        return capi_report();
    }
    x->m = m;
    free_matcher(*slot);
    *slot = x;
    return 0;
}

mlx_structure_matcher mlx_structure_matcher_new(void) {
    return (mlx_structure_matcher){NULL};
}

int mlx_structure_matcher_open(mlx_structure_matcher *res, const mlx_structure s,
                               const mlx_structure_vocabulary v) {
    mx_error_clear();
    sg_grammar *g = capi_object(s.ctx, "structure");
    sg_vocabulary *words = g ? capi_object(v.ctx, "vocabulary") : NULL;
    return put_matcher(res, words ? mx_matcher_new(g, words) : NULL);
}

int mlx_structure_matcher_copy(mlx_structure_matcher *res, const mlx_structure_matcher m) {
    mx_error_clear();
    const mx_matcher *from = matcher_of(m);
    return put_matcher(res, from ? mx_matcher_copy(from) : NULL);
}

int mlx_structure_matcher_free(mlx_structure_matcher m) {
    int status;
    if (capi_frees(m.ctx, "matcher", &status))
        free_matcher(m.ctx);
    return status;
}

int mlx_structure_matcher_mask(uint32_t *words, size_t n, mlx_structure_matcher m) {
    mx_error_clear();
    mx_matcher *x = matcher_of(m);
    if (!x || !is_given(words, "words are"))
        return capi_report();
    size_t own = mx_matcher_vocabulary(x)->words;
    if (n < own)
        return mx_fail(MX_INVALID, "[structure] %zu words for a mask of %zu", n, own),
               capi_report();
    memset(words + own, 0, (n - own) * sizeof *words);
    return capi_done(mx_matcher_mask(x, words));
}

int mlx_structure_matcher_accept(bool *fits, mlx_structure_matcher m, int token) {
    mx_error_clear();
    mx_matcher *x = matcher_of(m);
    return capi_done(x && is_given(fits, "result is") &&
                     mx_matcher_accept(x, (uint32_t)token, fits));
}

int mlx_structure_matcher_accept_bytes(bool *fits, mlx_structure_matcher m, const char *bytes,
                                       size_t n) {
    mx_error_clear();
    mx_matcher *x = matcher_of(m);
    return capi_done(x && is_given(fits, "result is") && (!n || is_given(bytes, "bytes are")) &&
                     mx_matcher_accept_bytes(x, bytes, n, fits));
}

int mlx_structure_matcher_rollback(mlx_structure_matcher m, size_t n) {
    mx_error_clear();
    mx_matcher *x = matcher_of(m);
    return capi_done(x && mx_matcher_rollback(x, n));
}

int mlx_structure_matcher_steps(size_t *steps, const mlx_structure_matcher m) {
    mx_error_clear();
    const mx_matcher *x = matcher_of(m);
    bool ok = x && is_given(steps, "result is");
    if (ok)
        *steps = mx_matcher_steps(x);
    return capi_done(ok);
}

static int tell(bool *out, mlx_structure_matcher m, bool (*what)(const mx_matcher *)) {
    mx_error_clear();
    const mx_matcher *x = matcher_of(m);
    bool ok = x && is_given(out, "result is");
    if (ok)
        *out = what(x);
    return capi_done(ok);
}

int mlx_structure_matcher_is_complete(bool *complete, const mlx_structure_matcher m) {
    return tell(complete, m, mx_matcher_complete);
}

int mlx_structure_matcher_continues(bool *continues, const mlx_structure_matcher m) {
    return tell(continues, m, mx_matcher_continues);
}

int mlx_structure_matcher_is_ended(bool *ended, const mlx_structure_matcher m) {
    return tell(ended, m, mx_matcher_ended);
}

int mlx_structure_matcher_forced(const char **bytes, size_t *bytes_num, mlx_structure_matcher m) {
    mx_error_clear();
    matcher *x = capi_object(m.ctx, "matcher");
    bool ok = x && is_given(bytes, "result is") && is_given(bytes_num, "result is");
    if (ok && !x->forced)
        ok = (x->forced = mx_malloc(MOST_FORCED)) != NULL;
    ok = ok && mx_matcher_forced(x->m, x->forced, MOST_FORCED, bytes_num);
    if (ok)
        *bytes = x->forced;
    return capi_done(ok);
}
