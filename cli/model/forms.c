/* The files that a model may be, beside those that it is: see model.h. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* "-00002-of-00003.gguf" of so many parts; 0: another text. */
static int parts_said(const char *text, const char *format) {
    int part, parts, n = 0;
    if (sscanf(text, "-%5d-of-%5d.%n", &part, &parts, &n) != 2 || n != 16)
        return 0;
    return strcmp(text + n, format) == 0 && parts > 0 ? parts : 0;
}

/* Is `name` a form of the model `base` that one of so many parts is not? */
static bool is_other(const char *name, const char *base, const char *format, int64_t parts) {
    size_t n = strlen(base), stem = n - (cli_has_ending(base, format) ? strlen(format) + 1 : 0);
    if (strncmp(name, base, n) == 0 && (!name[n] || strcmp(name + n, ".index.json") == 0))
        return name[n] ? parts == 1 : parts > 1;
    int said = strncmp(name, base, stem) == 0 ? parts_said(name + stem, format) : 0;
    return said && (parts == 1 || said != parts);
}

int cli_other_forms(cli_call *c, mlx_file f, const char *path, const char *format, int64_t parts,
                    cli_form_fn *does) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t head = (size_t)(base - path);
    char *folder = head ? strndup(path, head) : strdup(".");
    DIR *d = folder ? opendir(folder) : NULL;
    struct dirent *e;
    int status = CLI_OK;
    while (d && status == CLI_OK && (e = readdir(d))) {
        char *other = malloc(head + strlen(e->d_name) + 1);
        if (other)
            sprintf(other, "%.*s%s", (int)head, path, e->d_name);
        if (!other || is_other(e->d_name, base, format, parts))
            status = other ? does(c, f, other) : cli_fail(c, "out of memory");
        free(other);
    }
    if (d)
        closedir(d);
    free(folder);
    return status;
}
