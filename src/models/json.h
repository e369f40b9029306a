/* JSON files of models: config.json, tokenizer.json and their like. */
#ifndef MX_MODELS_JSON_H
#define MX_MODELS_JSON_H

#include <jansson.h>

#include "base/map.h"
#include "base/text.h"

/* The most a file may have, and how deep it may be nested. */
enum { MX_JSON_MOST = 100 * 1000 * 1000 };

/* NULL and an error that says at which byte: it cannot be read, is no JSON, is too large or nested
   too deeply, or has a key twice. Whole numbers of more than 64 bits, which Python writes, are read
   as real ones. For json_decref. */
json_t *mx_json_load(const char *op, const char *path);
/* The same of files that Python wrote, whose infinite numbers are no JSON: they read as 1e308. */
json_t *mx_json_load_config(const char *op, const char *path);
/* The same of a text; `name` is for messages. */
json_t *mx_json_parse(const char *op, const char *name, const char *text, size_t n);
/* The same where texts, not keys, may have zeros inside. */
json_t *mx_json_parse_zeros(const char *op, const char *name, const char *text, size_t n);
/* Adds the place of a byte, as a JSON pointer of names as they are written. */
void mx_json_place(mx_text *t, const char *text, size_t at);
/* The same as programs write it: "a.b[2]". */
void mx_json_path(mx_text *t, const char *text, size_t at);
/* Numbers with the fewest digits that read back as the same; keys in their order. For mx_free. */
char *mx_json_text(const json_t *value);
/* What the first of "a|b.c" that is there and not null is; NULL: none is. Borrowed. */
json_t *mx_json_at(const json_t *object, const char *paths);
/* Puts value, whose reference is taken over, at a path without alternatives. */
bool mx_json_put(json_t *object, const char *path, json_t *value);
/* The text at a path; NULL: there is none. */
const char *mx_json_text_at(const json_t *object, const char *paths);

#endif
