/* Opening models, and what stands beside them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"

enum { MOST_CONFIG = 16 << 20 };

/* "org/model": one slash, neither at the beginning nor at the end. */
static bool may_be_model(const char *path) {
    const char *slash = strchr(path, '/');
    return slash && slash != path && slash[1] && !strchr(slash + 1, '/') && *path != '.';
}

static char *path_of(const char *argument) {
    struct stat s;
    mlx_string folder = mlx_string_new();
    char *path = NULL;
    if (stat(argument, &s) && may_be_model(argument) && mlx_hub_find(&folder, argument, NULL) == 0)
        path = strdup(mlx_string_data(folder));
    mlx_string_free(folder);
    return path ? path : strdup(argument);
}

int cli_find(cli_call *c, char **path, const char *argument) {
    struct stat s;
    *path = path_of(argument);
    if (!*path)
        return cli_fail(c, "out of memory");
    if (stat(*path, &s) == 0 || !may_be_model(*path))
        return CLI_OK; // what is wrong with it who opens it will say
    free(*path);
    *path = NULL;
    return cli_fail(c, "'%s' is neither a file nor a model that the cache has: mlx pull %s",
                    argument, argument);
}

int cli_open(cli_call *c, mlx_file *f, const char *argument) {
    char *path;
    int status = cli_find(c, &path, argument);
    if (status == CLI_OK && mlx_file_open(f, path, false))
        status = cli_library(c);
    free(path);
    return status;
}

/* More of a file behind the n bytes of text; -1: it cannot be read. */
static ssize_t take_more(int fd, char *text, size_t n, size_t room) {
    ssize_t got = -1;
    do
        got = cli_readable(fd) ? read(fd, text + n, room - n) : -1;
    while (got < 0 && errno == EINTR && !cli_interrupted());
    return got;
}

enum { MOST_TEXT = 1 << 30 }; // which tokenizers take, too

char *cli_take(FILE *f, size_t *n) {
    size_t room = 1 << 16;
    char *text = malloc(room);
    ssize_t got = 1;
    for (*n = 0; text && got > 0; *n += got > 0 ? (size_t)got : 0) {
        char *more = *n + 1 >= room ? realloc(text, room *= 2) : text;
        if (!more)
            free(text);
        text = more;
        got = text ? take_more(fileno(f), text, *n, room - 1) : -1;
        if (got > 0 && *n + (size_t)got > MOST_TEXT) // of a device without an end
            errno = EFBIG, got = -1;
    }
    if (text && got == 0) {
        text[*n] = 0;
        return text;
    }
    free(text);
    return NULL;
}

char *cli_take_file(cli_call *c, const char *path, size_t *n) {
    bool in = strcmp(path, "-") == 0;
    FILE *f = in ? stdin : fopen(path, "rb");
    char *text = f ? cli_take(f, n) : NULL;
    if (!text)
        cli_fail(c, "%s: %s", in ? "stdin" : path, strerror(errno ? errno : ENOMEM));
    if (f && !in)
        fclose(f);
    return text;
}

json_t *cli_json_file(cli_call *c, const char *path) {
    json_error_t error;
    size_t n;
    char *text = cli_take_file(c, path, &n);
    json_t *doc = text ? json_loadb(text, n, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (text && !doc)
        cli_fail(c, "%s, line %d: %s", path, error.line, error.text);
    free(text);
    return doc;
}

uint64_t cli_tensor_bytes(mlx_file f) {
    uint64_t bytes = 0;
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++)
        if (mlx_file_get(&t, f, i) == 0)
            bytes += t.bytes;
    return bytes;
}

const char *cli_dtype_name(mlx_dtype dtype) {
    static const char *const names[] = {
        [MLX_BOOL] = "bool",         [MLX_UINT8] = "uint8",        [MLX_UINT16] = "uint16",
        [MLX_UINT32] = "uint32",     [MLX_UINT64] = "uint64",      [MLX_INT8] = "int8",
        [MLX_INT16] = "int16",       [MLX_INT32] = "int32",        [MLX_INT64] = "int64",
        [MLX_FLOAT16] = "float16",   [MLX_FLOAT32] = "float32",    [MLX_FLOAT64] = "float64",
        [MLX_BFLOAT16] = "bfloat16", [MLX_COMPLEX64] = "complex64"};
    size_t i = (size_t)dtype;
    return i < sizeof names / sizeof *names ? names[i] : "";
}

bool cli_is_float(mlx_dtype dtype) {
    return dtype >= MLX_FLOAT16 && dtype <= MLX_COMPLEX64;
}

json_t *cli_beside(mlx_file f, const char *name, json_error_t *why) {
    const char *path;
    uint64_t bytes;
    *why = (json_error_t){0};
    if (mlx_file_part(&path, &bytes, f, 0))
        return NULL;
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
    char *full = malloc(folder + strlen(name) + 1);
    if (!full)
        return NULL;
    sprintf(full, "%.*s%s", (int)folder, path, name);
    struct stat s;
    // plain files alone: what is read from a pipe, say, would be gone
    bool plain = stat(full, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= MOST_CONFIG;
    json_t *doc = plain ? json_load_file(full, JSON_REJECT_DUPLICATES, why) : NULL;
    free(full);
    return doc;
}
