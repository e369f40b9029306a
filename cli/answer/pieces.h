/* What is told of an answer: pieces of text, reasoning and calls, without the white space that only
 * stands around what is marked.
 *
 *     "See:\n\n" <tool_call>...</tool_call> "\n"         told: "See:" and the call
 *     "One " <tool_call>...</tool_call> " and two."      told: "One", the call, "  and two."
 *
 * White space waits until more of its kind comes, and goes at the beginning and end of a kind's
 * text where something marked stands: all else is told as it was written.
 */
#ifndef CLI_ANSWER_PIECES_H
#define CLI_ANSWER_PIECES_H

#include "answer/answer.h"
#include "answer/written.h"

/* Bytes, with a zero behind them. */
typedef struct answer_bytes {
    char *data;
    size_t n, room;
} answer_bytes;

/* False: there is no memory. */
bool answer_bytes_put(answer_bytes *b, const char *text, size_t n);
void answer_bytes_drop(answer_bytes *b, size_t n);
void answer_bytes_clear(answer_bytes *b);

size_t answer_spaces_before(const char *text, size_t n);
size_t answer_spaces_behind(const char *text, size_t n);
bool answer_only_spaces(const char *text, size_t n);

/* Text, or reasoning. */
typedef struct answer_kind {
    answer_bytes spaces; /* held back */
    size_t kept, older;  /* of them: those before the last call, and before what was last marked */
    bool began;          /* something other than spaces came */
    bool loose;          /* something marked came since */
} answer_kind;

typedef struct answer_pieces {
    cli_piece_sink *sink;
    void *data;
    answer_kind kinds[2]; /* CLI_PIECE_TEXT, CLI_PIECE_REASONING */
    bool marked;          /* something marked came */
} answer_pieces;

bool answer_pieces_begin(answer_pieces *p, cli_piece_sink *sink, void *data);
void answer_pieces_free(answer_pieces *p);
/* Text of a kind. False: there is no memory, or the sink said so. */
bool answer_pieces_tell(answer_pieces *p, cli_piece_kind kind, const char *text, size_t n);
/* A call. Without the spaces between its parts, the arguments are as they were written. */
bool answer_pieces_call(answer_pieces *p, const char *name, const char *id, answer_part arguments);
/* Something marked came, and is told of as such. */
void answer_pieces_mark(answer_pieces *p);
/* Spaces since the last call are none of the text's. */
void answer_pieces_forget(answer_pieces *p);
/* Text has ended with the answer. */
bool answer_pieces_end(answer_pieces *p);
/* What was told and held until now is somebody else's. */
void answer_pieces_anew(answer_pieces *p);

#endif
