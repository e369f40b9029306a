/* Many texts on all threads of the pool. */
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "models/tokenizer/parts.h"

typedef struct batch {
    mx_tokenizer *t;
    const char *const *text;
    const size_t *length;
    mx_encode how;
    mx_encoded *out;
} batch;

static bool encode(const batch *b, size_t i) {
    mx_encoded *x = &b->out[i];
    mx_encode how = b->how;
    how.spans = how.spans ? &x->span : NULL;
    x->id = mx_tokenizer_encode(b->t, b->text[i], b->length[i], NULL, 0, how, &x->n, &x->type);
    return x->id;
}

/* A worker records no errors: what it has not made is made again where they are told. */
static void encode_some(void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
        if (!encode(ctx, (size_t)i))
            mx_error_clear();
}

void mx_encoded_free(mx_encoded *x) {
    mx_free(x->id);
    mx_free(x->type);
    mx_free(x->span);
    *x = (mx_encoded){0};
}

static int64_t grain_of(const size_t *length, size_t count) {
    enum { WORTH = 8192 }; // bytes
    size_t all = count;
    for (size_t i = 0; i < count; i++)
        all += length[i] < TOK_MOST_TEXT ? length[i] : TOK_MOST_TEXT;
    return (int64_t)((double)count * WORTH / (double)all) + 1;
}

bool mx_tokenizer_encode_all(mx_tokenizer *t, const char *const *text, const size_t *length,
                             size_t count, mx_encode how, mx_encoded *out) {
    batch b = {t, text, length, how, out};
    bool ok =
        !count || mx_parallel_for_long((int64_t)count, grain_of(length, count), encode_some, &b);
    for (size_t i = 0; ok && i < count; i++)
        ok = out[i].id || encode(&b, i);
    for (size_t i = 0; !ok && i < count; i++)
        mx_encoded_free(&out[i]);
    return ok;
}
