/* The other files of a model's folder: config.json, tokenizer, templates. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model.h"

/* "folder/name", for free. */
static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder);
    char *path = malloc(n + strlen(name) + 2);
    if (path)
        sprintf(path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

/* Is it one of the files that the tensors lie in, or their index? */
static bool is_tensors(mlx_file f, const char *path, const char *name) {
    static const char ending[] = ".index.json";
    size_t n = strlen(name), m = sizeof ending - 1;
    struct stat a, b;
    const char *part;
    uint64_t bytes;
    if (stat(path, &a) || !S_ISREG(a.st_mode) || (n >= m && !strcmp(name + n - m, ending)))
        return true;
    for (int i = 0; i < mlx_file_part_count(f); i++)
        if (mlx_file_part(&part, &bytes, f, i) == 0 && stat(part, &b) == 0 &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return true;
    return false;
}

static bool copy_bytes(FILE *from, FILE *to) {
    char room[1 << 16];
    size_t n;
    while ((n = fread(room, 1, sizeof room, from)))
        if (fwrite(room, 1, n, to) != n)
            return false;
    return !ferror(from);
}

/* False: errno says why. What is there stays. */
static bool copy_file(const char *from, const char *to) {
    FILE *in = fopen(from, "rb"), *out = in ? fopen(to, "wbx") : NULL;
    bool there = in && !out && errno == EEXIST, ok = out && copy_bytes(in, out);
    int why = errno;
    if (in)
        fclose(in);
    if (out && fclose(out) && ok) {
        ok = false;
        why = errno;
    }
    if (out && !ok)
        remove(to);
    errno = why;
    return ok || there;
}

static int copy_one(cli_call *c, mlx_file f, const char *folder, const char *name, const char *to) {
    char *from = join(folder, name), *path = join(to, name);
    int status = CLI_OK;
    if (!from || !path)
        status = cli_fail(c, "out of memory");
    else if (!is_tensors(f, from, name) && !copy_file(from, path))
        status = cli_fail(c, "'%s' cannot be copied to '%s': %s", from, path, strerror(errno));
    free(from);
    free(path);
    return status;
}

int cli_copy_beside(cli_call *c, mlx_file f, const char *folder, const char *to) {
    DIR *d = opendir(folder);
    int status = d ? CLI_OK : cli_fail(c, "'%s' cannot be read: %s", folder, strerror(errno));
    struct dirent *e;
    while (status == CLI_OK && (e = readdir(d)))
        status = e->d_name[0] == '.' ? CLI_OK : copy_one(c, f, folder, e->d_name, to);
    if (d)
        closedir(d);
    return status;
}
