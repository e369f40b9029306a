/* tokenizer.json: the model, the added tokens, and the lists of steps. "truncation" and "padding"
 * say what a program does with ids and change nothing here. */
#include <string.h>

#include "base/status.h"
#include "models/json.h"
#include "models/tokenizer/read/read.h"

/* --- pieces ----------------------------------------------------------------------------------- */

/* {"text": id} */
static bool read_pieces(mx_tokenizer *t, const json_t *j) {
    json_t *list = json_object_get(j, "vocab"), *id;
    const char *text;
    if (!json_is_object(list))
        return tok_fail(t, "the model has no object 'vocab'");
    json_object_foreach(list, text, id) {
        tok_text s = {text, strlen(text)};
        if (!json_is_integer(id))
            return tok_fail(t, "the piece '%.99s' has no number", text);
        if (!tok_vocab_add(&t->vocab, json_integer_value(id), s, 0, TOK_NORMAL))
            return false;
    }
    return true;
}

/* [["text", score]] */
static bool read_scores(mx_tokenizer *t, const json_t *j) {
    json_t *list = json_object_get(j, "vocab"), *item;
    size_t i;
    if (!json_array_size(list))
        return tok_fail(t, "the model has no list 'vocab'");
    json_array_foreach(list, i, item) {
        const json_t *text = json_array_get(item, 0), *score = json_array_get(item, 1);
        if (!json_is_string(text) || !json_is_number(score))
            return tok_fail(t, "the piece %zu is no [\"text\", score]", i);
        tok_text s = {json_string_value(text), json_string_length(text)};
        if (!tok_vocab_add(&t->vocab, (int64_t)i, s, json_number_value(score), TOK_NORMAL))
            return false;
    }
    return true;
}

/* A text that is empty or has a piece. */
static bool set_unk(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "unk_token");
    t->model.unk = s.n ? tok_vocab_find(&t->vocab, s.p, s.n) : -1;
    t->role[MX_TOKEN_UNK] = t->model.unk;
    return true;
}

static bool set_text(tok_text *to, const json_t *j, const char *key) {
    tok_text s = tok_text_of(j, key);
    return !s.n || tok_copy(to, s.p, s.n);
}

/* --- models ----------------------------------------------------------------------------------- */

static bool merge_fails(const mx_tokenizer *t, size_t i) {
    return tok_fail(t, "merge %zu is neither \"left right\" nor [\"left\", \"right\"]", i);
}

static bool read_merge(mx_tokenizer *t, const json_t *item, size_t i) {
    const json_t *a = json_array_get(item, 0), *b = json_array_get(item, 1);
    if (json_is_string(a) && json_is_string(b) && json_array_size(item) == 2)
        return tok_bpe_add(t, (tok_text){json_string_value(a), json_string_length(a)},
                           (tok_text){json_string_value(b), json_string_length(b)}, i);
    const char *text = json_string_value(item), *space = text ? strchr(text, ' ') : NULL;
    if (!space || strchr(space + 1, ' '))
        return merge_fails(t, i);
    return tok_bpe_add(t, (tok_text){text, (size_t)(space - text)},
                       (tok_text){space + 1, strlen(space + 1)}, i);
}

static bool read_merges(mx_tokenizer *t, const json_t *j) {
    json_t *list = json_object_get(j, "merges"), *item;
    size_t i;
    if (!json_is_array(list))
        return tok_fail(t, "the model has no list 'merges'");
    if (!tok_bpe_reserve(&t->model, json_array_size(list)))
        return false;
    json_array_foreach(list, i, item) {
        if (!read_merge(t, item, i))
            return false;
    }
    return true;
}

static bool read_bpe(mx_tokenizer *t, const json_t *j) {
    tok_model *m = &t->model;
    t->kind = "BPE";
    m->run = tok_model_bpe;
    m->byte_fallback = tok_flag(j, "byte_fallback", false);
    m->fuse_unk = tok_flag(j, "fuse_unk", false);
    m->ignore_merges = tok_flag(j, "ignore_merges", false);
    if (json_number_value(json_object_get(j, "dropout")) > 0)
        return tok_fail(t, "BPE with dropout, which is for training, is not understood");
    return set_text(&m->prefix, j, "continuing_subword_prefix") &&
           set_text(&m->suffix, j, "end_of_word_suffix") && read_pieces(t, j) &&
           read_merges(t, j) && set_unk(t, j);
}

static bool read_unigram(mx_tokenizer *t, const json_t *j) {
    tok_model *m = &t->model;
    const json_t *unk = json_object_get(j, "unk_id");
    t->kind = "Unigram";
    m->byte_fallback = tok_flag(j, "byte_fallback", false);
    if (!read_scores(t, j))
        return false;
    json_int_t id = json_is_integer(unk) ? json_integer_value(unk) : -1;
    if (id >= (json_int_t)t->vocab.count || id < -1)
        return tok_fail(t, "unk_id is %lld of %zu pieces", (long long)id, t->vocab.count);
    m->unk = t->role[MX_TOKEN_UNK] = (int32_t)id;
    return tok_set_unigram(t);
}

