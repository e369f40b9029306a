/* What a model answers, taken apart as it comes: text, reasoning, calls of tools.
 *
 *     text of tokens ──▶ markers ──▶ state (text, reasoning, call, head) ──▶ pieces ──▶ sink
 *
 * How calls and reasoning are marked is a style, a row of styles.c, which is told by the words in a
 * model's chat template. A marker counts wherever tokens are divided in it; what may become one is
 * held back. What looks like a call and is none is text as it was written, its markers with it, and
 * what stands before and behind calls is text: nothing is lost but white space around what is
 * marked (pieces.h). Values that stand in a call without quotes get the types that the schema of
 * its tool says.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

typedef struct cli_answer_style cli_answer_style;
typedef struct cli_answer cli_answer;

typedef enum cli_piece_kind {
    CLI_PIECE_TEXT,
    CLI_PIECE_REASONING,
    CLI_PIECE_CALL /* text is the arguments, a JSON object */
} cli_piece_kind;

typedef struct cli_piece {
    cli_piece_kind kind;
    const char *text; /* ends in a zero behind its n bytes */
    size_t n;
    size_t older;     /* so many of them, white space, came before something marked did */
    const char *name; /* of a call: the tool's */
    const char *id;   /* of a call, where the model gave one; NULL */
} cli_piece;

/* Takes a piece, whose texts are borrowed. False: there is no memory. */
typedef bool cli_piece_sink(const cli_piece *piece, void *data);

/* The style of a template's text (NULL: none is known). Never NULL. */
const cli_answer_style *cli_answer_style_of(const char *source);
const char *cli_answer_style_name(const cli_answer_style *style);
/* So many letters and digits its templates want of a call's id; 0: they take any. */
size_t cli_answer_ids(const cli_answer_style *style);

typedef struct cli_answer_options {
    const cli_answer_style *style;
    /* Calls are looked for: [{function: {name, parameters}}], borrowed; NULL: they are not. */
    const json_t *tools;
    bool reasoning;     /* reasoning is told apart; else it is text */
    bool halts;         /* stop where a call begins: cli_answer_begun */
    const char *prompt; /* what stands before the answer: it may have opened something; or NULL */
    size_t prompt_num;
    /* The beginning of the answer, which somebody wrote, or NULL. It is not told; where it leaves a
       thought open what comes goes on with that. Calls in it are text. */
    const char *begun;
    size_t begun_num;
    cli_piece_sink *sink;
    void *data;
} cli_answer_options;

/* NULL: there is no memory. */
cli_answer *cli_answer_new(const cli_answer_options *o);
void cli_answer_free(cli_answer *a);
/* Text that came; the end of the answer. False: there is no memory, or the sink said so. */
bool cli_answer_feed(cli_answer *a, const char *text, size_t n);
bool cli_answer_end(cli_answer *a);

/* With `halts`, once: has a call begun? The *rest last bytes of what was fed stand behind its
   marker; they are forgotten, and the call is expected from its beginning. *name: the tool's, where
   the words before the call say it, borrowed (*name_num bytes); else NULL. */
bool cli_answer_begun(cli_answer *a, size_t *rest, const char **name, size_t *name_num);
/* Is it known by then what the call has to be, so that it can be held to a schema? */
bool cli_answer_holds(const cli_answer_style *style);
/* Does the tool's name stand before the call? */
bool cli_answer_names_before(const cli_answer_style *style);
/* A call that is forced: the prompt goes on with `opening`, and the answer is held to `schema`.
   Tools are objects {name, parameters} of which one is to be called. False: this style has no such
   way for them, or there is no memory. For free, and json_decref. */
bool cli_answer_force(const cli_answer_style *style, const json_t *tools, char **opening,
                      json_t **schema);
/* How many bytes of `opening` a prompt of n bytes ends with: the marker that it has opened. */
size_t cli_answer_opened(const cli_answer_style *style, const char *opening, const char *prompt,
                         size_t n);

#endif
