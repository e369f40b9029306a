/* What people and programs see.
 *
 * A document is a tree of Jansson's. With --json it is printed as it is; for people its lists are
 * tables and its objects lists of pairs, by columns that name a key, a title and a look. So both
 * say the same.
 *
 * Colours are on where stdout is a terminal that has them and NO_COLOR is empty or not there
 * (no-color.org), unless --color says otherwise.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* --- text ------------------------------------------------------------------------------------- */

/* A text that a terminal obeys in nothing, and that is valid UTF-8: control characters, marks of
   direction, bytes that are no UTF-8 and backslashes as "\n", "\x1b", "\u202e", "\\". For free; NULL:
   no memory. */
char *cli_escape(const char *text, size_t length);
/* Bytes that are no UTF-8 as U+FFFD, one each, which is how a model reads them. *n bytes, for free;
   NULL: no memory. */
char *cli_mended(const char *text, size_t length, size_t *n);
/* Print what a model says to stdout at once: as it is, but to a terminal, which gets lines and tabs
   and what joins characters, and all else as cli_escape has it. */
void cli_say(const char *text, size_t length);
/* errno of when that could not be written first; 0: it could. */
int cli_say_error(void);
/* What was printed goes out now. */
void cli_flush(void);
/* Remember errno as the first error of printing, where there was none before. */
void cli_unsaid(void);
/* Columns that an escaped text takes on a terminal. */
size_t cli_width(const char *text);
/* Print to stdout, with escaped strings: only %s of texts that are not the program's own. */
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

typedef enum cli_style {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_DIM,
    CLI_GOOD, /* green */
    CLI_BAD,  /* red */
    CLI_WARN, /* yellow */
    CLI_STYLES
} cli_style;

/* when: "always", "never", "auto" */
void cli_style_choose(const char *when);
/* The sequence that turns a style on, or CLI_PLAIN everything off; "" without colours. */
const char *cli_styled(cli_style style);

/* --- tables ----------------------------------------------------------------------------------- */

typedef enum cli_look {
    CLI_LOOK_TEXT,
    CLI_LOOK_COUNT,     /* 12,345,678 */
    CLI_LOOK_SIZE,      /* bytes: 1.21 GiB */
    CLI_LOOK_REAL,      /* 0.00123 */
    CLI_LOOK_PERCENT,   /* of 1: 83.1% */
    CLI_LOOK_SHAPE,     /* a list: 4096 x 11008 */
    CLI_LOOK_SECONDS,   /* 12.3 ms */
    CLI_LOOK_BANDWIDTH, /* bytes a second: 21.3 GB/s */
    CLI_LOOK_FLOPS      /* 187 GFLOP/s */
} cli_look;

typedef struct cli_column {
    const char *key;   /* of the objects; NULL ends a list */
    const char *title; /* of the column or pair */
    cli_look look;
} cli_column;

/* A list of objects, one a row; an absent key is an empty cell, a column without any is not
   shown. */
void cli_table(const json_t *rows, const cli_column *columns);
/* One object: a line for each key that is there. */
void cli_pairs(const json_t *object, const cli_column *columns);
/* A list of objects, a line for each: the first column as in a table, the others as they come. */
void cli_records(const json_t *rows, const cli_column *columns);
/* An empty line, and a line of title. */
void cli_heading(const char *title);
/* A value as a cell shows it; for free. */
char *cli_cell(const json_t *value, cli_look look);

/* --- values ----------------------------------------------------------------------------------- */

/* A text of any bytes; invalid ones are escaped as cli_escape does. */
json_t *cli_json_text(const char *text);
json_t *cli_json_bytes(const char *text, size_t length); /* zeros among them */
/* What a model reads or says, as cli_mended has it. */
json_t *cli_json_said(const char *text, size_t length);
/* Where "#" or "#/a/b" leads in a schema, its names as they are written; NULL: nowhere, or that is
   not seen at once. */
const json_t *cli_json_referred(const json_t *root, const char *reference);
/* NaN and infinities, which JSON lacks, are the texts "nan", "inf" and "-inf". */
json_t *cli_json_real(double value);
json_t *cli_json_shape(const int *shape, int ndim);
/* Is JSON of n bytes nested at most so deep? Brackets are counted, nothing else is looked at. */
bool cli_json_is_shallow(const char *text, size_t n, int most);
/* About the bytes that its values take when it is read: its own, and what each object, list and
   value adds. */
uint64_t cli_json_memory(const char *text, size_t n);
/* Could a text of JSON not be read as a number in it is out of range, and where: "a.b[2]"? */
bool cli_json_number_is_lost(const char *text, const json_error_t *e, char *place, size_t room);
void cli_json_print(const json_t *doc);

/* --- progress --------------------------------------------------------------------------------- */

/* A bar on stderr where that is a terminal: share, rate and time left. Quiet elsewhere. */
typedef struct cli_progress {
    const char *title;
    uint64_t done, total;
    bool bytes; /* what is counted; else things */
    bool on;
    double began, drawn; /* seconds */
} cli_progress;

/* total 0: unknown. */
cli_progress cli_progress_begin(const char *title, uint64_t total, bool bytes, bool quiet);
/* So much more is done; `what` is now at work (may be NULL). */
void cli_progress_step(cli_progress *p, uint64_t more, const char *what);
/* Takes the bar away. */
void cli_progress_end(cli_progress *p);

/* Seconds from some moment on. */
double cli_seconds(void);

#endif
