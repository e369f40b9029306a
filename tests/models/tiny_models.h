/* Tiny models of every family: checkpoints that the test writes itself, and what transformers
 * answers with them (tests/data/families, made by make_families.py).
 *
 *     tiny_model t;
 *     if (tiny_open(&t, "llama.json")) ... t.path, t.tokens, t.rows
 *     tiny_close(&t);
 */
#ifndef TINY_MODELS_H
#define TINY_MODELS_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "io/archive/archive.h"
#include "io_files.h"
#include "models/decoder/graph.h"
#include "models/json.h"
#include "ops/ops.h"

typedef struct tiny_model {
    json_t *document;
    char path[512];
    int count;                 /* tokens */
    int tokens[64], types[64]; /* of a pair of texts */
    int row_count;
    int64_t width; /* of a row */
    float *rows;
} tiny_model;

/* What a name's numbers begin with: FNV-1a. */
static uint64_t tiny_seed(const char *name) {
    uint64_t h = 0xCBF29CE484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001B3u;
    return h;
}

static float tiny_number(uint64_t seed, uint64_t i) {
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (float)((double)(z >> 40) / (1 << 23) - 1);
}

/* float32, around 1 for vectors that are weights, else around 0. */
static mx_array *tiny_tensor(const char *name, const int *shape, int ndim) {
    size_t n = strlen(name);
    bool norm = ndim == 1 && n > 6 && strcmp(name + n - 6, "weight") == 0;
    mx_array *a = mx_array_empty(shape, ndim, MX_FLOAT32);
    float *v = a ? (float *)(void *)a->data : NULL;
    for (int64_t i = 0; a && i < a->size; i++)
        v[i] = (norm ? 1.0f : 0.0f) + tiny_number(tiny_seed(name), (uint64_t)i) * 0.25f;
    return a;
}

/* Bytes, where the name says so: exponents near those of 1, or any codes. */
static bool tiny_is_bytes(const char *name) {
    size_t n = strlen(name);
    return n > 7 && (!strcmp(name + n - 7, "_blocks") || !strcmp(name + n - 7, "_scales"));
}

static mx_array *tiny_bytes(const char *name, const int *shape, int ndim) {
    bool scales = strcmp(name + strlen(name) - 7, "_scales") == 0;
    int low = scales ? 118 : 0, count = scales ? 6 : 256;
    mx_array *a = mx_array_empty(shape, ndim, MX_UINT8);
    for (int64_t i = 0; a && i < a->size; i++) {
        float u = (tiny_number(tiny_seed(name), (uint64_t)i) * 0.25f + 0.25f) * 2;
        int c = (int)(u * (float)count);
        ((uint8_t *)a->data)[i] = (uint8_t)(low + (c < count ? c : count - 1));
    }
    return a;
}

static int tiny_shape(const json_t *list, int *shape) {
    int n = (int)json_array_size(list);
    for (int i = 0; i < n; i++)
        shape[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return n;
}

static bool tiny_write_tensors(const json_t *document, const char *path) {
    const char *name;
    json_t *list, *all = json_object_get(document, "tensors");
    int shape[8];
    mx_archive_writer *w = mx_archive_create(path, "safetensors", 0);
    json_object_foreach(all, name, list)
        mx_archive_declare(w, name, tiny_is_bytes(name) ? "uint8" : "float32", shape,
                           tiny_shape(list, shape));
    json_object_foreach(all, name, list) {
        int n = tiny_shape(list, shape);
        mx_archive_put(w, name, (tiny_is_bytes(name) ? tiny_bytes : tiny_tensor)(name, shape, n));
    }
    bool ok = w && mx_archive_finish(w);
    mx_archive_writer_free(w);
    return ok;
}

static bool tiny_write_config(const json_t *config, const char *folder_path) {
    char path[600];
    snprintf(path, sizeof path, "%s/config.json", folder_path);
    return json_dump_file(config, path, JSON_INDENT(2)) == 0;
}

static void tiny_read(tiny_model *t) {
    json_t *tokens = json_object_get(t->document, "tokens"),
           *rows = json_object_get(t->document, "rows"),
           *types = json_object_get(t->document, "types");
    t->count = (int)json_array_size(tokens);
    for (int i = 0; i < t->count; i++)
        t->tokens[i] = (int)json_integer_value(json_array_get(tokens, (size_t)i));
    for (int i = 0; i < t->count; i++)
        t->types[i] = (int)json_integer_value(json_array_get(types, (size_t)i));
    t->row_count = (int)json_array_size(rows);
    t->width = (int64_t)json_array_size(json_array_get(rows, 0));
    t->rows = malloc((size_t)t->row_count * (size_t)t->width * sizeof *t->rows);
    for (int i = 0; i < t->row_count; i++)
        for (int64_t k = 0; k < t->width; k++)
            t->rows[i * t->width + k] =
                (float)json_number_value(json_array_get(json_array_get(rows, (size_t)i),
                                                        (size_t)k));
}

/* name: of a file in a folder of tests/data. The model lies in a folder that files_done removes. */
static bool tiny_open_of(tiny_model *t, const char *where, const char *name) {
    char path[1024], tensors[600];
    *t = (tiny_model){0};
    snprintf(path, sizeof path, "%s/tests/data/%s/%s", check_source(), where, name);
    t->document = json_load_file(path, 0, NULL);
    if (!CHECK_MSG(t->document, "%s", path))
        return false;
    snprintf(t->path, sizeof t->path, "%s", own_path(name));
    snprintf(tensors, sizeof tensors, "%s/model.safetensors", t->path);
    tiny_read(t);
    mkdir(t->path, 0777);
    return CHECK_MSG(tiny_write_config(json_object_get(t->document, "config"), t->path) &&
                         tiny_write_tensors(t->document, tensors),
                     "%s: %s", name, mx_error_message());
}

__attribute__((unused)) static bool tiny_open(tiny_model *t, const char *name) {
    return tiny_open_of(t, "families", name);
}

__attribute__((unused)) static void tiny_close(tiny_model *t) {
    json_decref(t->document);
    free(t->rows);
}

/* The largest distance to rows of the fixture, in parts of the largest number. */
__attribute__((unused)) static double tiny_distance(const tiny_model *t, const float *rows,
                                                    int64_t first, int64_t count) {
    double most = 0, largest = 1;
    for (int64_t i = 0; i < count * t->width; i++) {
        double want = t->rows[first * t->width + i], d = fabs(rows[i] - want);
        largest = fmax(largest, fabs(want));
        most = d <= most ? most : isnan(d) ? INFINITY : d;
    }
    return most / largest;
}

/* The names of the fixtures, or those with a word in them. */
__attribute__((unused)) static int tiny_names(char (*names)[64], int most, const char *word) {
    char path[1024];
    int n = 0;
    struct dirent *e;
    snprintf(path, sizeof path, "%s/tests/data/families", check_source());
    DIR *d = opendir(path);
    while (d && n < most && (e = readdir(d)))
        if (strstr(e->d_name, ".json") && strlen(e->d_name) < 64 &&
            (!word || strstr(e->d_name, word)))
            strcpy(names[n++], e->d_name);
    if (d)
        closedir(d);
    return n;
}

#endif
