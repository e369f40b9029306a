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
} ends;

static bool add(ends *e, double id) {
    if (!(id >= 0 && id < (double)mx_tokenizer_size(e->tokenizer)))
        return true;
    for (size_t i = 0; i < e->n; i++)
        if (e->token[i] == (int)id)
            return true;
    if (!mx_grow(&e->token, &e->room, e->n + 1, sizeof *e->token))
        return false;
    e->token[e->n++] = (int)id;
    return true;
}

static bool add_known(ends *e) {
    bool ok = add(e, mx_tokenizer_role(e->tokenizer, MX_TOKEN_EOS));
    for (size_t i = 0; ok && i < sizeof known / sizeof *known; i++) {
        int32_t id = mx_tokenizer_id(e->tokenizer, known[i], strlen(known[i]));
        if (id >= 0 && mx_tokenizer_is_special(e->tokenizer, id))
            ok = add(e, id);
    }
    return ok;
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
            ok = add(e, id);
    gguf_close(&head);
    mx_source_close(&s);
    return ok;
}

static bool add_one(ends *e, const char *path, const json_t *id) {
    if (json_is_integer(id))
        return add(e, (double)json_integer_value(id));
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

/* The list in a file of a folder; *there: it has one. */
static bool add_file(ends *e, const char *folder, const char *name, const char *keys, bool *there) {
    struct stat st;
    char *path = mx_text_path(folder, name);
    bool none = path && stat(path, &st) != 0;
    json_t *root = path && !none ? mx_json_load("lm", path) : NULL;
    json_t *ids = root ? mx_json_at(root, keys) : NULL;
    *there = ids;
    bool ok = none || (root && add_json(e, path, ids));
    json_decref(root);
    mx_free(path);
    return ok;
}

static bool add_folder(ends *e, const char *folder) {
    bool there = false;
    return add_file(e, folder, "generation_config.json", "eos_token_id", &there) &&
           (there ||
            add_file(e, folder, "config.json", "eos_token_id|text_config.eos_token_id", &there));
}

static bool add_plain(ends *e, const char *path) {
    bool gguf = false;
    return mx_path_is_gguf("lm", path, &gguf) && (!gguf || add_gguf(e, path));
}

int *mx_lm_ends(const char *path, const mx_tokenizer *t, size_t *n) {
    struct stat st;
    ends e = {t, NULL, 0, 0};
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    bool ok = mx_grow(&e.token, &e.room, 1, sizeof *e.token) && add_known(&e) &&
              (folder ? add_folder(&e, path) : add_plain(&e, path));
    *n = e.n;
    if (ok)
        return e.token;
    mx_free(e.token);
    return NULL;
}
