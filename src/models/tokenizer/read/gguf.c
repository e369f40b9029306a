/* The tokenizer of a GGUF file: its metadata tokenizer.ggml.* (the public specification of the
 * format).
 *
 *     model        llama: SentencePiece by scores   gpt2: byte-level BPE   bert: WordPiece
 *                  t5: Unigram
 *     tokens       texts by id       scores, token_type    beside them (vocab.h)
 *     merges       "left right"      pre                   how text is divided (pretokenizers.def)
 *     *_token_id   roles             add_*_token           what stands around a text
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/gguf/gguf.h"
#include "models/meta.h"
#include "models/tokenizer/parts.h"
#include "ops/ops.h"

#define KEY(name) "tokenizer.ggml." name

static bool flag_at(const mx_map *meta, const char *key, bool otherwise) {
    double v;
    return mx_meta_number(meta, key, &v) ? v != 0 : otherwise;
}

/* A list of numbers as float64, in the open scope; NULL where there is none. */
static const double *numbers(const mx_map *meta, const char *key, size_t n) {
    const mx_meta *m = mx_map_get(meta, key);
    if (!m || m->kind != MX_META_ARRAY || m->array->ndim != 1 || (size_t)m->array->shape[0] != n)
        return NULL;
    mx_array *a = mx_astype(m->array, MX_FLOAT64);
    return a && mx_eval1(a) ? (const double *)(const void *)a->data : NULL;
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* WordPiece stands there with U+2581 at a word's beginning instead of ## where it goes on. */
static void put_wordpiece(tok_bytes *to, tok_text s) {
    static const char mark[] = "\xE2\x96\x81";
    to->n = 0;
    if (s.n >= 3 && !memcmp(s.p, mark, 3))
        s.p += 3, s.n -= 3;
    else if (!(s.n > 2 && *s.p == '[' && s.p[s.n - 1] == ']'))
        tok_put(to, "##", 2);
    tok_put(to, s.p, s.n);
}

static bool add_piece(mx_tokenizer *t, size_t i, tok_text s, double score, double type, bool words,
                      tok_bytes *room) {
    if (!tok_is_valid(s.p, s.n))
        return tok_fail(t, "token %zu is no UTF-8", i);
    if (!(type >= TOK_NORMAL && type <= TOK_BYTE) || score != score)
        type = TOK_NORMAL;
    if (words && type == TOK_NORMAL) {
        put_wordpiece(room, s);
        s = (tok_text){room->p ? room->p : "", room->n};
    }
    return tok_vocab_add(&t->vocab, (int64_t)i, s, score, (tok_type)type);
}

static bool read_pieces(mx_tokenizer *t, const mx_map *meta, bool words) {
    const mx_meta *m = mx_map_get(meta, KEY("tokens"));
    tok_bytes room = {0};
    bool ok = true;
    if (!m || m->kind != MX_META_STRINGS || !m->count)
        return tok_fail(t, "there is no list " KEY("tokens"));
    mx_scope scope = mx_scope_open();
    const double *score = numbers(meta, KEY("scores"), m->count),
                 *type = numbers(meta, KEY("token_type"), m->count);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = add_piece(t, i, (tok_text){m->strings[i], m->length[i]}, score ? score[i] : 0,
                       type ? type[i] : TOK_NORMAL, words, &room);
    mx_scope_close(scope);
    tok_free(&room);
    return ok;
}

static void read_roles(mx_tokenizer *t, const mx_map *meta) {
    static const char *const keys[MX_TOKEN_ROLES] = {
        KEY("bos_token_id"),     KEY("eos_token_id"),       KEY("unknown_token_id"),
        KEY("padding_token_id"), KEY("seperator_token_id"), KEY("cls_token_id"),
        KEY("mask_token_id")};
    double id;
    for (int i = 0; i < MX_TOKEN_ROLES; i++)
        if (mx_meta_number(meta, keys[i], &id) && id >= 0 && id < (double)t->vocab.count)
            t->role[i] = (int32_t)id;
}

static bool read_around(mx_tokenizer *t, const mx_map *meta, bool before, bool behind) {
    before = flag_at(meta, KEY("add_bos_token"), before);
    behind = flag_at(meta, KEY("add_eos_token"), behind);
    if (!before && !behind)
        return true;
    int32_t first = before ? t->role[MX_TOKEN_BOS] : -1, last = behind ? t->role[MX_TOKEN_EOS] : -1;
    tok_set_template(t, first, last);
    if (last >= 0 && t->role[MX_TOKEN_SEP] >= 0) // <s> a </s></s> b </s>
        tok_set_pair(t, first, last, t->role[MX_TOKEN_SEP], 0);
    return !mx_failed();
}

/* --- byte-level BPE --------------------------------------------------------------------------- */

enum { MOST_PATTERNS = 6 };

typedef struct pre {
    const char *names;
    bool digits, whole, begins;
    const char *patterns[MOST_PATTERNS];
    const char *description; /* NULL: patterns say it */
} pre;

static bool has_name(const char *names, const char *name) {
    size_t n = strlen(name);
    for (const char *p = strchr(name, '|') ? NULL : names; p;
         p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (!strncmp(p, name, n) && (p[n] == '|' || !p[n]))
            return true;
    return false;
}

static const pre *pre_of(const mx_tokenizer *t, const mx_map *meta) {
#define PRE(names, digits, whole, begins, ...) {names, digits, whole, begins, {__VA_ARGS__}, NULL},
#define PRE_AS(names, description)             {names, false, false, false, {NULL}, description},
    static const pre all[] = {
#include "models/tokenizer/steps/pretokenizers.def"
    };
    const char *name = mx_meta_text(meta, KEY("pre"));
    for (size_t i = 0; name && i < sizeof all / sizeof *all; i++)
        if (has_name(all[i].names, name))
            return &all[i];
    return mx_fail(MX_UNSUPPORTED,
                   "[tokenizer] '%s': " KEY("pre") " is '%.100s', which is not understood", t->name,
                   name ? name : "missing");
}

static bool read_step(mx_tokenizer *t, json_t *step) {
    bool ok = step ? tok_read_splitter(t, step) : !!mx_fail_nomem("tokenizer", 64);
    json_decref(step);
    return ok;
}

static bool read_dividing(mx_tokenizer *t, const pre *p) {
    if (p->description)
        return tok_read_text(t, tok_read_splitter, p->description);
    bool ok = !p->digits ||
              read_step(t, json_pack("{s:s, s:b}", "type", "Digits", "individual_digits", 1));
    for (int i = 0; ok && i < MOST_PATTERNS && p->patterns[i]; i++)
        ok = read_step(t, json_pack("{s:s, s:{s:s}, s:s}", "type", "Split", "pattern", "Regex",
                                    p->patterns[i], "behavior", "Isolated"));
    return ok && read_step(t, json_pack("{s:s, s:b, s:b}", "type", "ByteLevel", "add_prefix_space",
                                        0, "use_regex", !p->patterns[0]));
}

static bool read_merges(mx_tokenizer *t, const mx_map *meta) {
    const mx_meta *m = mx_map_get(meta, KEY("merges"));
    if (!m || m->kind != MX_META_STRINGS)
        return tok_fail(t, "there is no list " KEY("merges"));
    if (!tok_bpe_reserve(&t->model, m->count))
        return false;
    for (size_t i = 0; i < m->count; i++) {
        const char *s = m->strings[i], *space = *s ? strchr(s + 1, ' ') : NULL;
        if (!space)
            return tok_fail(t, "merge %zu is not \"left right\"", i);
        if (!tok_bpe_add(t, (tok_text){s, (size_t)(space - s)},
                         (tok_text){space + 1, strlen(space + 1)}, i))
            return false;
    }
    return true;
}

static bool read_gpt2(mx_tokenizer *t, const mx_map *meta) {
    const pre *p = pre_of(t, meta);
    t->kind = "BPE";
    t->model.run = tok_model_bpe;
    if (!p || !read_pieces(t, meta, false) || !read_merges(t, meta) || !read_dividing(t, p))
        return false;
    t->model.ignore_merges = p->whole;
    read_roles(t, meta);
    return tok_add_typed(t, true) && read_around(t, meta, p->begins, false) &&
           tok_read_text(t, tok_read_decoder, "{\"type\": \"ByteLevel\"}");
}

/* --- the others ------------------------------------------------------------------------------- */

static bool read_table(mx_tokenizer *t, const mx_map *meta, tok_normal *n) {
    const mx_meta *m = mx_map_get(meta, KEY("precompiled_charsmap"));
    if (!m || m->kind != MX_META_ARRAY || m->array->ndim != 1)
        return true;
    mx_scope scope = mx_scope_open();
    mx_array *a = mx_astype(m->array, MX_UINT8);
    if (a && mx_eval1(a))
        n->map = tok_charsmap_new(a->data, (size_t)a->shape[0]);
    mx_scope_close(scope);
    return n->map || tok_fail(t, "its " KEY("precompiled_charsmap") " is broken");
}

static bool read_pieced(mx_tokenizer *t, const mx_map *meta, bool bpe) {
    tok_normal *n = &t->normal[t->normals++];
    *n = (tok_normal){.run = tok_normal_piece,
                      .prefix = flag_at(meta, KEY("add_space_prefix"), true),
                      .squeeze = flag_at(meta, KEY("remove_extra_whitespaces"), false),
                      .escape = true};
    t->model.byte_fallback = true;
    t->role[MX_TOKEN_BOS] = bpe ? 1 : -1;
    t->role[MX_TOKEN_EOS] = bpe ? 2 : 1;
    t->role[MX_TOKEN_UNK] = bpe ? 0 : 2;
    if (!read_table(t, meta, n) || !read_pieces(t, meta, false))
        return false;
    read_roles(t, meta);
    return tok_set_pieces(t, bpe, false) && read_around(t, meta, bpe, !bpe) &&
           tok_set_piece_decoders(t, n->prefix, false);
}

static bool read_llama(mx_tokenizer *t, const mx_map *meta) {
    return read_pieced(t, meta, true);
}
static bool read_t5(mx_tokenizer *t, const mx_map *meta) {
    return read_pieced(t, meta, false);
}

static bool read_bert(mx_tokenizer *t, const mx_map *meta) {
    t->kind = "WordPiece";
    t->model.most_chars = 100;
    if (!tok_copy(&t->model.prefix, "##", 2) || !read_pieces(t, meta, true))
        return false;
    read_roles(t, meta);
    int32_t cls = t->role[t->role[MX_TOKEN_CLS] < 0 ? MX_TOKEN_BOS : MX_TOKEN_CLS],
            sep = t->role[t->role[MX_TOKEN_SEP] < 0 ? MX_TOKEN_EOS : MX_TOKEN_SEP];
    t->model.unk = t->role[MX_TOKEN_UNK];
    tok_set_template(t, cls, sep);
    tok_set_pair(t, cls, sep, -1, 1); // [CLS] a [SEP] b [SEP]
    return tok_set_wordpiece(t) && tok_add_typed(t, true) && !mx_failed() &&
           tok_read_text(t, tok_read_normalizer, "{\"type\": \"BertNormalizer\"}") &&
           tok_read_text(t, tok_read_splitter, "{\"type\": \"BertPreTokenizer\"}") &&
           tok_read_text(t, tok_read_decoder,
                         "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}");
}

static bool read_model(mx_tokenizer *t, const mx_map *meta) {
    static const struct {
        const char *name;
        bool (*read)(mx_tokenizer *t, const mx_map *meta);
    } models[] = {{"gpt2", read_gpt2}, {"llama", read_llama}, {"bert", read_bert}, {"t5", read_t5}};
    const char *name = mx_meta_text(meta, KEY("model"));
    for (size_t i = 0; name && i < sizeof models / sizeof *models; i++)
        if (!strcmp(name, models[i].name))
            return models[i].read(t, meta);
    mx_fail(MX_UNSUPPORTED,
            "[tokenizer] '%s': " KEY("model") " is '%.100s', which is not understood", t->name,
            name ? name : "missing");
    return false;
}

bool tok_read_gguf(mx_tokenizer *t, const char *path) {
    mx_source s;
    gguf_head head = {0};
    if (!mx_source_file(&s, "tokenizer", path, true))
        return false;
    bool ok = gguf_open(&s, &head) && read_model(t, &head.meta);
    gguf_close(&head);
    mx_source_close(&s);
    return ok;
}
