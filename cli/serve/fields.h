/* What a request may say: tables of fields, one for each object.
 *
 *     static const srv_field fields[] = {
 *         {"temperature", SRV_REAL, TO(temperature), .least = 0, .most = 2},
 *         {"stop", SRV_TEXT | SRV_LIST, TO(stop), .items = SRV_TEXT, .count = 16},
 *         {"audio", SRV_REFUSED, .words = "there is no sound here"},
 *         {0}};
 *     srv_fields_read(fields, body, &params, &fault)
 *
 * What is not in the table is an error, as is a value of another type or outside its range; null is
 * the same as a field that is not there.
 */
#ifndef SERVE_FIELDS_H
#define SERVE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Types that a value may have. */
enum {
    SRV_BOOL = 1,
    SRV_INT = 2,
    SRV_REAL = 4, /* integers as well */
    SRV_TEXT = 8,
    SRV_LIST = 16,
    SRV_OBJECT = 32,
    SRV_REFUSED = 64, /* no value: `words` says why */
    SRV_EMPTY = 128   /* a list without items, as the API's own answers have it */
};

#define SRV_NOWHERE ((size_t)-1)

typedef struct srv_field {
    const char *name; /* NULL ends a table */
    int types;
    /* Where it goes: bool, int64_t, double or const char * of the one type, else const json_t *,
       borrowed from the body. SRV_NOWHERE: it is only looked at. */
    size_t to;
    double least, most;            /* of numbers, both 0: any */
    size_t count;                  /* bytes of a text, items of a list, at most; 0: any */
    const char *words;             /* a text is one of "a|b"; or why it is refused */
    const char *only;              /* the one value that it may have, as JSON */
    const struct srv_field *inner; /* members of the object, or of the list's objects; NULL: any */
    int items;                     /* types of a list's items; 0: any */
    bool required;
    bool zeros; /* a text may have zeros inside */
} srv_field;

/* What is wrong with a request: a status of HTTP, the field, words. */
typedef struct srv_fault {
    int status;       /* 0: nothing */
    const char *code; /* as OpenAI's errors have it; NULL */
    char field[160];
    char text[512];
    int retry; /* seconds; 0: does not say */
} srv_fault;

/* Both return false. */
bool srv_fail(srv_fault *f, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 504: the queue of a request was stopped (queue.h). */
bool srv_fail_stopped(srv_fault *f);
/* 400, and the field that it is about. */
bool srv_fail_field(srv_fault *f, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* JSON of a stranger's, nested 64 deep at most, whose values take no more than 16 MiB and 8 times
   its length. NULL: the fault says why, of `it` ("the body is"). */
json_t *srv_json_read(const char *text, size_t n, size_t flags, const char *it, srv_fault *f);
/* Check an object and store its members. */
bool srv_fields_read(const srv_field *table, const json_t *object, void *to, srv_fault *f);
/* The same of an object inside, whose place is said in messages: "messages[2]". */
bool srv_fields_read_at(const srv_field *table, const json_t *object, const char *place, void *to,
                        srv_fault *f);

#endif
