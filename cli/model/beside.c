/* The other files of a model's folder: config.json, tokenizer, templates, modules. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model.h"

typedef struct walk {
    cli_call *c;
    mlx_file f;
    bool copies; /* else it asks whether it may */
} walk;

/* "folder/name", for free. */
static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder);
    char *path = malloc(n + strlen(name) + 2);
    if (path)
        sprintf(path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is it one of the files that the tensors lie in, or their index? */
static bool is_tensors(mlx_file f, const struct stat *s, const char *name) {
    struct stat own;
    const char *part;
    uint64_t bytes;
    for (int i = 0; i < mlx_file_part_count(f); i++)
        if (mlx_file_part(&part, &bytes, f, i) == 0 && stat(part, &own) == 0 && is_same(s, &own))
            return true;
    return cli_ends_with(name, ".index.json");
}

/* --- one file --------------------------------------------------------------------------------- */

static bool has_same_bytes(const char *a, const char *b) {
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    size_t n = 0, m = 0;
    char *x = f ? cli_take(f, &n) : NULL, *y = g ? cli_take(g, &m) : NULL;
    bool same = x && y && n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    if (f)
        fclose(f);
    if (g)
        fclose(g);
    return same;
}

static bool copy_bytes(FILE *from, FILE *to) {
    char room[1 << 16];
    size_t n;
    while ((n = fread(room, 1, sizeof room, from)))
        if (fwrite(room, 1, n, to) != n)
            return false;
    return !ferror(from);
}

/* Whole or not at all; false: errno says why. */
static bool copy_file(const char *from, const char *to) {
    char *temp = malloc(strlen(to) + 8);
    if (!temp)
        return false;
    sprintf(temp, "%s.tmp", to);
    FILE *in = fopen(from, "rb"), *out = in ? fopen(temp, "wb") : NULL;
    bool ok = out && copy_bytes(in, out);
    int why = errno;
    if (in)
        fclose(in);
    if (out && fclose(out) && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(temp, to)) {
        ok = false;
        why = errno;
    }
    if (out && !ok)
        remove(temp);
    free(temp);
    errno = why;
    return ok;
}

static int take_file(const walk *w, const char *from, const struct stat *s, const char *to) {
    struct stat there;
    bool is_there = stat(to, &there) == 0;
    if (is_there && (is_same(s, &there) || has_same_bytes(from, to)))
        return CLI_OK;
    if (is_there && !cli_flag(w->c, "overwrite"))
        return cli_fail(w->c, "'%s' exists, and may not be overwritten (--overwrite)", to);
    if (!w->copies || copy_file(from, to))
        return CLI_OK;
    return cli_fail(w->c, "'%s' cannot be copied to '%s': %s", from, to, strerror(errno));
}

/* --- folders ---------------------------------------------------------------------------------- */

static int take_folder(const walk *w, const char *folder, const char *to, bool inner);

/* Modules have folders of their own, with a config.json. */
static int take_module(const walk *w, const char *from, const char *to) {
    struct stat s;
    char *config = join(from, "config.json");
    bool is_module = config && stat(config, &s) == 0;
    free(config);
    if (!is_module)
        return CLI_OK;
    if (w->copies && mkdir(to, 0777) && errno != EEXIST)
        return cli_fail(w->c, "the folder '%s' cannot be made: %s", to, strerror(errno));
    return take_folder(w, from, to, true);
}

static int take(const walk *w, const char *folder, const char *name, const char *to, bool inner) {
    struct stat s;
    char *from = join(folder, name), *path = join(to, name);
    int status = CLI_OK;
    if (!from || !path)
        status = cli_fail(w->c, "out of memory");
    else if (stat(from, &s) == 0 && S_ISDIR(s.st_mode) && !inner)
        status = take_module(w, from, path);
    else if (stat(from, &s) == 0 && S_ISREG(s.st_mode) && !is_tensors(w->f, &s, name))
        status = take_file(w, from, &s, path);
    free(from);
    free(path);
    return status;
}

static int take_folder(const walk *w, const char *folder, const char *to, bool inner) {
    DIR *d = opendir(folder);
    int status = d ? CLI_OK : cli_fail(w->c, "'%s' cannot be read: %s", folder, strerror(errno));
    struct dirent *e;
    while (status == CLI_OK && (e = readdir(d)))
        status = e->d_name[0] == '.' ? CLI_OK : take(w, folder, e->d_name, to, inner);
    if (d)
        closedir(d);
    return status;
}

int cli_check_beside(cli_call *c, mlx_file f, const char *folder, const char *to) {
    return take_folder(&(walk){c, f, false}, folder, to, false);
}

int cli_copy_beside(cli_call *c, mlx_file f, const char *folder, const char *to) {
    return take_folder(&(walk){c, f, true}, folder, to, false);
}
