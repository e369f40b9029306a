/* Files and metadata in common: see side.h. */
#include "models/convert/side/side.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/mixture.h"

static const char op[] = "convert";

const char *const mx_side_names[] = {"tokenizer.json",
                                     "tokenizer_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "generation_config.json",
                                     "chat_template.jinja",
                                     "chat_template.json",
                                     "tokenizer.model",
                                     "vocab.json",
                                     "merges.txt",
                                     "vocab.txt",
                                     "modules.json",
                                     "sentence_bert_config.json",
                                     "config_sentence_transformers.json",
                                     "1_Pooling/config.json",
                                     NULL};

const char *mx_side_key(const char *name, char *room, size_t n) {
    if (strcmp(name, "tokenizer.json") == 0)
        return "tokenizer.huggingface.json";
    snprintf(room, n, "mlx.file.%s", name);
    return room;
}

/* --- files ----------------------------------------------------------------------------------- */

static char *read_path(const char *path, size_t *n) {
    mx_source s;
    char *copy = NULL;
    if (!mx_source_file(&s, op, path, false))
        return NULL;
    if (s.size > MX_JSON_MOST)
        mx_source_fail(&s, 0, "it has more than 100 MB");
    else if (mx_source_get(&s, 0, s.size, "the file"))
        copy = mx_malloc(s.size + 1);
    if (copy) {
        memcpy(copy, s.data, s.size);
        copy[s.size] = 0;
        *n = s.size;
    }
    mx_source_close(&s);
    return copy;
}

char *mx_side_read(const char *folder, const char *name, size_t *n) {
    struct stat s;
    char *path = folder ? mx_text_path(folder, name) : NULL;
    char *bytes = path && stat(path, &s) == 0 && S_ISREG(s.st_mode) ? read_path(path, n) : NULL;
    mx_free(path);
    return bytes;
}

typedef struct content {
    const char *bytes;
    size_t n;
} content;

static bool put_content(mx_sink *k, void *what) {
    const content *c = what;
    return mx_sink_put(k, c->bytes, c->n);
}

/* The folder that a name lies in, inside of the folder. */
static bool make_parent(const char *path, const char *name) {
    const char *slash = strrchr(name, '/');
    char *parent = slash ? mx_strdup(path) : NULL;
    if (!slash)
        return true;
    if (parent)
        parent[strlen(path) - strlen(slash)] = 0;
    bool ok = parent && (mkdir(parent, 0777) == 0 || errno == EEXIST);
    if (parent && !ok)
        mx_fail(MX_IO, "[%s] '%s': %s", op, parent, strerror(errno));
    mx_free(parent);
    return ok;
}

bool mx_side_write(const char *folder, const char *name, const char *bytes, size_t n) {
    content c = {bytes, n};
    char *path = mx_text_path(folder, name);
    bool ok = path && make_parent(path, name) && mx_sink_file(op, path, "", put_content, &c);
    mx_free(path);
    return ok;
}

/* --- the base -------------------------------------------------------------------------------- */

const mx_archive *mx_side_base(const mx_model *m) {
    return m->is_gguf ? m->archive : m->side;
}

/* Are these the same numbers in another packing? */
static bool is_repacked(const mx_output *o) {
    mx_elements e;
    const mx_block_format *f = o->held.block ? o->held.block : o->made.block;
    const mx_elements *words = o->held.block ? &o->made : &o->held;
    return f && mx_elements_are_words(words) && mx_repack_words_of(f, &e) &&
           e.quant.mode == words->quant.mode && e.quant.bits == words->quant.bits;
}

static bool holds_the_same(const mx_conversion *p) {
    for (size_t i = 0; i < p->count; i++) {
        const mx_output *o = &p->output[i];
        if (o->stack && !mx_elements_same(&o->held, &o->made) && !is_repacked(o))
            return false;
    }
    return true;
}

bool mx_side_copy(const mx_conversion *p, mx_map *meta) {
    const mx_archive *base = mx_side_base(p->model);
    bool same = holds_the_same(p), ok = true;
    for (size_t i = 0; ok && base && i < base->meta.count; i++) {
        const char *key = base->meta.entry[i].key;
        if (strncmp(key, "split.", 6) == 0 || (!same && strcmp(key, "general.file_type") == 0))
            continue;
        ok = mx_meta_put(meta, key, mx_meta_copy(base->meta.entry[i].value));
    }
    return ok;
}

/* --- the type -------------------------------------------------------------------------------- */

/* Of general.file_type, as the gguf package lists it: what most of a file is. */
static const struct {
    const char *storage;
    int type;
} file_types[] = {
    {"float32", 0},     {"float16", 1},   {"q4_0", 2},     {"q4_1", 3},    {"q8_0", 7},
    {"q5_0", 8},        {"q5_1", 9},      {"q2_k", 10},    {"q3_k", 11},   {"q4_k", 14},
    {"q5_k", 16},       {"q6_k", 18},     {"iq2_xxs", 19}, {"iq2_xs", 20}, {"iq3_xxs", 23},
    {"iq1_s", 24},      {"iq4_nl", 25},   {"iq3_s", 26},   {"iq2_s", 28},  {"iq4_xs", 30},
    {"iq1_m", 31},      {"bfloat16", 32}, {"tq1_0", 36},   {"tq2_0", 37},  {"mxfp4_gguf", 38},
    {"nvfp4_gguf", 39}, {"q1_0", 40},
};
enum { FILE_TYPES = sizeof file_types / sizeof *file_types };

static int type_number(const char *storage) {
    for (int i = 0; storage && i < FILE_TYPES; i++)
        if (strcmp(file_types[i].storage, storage) == 0)
            return i;
    return -1;
}

int mx_side_file_type(const mx_conversion *p) {
    uint64_t held[FILE_TYPES] = {0};
    int most = 0;
    if (p->choice->mixture)
        return p->choice->mixture->file_type;
    for (size_t i = 0; i < p->count; i++) {
        const mx_output *o = &p->output[i];
        int k = type_number(o->made.storage);
        uint64_t n = o->shape.ndim > 1;
        for (int d = 0; d < o->shape.ndim; d++)
            n *= (uint64_t)o->shape.dim[d];
        if (k >= 0 && (held[k] += n) > held[most])
            most = k;
    }
    return file_types[most].type;
}
