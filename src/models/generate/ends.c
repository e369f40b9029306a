#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "io/gguf/gguf.h"
#include "models/generate/lm.h"
#include "models/json.h"
#include "models/meta.h"

/* Special tokens that end a turn in every model that has them. */
static const char *const known[] = {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>",
                                    "<|END_OF_TURN_TOKEN|>"};

typedef struct ends {
    const mx_tokenizer *tokenizer;
    int *token;
    size_t n, room;
    mx_sampling *usual;
} ends;

static bool add(ends *e, int id) {
    for (size_t i = 0; i < e->n; i++)
        if (e->token[i] == id)
            return true;
    if (!mx_grow(&e->token, &e->room, e->n + 1, sizeof *e->token))
        return false;
    e->token[e->n++] = id;
    return true;
}

/* What a file says under a key. */
static bool add_said(ends *e, const char *path, const char *key, double id) {
    size_t n = mx_tokenizer_size(e->tokenizer);
    if (id >= 0 && id < (double)n)
        return add(e, (int)id);
    return mx_fail(MX_FORMAT, "[lm] '%s': %s is %.0f, and the tokenizer has %zu tokens", path, key,
                   id, n);
}

static bool add_known(ends *e) {
    int eos = mx_tokenizer_role(e->tokenizer, MX_TOKEN_EOS);
    bool ok = eos < 0 || add(e, eos);
    for (size_t i = 0; ok && i < sizeof known / sizeof *known; i++) {
        int32_t id = mx_tokenizer_id(e->tokenizer, known[i], strlen(known[i]));
        if (id >= 0 && mx_tokenizer_is_special(e->tokenizer, id))
            ok = add(e, id);
    }
    return ok;
}

/* --- how answers are drawn -------------------------------------------------------------------- */

/* The i-th number that files say under two names. */
static void set_usual(mx_sampling *o, size_t i, double x) {
    double *const real[] = {&o->temperature, &o->top_p, &o->min_p, &o->repetition_penalty};
    if (i < 4)
        *real[i] = x;
    else
        o->top_k = x >= 1 && x < INT_MAX ? (int)x : 0;
}

static const char *const drawn[][2] = {{"temperature", "general.sampling.temp"},
                                       {"top_p", "general.sampling.top_p"},
                                       {"min_p", "general.sampling.min_p"},
                                       {"repetition_penalty", "general.sampling.penalty_repeat"},
                                       {"top_k", "general.sampling.top_k"}};
enum { DRAWN = sizeof drawn / sizeof *drawn };

static void draw_as_gguf(ends *e, const mx_map *meta) {
    double x;
    for (size_t i = 0; i < DRAWN; i++)
        if (mx_meta_number(meta, drawn[i][1], &x))
            set_usual(e->usual, i, x);
}

/* Nothing is drawn where do_sample is false. */
static bool draw_as_config(ends *e, const char *path, const json_t *root) {
    for (size_t i = 0; i < DRAWN && !json_is_false(json_object_get(root, "do_sample")); i++) {
        const json_t *x = json_object_get(root, drawn[i][0]);
        if (x && !json_is_null(x) && !json_is_number(x))
            return mx_fail(MX_FORMAT, "[lm] '%s': %s is no number", path, drawn[i][0]);
        if (json_is_number(x))
            set_usual(e->usual, i, json_number_value(x));
    }
    return true;
}

/* --- where files say it ---------------------------------------------------------------------- */

static bool add_gguf(ends *e, const char *path) {
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    mx_source s;
    gguf_head head = {0};
    double id;
    if (!mx_source_file(&s, "lm", path, true))
        return false;
    bool ok = gguf_open(&s, &head);
    for (size_t i = 0; ok && i < sizeof keys / sizeof *keys; i++)
        if (mx_meta_number(&head.meta, keys[i], &id))
            ok = add_said(e, path, keys[i], id);
    if (ok)
        draw_as_gguf(e, &head.meta);
    gguf_close(&head);
    mx_source_close(&s);
    return ok;
}

static bool add_one(ends *e, const char *path, const json_t *id) {
    if (json_is_integer(id))
        return add_said(e, path, "eos_token_id", (double)json_integer_value(id));
    return mx_fail(MX_FORMAT, "[lm] '%s': eos_token_id is no token or list of tokens", path);
}

static bool add_json(ends *e, const char *path, const json_t *ids) {
    json_t *id;
    size_t i;
    if (ids && !json_is_array(ids))
        return add_one(e, path, ids);
    json_array_foreach(ids, i, id) {
        if (!add_one(e, path, id))
            return false;
    }
    return true;
}

static const char generation[] = "generation_config.json";

/* The list in a file of a folder; *there: it has one. */
static bool add_file(ends *e, const char *folder, const char *name, const char *keys, bool *there) {
    struct stat st;
    char *path = mx_text_path(folder, name);
    bool none = path && lstat(path, &st) != 0; // a link to nowhere is an error
    json_t *root = path && !none ? mx_json_load("lm", path) : NULL;
    if (root && !json_is_object(root))
        mx_fail(MX_FORMAT, "[lm] '%s' holds no object", path);
    json_t *ids = root ? mx_json_at(root, keys) : NULL;
    *there = ids;
    bool draws = strcmp(name, generation) == 0;
    bool ok = none || (root && !mx_failed() && add_json(e, path, ids) &&
                       (!draws || draw_as_config(e, path, root)));
    json_decref(root);
    mx_free(path);
    return ok;
}

static bool add_folder(ends *e, const char *folder) {
    bool there = false;
    return add_file(e, folder, generation, "eos_token_id", &there) &&
           (there ||
            add_file(e, folder, "config.json", "eos_token_id|text_config.eos_token_id", &there));
}

static bool add_plain(ends *e, const char *path) {
    bool gguf = false;
    return mx_path_is_gguf("lm", path, &gguf) && (!gguf || add_gguf(e, path));
}

static bool add_all(ends *e, const char *path) {
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return add_known(e) && (folder ? add_folder(e, path) : add_plain(e, path));
}

int *mx_lm_ends(const char *path, const mx_tokenizer *t, bool answers, size_t *n,
                mx_sampling *usual) {
    ends e = {.tokenizer = t, .usual = usual};
    bool ok = mx_grow(&e.token, &e.room, 1, sizeof *e.token) && (!answers || add_all(&e, path));
    *n = e.n;
    if (ok)
        return e.token;
    mx_free(e.token);
    return NULL;
}
