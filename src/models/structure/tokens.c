/* The vocabulary of a tokenizer. */
#include "base/mem.h"
#include "base/status.h"
#include "models/structure/vocabulary.h"
#include "models/tokenizer/tokenizer.h"

typedef struct pieces {
    const char **text;
    size_t *size, *end;
    char *bytes;
} pieces;

static bool find(pieces *p, mx_tokenizer *t, size_t n) {
    p->text = mx_malloc(n * sizeof *p->text);
    p->size = mx_malloc(n * sizeof *p->size);
    p->end = mx_malloc(n * sizeof *p->end);
    if (!p->text || !p->size || !p->end || !(p->bytes = mx_tokenizer_bytes(t, p->end)))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t from = i ? p->end[i - 1] : 0;
        p->text[i] = p->bytes + from;
        p->size[i] = p->end[i] - from;
    }
    return true;
}

static bool check_ends(const uint32_t *ends, size_t n, size_t size) {
    for (size_t i = 0; i < n; i++)
        if (ends[i] >= size)
            return mx_fail(MX_RANGE, "[structure] end token %zu is %d, and the tokenizer has %zu",
                           i, (int)ends[i], size);
    return true;
}

sg_vocabulary *sg_vocabulary_of(mx_tokenizer *t, const uint32_t *ends, size_t n) {
    pieces p = {0};
    uint32_t role = (uint32_t)mx_tokenizer_role(t, MX_TOKEN_EOS);
    if (!n && role == UINT32_MAX)
        return mx_fail(MX_INVALID, "[structure] the tokenizer does not say which token ends a "
                                   "text, and none was given");
    size_t size = mx_tokenizer_size(t);
    bool ok = check_ends(ends, n, size) && find(&p, t, size);
    sg_vocabulary *v =
        ok ? sg_vocabulary_new(p.text, p.size, size, n ? ends : &role, n ? n : 1) : NULL;
    mx_free(p.text);
    mx_free(p.size);
    mx_free(p.end);
    mx_free(p.bytes);
    return v;
}
