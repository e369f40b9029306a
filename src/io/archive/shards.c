/* The files of a model.
 *
 *     a file                      that file
 *     *.index.json, by content    {"metadata": {...}, "weight_map": {"tensor":
 *                                 "model-00001-of-00002.safetensors", ...}}: the files named there,
 *                                 which are plain names beside it
 *     a folder                    its model.safetensors.index.json, else model.safetensors, the
 *                                 same of PyTorch, else its *.safetensors in the order of their
 *                                 names, else its only *.gguf, or the parts of one
 *
 * Limits: an index of 100 MB, nested 64 deep; MX_MOST_PARTS files.
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ending.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "io/archive/formats.h"
#include "io/gguf/gguf.h"
#include "io/safetensors/safetensors.h"

/* --- files of a list -------------------------------------------------------------------- */

/* path is taken over, also on failure. */
static bool add_file(const char *op, mx_shards *x, char *path) {
    bool full = path && x->files == MX_MOST_PARTS;
    char **file = path && !full ? mx_realloc_array(x->file, x->files + 1, sizeof *file) : NULL;
    if (file) {
        x->file = file;
        x->file[x->files++] = path;
        return true;
    }
    mx_free(path);
    return full ? mx_fail(MX_FORMAT, "[%s] '%s': more than %d files", op, x->label, MX_MOST_PARTS)
                : false;
}

/* --- an index ----------------------------------------------------------------------------- */

static bool fail_index(const char *op, const mx_shards *x, const char *what) {
    return mx_fail(MX_FORMAT, "[%s] '%s' is no index of a model: %s", op, x->label, what);
}

static json_t *parse(const char *op, const mx_shards *x, mx_source *s) {
    json_error_t e;
    if (s->size > ST_MOST_HEADER)
        return fail_index(op, x, "it has more than 100 MB"), NULL;
    if (!s->size)
        return fail_index(op, x, "it is empty"), NULL;
    if (!mx_source_get(s, 0, s->size, "the index"))
        return NULL;
    const char *text = (const char *)s->data;
    if (!st_is_shallow(text, s->size))
        return fail_index(op, x, "it is nested too deeply"), NULL;
    json_t *root = json_loadb(text, s->size, JSON_REJECT_DUPLICATES, &e);
    if (!root)
        mx_fail(MX_FORMAT, "[%s] '%s' at byte %d: it is no index of a model: %s", op, x->label,
                e.position, e.text);
    return root;
}

