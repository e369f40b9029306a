/* A text through all normalizers. */
#include "models/tokenizer/parts.h"

/* Does what a normalizer makes of the text begin where the text does? Where the first character
   goes without a trace it does not. */
static bool keeps_first(const tok_normal *n, tok_text s) {
    uint32_t c;
    size_t k = tok_step(s.p, s.p + s.n, &c), start, end;
    if (n->run == tok_normal_strip)
        return !n->left || !tok_is_space(c);
    if (n->run == tok_normal_replace)
        return n->text.n || !tok_pattern_next(n->pattern, s.p, s.n, 0, &start, &end) || start ||
               end == start;
    tok_bytes one = {0};
    n->run(n, (tok_text){s.p, k}, &one);
    bool kept = one.n > 0;
    tok_free(&one);
    return kept;
}

tok_word tok_normalize(const mx_tokenizer *t, tok_word text, tok_bytes room[2]) {
    bool ok = true, asks = t->asks_first;
    size_t n = text.n;
    for (int i = 0; ok && i < t->normals; i++) {
        tok_bytes *to = &room[i & 1];
        asks &= t->normal[i].run != tok_normal_prepend; // what is prepended stands at the beginning
        if (asks && text.first && text.n)
            text.first = keeps_first(&t->normal[i], (tok_text){text.p, text.n});
        tok_begin(to, text.p, text.n, text.span);
        tok_bound(to, n);
        t->normal[i].run(&t->normal[i], (tok_text){text.p, text.n}, to);
        ok = tok_is_bounded(to);
        text = tok_word_in(to, text.first);
    }
    return text;
}
