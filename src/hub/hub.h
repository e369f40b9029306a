/* Models of the Hugging Face Hub: see mlx/c/hub.h for the cache and the environment.
 *
 *     settings.c   the environment
 *     cache.c      folders, names, links
 *     listing.c    what the hub says of a model: commit, files, sizes, SHA-256
 *     http.c       libcurl, loaded late
 *     pull.c       files that are missing, several at a time
 *     sha256.c
 *
 * What the hub says is not trusted: names of files stay inside of the snapshot, ids are
 * hexadecimal, answers have limits, and bytes count when their digest is right. The token goes to
 * the endpoint and nowhere else.
 *
 * Limits: MX_HUB_MOST_ANSWER bytes of a listing, MX_HUB_MOST_FILES files.
 */
#ifndef MX_HUB_HUB_H
#define MX_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MX_HUB_MOST_ANSWER = 64 << 20, MX_HUB_MOST_FILES = 100000, MX_HUB_HEX = 65 };

/* --- the environment --------------------------------------------------------------------- */

typedef struct mx_hub_settings {
    char *endpoint; /* without a slash at the end */
    char *token;    /* NULL: none */
    char *cache;
    bool offline;
} mx_hub_settings;

/* False and an error: there is no home, no memory. Free it either way. */
bool mx_hub_settings_read(mx_hub_settings *s);
void mx_hub_settings_free(mx_hub_settings *s);

/* --- the cache ----------------------------------------------------------------------------- */

/* Is it "org/model" or "model", of letters, digits, '.', '-' and '_'? If not: an error. */
bool mx_hub_check_model(const char *model);
bool mx_hub_is_hex(const char *text, size_t least, size_t most);
/* <cache>/models--org--model followed by what format says; for mx_free. */
char *mx_hub_path(const mx_hub_settings *s, const char *model, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The folder of a revision; NULL: the cache has none (no error), or an error. For mx_free. */
char *mx_hub_snapshot(const mx_hub_settings *s, const char *model, const char *revision);
/* All folders above a path. */
bool mx_hub_make_folders(const char *path);
/* A link at `path`, inside of a snapshot, to the blob of an id; `name` is the file's name there. */
bool mx_hub_link(const char *path, const char *name, const char *id);

/* --- what the hub says ---------------------------------------------------------------------- */

typedef struct mx_hub_file {
    char *name;
    char id[MX_HUB_HEX];     /* of its blob */
    char sha256[MX_HUB_HEX]; /* "": the hub has none; of small files */
    uint64_t size;
} mx_hub_file;

typedef struct mx_hub_listing {
    char commit[MX_HUB_HEX];
    mx_hub_file *file;
    size_t count;
} mx_hub_listing;

/* The files whose names fit one of the patterns (none: all). False and an error; free it either
   way. */
bool mx_hub_list(mx_hub_listing *out, const mx_hub_settings *s, const char *model,
                 const char *revision, const char *const *patterns, size_t pattern_count);
void mx_hub_listing_free(mx_hub_listing *l);

/* --- pulling ---------------------------------------------------------------------------------- */

typedef struct mx_hub_progress {
    const char *file;
    size_t files_done, files;
    uint64_t bytes_done, bytes;
} mx_hub_progress;
/* False, with an error recorded or not: stop. */
typedef bool mx_hub_watch(void *payload, const mx_hub_progress *p);

/* The folder of the snapshot, for mx_free. watch may be NULL. */
char *mx_hub_pull(const char *model, const char *revision, const char *const *patterns,
                  size_t pattern_count, int connections, mx_hub_watch *watch, void *payload);

/* `failed` (of 256 bytes) says why; "" after watch said stop. No error is recorded, so that any
   thread may call it. */
bool mx_sha256_file(char hex[MX_HUB_HEX], const char *path, bool (*step)(void *ctx, uint64_t bytes),
                    void *ctx, char failed[256]);

#endif