/* Each file once, in the order in which they are named. */
static bool list_files(const char *op, mx_shards *x, json_t *weights, mx_map *seen) {
    const char *tensor;
    json_t *file;
    json_object_foreach(weights, tensor, file) {
        const char *name = json_string_value(file);
        if (!name)
            return fail_index(op, x, "a file of its weight_map is no string");
        if (mx_map_has(seen, name))
            continue;
        if (!mx_map_set(seen, name, x, NULL) ||
            !add_file(op, x, mx_archive_beside(op, x->label, name)))
            return false;
    }
    return x->files || fail_index(op, x, "its weight_map is empty");
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_index(const char *op, mx_shards *x, mx_source *s) {
    mx_map seen = {0};
    json_t *root = parse(op, x, s), *weights = json_object_get(root, "weight_map");
    bool ok = root && (json_is_object(weights) || fail_index(op, x, "it has no weight_map")) &&
              list_files(op, x, weights, &seen);
    if (ok) {
        x->weights = json_incref(weights);
        qsort(x->file, x->files, sizeof *x->file, by_name);
    }
    mx_map_free(&seen, NULL);
    json_decref(root);
    return ok;
}

/* JSON begins with a brace, and so may the length of a safetensors header, behind which stands
   another one. What is called an index is to be one. */
static bool looks_like_index(mx_source *s) {
    if (mx_has_ending(s->name, ".index.json"))
        return true;
    if (s->size < 16 || !mx_source_get(s, 0, 16, "the file"))
        return false;
    return s->data[0] == '{' && (s->data[8] != '{' || mx_le64(s->data) > s->size);
}

/* x->label is the path. */
static bool of_file(const char *op, mx_shards *x) {
    mx_source s;
    if (!mx_source_file(&s, op, x->label, false))
        return false;
    bool is_index = looks_like_index(&s);
    bool ok =
        !mx_failed() && (is_index ? read_index(op, x, &s) : add_file(op, x, mx_strdup(x->label)));
    mx_source_close(&s);
    return ok;
}

/* --- a folder ----------------------------------------------------------------------------- */

/* Its files of an ending. */
static bool list_folder(const char *op, mx_shards *x, const char *ending) {
    DIR *d = opendir(x->label);
    bool ok = d || mx_fail(MX_IO, "[%s] cannot list the folder '%s'", op, x->label);
    for (struct dirent *e; ok && (e = readdir(d));)
        if (*e->d_name != '.' && mx_has_ending(e->d_name, ending) &&
            strcmp(e->d_name, MX_METADATA_FILE) != 0)
            ok = add_file(op, x, mx_text_path(x->label, e->d_name));
    if (d)
        closedir(d);
    if (ok && x->files)
        qsort(x->file, x->files, sizeof *x->file, by_name);
    return ok;
}

/* Are they the parts of one split model, all there? Then the first of them stands for all. */
static bool is_split(mx_shards *x) {
    bool same = x->files > 1;
    for (size_t i = 0; same && i < x->files; i++) {
        char *path = gguf_part_path(x->file[0], i + 1, x->files);
        same = path && strcmp(path, x->file[i]) == 0;
        mx_free(path);
    }
    for (; same && x->files > 1; x->files--)
        mx_free(x->file[x->files - 1]);
    return same;
}

/* "a/m-00002-of-00003.gguf": "a/m", and 3; 0: it is called otherwise. */
static unsigned part_of(const char *path, size_t *stem) {
    static const char form[] = "-00001-of-00003.gguf";
    unsigned part, parts;
    size_t n = strlen(path), m = strlen(form);
    *stem = n > m ? n - m : 0;
    bool is = n > m && sscanf(path + n - m, "-%5u-of-%5u.", &part, &parts) == 2;
    return is && part && part <= parts ? parts : 0;
}

/* Are they some of the parts of one split model? Then an error that names the first that is not
   there. */
static bool name_missing(const char *op, const mx_shards *x) {
    size_t stem, other;
    unsigned parts = part_of(x->file[0], &stem), i = 0;
    for (size_t k = 1; k < x->files; k++)
        if (part_of(x->file[k], &other) != parts || other != stem ||
            memcmp(x->file[0], x->file[k], stem))
            return true;
    while (i < x->files && atoi(x->file[i] + stem + 1) == (int)i + 1)
        i++;
    return !parts ||
           mx_fail(MX_FORMAT, "[%s] '%.*s-%05u-of-%05u.gguf' is missing: of %u parts there are %zu",
                   op, (int)stem, x->file[0], i + 1, parts, parts, x->files);
}

static bool search_folder(const char *op, mx_shards *x) {
    if (!list_folder(op, x, ".safetensors"))
        return false;
    if (x->files)
        return true;
    if (!list_folder(op, x, ".gguf"))
        return false;
    if (x->files == 1 || is_split(x) || mx_failed() || (x->files && !name_missing(op, x)))
        return !mx_failed();
    return mx_fail(MX_FORMAT,
                   x->files ? "[%s] the folder '%s' holds several GGUF files: name one"
                            : "[%s] the folder '%s' holds no model that can be read",
                   op, x->label);
}

static bool of_folder(const char *op, mx_shards *x) {
    static const char *const known[] = {"model.safetensors.index.json", "model.safetensors",
                                        "pytorch_model.bin.index.json", "pytorch_model.bin"};
    struct stat s;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char *path = mx_text_path(x->label, known[i]);
        if (!path)
            return false;
        if (stat(path, &s) == 0) {
            mx_free(x->label);
            x->label = path;
            return of_file(op, x);
        }
        mx_free(path);
    }
    return search_folder(op, x);
}

bool mx_shards_find(const char *op, const char *path, mx_shards *out) {
    struct stat s;
    *out = (mx_shards){.label = mx_strdup(path)};
    if (!out->label)
        return false;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode) ? of_folder(op, out) : of_file(op, out);
}

/* --- what was read against it --------------------------------------------------------------- */

static bool is_beside(const char *path, const char *name) {
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, name) == 0;
}

bool mx_shards_check(const char *op, const mx_shards *x, const mx_archive *a) {
    const char *tensor;
    json_t *file;
    json_object_foreach((json_t *)x->weights, tensor, file) {
        int64_t i = mx_archive_find(a, tensor);
        if (i < 0 || !is_beside(a->part[a->tensor[i].part].path, json_string_value(file)))
            return mx_fail(MX_FORMAT,
                           "[%s] '%s': the tensor '%.200s' is not in '%s', where the index has it",
                           op, x->label, tensor, json_string_value(file));
    }
    return true;
}

void mx_shards_free(mx_shards *x) {
    for (size_t i = 0; i < x->files; i++)
        mx_free(x->file[i]);
    mx_free(x->file);
    mx_free(x->label);
    json_decref(x->weights);
    *x = (mx_shards){0};
}
