/* What is put around a text, or between two: post-processors as tokenizer.json describes them. */
#include <string.h>

#include "models/tokenizer/read/read.h"

static void put(mx_tokenizer *t, bool pair, int32_t item, int32_t type) {
    tok_ids_put(pair ? &t->post.pair : &t->post.single, item);
    tok_ids_put(pair ? &t->post.pair_type : &t->post.single_type, type);
}

static bool is_free(const mx_tokenizer *t) {
    return !t->post.single.n || tok_fail(t, "two post-processors that both put ids around a text");
}

/* --- TemplateProcessing ----------------------------------------------------------------------- */

/* All ids that a special token of the template stands for. */
static bool put_special(mx_tokenizer *t, bool pair, const json_t *all, const json_t *what,
                        int32_t type) {
    const char *name = json_string_value(json_object_get(what, "id"));
    const json_t *entry = name ? json_object_get(all, name) : NULL;
    json_t *id, *ids = json_object_get(entry, "ids");
    size_t i;
    if (!json_array_size(ids))
        return tok_fail(t, "the template's '%.99s' is none of its special tokens",
                        name ? name : "");
    json_array_foreach(ids, i, id) {
        json_int_t v = json_integer_value(id);
        if (!json_is_integer(id) || v < 0 || v >= TOK_MOST_PIECES)
            return tok_fail(t, "the template's '%.99s' has ids that are not possible", name);
        put(t, pair, (int32_t)v, type);
    }
    return true;
}

static bool put_part(mx_tokenizer *t, bool pair, const json_t *all, const json_t *part) {
    const json_t *text = json_object_get(part, "Sequence"),
                 *special = json_object_get(part, "SpecialToken"), *what = text ? text : special;
    int32_t type = (int32_t)(json_integer_value(json_object_get(what, "type_id")) & 0xFFFF);
    const char *name = json_string_value(json_object_get(what, "id"));
    if (!text && special)
        return put_special(t, pair, all, special, type);
    if (!name || (strcmp(name, "A") != 0 && strcmp(name, "B") != 0))
        return tok_fail(t, "a part of the template is neither a Sequence nor a SpecialToken");
    return put(t, pair, *name == 'A' ? TOK_TEXT_A : TOK_TEXT_B, type), true;
}

static bool put_parts(mx_tokenizer *t, const json_t *j, const char *key, bool pair) {
    json_t *part;
    size_t i;
    json_array_foreach(json_object_get(j, key), i, part) {
        if (!put_part(t, pair, json_object_get(j, "special_tokens"), part))
            return false;
    }
    return true;
}

static bool read_parts(mx_tokenizer *t, const json_t *j) {
    return is_free(t) && put_parts(t, j, "single", false) && put_parts(t, j, "pair", true);
}

/* --- BERT and RoBERTa ------------------------------------------------------------------------- */

static bool read_id(const mx_tokenizer *t, const json_t *j, const char *key, int32_t *id) {
    const json_t *v = json_array_get(json_object_get(j, key), 1);
    *id = (int32_t)json_integer_value(v);
    return (json_is_integer(v) && json_integer_value(v) >= 0 &&
            json_integer_value(v) < TOK_MOST_PIECES) ||
           tok_fail(t, "the post-processor has no '%s': [\"text\", id]", key);
}

static bool read_ends(mx_tokenizer *t, const json_t *j, int times, int32_t type) {
    int32_t cls, sep;
    if (!is_free(t) || !read_id(t, j, "cls", &cls) || !read_id(t, j, "sep", &sep))
        return false;
    for (int pair = 0; pair < 2; pair++) {
        put(t, pair, cls, 0);
        put(t, pair, TOK_TEXT_A, 0);
        put(t, pair, sep, 0);
    }
    if (times == 2)
        put(t, true, sep, 0);
    put(t, true, TOK_TEXT_B, type);
    put(t, true, sep, type);
    return true;
}

/* Spaces at the ends of a token do not count to what it stands for. */
static bool read_bytes(mx_tokenizer *t, const json_t *j) {
    t->trims = t->trims || tok_flag(j, "trim_offsets", true);
    t->trims_prefix = t->trims_prefix || tok_flag(j, "add_prefix_space", true);
    return true;
}

static bool read_bert(mx_tokenizer *t, const json_t *j) {
    return read_ends(t, j, 1, 1);
}
static bool read_roberta(mx_tokenizer *t, const json_t *j) {
    return read_bytes(t, j) && read_ends(t, j, 2, 0);
}

static bool read_sequence(mx_tokenizer *t, const json_t *j) {
    return tok_read_each(t, j, "processors", tok_read_template);
}

bool tok_read_template(mx_tokenizer *t, const json_t *j) {
    static const tok_kind kinds[] = {
        {"Sequence", read_sequence},         {"TemplateProcessing", read_parts},
        {"BertProcessing", read_bert},       {"ByteLevel", read_bytes},
        {"RobertaProcessing", read_roberta},
    };
    return tok_read_kind(t, j, "post-processor", kinds, sizeof kinds / sizeof *kinds);
}

/* --- of files that say only what comes first and last ----------------------------------------- */

static void put_around(mx_tokenizer *t, bool pair, int32_t text, int32_t before, int32_t behind) {
    if (before >= 0)
        put(t, pair, before, text == TOK_TEXT_B);
    put(t, pair, text, text == TOK_TEXT_B);
    if (behind >= 0)
        put(t, pair, behind, text == TOK_TEXT_B);
}

void tok_set_pair(mx_tokenizer *t, int32_t before, int32_t behind, int32_t between, int32_t type) {
    t->post.pair.n = t->post.pair_type.n = 0;
    put_around(t, true, TOK_TEXT_A, before, behind);
    if (between >= 0)
        put(t, true, between, type);
    put(t, true, TOK_TEXT_B, type);
    if (behind >= 0)
        put(t, true, behind, type);
}

bool tok_set_template(mx_tokenizer *t, int32_t before, int32_t behind) {
    put_around(t, false, TOK_TEXT_A, before, behind);
    put_around(t, true, TOK_TEXT_A, before, behind);
    put_around(t, true, TOK_TEXT_B, before, behind);
    return true;
}
