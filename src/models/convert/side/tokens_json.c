/* tokenizer.ggml to tokenizer.json: see tokens.h. What tokenizer.json says beyond GGUF's keys is
 * what the kind has in its families' published files. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "graph/eval/eval.h"
#include "models/convert/side/side.h"
#include "models/convert/side/tokens.h"
#include "models/tokenizer/tokenizer.h"
#include "ops/ops.h"

static const char op[] = "convert";

typedef struct tokens {
    const mx_meta *list;
    const mx_map *meta;
    const int32_t *type; /* as many as the list; NULL: all are normal */
    const float *score;
    mx_map id; /* text -> id + 1 */
} tokens;

/* --- reading --------------------------------------------------------------------------------- */

static const mx_meta *texts(const mx_map *meta, const char *key) {
    const mx_meta *m = mx_map_get(meta, key);
    return m && m->kind == MX_META_STRINGS ? m : NULL;
}

/* n numbers of a dtype; NULL: there are none such. */
static const void *numbers(const mx_map *meta, const char *key, size_t n, mx_dtype t) {
    const mx_meta *m = mx_map_get(meta, key);
    mx_array *a = m && m->kind == MX_META_ARRAY ? m->array : NULL;
    if (!a || a->ndim != 1 || (size_t)a->size != n || a->dtype != t || !mx_eval1(a))
        return NULL;
    return a->data;
}

static bool read_all(tokens *t, const mx_map *meta) {
    t->meta = meta;
    t->list = texts(meta, "tokenizer.ggml.tokens");
    size_t n = t->list ? t->list->count : 0;
    t->type = numbers(meta, "tokenizer.ggml.token_type", n, MX_INT32);
    t->score = numbers(meta, "tokenizer.ggml.scores", n, MX_FLOAT32);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        if (!mx_map_has(&t->id, t->list->strings[i]))
            ok = mx_map_set(&t->id, t->list->strings[i], (void *)(uintptr_t)(i + 1), NULL);
    return ok;
}

static int type_of(const tokens *t, size_t i) {
    return t->type ? t->type[i] : MX_TOKEN_NORMAL;
}

static bool is_added(int type) {
    return type == MX_TOKEN_CONTROL || type == MX_TOKEN_USER || type == MX_TOKEN_UNKNOWN;
}

/* --- parts of tokenizer.json ----------------------------------------------------------------- */

/* In order of ids; what is unused stays out. */
static json_t *added_tokens(const tokens *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->list->count; i++)
        if (is_added(type_of(t, i)))
            json_array_append_new(
                list, json_pack("{s:I,s:s,s:b,s:b,s:b,s:b,s:b}", "id", (json_int_t)i, "content",
                                t->list->strings[i], "single_word", 0, "lstrip", 0, "rstrip", 0,
                                "normalized", 0, "special", type_of(t, i) != MX_TOKEN_USER));
    return list;
}

/* Keys of JSON have no zeros inside: such tokens have no place there. `name` gives a token its text
   in the vocabulary, for mx_free. */
static json_t *vocabulary(const tokens *t, char *(*name)(const char *token)) {
    json_t *all = json_object();
    for (size_t i = 0; i < t->list->count; i++) {
        char *text = name ? name(t->list->strings[i]) : NULL;
        bool zeros = strlen(t->list->strings[i]) != t->list->length[i];
        if (type_of(t, i) != MX_TOKEN_UNUSED && !zeros)
            json_object_set_new(all, text ? text : t->list->strings[i],
                                json_integer((json_int_t)i));
        mx_free(text);
    }
    return all;
}

