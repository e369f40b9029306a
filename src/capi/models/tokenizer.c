/* tokenizer.h: handles of tokenizers, of what they make, and of streams. */
#include "mlx/c/tokenizer.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "capi/capi.h"
#include "capi/models/tokens.h"
#include "models/tokenizer/tokenizer.h"

_Static_assert((int)MLX_TOKEN_MASK == (int)MX_TOKEN_MASK && sizeof(int) == sizeof(int32_t),
               "roles and tokens are those of the library");
_Static_assert(sizeof(mx_token_span) == 2 * sizeof(int), "a span is two numbers of 1 GB at most");

typedef struct tokens {
    size_t n, room, type_room, span_room;
    int32_t *id, *type;
    mx_token_span *span; /* NULL: not asked for */
} tokens;

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[tokenizer] the %s NULL", what);
}

mx_tokenizer *capi_tokenizer(mlx_tokenizer t) {
    return capi_object(t.ctx, "tokenizer");
}

/* --- tokenizers --------------------------------------------------------------------------- */

mlx_tokenizer mlx_tokenizer_new(void) {
    return (mlx_tokenizer){NULL};
}

static int put_tokenizer(mlx_tokenizer *res, mx_tokenizer *t) {
    mx_tokenizer **slot = t ? (mx_tokenizer **)capi_slot(res, "tokenizer") : NULL;
    if (!slot) {
        mx_tokenizer_release(t);
        return capi_report();
    }
    mx_tokenizer_release(*slot);
    *slot = t;
    return 0;
}

int mlx_tokenizer_open(mlx_tokenizer *res, const char *file) {
    mx_error_clear();
    return put_tokenizer(res, is_given(file, "path is") ? mx_tokenizer_open(file) : NULL);
}

int mlx_tokenizer_open_bytes(mlx_tokenizer *res, const char *name, const char *bytes, size_t n) {
    mx_error_clear();
    bool ok = is_given(name, "name is") && is_given(bytes, "bytes are");
    return put_tokenizer(res, ok ? mx_tokenizer_of(name, bytes, n) : NULL);
}

int mlx_tokenizer_free(mlx_tokenizer t) {
    int status;
    if (capi_frees(t.ctx, "tokenizer", &status))
        mx_tokenizer_release(t.ctx);
    return status;
}

/* --- encoding ------------------------------------------------------------------------------- */

static void free_tokens(tokens *x) {
    if (x) {
        mx_free(x->id);
        mx_free(x->type);
        mx_free(x->span);
    }
    mx_free(x);
}

static bool add(tokens *x, const mx_encoded *e) {
    size_t n = x->n + e->n + 1;
    if (!mx_grow(&x->id, &x->room, n, sizeof *x->id) ||
        !mx_grow(&x->type, &x->type_room, n, sizeof *x->type) ||
        (e->span && !mx_grow(&x->span, &x->span_room, n, sizeof *x->span)))
        return false;
    memcpy(x->id + x->n, e->id, e->n * sizeof *e->id);
    memcpy(x->type + x->n, e->type, e->n * sizeof *e->type);
    if (e->span)
        memcpy(x->span + x->n, e->span, e->n * sizeof *e->span);
    x->n += e->n;
    return true;
}

static mx_encode how_of(int flags, mx_token_span **span) {
    return (mx_encode){.bare = flags & MLX_ENCODE_BARE,
                       .plain = flags & MLX_ENCODE_PLAIN,
                       .spans = flags & MLX_ENCODE_OFFSETS ? span : NULL};
}

/* Adds the tokens of a text, or of two. */
static bool encode(tokens *x, mx_tokenizer *t, const char *a, size_t a_n, const char *b, size_t b_n,
                   int flags) {
    mx_encoded e = {0};
    mx_encode how = how_of(flags, &e.span);
    e.id = mx_tokenizer_encode(t, a, a_n, b, b_n, how, &e.n, &e.type);
    bool ok = e.id && add(x, &e);
    mx_encoded_free(&e);
    return ok;
}

static bool are_flags(int flags) {
    return !(flags & ~(MLX_ENCODE_BARE | MLX_ENCODE_PLAIN | MLX_ENCODE_OFFSETS)) ||
           mx_fail(MX_INVALID, "[tokenizer] the flags %d: known are 1, 2 and 4", flags);
}

/* Takes x over; NULL fails. */
static int put_tokens(mlx_tokens *res, tokens *x, bool ok) {
    tokens **slot = ok ? (tokens **)capi_slot(res, "tokens") : NULL;
    if (!slot) {
        free_tokens(x);
        return capi_report();
    }
    free_tokens(*slot);
    *slot = x;
    return 0;
}

