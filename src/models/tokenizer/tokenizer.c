/* A tokenizer: where it comes from, what it knows of ids, and where it goes. */
#include "models/tokenizer/tokenizer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "io/io.h"
#include "models/json.h"
#include "models/tokenizer/parts.h"

/* --- making and letting go -------------------------------------------------------------------- */

static void drop_text(tok_text t) {
    mx_free((void *)(uintptr_t)t.p);
}

static mx_tokenizer *new_tokenizer(const char *name) {
    mx_tokenizer *t = mx_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    atomic_init(&t->users, 1);
    t->vocab.name = t->name = mx_strdup(name);
    t->model.unk = -1;
    for (int i = 0; i < MX_TOKEN_ROLES; i++)
        t->role[i] = -1;
    if (t->name)
        return t;
    mx_free(t);
    return NULL;
}

static void free_steps(mx_tokenizer *t) {
    for (int i = 0; i < t->normals; i++) {
        drop_text(t->normal[i].text);
        tok_pattern_free(t->normal[i].pattern);
        tok_charsmap_free(t->normal[i].map);
    }
    for (int i = 0; i < t->splits; i++) {
        drop_text(t->split[i].text);
        tok_pattern_free(t->split[i].pattern);
    }
    for (int i = 0; i < t->decodes; i++) {
        drop_text(t->decode[i].text);
        drop_text(t->decode[i].with);
        tok_pattern_free(t->decode[i].pattern);
    }
}

static void free_model(tok_model *m) {
    mx_free(m->merge);
    mx_free(m->joined);
    tok_chain_free(m->chain);
    drop_text(m->prefix);
    drop_text(m->suffix);
    tok_trie_free(&m->trie);
    tok_trie_free(&m->inner);
    tok_trie_free(&m->user);
}

mx_tokenizer *mx_tokenizer_retain(mx_tokenizer *t) {
    atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
    return t;
}

void mx_tokenizer_release(mx_tokenizer *t) {
    if (!t || atomic_fetch_sub(&t->users, 1) != 1)
        return;
    tok_free_spare(t);
    free_steps(t);
    free_model(&t->model);
    for (size_t i = 0; i < t->added_count; i++)
        drop_text(t->added[i].text);
    mx_free(t->added);
    mx_free(t->added_at);
    tok_trie_free(&t->find[0]);
    tok_trie_free(&t->find[1]);
    tok_trie_free(&t->named);
    tok_vocab_free(&t->vocab);
    mx_free(t->post.single.p);
    mx_free(t->post.pair.p);
    mx_free(t->post.single_type.p);
    mx_free(t->post.pair_type.p);
    mx_free(t->name);
    mx_free(t);
}

/* --- where it comes from ---------------------------------------------------------------------- */

static bool read_json(mx_tokenizer *t, const char *bytes, size_t n) {
    json_t *root = mx_json_parse_zeros("tokenizer", t->name, bytes, n);
    bool ok = root && tok_read_json(t, root);
    json_decref(root);
    return ok;
}

/* The byte that an object of JSON begins with. */
static bool is_json(const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", bytes[i]) || !bytes[i])
            return bytes[i] == '{';
    return false;
}

static void find_bytes(mx_tokenizer *t) {
    static const char hex[] = "0123456789ABCDEF";
    for (int b = 0; b < 256; b++) {
        char piece[] = {'<', '0', 'x', hex[b / 16], hex[b % 16], '>'};
        t->model.byte_id[b] = tok_vocab_find(&t->vocab, piece, sizeof piece);
    }
}

/* Nothing is merged in a word of one character. */
static void find_ones(mx_tokenizer *t) {
    const tok_model *m = &t->model;
    for (int c = 0; c < 128; c++) {
        int32_t id =
            m->prefix.n || m->suffix.n ? -1 : tok_vocab_find(&t->vocab, (const char[]){(char)c}, 1);
        t->model.one[c] = id == m->unk ? -1 : id;
    }
}

static bool find_pairs(mx_tokenizer *t) {
    find_ones(t);
    if (t->model.run == tok_model_scored_bpe)
        return tok_join_pieces(t);
    return t->model.run != tok_model_bpe || tok_join_merges(t);
}

static bool finish(mx_tokenizer *t) {
    find_bytes(t);
    t->split[t->splits] = (tok_split){.run = tok_run_model};
    return find_pairs(t) && tok_index_added(t);
}

static mx_tokenizer *done(mx_tokenizer *t, bool ok) {
    if (ok && finish(t) && !mx_failed())
        return t;
    mx_tokenizer_release(t);
    return NULL;
}

static bool read_bytes(mx_tokenizer *t, const char *bytes, size_t n) {
    return is_json(bytes, n) ? read_json(t, bytes, n) : tok_read_piece_model(t, bytes, n);
}

mx_tokenizer *mx_tokenizer_of(const char *name, const char *bytes, size_t n) {
    mx_tokenizer *t = new_tokenizer(name);
    return t ? done(t, read_bytes(t, bytes, n)) : NULL;
}

static bool exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* tokenizer_config.json beside a file. */
static bool read_config(mx_tokenizer *t, const char *path) {
    char beside[4096];
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    int n = snprintf(beside, sizeof beside, "%.*stokenizer_config.json", folder, path);
    if (n < 0 || (size_t)n >= sizeof beside || !exists(beside))
        return true;
    json_t *root = mx_json_load("tokenizer", beside);
    bool ok = root && tok_read_config(t, root);
    json_decref(root);
    return ok;
}

static bool read_file(mx_tokenizer *t, const char *path) {
    mx_source s;
    bool ok = false;
    if (!mx_source_file(&s, "tokenizer", path, false))
        return false;
    if (mx_source_is_gguf(&s))
        ok = tok_read_gguf(t, path);
    else if (s.size > MX_JSON_MOST)
        mx_source_fail(&s, 0, "it has more than 100 MB");
    else if (mx_source_get(&s, 0, s.size, "the tokenizer"))
        ok = read_bytes(t, (const char *)s.data, s.size) && read_config(t, path);
    mx_source_close(&s);
    return ok;
}

/* The file of a folder, or the path itself, for mx_free. */
static char *file_of(const char *path) {
    static const char *const names[] = {"tokenizer.json", "tokenizer.model", "spiece.model",
                                        "sentencepiece.bpe.model"};
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
        return mx_strdup(path);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *file = mx_text_path(path, names[i]);
        if (!file || exists(file))
            return file;
        mx_free(file);
    }
    return mx_fail(MX_IO,
                   "[tokenizer] the folder '%s' has neither tokenizer.json nor tokenizer.model",
                   path);
}

mx_tokenizer *mx_tokenizer_open(const char *path) {
    char *file = file_of(path);
    mx_tokenizer *t = file ? new_tokenizer(file) : NULL;
    t = t ? done(t, read_file(t, file)) : NULL;
    mx_free(file);
    return t;
}
