/* What a tokenizer knows of ids. */
#include "models/tokenizer/parts.h"

static const tok_added *added_of(const mx_tokenizer *t, int64_t id) {
    bool there = id >= 0 && (uint64_t)id < t->ids && t->added_at[id] >= 0;
    return there ? &t->added[t->added_at[id]] : NULL;
}

size_t mx_tokenizer_around(const mx_tokenizer *t, bool pair, const int32_t **item,
                           const int32_t **type) {
    const tok_ids *items = pair ? &t->post.pair : &t->post.single;
    *item = items->p;
    *type = (pair ? &t->post.pair_type : &t->post.single_type)->p;
    return items->n;
}

size_t mx_tokenizer_size(const mx_tokenizer *t) {
    return t->ids;
}

bool mx_tokenizer_piece(const mx_tokenizer *t, int64_t id, const char **text, size_t *n) {
    const tok_added *a = added_of(t, id);
    tok_text s = a ? a->text : tok_vocab_piece(&t->vocab, id);
    *text = s.p ? s.p : "";
    *n = s.n;
    return s.p;
}

int32_t mx_tokenizer_id(const mx_tokenizer *t, const char *text, size_t n) {
    size_t found;
    int32_t k = tok_trie_longest(&t->named, text, text + n, &found);
    return k >= 0 && found == n ? t->added[k].id : tok_vocab_find(&t->vocab, text, n);
}

bool mx_tokenizer_is_special(const mx_tokenizer *t, int64_t id) {
    const tok_added *a = added_of(t, id);
    return a && a->special;
}

int32_t mx_tokenizer_role(const mx_tokenizer *t, mx_token_role role) {
    return (unsigned)role < MX_TOKEN_ROLES ? t->role[role] : -1;
}

const char *mx_tokenizer_kind(const mx_tokenizer *t) {
    return t->kind;
}