int capi_put_tokens(mlx_tokens *res, int32_t *ids, int32_t *types, size_t n) {
    tokens *x = ids ? mx_calloc(1, sizeof *x) : NULL;
    if (!x) {
        mx_free(ids);
        mx_free(types);
        return capi_report();
    }
    *x = (tokens){.n = n, .room = n, .type_room = n, .id = ids, .type = types};
    if (!types)
        x->type = mx_calloc(n + 1, sizeof *x->type);
    return put_tokens(res, x, x->type);
}

int mlx_tokenizer_encode(mlx_tokens *res, const mlx_tokenizer t, const char *text, size_t n,
                         int flags) {
    mx_error_clear();
    mx_tokenizer *x = capi_tokenizer(t);
    tokens *made =
        x && is_given(text, "text is") && are_flags(flags) ? mx_calloc(1, sizeof *made) : NULL;
    return put_tokens(res, made, made && encode(made, x, text, n, NULL, 0, flags));
}

int mlx_tokenizer_encode_pair(mlx_tokens *res, const mlx_tokenizer t, const char *a, size_t a_num,
                              const char *b, size_t b_num, int flags) {
    mx_error_clear();
    mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(a, "text is") && is_given(b, "second text is") && are_flags(flags);
    tokens *made = ok ? mx_calloc(1, sizeof *made) : NULL;
    return put_tokens(res, made, made && encode(made, x, a, a_num, b, b_num, flags));
}

static bool add_all(tokens *made, size_t *ends, mx_tokenizer *x, const char *const *texts,
                    const size_t *lengths, size_t count, int flags) {
    mx_token_span *asked = NULL;
    mx_encoded *all = mx_calloc(count + 1, sizeof *all);
    bool ok = all;
    for (size_t i = 0; ok && i < count; i++)
        ok = is_given(texts[i], "text is");
    ok = ok && mx_tokenizer_encode_all(x, texts, lengths, count, how_of(flags, &asked), all);
    for (size_t i = 0; ok && i < count; i++) {
        ok = add(made, &all[i]);
        ends[i] = made->n;
    }
    for (size_t i = 0; all && i < count; i++)
        mx_encoded_free(&all[i]);
    mx_free(all);
    return ok;
}

int mlx_tokenizer_encode_all(mlx_tokens *res, size_t *ends, const mlx_tokenizer t,
                             const char *const *texts, const size_t *lengths, size_t count,
                             int flags) {
    mx_error_clear();
    mx_tokenizer *x = capi_tokenizer(t);
    bool ok =
        x && are_flags(flags) &&
        (!count || (is_given(ends, "list of ends is") && is_given(texts, "list of texts is") &&
                    is_given(lengths, "list of lengths is")));
    tokens *made = ok ? mx_calloc(1, sizeof *made) : NULL;
    return put_tokens(res, made, made && add_all(made, ends, x, texts, lengths, count, flags));
}

int mlx_tokenizer_decode(mlx_string *text, size_t *text_num, const mlx_tokenizer t, const int *ids,
                         size_t n, bool special) {
    size_t bytes = 0;
    mx_error_clear();
    mx_tokenizer *x = capi_tokenizer(t);
    char *made = x && is_given(text_num, "result is") && (!n || is_given(ids, "tokens are"))
                     ? mx_tokenizer_decode(x, ids, n, special, &bytes)
                     : NULL;
    bool ok = made && capi_take_string(text, made);
    if (ok)
        *text_num = bytes;
    return capi_done(ok);
}

/* --- what a tokenizer knows ---------------------------------------------------------------- */

int mlx_tokenizer_size(size_t *size, const mlx_tokenizer t) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(size, "result is");
    if (ok)
        *size = mx_tokenizer_size(x);
    return capi_done(ok);
}

int mlx_tokenizer_piece(const char **piece, size_t *piece_num, const mlx_tokenizer t, int token) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(piece, "result is") && is_given(piece_num, "result is");
    if (ok && !mx_tokenizer_piece(x, token, piece, piece_num))
        *piece = NULL;
    return capi_done(ok);
}

int mlx_tokenizer_id(int *token, const mlx_tokenizer t, const char *piece, size_t n) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(token, "result is") && is_given(piece, "piece is");
    if (ok)
        *token = mx_tokenizer_id(x, piece, n);
    return capi_done(ok);
}

