/* Values of GGUF's metadata by key. */
#ifndef MX_MODELS_META_H
#define MX_MODELS_META_H

#include "io/io.h"

const char *mx_meta_text(const mx_map *meta, const char *key); /* NULL: there is none */
/* A number without axes. False: there is none. */
bool mx_meta_number(const mx_map *meta, const char *key, double *out);
/* Or a list of one for each layer that are all the same but for zeros. */
bool mx_meta_number_of_all(const mx_map *meta, const char *key, double *out);
/* The n numbers of a list; false: it is none of as many. */
bool mx_meta_numbers(const mx_meta *m, double *out, int64_t n);
/* Takes m over, also on failure; NULL passes through. */
bool mx_meta_put(mx_map *meta, const char *key, mx_meta *m);
bool mx_meta_put_number(mx_map *meta, const char *key, double v, mx_dtype t);
bool mx_meta_put_text(mx_map *meta, const char *key, const char *text);

#endif