static json_t *split_of(const mx_splitter *s) {
    json_t *bytes = json_pack("{s:s,s:b,s:b,s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                              "trim_offsets", 1, "use_regex", s->regex == NULL);
    json_t *first = s->digits  ? json_pack("{s:s,s:b}", "type", "Digits", "individual_digits", 1)
                    : s->regex ? json_pack("{s:s,s:{s:s},s:s,s:b}", "type", "Split", "pattern",
                                           "Regex", s->regex, "behavior", "Isolated", "invert", 0)
                               : NULL;
    return first ? json_pack("{s:s,s:[o,o]}", "type", "Sequence", "pretokenizers", first, bytes)
                 : bytes;
}

static const mx_splitter *splitter_named(const char *name) {
    for (size_t i = 0; name && i < mx_splitter_count; i++)
        if (strcmp(mx_splitters[i].name, name) == 0)
            return &mx_splitters[i];
    return NULL;
}

/* --- gpt2 ------------------------------------------------------------------------------------ */

static json_t *merges_of(const tokens *t) {
    const mx_meta *m = texts(t->meta, "tokenizer.ggml.merges");
    json_t *list = json_array();
    for (size_t i = 0; m && i < m->count; i++)
        json_array_append_new(list, json_string(m->strings[i]));
    return list;
}

static json_t *of_bytes(const tokens *t, const mx_splitter *s) {
    json_t *level = json_pack("{s:s,s:b,s:b,s:b}", "type", "ByteLevel", "add_prefix_space", 1,
                              "trim_offsets", 1, "use_regex", 1);
    return json_pack("{s:s,s:n,s:n,s:o,s:n,s:o,s:n,s:o,s:{s:s,s:n,s:n,s:b,s:b,s:o,s:o}}", "version",
                     "1.0", "truncation", "padding", "added_tokens", added_tokens(t), "normalizer",
                     "pre_tokenizer", split_of(s), "post_processor", "decoder", level, "model",
                     "type", "BPE", "dropout", "unk_token", "byte_fallback", 0, "ignore_merges",
                     s->regex && strstr(s->regex, "{1,3}"), "vocab", vocabulary(t, NULL), "merges",
                     merges_of(t));
}

/* --- llama ----------------------------------------------------------------------------------- */

/* A token that two others make. */
typedef struct merge {
    float score;
    uint32_t left, right;
} merge;

static int by_score(const void *a, const void *b) {
    const merge *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static size_t id_of(const tokens *t, const char *s, size_t n) {
    char text[256];
    if (n >= sizeof text)
        return 0;
    memcpy(text, s, n);
    text[n] = 0;
    return (size_t)(uintptr_t)mx_map_get(&t->id, text);
}

/* All pairs of tokens that make token i, between whole characters. */
static bool add_pairs(const tokens *t, size_t i, merge **list, size_t *count, size_t *room) {
    const char *s = t->list->strings[i];
    size_t n = strlen(s);
    for (size_t k = 1; k < n && n < 256; k++) {
        if (((unsigned char)s[k] & 0xc0) == 0x80)
            continue;
        size_t left = id_of(t, s, k), right = left ? id_of(t, s + k, n - k) : 0;
        if (!right)
            continue;
        if (!mx_grow(list, room, *count + 1, sizeof **list))
            return false;
        (*list)[(*count)++] = (merge){t->score[i], (uint32_t)left - 1, (uint32_t)right - 1};
    }
    return true;
}

static json_t *pairs_of(const tokens *t) {
    merge *list = NULL;
    size_t count = 0, room = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < t->list->count; i++)
        if (type_of(t, i) == MX_TOKEN_NORMAL)
            ok = add_pairs(t, i, &list, &count, &room);
    if (ok && count)
        qsort(list, count, sizeof *list, by_score);
    json_t *all = ok ? json_array() : NULL;
    for (size_t i = 0; all && i < count; i++)
        json_array_append_new(all, json_pack("[s,s]", t->list->strings[list[i].left],
                                             t->list->strings[list[i].right]));
    mx_free(list);
    return all;
}

static json_t *spaces(const char *from, const char *to) {
    return json_pack("{s:s,s:{s:s},s:s}", "type", "Replace", "pattern", "String", from, "content",
                     to);
}

static json_t *of_pieces(const tokens *t) {
    double prefix = 1;
    mx_meta_number(t->meta, "tokenizer.ggml.add_space_prefix", &prefix);
    json_t *pairs = t->score ? pairs_of(t) : NULL;
    if (!pairs)
        return NULL;
    json_t *normal = spaces(" ", MX_TOKEN_SPACE), *back = json_array();
    if (prefix != 0)
        normal = json_pack("{s:s,s:[{s:s,s:s},o]}", "type", "Sequence", "normalizers", "type",
                           "Prepend", "prepend", MX_TOKEN_SPACE, normal);
    json_array_append_new(back, spaces(MX_TOKEN_SPACE, " "));
    json_array_append_new(back, json_pack("{s:s}", "type", "ByteFallback"));
    json_array_append_new(back, json_pack("{s:s}", "type", "Fuse"));
    if (prefix != 0)
        json_array_append_new(back, json_pack("{s:s,s:s,s:i,s:i}", "type", "Strip", "content", " ",
                                              "start", 1, "stop", 0));
    double unknown = 0;
    bool has = mx_meta_number(t->meta, "tokenizer.ggml.unknown_token_id", &unknown);
    size_t id = has && unknown >= 0 && unknown < (double)t->list->count ? (size_t)unknown : 0;
    return json_pack("{s:s,s:n,s:n,s:o,s:o,s:n,s:n,s:{s:s,s:o},s:{s:s,s:n,s:s,s:b,s:b,s:o,s:o}}",
                     "version", "1.0", "truncation", "padding", "added_tokens", added_tokens(t),
                     "normalizer", normal, "pre_tokenizer", "post_processor", "decoder", "type",
                     "Sequence", "decoders", back, "model", "type", "BPE", "dropout", "unk_token",
                     t->list->strings[id], "fuse_unk", 1, "byte_fallback", 1, "vocab",
                     vocabulary(t, NULL), "merges", pairs);
}

/* --- bert ------------------------------------------------------------------------------------ */

static char *word(const char *token) {
    size_t n = strlen(MX_TOKEN_SPACE), length = strlen(token);
    mx_text t = {0};
    bool begins = strncmp(token, MX_TOKEN_SPACE, n) == 0;
    bool special = *token == '[' && token[length - 1] == ']';
    mx_text_add(&t, "%s%s", begins || special ? "" : "##", begins ? token + n : token);
    return mx_text_take(&t);
}

static json_t *of_words(const tokens *t) {
    return json_pack(
        "{s:s,s:n,s:n,s:o,s:{s:s,s:b,s:b,s:n,s:b},s:{s:s},s:n,s:{s:s,s:s,s:b},s:{s:s,s:s,s:s,s:i,s:"
        "o}}",
        "version", "1.0", "truncation", "padding", "added_tokens", added_tokens(t), "normalizer",
        "type", "BertNormalizer", "clean_text", 1, "handle_chinese_chars", 1, "strip_accents",
        "lowercase", 1, "pre_tokenizer", "type", "BertPreTokenizer", "post_processor", "decoder",
        "type", "WordPiece", "prefix", "##", "cleanup", 1, "model", "type", "WordPiece",
        "unk_token", "[UNK]", "continuing_subword_prefix", "##", "max_input_chars_per_word", 100,
        "vocab", vocabulary(t, word));
}

/* --- the files ------------------------------------------------------------------------------- */

static bool write_json(const char *folder, const char *name, json_t *root) {
    char *text = root ? mx_json_text(root) : NULL;
    bool ok = text && mx_side_write(folder, name, text, strlen(text));
    mx_free(text);
    json_decref(root);
    return ok || (mx_failed() ? false : mx_fail_nomem(op, 0));
}

/* --- what is put around a text ---------------------------------------------------------------- */

/* Of a template's items; special tokens are noted in `named`. */
static json_t *parts_of(const tokens *t, const mx_tokenizer *k, bool pair, json_t *named) {
    const int32_t *item, *type;
    json_t *list = json_array();
    size_t n = mx_tokenizer_around(k, pair, &item, &type);
    for (size_t i = 0; i < n; i++) {
        const char *text =
            item[i] < 0 ? item[i] == MX_TEXT_A ? "A" : "B" : t->list->strings[item[i]];
        json_array_append_new(list,
                              json_pack("{s:{s:s,s:i}}", item[i] < 0 ? "Sequence" : "SpecialToken",
                                        "id", text, "type_id", (int)type[i]));
        if (item[i] >= 0)
            json_object_set_new(named, text,
                                json_pack("{s:s,s:[i],s:[s]}", "id", text, "ids", (int)item[i],
                                          "tokens", text));
    }
    return list;
}

/* As the tokenizer in the file does it: GGUF says it by flags, and by what is usual of a kind. */
static bool put_around(const tokens *t, const char *file, json_t *root) {
    mx_tokenizer *k = mx_tokenizer_open(file);
    json_t *named = json_object();
    json_t *one = k ? parts_of(t, k, false, named) : NULL;
    json_t *two = k ? parts_of(t, k, true, named) : NULL;
    bool ok = k;
    if (ok && json_object_size(named))
        ok = json_object_set_new(root, "post_processor",
                                 json_pack("{s:s,s:O,s:O,s:O}", "type", "TemplateProcessing",
                                           "single", one, "pair", two, "special_tokens", named)) ==
             0;
    json_decref(one);
    json_decref(two);
    json_decref(named);
    mx_tokenizer_release(k);
    return ok || (mx_failed() ? false : mx_fail_nomem(op, 0) != NULL);
}

/* --- tokenizer_config.json -------------------------------------------------------------------- */

static json_t *special_tokens(const tokens *t) {
    json_t *all = json_pack("{s:s,s:b}", "tokenizer_class", "PreTrainedTokenizerFast",
                            "clean_up_tokenization_spaces", 0);
    double v = 0;
    for (size_t i = 0; i < mx_special_token_count; i++)
        if (mx_meta_number(t->meta, mx_special_tokens[i][1], &v) && v >= 0 &&
            v < (double)t->list->count)
            json_object_set_new(all, mx_special_tokens[i][0],
                                json_string(t->list->strings[(size_t)v]));
    if (mx_meta_number(t->meta, "tokenizer.ggml.add_bos_token", &v))
        json_object_set_new(all, "add_bos_token", json_boolean(v != 0));
    if (mx_meta_number(t->meta, "tokenizer.ggml.add_eos_token", &v))
        json_object_set_new(all, "add_eos_token", json_boolean(v != 0));
    const char *chat = mx_meta_text(t->meta, "tokenizer.chat_template");
    if (chat)
        json_object_set_new(all, "chat_template", json_string(chat));
    return all;
}

/* NULL: a kind that is not known. */
static json_t *tokenizer_of(const tokens *t) {
    const char *kind = mx_meta_text(t->meta, "tokenizer.ggml.model");
    const mx_splitter *s = splitter_named(mx_meta_text(t->meta, "tokenizer.ggml.pre"));
    if (kind && strcmp(kind, "gpt2") == 0 && s)
        return of_bytes(t, s);
    if (kind && strcmp(kind, "llama") == 0)
        return of_pieces(t);
    return kind && strcmp(kind, "bert") == 0 ? of_words(t) : NULL;
}

static bool write_all(const mx_convert_options *o, const tokens *t, const char *file,
                      const char *folder) {
    json_t *root = tokenizer_of(t);
    if (root && !put_around(t, file, root))
        return json_decref(root), false;
    const char *pre = mx_meta_text(t->meta, "tokenizer.ggml.pre");
    bool ok = root ? write_json(folder, "tokenizer.json", root)
                   : !mx_failed() && mx_note(o, "tokenizer.json",
                                             "it is not made: how '%.80s' splits text is not known",
                                             pre ? pre : "");
    return ok && write_json(folder, "tokenizer_config.json", special_tokens(t));
}

bool mx_tokens_from_gguf(const mx_convert_options *o, const mx_model *m, const char *folder) {
    tokens t = {0};
    bool ok = read_all(&t, &m->archive->meta);
    if (ok && t.list && t.list->count)
        ok = write_all(o, &t, m->label, folder);
    mx_map_free(&t.id, NULL);
    return ok;
}
