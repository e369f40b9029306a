/* tokenizer.json to tokenizer.ggml: see tokens.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/convert/side/side.h"
#include "models/convert/side/tokens.h"

static const char op[] = "convert";

enum { MOST_TOKENS = 1 << 24 };

typedef struct tokens {
    const mx_model *model;
    json_t *root, *config; /* tokenizer.json, tokenizer_config.json (may be NULL) */
    const char *kind;      /* tokenizer.ggml.model */
    const char **text;     /* by id, borrowed from root; NULL: a gap */
    int32_t *type;
    float *score;
    size_t count;
    mx_vec own; /* texts that were made */
} tokens;

static bool fail(const tokens *t, const char *what, const char *name) {
    return mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s/tokenizer.json': %s '%.80s' is none that GGUF has a name for (without "
                   "the file the model is converted without a tokenizer)",
                   op, t->model->folder, what, name);
}

static json_t *load(const mx_model *m, const char *name) {
    size_t n = 0;
    char *text = mx_side_read(m->folder, name, &n);
    json_t *root = text ? mx_json_parse(op, name, text, n) : NULL;
    mx_free(text);
    return root;
}

static const char *keep(tokens *t, mx_text *text) {
    char *s = mx_text_take(text);
    if (s && mx_vec_add(&t->own, s))
        return s;
    mx_free(s);
    return NULL;
}

/* --- what kind ------------------------------------------------------------------------------- */

/* A step of a pre-tokenizer, a normalizer or a decoder: itself, or one of its sequence. NULL: there
   is none of this type. */
