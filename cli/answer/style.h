/* Styles of answers, between the files of this room. */
#ifndef CLI_ANSWER_STYLE_H
#define CLI_ANSWER_STYLE_H

#include "answer/answer.h"

/* Where an answer is. */
enum {
    IN_TEXT = 1,
    IN_REASONING = 2,
    IN_CALL = 4,     /* kept until it ends */
    IN_HEAD = 8,     /* words that say what comes next, up to a marker of BY_HEAD */
    IN_NOTHING = 16, /* between calls */
    IN_BEGIN = 32,   /* text, of which nothing has come */
    BY_HEAD = 0
};

typedef struct answer_marker {
    const char *text; /* NULL ends a list */
    int in;           /* where it counts */
    int to;           /* where it leads */
} answer_marker;

/* A call in its parts: texts of the reader's. */
typedef bool answer_call(void *to, const char *name, const char *id, const json_t *arguments);
/* The calls of a body of n bytes (a zero behind), each given to `call`. Head: the words before it,
   or NULL. False: it is none; nothing was given then. */
typedef bool answer_reader(const char *body, size_t n, const char *head, answer_call *call,
                           void *to);

struct cli_answer_style {
    const char *name;
    const char *tells[3]; /* words of which a template has one */
    const answer_marker *markers;
    answer_reader *read;
    bool always; /* markers count whether calls and reasoning are looked for or not */
    bool bare;   /* an answer that begins with a brace is a call */
    /* Forced calls: what opens one (%s: its name, else the name stands in the JSON under `key`,
       beside `arguments`); listed: it is an item of a list. NULL: there is no such way. */
    const char *opening, *key, *arguments;
    bool listed;
};

/* Readers (read.c). */
bool cli_answer_read_json(const char *body, size_t n, const char *head, answer_call *call,
                          void *to);
bool cli_answer_read_named(const char *body, size_t n, const char *head, answer_call *call,
                           void *to);
bool cli_answer_read_headed(const char *body, size_t n, const char *head, answer_call *call,
                            void *to);
/* The tool that the words of a head name; NULL: none. */
const char *cli_answer_head_name(const char *head, size_t *n);
/* Where do they lead? */
int cli_answer_head_leads(const char *head);

#endif
