/* A text that grows. */
#ifndef SERVE_TEXT_H
#define SERVE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

typedef struct srv_text {
    char *data; /* with a zero behind its n bytes; NULL: empty */
    size_t n, room;
    bool failed; /* there was no memory: it is not whole */
} srv_text;

void srv_text_put(srv_text *t, const char *data, size_t n);
void srv_text_add(srv_text *t, const char *text);
void srv_text_print(srv_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A document in one line, taken over; NULL: it fails. */
void srv_text_json(srv_text *t, json_t *doc);
/* The same with that many digits of numbers, at most: 17 say a float64, 9 a float32. */
void srv_text_json_digits(srv_text *t, json_t *doc, int digits);
/* JSON that stands in a document as it is written, with every digit: only srv_text_json and its
   like can write such a document. NULL: there is no memory. */
json_t *srv_json_written(const char *json);
void srv_text_free(srv_text *t);

/* "name: text" of Server-Sent Events; name NULL: data alone. The document is taken over. */
void srv_text_event(srv_text *t, const char *name, json_t *doc);

#endif