static json_t *step_of(const json_t *part, const char *type) {
    const char *own = mx_json_text_at(part, "type");
    json_t *list = mx_json_at(part, "pretokenizers|normalizers|decoders"), *step;
    size_t i;
    if (own && strcmp(own, type) == 0)
        return (json_t *)(uintptr_t)part;
    json_array_foreach(list, i, step) {
        const char *name = mx_json_text_at(step, "type");
        if (name && strcmp(name, type) == 0)
            return step;
    }
    return NULL;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static const mx_splitter *splitter_of(const json_t *pre) {
    json_t *digits = step_of(pre, "Digits"), *split = step_of(pre, "Split");
    const char *regex = mx_json_text_at(split, "pattern.Regex");
    bool each = json_is_true(mx_json_at(digits, "individual_digits"));
    if ((split && !regex) || (digits && !each))
        return NULL;
    for (size_t i = 0; i < mx_splitter_count; i++)
        if (mx_splitters[i].digits == each && same_text(mx_splitters[i].regex, regex))
            return &mx_splitters[i];
    return NULL;
}

static bool bytes_kind(tokens *t, mx_map *meta) {
    json_t *pre = mx_json_at(t->root, "pre_tokenizer");
    const mx_splitter *s = splitter_of(pre);
    t->kind = "gpt2";
    if (!s) {
        const char *regex = mx_json_text_at(step_of(pre, "Split"), "pattern.Regex|pattern.String");
        const char *type = mx_json_text_at(pre, "type");
        return fail(t, "the way to split text,", regex ? regex : type ? type : "null");
    }
    return mx_meta_put_text(meta, "tokenizer.ggml.model", t->kind) &&
           mx_meta_put_text(meta, "tokenizer.ggml.pre", s->name);
}

/* Is a space put before the text? */
static bool prefixes(const tokens *t) {
    const char *scheme = mx_json_text_at(step_of(mx_json_at(t->root, "pre_tokenizer"), "Metaspace"),
                                         "prepend_scheme");
    return step_of(mx_json_at(t->root, "normalizer"), "Prepend") ||
           (scheme && strcmp(scheme, "never"));
}

static bool pieces_kind(tokens *t, mx_map *meta) {
    t->kind = "llama";
    return mx_meta_put_text(meta, "tokenizer.ggml.model", t->kind) &&
           mx_meta_put_text(meta, "tokenizer.ggml.pre", "default") &&
           mx_meta_put_number(meta, "tokenizer.ggml.add_space_prefix", prefixes(t), MX_BOOL);
}

static bool words_kind(tokens *t, mx_map *meta) {
    json_t *types = mx_json_at(t->model->config, "type_vocab_size");
    t->kind = "bert";
    return mx_meta_put_text(meta, "tokenizer.ggml.model", t->kind) &&
           (!types || mx_meta_put_number(meta, "tokenizer.ggml.token_type_count",
                                         (double)json_integer_value(types), MX_UINT32));
}

static bool find_kind(tokens *t, mx_map *meta) {
    const char *type = mx_json_text_at(t->root, "model.type");
    bool bytes = step_of(mx_json_at(t->root, "pre_tokenizer"), "ByteLevel") ||
                 step_of(mx_json_at(t->root, "decoder"), "ByteLevel");
    if (type && strcmp(type, "WordPiece") == 0)
        return words_kind(t, meta);
    if (!type || strcmp(type, "BPE"))
        return fail(t, "the kind", type ? type : "null");
    if (bytes)
        return bytes_kind(t, meta);
    return json_is_true(mx_json_at(t->root, "model.byte_fallback"))
               ? pieces_kind(t, meta)
               : fail(t, "a kind of BPE", "without bytes");
}

/* --- the tokens ------------------------------------------------------------------------------ */

static bool is_id(const json_t *v) {
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < MOST_TOKENS;
}

static bool fail_id(const tokens *t, const char *token) {
    return mx_fail(MX_FORMAT, "[%s] '%s/tokenizer.json': the id of '%.80s' is none, or too large",
                   op, t->model->folder, token);
}

/* One more than the highest id, and as many as the embedding has rows. */
static bool count_tokens(tokens *t) {
    const char *token;
    json_t *id, *added;
    size_t i;
    t->count = (size_t)mx_dim(&t->model->dims, 'v');
    json_object_foreach(mx_json_at(t->root, "model.vocab"), token, id) {
        if (!is_id(id))
            return fail_id(t, token);
        if ((size_t)json_integer_value(id) >= t->count)
            t->count = (size_t)json_integer_value(id) + 1;
    }
    json_array_foreach(mx_json_at(t->root, "added_tokens"), i, added) {
        id = mx_json_at(added, "id");
        if (!is_id(id) || !mx_json_text_at(added, "content"))
            return fail_id(t, "an added token");
        if ((size_t)json_integer_value(id) >= t->count)
            t->count = (size_t)json_integer_value(id) + 1;
    }
    t->text = mx_calloc(t->count + 1, sizeof *t->text);
    t->type = mx_calloc(t->count + 1, sizeof *t->type);
    t->score = mx_calloc(t->count + 1, sizeof *t->score);
    return t->text && t->type && t->score;
}

/* "<0x0A>" */
static bool is_byte(const char *s) {
    return strlen(s) == 6 && strncmp(s, "<0x", 3) == 0 && s[5] == '>' &&
           strspn(s + 3, "0123456789ABCDEFabcdef") == 2;
}

/* As bert's are written in GGUF. */
static const char *word(tokens *t, const char *s) {
    mx_text text = {0};
    if (strncmp(s, "##", 2) == 0)
        return s + 2;
    if (*s == '[' && s[strlen(s) - 1] == ']')
        return s;
    mx_text_add(&text, "%s%s", MX_TOKEN_SPACE, s);
    return keep(t, &text);
}

static bool add_vocabulary(tokens *t) {
    const char *token, *unknown = mx_json_text_at(t->root, "model.unk_token");
    json_t *id;
    bool pieces = strcmp(t->kind, "llama") == 0, words = strcmp(t->kind, "bert") == 0;
    json_object_foreach(mx_json_at(t->root, "model.vocab"), token, id) {
        size_t i = (size_t)json_integer_value(id);
        t->text[i] = words ? word(t, token) : token;
        t->type[i] = pieces && is_byte(token)                 ? MX_TOKEN_BYTE
                     : unknown && strcmp(token, unknown) == 0 ? MX_TOKEN_UNKNOWN
                                                              : MX_TOKEN_NORMAL;
        if (!t->text[i])
            return false;
    }
    return true;
}

static bool add_added(tokens *t) {
    json_t *added;
    size_t i;
    json_array_foreach(mx_json_at(t->root, "added_tokens"), i, added) {
        size_t id = (size_t)json_integer_value(mx_json_at(added, "id"));
        bool special = json_is_true(mx_json_at(added, "special"));
        t->text[id] = mx_json_text_at(added, "content");
        if (t->type[id] != MX_TOKEN_UNKNOWN || !special)
            t->type[id] = special ? MX_TOKEN_CONTROL : MX_TOKEN_USER;
    }
    for (size_t id = 0; id < t->count; id++) {
        mx_text text = {0};
        if (t->text[id])
            continue;
        mx_text_add(&text, "[PAD%zu]", id);
        t->text[id] = keep(t, &text);
        t->type[id] = MX_TOKEN_UNUSED;
        if (!t->text[id])
            return false;
    }
    return true;
}

/* --- merges ---------------------------------------------------------------------------------- */

/* "a b" or ["a", "b"]: as one text, and where the second begins in it. NULL: neither. */
static const char *merge_of(tokens *t, const json_t *v, size_t *second) {
    const char *a = json_string_value(json_array_get(v, 0)),
               *b = json_string_value(json_array_get(v, 1)), *both = json_string_value(v);
    mx_text text = {0};
    const char *blank = both ? strchr(both, ' ') : NULL;
    if (blank) {
        *second = (size_t)(blank - both) + 1;
        return both;
    }
    if (!a || !b)
        return NULL;
    mx_text_add(&text, "%s %s", a, b);
    *second = strlen(a) + 1;
    return keep(t, &text);
}

static bool fail_merge(const tokens *t, size_t i) {
    return mx_failed() ? false
                       : mx_fail(MX_FORMAT, "[%s] '%s/tokenizer.json': merge %zu is no pair", op,
                                 t->model->folder, i);
}

static bool put_merges(tokens *t, mx_map *meta) {
    json_t *list = mx_json_at(t->root, "model.merges"), *v;
    const char **text = mx_calloc(json_array_size(list) + 1, sizeof *text);
    size_t i, second;
    bool ok = text != NULL;
    json_array_foreach(list, i, v) {
        ok = ok && ((text[i] = merge_of(t, v, &second)) || fail_merge(t, i));
    }
    ok = ok && mx_meta_put(meta, "tokenizer.ggml.merges",
                           mx_meta_of_strings(text, json_array_size(list)));
    mx_free(text);
    return ok;
}

/* SentencePiece takes the merge whose result has the highest score: less the rank of the first
   merge that makes it. */
static bool put_scores(tokens *t, mx_map *meta) {
    json_t *list = mx_json_at(t->root, "model.merges"), *vocab = mx_json_at(t->root, "model.vocab"),
           *v;
    size_t i, second, n = json_array_size(list);
    for (size_t id = 0; id < t->count; id++)
        t->score[id] = t->type[id] == MX_TOKEN_NORMAL ? -(float)n - 1 : 0;
    json_array_foreach(list, i, v) {
        const char *both = merge_of(t, v, &second);
        if (!both)
            return fail_merge(t, i);
        mx_text text = {0};
        mx_text_put(&text, both, second - 1);
        mx_text_str(&text, both + second);
        json_t *id = json_object_get(vocab, mx_text_view(&text));
        size_t k = id ? (size_t)json_integer_value(id) : 0;
        mx_text_free(&text);
        if (id && t->score[k] < -(float)i)
            t->score[k] = -(float)i;
    }
    return mx_meta_put(meta, "tokenizer.ggml.scores",
                       mx_meta_of_array(mx_array_from(t->score, &(int){(int)t->count}, 1,
                                                      MX_FLOAT32)));
}

static bool put_tokens(tokens *t, mx_map *meta) {
    return mx_meta_put(meta, "tokenizer.ggml.tokens", mx_meta_of_strings(t->text, t->count)) &&
           mx_meta_put(meta, "tokenizer.ggml.token_type",
                       mx_meta_of_array(mx_array_from(t->type, &(int){(int)t->count}, 1,
                                                      MX_INT32))) &&
           (strcmp(t->kind, "gpt2") || put_merges(t, meta)) &&
           (strcmp(t->kind, "llama") || put_scores(t, meta));
}

/* --- tokenizer_config.json ------------------------------------------------------------------- */

/* Of a token's content; -1: there is none. */
static json_int_t id_of(const tokens *t, const char *content) {
    json_t *added;
    size_t i;
    json_array_foreach(mx_json_at(t->root, "added_tokens"), i, added) {
        const char *text = mx_json_text_at(added, "content");
        if (text && strcmp(text, content) == 0)
            return json_integer_value(mx_json_at(added, "id"));
    }
    json_t *id = json_object_get(mx_json_at(t->root, "model.vocab"), content);
    return id ? json_integer_value(id) : -1;
}

static bool put_special(const tokens *t, mx_map *meta) {
    bool ok = true;
    for (size_t i = 0; ok && i < mx_special_token_count; i++) {
        json_t *v = mx_json_at(t->config, mx_special_tokens[i][0]);
        const char *content =
            json_is_string(v) ? json_string_value(v) : mx_json_text_at(v, "content");
        json_int_t id = content ? id_of(t, content) : -1;
        if (id >= 0)
            ok = mx_meta_put_number(meta, mx_special_tokens[i][1], (double)id, MX_UINT32);
    }
    return ok;
}

static bool put_flags(const tokens *t, mx_map *meta) {
    static const char *const flags[] = {"add_bos_token", "add_eos_token"};
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        char key[64];
        json_t *v = mx_json_at(t->config, flags[i]);
        snprintf(key, sizeof key, "tokenizer.ggml.%s", flags[i]);
        if (json_is_boolean(v))
            ok = mx_meta_put_number(meta, key, json_is_true(v), MX_BOOL);
    }
    return ok;
}

