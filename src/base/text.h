/* A growing string.
 *
 *     mx_text t = {0};
 *     mx_text_add(&t, "array(%d", n);
 *     mx_text_f32(&t, x);
 *     char *s = mx_text_take(&t);      // NULL if any step ran out of memory
 *
 * The first failure sticks: the steps after it do nothing, and take returns NULL with MX_NOMEM
 * recorded. Numbers do not depend on the locale.
 */
#ifndef MX_BASE_TEXT_H
#define MX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mx_text {
    char *data; /* NULL while empty; else ends in 0 */
    size_t len; /* without the 0 */
    size_t room;
    bool failed;
} mx_text;

void mx_text_add(mx_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mx_text_put(mx_text *t, const char *bytes, size_t n);
void mx_text_str(mx_text *t, const char *s);
void mx_text_char(mx_text *t, char c);
/* The fewest digits that read back as the same number: 0.1, 3, 1e+20, inf, nan. */
void mx_text_f32(mx_text *t, float x);
void mx_text_f64(mx_text *t, double x);
/* As %.<digits>g, 1 <= digits <= 17. */
void mx_text_num(mx_text *t, double x, int digits);
/* As %.<decimals>f, 0 <= decimals <= 100. */
void mx_text_fixed(mx_text *t, double x, int decimals);

/* How many bytes of a path are not the slashes at its end; "/" is one. */
size_t mx_path_length(const char *path);
/* "folder/name", for mx_free; an empty folder is the one we are in. NULL: no memory. */
char *mx_text_path(const char *folder, const char *name);

const char *mx_text_view(const mx_text *t); /* "" while empty; valid until the next step */
char *mx_text_take(mx_text *t); /* the string, for mx_free; the builder is empty again */
void mx_text_free(mx_text *t);

#endif
