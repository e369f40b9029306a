/* What names end in. */
#ifndef MX_BASE_ENDING_H
#define MX_BASE_ENDING_H

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static inline bool mx_ends_with(const char *text, const char *ending) {
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && memcmp(text + n - m, ending, m) == 0;
}

/* Of files: behind a name, in small letters or capitals. */
static inline bool mx_has_ending(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return m && n > m && strcasecmp(path + n - m, ending) == 0;
}

#endif