int mlx_tokenizer_role(int *token, const mlx_tokenizer t, mlx_token_role role) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(token, "result is") &&
              ((unsigned)role <= MLX_TOKEN_MASK ||
               mx_fail(MX_INVALID, "[tokenizer] there is no role %d", (int)role));
    if (ok)
        *token = mx_tokenizer_role(x, (mx_token_role)role);
    return capi_done(ok);
}

int mlx_tokenizer_is_special(bool *special, const mlx_tokenizer t, int token) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(special, "result is");
    if (ok)
        *special = mx_tokenizer_is_special(x, token);
    return capi_done(ok);
}

int mlx_tokenizer_kind(const char **kind, const mlx_tokenizer t) {
    mx_error_clear();
    const mx_tokenizer *x = capi_tokenizer(t);
    bool ok = x && is_given(kind, "result is");
    if (ok)
        *kind = mx_tokenizer_kind(x);
    return capi_done(ok);
}

/* --- tokens --------------------------------------------------------------------------------- */

mlx_tokens mlx_tokens_new(void) {
    return (mlx_tokens){NULL};
}

int mlx_tokens_free(mlx_tokens t) {
    int status;
    if (capi_frees(t.ctx, "tokens", &status))
        free_tokens(t.ctx);
    return status;
}

int mlx_tokens_size(size_t *n, const mlx_tokens t) {
    mx_error_clear();
    const tokens *x = capi_object(t.ctx, "tokens");
    bool ok = x && is_given(n, "result is");
    if (ok)
        *n = x->n;
    return capi_done(ok);
}

static int show(const int **data, size_t *n, const tokens *x, const int *what) {
    bool ok = x && is_given(data, "result is") && is_given(n, "result is");
    if (ok) {
        *data = what;
        *n = x->n;
    }
    return capi_done(ok);
}

int mlx_tokens_data(const int **data, size_t *n, const mlx_tokens t) {
    mx_error_clear();
    const tokens *x = capi_object(t.ctx, "tokens");
    return show(data, n, x, x ? x->id : NULL);
}

int mlx_tokens_types(const int **types, size_t *n, const mlx_tokens t) {
    mx_error_clear();
    const tokens *x = capi_object(t.ctx, "tokens");
    return show(types, n, x, x ? x->type : NULL);
}

int mlx_tokens_offsets(const int **offsets, size_t *n, const mlx_tokens t) {
    mx_error_clear();
    const tokens *x = capi_object(t.ctx, "tokens");
    if (x && x->n && !x->span)
        return mx_fail(MX_INVALID, "[tokenizer] the tokens were made without MLX_ENCODE_OFFSETS"),
               capi_report();
    return show(offsets, n, x, x ? (const int *)(const void *)x->span : NULL);
}

/* --- streams -------------------------------------------------------------------------------- */

mlx_token_stream mlx_token_stream_new(void) {
    return (mlx_token_stream){NULL};
}

int mlx_token_stream_open(mlx_token_stream *res, const mlx_tokenizer t, bool special) {
    mx_error_clear();
    mx_token_stream **slot = (mx_token_stream **)capi_slot(res, "token stream");
    mx_tokenizer *x = slot ? capi_tokenizer(t) : NULL;
    mx_token_stream *made = x ? mx_token_stream_make(x, special) : NULL;
    if (!made)
        return capi_report();
    mx_token_stream_free(*slot);
    *slot = made;
    return 0;
}

int mlx_token_stream_follow(mlx_token_stream s) {
    mx_error_clear();
    mx_token_stream *x = capi_object(s.ctx, "token stream");
    return capi_done(x && mx_token_stream_follow(x));
}

int mlx_token_stream_free(mlx_token_stream s) {
    int status;
    if (capi_frees(s.ctx, "token stream", &status))
        mx_token_stream_free(s.ctx);
    return status;
}

int mlx_token_stream_put(const char **text, size_t *text_num, mlx_token_stream s, int token) {
    size_t n = 0;
    mx_error_clear();
    mx_token_stream *x = capi_object(s.ctx, "token stream");
    bool ok = x && is_given(text, "result is") && is_given(text_num, "result is");
    const char *made = ok ? mx_token_stream_put(x, token, &n) : NULL;
    if (made) {
        *text = made;
        *text_num = n;
    }
    return capi_done(made);
}

int mlx_token_stream_end(const char **text, size_t *text_num, mlx_token_stream s) {
    size_t n = 0;
    mx_error_clear();
    mx_token_stream *x = capi_object(s.ctx, "token stream");
    bool ok = x && is_given(text, "result is") && is_given(text_num, "result is");
    const char *made = ok ? mx_token_stream_end(x, &n) : NULL;
    if (made) {
        *text = made;
        *text_num = n;
    }
    return capi_done(made);
}
