/* Styles of answers, between the files of this room. */
#ifndef CLI_ANSWER_STYLE_H
#define CLI_ANSWER_STYLE_H

#include "answer/answer.h"
#include "answer/written.h"

/* Where an answer is. */
enum {
    IN_TEXT = 1,
    IN_REASONING = 2,
    IN_CALL = 4,    /* kept until it ends */
    IN_HEAD = 8,    /* words that say what comes next, up to a marker of BY_HEAD */
    IN_LIST = 16,   /* between the calls of a list */
    IN_BEGIN = 32,  /* text, of which nothing has come */
    IN_BEHIND = 64, /* text, right behind a call */
    IN_LINE = 128,  /* perhaps a line with the name of a tool: its call follows */
    BY_HEAD = 0
};

typedef struct answer_marker {
    const char *text; /* NULL ends a list */
    int in;           /* where it counts */
    int to;           /* where it leads */
} answer_marker;

/* A call as it came: `lead`, its n bytes, and the end. */
typedef struct answer_body {
    const char *lead; /* the marker before it */
    const char *head; /* the words of it, or the tool's name; or empty */
    const char *text; /* a zero behind */
    size_t n;
    bool cut; /* the answer ended, and nothing the call */
    const json_t *tools;
} answer_body;

/* A call in its parts: texts of the reader's. The arguments are an object as it is written. */
typedef bool answer_call(void *to, const char *name, const char *id, answer_part arguments);
/* The calls with which a body begins, each given to `call` (NULL: to nobody); *rest is what follows
   them. False: there is none; nothing was given then. */
typedef bool answer_reader(const answer_body *body, answer_call *call, void *to, answer_part *rest);
/* Does what has come of a body end inside of a value, so that a marker there is of its text? */
typedef bool answer_inside(answer_part body);

struct cli_answer_style {
    const char *name;
    const char *tells[3]; /* words of which a template has one */
    const answer_marker *markers;
    answer_reader *read;
    answer_inside *inside; /* NULL: the values are JSON */
    bool always;           /* markers count whether calls and reasoning are looked for or not */
    bool bare;             /* an answer that begins with a brace is a call */
    bool whole;            /* a marker ends no body that is not a call by then */
    int begins;            /* IN_LINE: with a tool's name on a line of its own an answer calls it */
    const char *says;      /* the line that begins text */
    size_t ids; /* so many letters and digits its templates want of a call's id; 0: any */
    /* Forced calls: what opens one (%s: its name, else the name stands in the JSON under `key`,
       beside `arguments`); listed: it is an item of a list. NULL: there is no such way. */
    const char *opening, *key, *arguments;
    bool listed;
};

/* Readers (read.c). */
answer_reader cli_answer_read_json, cli_answer_read_named, cli_answer_read_headed;
/* Those of tags.c: XML with a value for each parameter; JSON is understood as well. */
answer_reader cli_answer_read_parameters, cli_answer_read_pairs;

/* That of python.c; JSON is understood as well. */
answer_reader cli_answer_read_python;
bool cli_answer_inside_python(answer_part body);

/* A value as Python writes it (literal.c), as JSON; what it has that is no UTF-8 shows when the
   whole is read. False: it is none. */
bool cli_answer_put_literal(answer_part *rest, FILE *to);
/* "true", "false" or "null" where the part is that or Python's word for it; NULL. */
const char *cli_answer_word(answer_part part);
/* A character, or a text if one begins here, goes. False: the text does not end. */
bool cli_answer_pass_text(answer_part *rest);

/* Of bodies whose values are JSON, and those of cli_answer_read_pairs. */
bool cli_answer_inside_json(answer_part body);
bool cli_answer_inside_pair(answer_part body);

/* A call to its reader's caller. */
bool cli_answer_give(answer_call *call, void *to, const char *name, const char *id,
                     answer_part arguments);

/* Letters, digits, _, `more` and what is no ASCII, for free; NULL: there are none. */
char *cli_answer_take_name(answer_part *rest, const char *more);

/* Heads of messages (head.c): words with their markers, up to a marker of BY_HEAD. */

/* The tool that they name: "... to=functions.NAME ...", or NAME; NULL: none. */
const char *cli_answer_head_name(const char *head, size_t *n);
/* Where do they lead? */
int cli_answer_head_leads(const char *head);
/* Does a head go on with this marker? */
bool cli_answer_head_goes_on(const char *head, const char *marker);
/* What of it is text: words that are none of a head's, or where it does not go on the beginning of
   a call. {NULL}: nothing is. */
answer_part cli_answer_head_text(const char *head, bool goes_on);

/* What the tools of a request say (tools.c). */

/* Is the line at the beginning of n bytes the name of a tool, or what the style says before text?
   *name: that one. */
typedef enum answer_line {
    LINE_OTHER,
    LINE_MAY, /* it may become so */
    LINE_NAMES
} answer_line;
answer_line cli_answer_line(const cli_answer_style *style, const json_t *tools, const char *text,
                            size_t n, const char **name);
/* A value that came without quotes, as the schema of that parameter types it, or where that says
   nothing as JSON does: what does not fit is a text. JSON, for free. NULL: there is no memory, or
   it is no UTF-8. */
char *cli_answer_typed(const json_t *tools, const char *name, const char *key, answer_part text);
/* A text in its quotes, for free. NULL: likewise. */
char *cli_answer_quoted(const char *text, size_t n);

#endif