static bool read_wordpiece(mx_tokenizer *t, const json_t *j) {
    const json_t *most = json_object_get(j, "max_input_chars_per_word");
    t->kind = "WordPiece";
    t->model.most_chars = most ? (size_t)json_integer_value(most) : 100;
    if (json_is_integer(most) && json_integer_value(most) < 0)
        return tok_fail(t, "max_input_chars_per_word is negative");
    tok_text prefix = tok_text_of(j, "continuing_subword_prefix");
    if (!json_is_string(json_object_get(j, "continuing_subword_prefix")))
        prefix = (tok_text){"##", 2};
    return tok_copy(&t->model.prefix, prefix.p, prefix.n) && read_pieces(t, j) && set_unk(t, j) &&
           tok_set_wordpiece(t);
}

static bool read_words(mx_tokenizer *t, const json_t *j) {
    t->kind = "WordLevel";
    t->model.run = tok_model_words;
    return read_pieces(t, j) && set_unk(t, j);
}

/* Older files do not name the type. */
static const char *type_of(const json_t *j) {
    const char *type = json_string_value(json_object_get(j, "type"));
    return type                                             ? type
           : json_object_get(j, "merges")                   ? "BPE"
           : json_is_array(json_object_get(j, "vocab"))     ? "Unigram"
           : json_object_get(j, "max_input_chars_per_word") ? "WordPiece"
                                                            : "WordLevel";
}

static bool read_model(mx_tokenizer *t, const json_t *j) {
    static const tok_kind kinds[] = {{"BPE", read_bpe},
                                     {"Unigram", read_unigram},
                                     {"WordPiece", read_wordpiece},
                                     {"WordLevel", read_words}};
    const char *type = type_of(j);
    if (!json_is_object(j))
        return tok_fail(t, "there is no model");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(type, kinds[i].type))
            return kinds[i].read(t, j);
    mx_fail(MX_UNSUPPORTED, "[tokenizer] '%s': the model '%.100s' is not understood", t->name,
            type);
    return false;
}

/* --- added tokens ----------------------------------------------------------------------------- */

static bool read_added(mx_tokenizer *t, const json_t *root) {
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(root, "added_tokens"), i, item) {
        const json_t *id = json_object_get(item, "id");
        json_int_t v = json_integer_value(id);
        if (!json_is_integer(id) || v < 0 || v >= TOK_MOST_PIECES)
            return tok_fail(t, "the added token %zu has no id, or one that is not possible", i);
        bool special = tok_flag(item, "special", false);
        if (!tok_add_token(t, (tok_added){.text = tok_text_of(item, "content"),
                                          .id = (int32_t)v,
                                          .special = special,
                                          .single_word = tok_flag(item, "single_word", false),
                                          .lstrip = tok_flag(item, "lstrip", false),
                                          .rstrip = tok_flag(item, "rstrip", false),
                                          .normalized = tok_flag(item, "normalized", !special)}))
            return false;
    }
    return true;
}

bool tok_read_json(mx_tokenizer *t, const json_t *root) {
    return read_model(t, json_object_get(root, "model")) && read_added(t, root) &&
           tok_read_normalizer(t, json_object_get(root, "normalizer")) &&
           tok_read_splitter(t, json_object_get(root, "pre_tokenizer")) &&
           tok_read_template(t, json_object_get(root, "post_processor")) &&
           tok_read_decoder(t, json_object_get(root, "decoder"));
}

/* --- tokenizer_config.json -------------------------------------------------------------------- */

static int32_t id_at(const mx_tokenizer *t, const json_t *root, const char *key) {
    const json_t *v = json_object_get(root, key);
    tok_text s = tok_text_of(json_is_object(v) ? v : root, json_is_object(v) ? "content" : key);
    for (size_t i = 0; s.n && i < t->added_count; i++)
        if (t->added[i].text.n == s.n && !memcmp(t->added[i].text.p, s.p, s.n))
            return t->added[i].id;
    return s.n ? tok_vocab_find(&t->vocab, s.p, s.n) : -1;
}

bool tok_read_config(mx_tokenizer *t, const json_t *root) {
    static const char *const keys[MX_TOKEN_ROLES] = {
        "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"};
    for (int i = 0; i < MX_TOKEN_ROLES; i++) {
        int32_t id = id_at(t, root, keys[i]);
        t->role[i] = id >= 0 ? id : t->role[i];
    }
    bool before = tok_flag(root, "add_bos_token", false),
         behind = tok_flag(root, "add_eos_token", false);
    if (!t->is_piece_model || (!before && !behind))
        return true;
    return tok_set_template(t, before ? t->role[MX_TOKEN_BOS] : -1,
                            behind ? t->role[MX_TOKEN_EOS] : -1);
}