/* One template, or several with names. */
static bool put_templates(const json_t *v, mx_map *meta) {
    const char *names[64];
    size_t i, n = 0;
    json_t *each;
    bool ok = true;
    if (json_is_string(v))
        return mx_meta_put_text(meta, "tokenizer.chat_template", json_string_value(v));
    json_array_foreach(v, i, each) {
        char key[160];
        const char *name = mx_json_text_at(each, "name"), *text = mx_json_text_at(each, "template");
        bool usual = name && strcmp(name, "default") == 0;
        if (!ok || !name || !text)
            continue;
        snprintf(key, sizeof key, usual ? "tokenizer.chat_template" : "tokenizer.chat_template.%s",
                 name);
        ok = mx_meta_put_text(meta, key, text);
        if (!usual && n < 64)
            names[n++] = name;
    }
    return ok &&
           (!n || mx_meta_put(meta, "tokenizer.chat_templates", mx_meta_of_strings(names, n)));
}

static bool put_template_file(const mx_model *m, mx_map *meta) {
    size_t n = 0;
    char *text = mx_side_read(m->folder, "chat_template.jinja", &n);
    bool ok = !mx_failed() && (!text || mx_meta_put_text(meta, "tokenizer.chat_template", text));
    mx_free(text);
    return ok;
}

bool mx_tokens_to_gguf(const mx_model *m, mx_map *meta) {
    tokens t = {.model = m, .root = load(m, "tokenizer.json")};
    t.config = mx_failed() ? NULL : load(m, "tokenizer_config.json");
    bool ok = !mx_failed();
    if (ok && t.root)
        ok = find_kind(&t, meta) && count_tokens(&t) && add_vocabulary(&t) && add_added(&t) &&
             put_tokens(&t, meta) && put_special(&t, meta) && put_flags(&t, meta);
    ok = ok && put_templates(mx_json_at(t.config, "chat_template"), meta) &&
         put_template_file(m, meta);
    for (size_t i = 0; i < t.own.count; i++)
        mx_free(t.own.item[i]);
    mx_vec_free(&t.own);
    mx_free(t.text);
    mx_free(t.type);
    mx_free(t.score);
    json_decref(t.root);
    json_decref(t.config);
    return ok;
}
