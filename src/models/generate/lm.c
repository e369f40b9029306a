#include "models/generate/lm.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/chat.h"
#include "models/direct/direct.h"
#include "models/train/adapter.h"

static mx_decoder *open_decoder(const char *path, const char *adapter) {
    mx_decoder *d = mx_decoder_open(path);
    mx_decoder *changed = d && adapter ? mx_adapter_open(d, adapter) : mx_decoder_retain(d);
    mx_decoder_release(d);
    return changed;
}

/* A tokenizer may have fewer tokens than the model has rows, or some more that never come. */
static bool fits(const mx_lm *lm, const char *path) {
    size_t rows = (size_t)lm->decoder->vocabulary, tokens = mx_tokenizer_size(lm->tokenizer);
    return (tokens <= 2 * rows && rows <= 2 * tokens) ||
           mx_fail(MX_FORMAT,
                   "[lm] the tokenizer of '%s' has %zu tokens, and the model %zu: it is another's",
                   path, tokens, rows);
}

mx_lm *mx_lm_open(const char *path, const char *adapter) {
    mx_lm *lm = mx_calloc(1, sizeof *lm);
    if (!lm)
        return NULL;
    atomic_init(&lm->references, 1);
    atomic_init(&lm->vocabulary, NULL);
    atomic_init(&lm->chat, NULL);
    atomic_init(&lm->machine, NULL);
    lm->path = mx_strdup(path);
    lm->decoder = lm->path ? open_decoder(path, adapter) : NULL;
    lm->tokenizer = lm->decoder ? mx_tokenizer_open(path) : NULL;
    lm->end = lm->tokenizer && fits(lm, path)
                  ? mx_lm_ends(path, lm->tokenizer, !lm->decoder->encoder, &lm->ends, &lm->usual)
                  : NULL;
    if (lm->end)
        return lm;
    mx_lm_release(lm);
    return NULL;
}

mx_lm *mx_lm_retain(mx_lm *lm) {
    if (lm)
        atomic_fetch_add(&lm->references, 1);
    return lm;
}

void mx_lm_release(mx_lm *lm) {
    if (!lm || atomic_fetch_sub(&lm->references, 1) > 1)
        return;
    mx_direct_free(atomic_load(&lm->machine));
    mx_decoder_release(lm->decoder);
    mx_tokenizer_release(lm->tokenizer);
    sg_vocabulary_release(atomic_load(&lm->vocabulary));
    mx_template_release(atomic_load(&lm->chat));
    mx_free(lm->path);
    mx_free(lm->end);
    mx_free(lm);
}

size_t mx_lm_tokens(const mx_lm *lm) {
    size_t rows = (size_t)lm->decoder->vocabulary, texts = mx_tokenizer_size(lm->tokenizer);
    return rows < texts ? rows : texts;
}

/* Of two threads that make it one is thrown away. */
sg_vocabulary *mx_lm_vocabulary(mx_lm *lm) {
    sg_vocabulary *there = atomic_load(&lm->vocabulary), *made;
    if (there)
        return there;
    made = sg_vocabulary_of(lm->tokenizer, (const uint32_t *)lm->end, lm->ends);
    if (!made || atomic_compare_exchange_strong(&lm->vocabulary, &there, made))
        return made;
    sg_vocabulary_release(made);
    return there;
}

bool mx_lm_check_tokens(const mx_lm *lm, const int *tokens, size_t n) {
    if (!n)
        return mx_fail(MX_INVALID, "[lm] there are no tokens: the text is empty");
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= lm->decoder->vocabulary)
            return mx_fail(MX_RANGE, "[lm] token %zu is %d, and the model has %lld%s", i, tokens[i],
                           (long long)lm->decoder->vocabulary,
                           mx_tokenizer_size(lm->tokenizer) > (size_t)lm->decoder->vocabulary
                               ? ": its tokenizer has more"
                               : "");
    return true;
}

/* --- conversations ---------------------------------------------------------------------------- */

/* Of two threads that open it one's is thrown away. */
mx_template *mx_lm_template(mx_lm *lm) {
    mx_template *there = atomic_load(&lm->chat), *made;
    if (there)
        return there;
    made = mx_template_open(lm->path, NULL);
    if (!made || atomic_compare_exchange_strong(&lm->chat, &there, made))
        return made;
    mx_template_release(made);
    return there;
}

int *mx_lm_chat(mx_lm *lm, const char *variables, size_t n, size_t *count) {
    size_t size = 0;
    mx_template *t = mx_lm_template(lm);
    json_t *given = t ? mx_chat_variables(lm->tokenizer, variables, n) : NULL;
    if (given && !json_object_get(given, "add_generation_prompt"))
        json_object_set_new(given, "add_generation_prompt", json_true());
    char *text = given ? mx_chat_render(t, given, &size) : NULL;
    int *ids = text ? mx_chat_encode(lm->tokenizer, text, size, count) : NULL;
    json_decref(given);
    mx_free(text);
    return ids;
}
