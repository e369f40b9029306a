/* Checksums that somebody left:
 *
 *     model.gguf.sha256                  "<64 digits>", also with a name behind
 *     SHA256SUMS, sha256sums.txt         lines "<64 digits> [ *]model.gguf"
 *     snapshots/<revision>/model.gguf    a link to ../../blobs/<64 digits>: the Hugging Face cache
 *     .cache/huggingface/download/model.gguf.metadata    the second line, of its downloads
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checksum.h"

enum { DIGITS = 64, LINE = 4096 };

/* Does the text begin with a digest, and does none of its digits follow? */
static int take_digest(char *hex, const char *text) {
    for (int i = 0; i < DIGITS; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return 0;
        hex[i] = (char)tolower((unsigned char)text[i]);
    }
    hex[DIGITS] = 0;
    return !isalnum((unsigned char)text[DIGITS]);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The file beside `path` whose name is before + its name + after, or `before` alone. */
static FILE *open_beside(const char *path, const char *before, const char *after) {
    const char *name = name_of(path);
    char *full = malloc(strlen(path) + strlen(before) + (after ? strlen(after) : 0) + 1);
    if (!full)
        return NULL;
    sprintf(full, "%.*s%s%s%s", (int)(name - path), path, before, after ? name : "",
            after ? after : "");
    FILE *f = fopen(full, "re");
    free(full);
    return f;
}

/* The name behind a line's digest; "": none. Lines end as any system ends them. */
static const char *name_behind(char *line) {
    line[strcspn(line, "\r\n")] = 0;
    const char *name = line + DIGITS;
    return name + strspn(name, " *\t");
}

enum { ABSENT, BROKEN, OTHER, RIGHT };

/* What FILE.sha256 is. */
static int sidecar(char *hex, const char *path) {
    char line[LINE] = "";
    FILE *f = open_beside(path, "", ".sha256");
    if (!f)
        return ABSENT;
    int state = fgets(line, sizeof line, f) && take_digest(hex, line) ? RIGHT : BROKEN;
    const char *name = state == RIGHT ? name_behind(line) : "";
    if (*name && strcmp(name_of(name), name_of(path)))
        state = OTHER;
    fclose(f);
    return state;
}

const char *cli_checksum_fault(const char *path) {
    char hex[DIGITS + 1];
    int state = sidecar(hex, path);
    return state == BROKEN  ? "its .sha256 file begins with no SHA-256"
           : state == OTHER ? "its .sha256 file names another file"
                            : NULL;
}

/* The line of this name; sums written on another system have their own end of line. */
static int from_sums(char *hex, const char *path, const char *list) {
    char line[LINE];
    int found = 0;
    FILE *f = open_beside(path, list, NULL);
    while (f && !found && fgets(line, sizeof line, f)) {
        if (!take_digest(hex, line))
            continue;
        const char *name = name_behind(line);
        found = strcmp(strncmp(name, "./", 2) ? name : name + 2, name_of(path)) == 0;
    }
    if (f)
        fclose(f);
    return found;
}

static int from_link(char *hex, const char *path) {
    char target[LINE];
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    return strlen(name_of(target)) == DIGITS && take_digest(hex, name_of(target));
}

static int from_downloads(char *hex, const char *path) {
    char line[LINE];
    FILE *f = open_beside(path, ".cache/huggingface/download/", ".metadata");
    int found =
        f && fgets(line, sizeof line, f) && fgets(line, sizeof line, f) && take_digest(hex, line);
    if (f)
        fclose(f);
    return found;
}

const char *cli_checksum_wanted(char hex[65], const char *path) {
    if (sidecar(hex, path) == RIGHT)
        return "sidecar";
    if (from_sums(hex, path, "SHA256SUMS") || from_sums(hex, path, "sha256sums.txt"))
        return "list";
    if (from_link(hex, path))
        return "cache";
    return from_downloads(hex, path) ? "download" : NULL;
}
