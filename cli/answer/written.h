/* JSON as it is written (RFC 8259): values are parts of a text, so that no digit, no escape and no
 * name that stands twice is lost on the way through a number or an object of this program.
 *
 *     {"a": 1e400, "a": "\u0000"} more        a part: the bytes of one value, without what follows
 *     └──── cli_written ────────┘ └ rest
 */
#ifndef CLI_ANSWER_WRITTEN_H
#define CLI_ANSWER_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A part of a text, borrowed; {NULL}: there is none. */
typedef struct answer_part {
    const char *at, *end;
} answer_part;

/* Spaces go. */
void cli_written_skip(answer_part *rest);
/* Spaces go, and so does the character behind them. False: it is another. */
bool cli_written_take(answer_part *rest, char c);
/* Spaces go: is one of those next? */
bool cli_written_is_next(answer_part *rest, const char *those);
/* A word at the beginning goes. False: it is not there. */
bool cli_written_skip_word(answer_part *rest, const char *word);
/* What stands before a word, and both go; {NULL}: it is not there. */
answer_part cli_written_before(answer_part *rest, const char *word);
/* The value at the beginning, spaces aside; *rest is what follows. {NULL}: there is none, which is
   left as it is. It may be nested as deep as memory goes. */
answer_part cli_written_value(answer_part *rest);
/* Objects, one after another, with spaces, brackets, commas and semicolons between them: do they
   end in the midst of a text (a string)? What then comes is of that text. */
bool cli_written_in_text(answer_part values);
/* The items of an object (key, a text in its quotes, and value) or a list (key {NULL}), where
   `*rest` is the whole value at first. False: there are no more. Both are whole. */
bool cli_written_next(answer_part *rest, answer_part *key, answer_part *value);
/* What a text says, for free; NULL: it is no text, has a zero inside, or there is no memory. */
char *cli_written_text(answer_part value);
/* What was written into a stream in memory (NULL: there was none), for free, if all of it is `ok`;
   else it goes, and NULL. */
char *cli_written_done(FILE *stream, char *const *text, bool ok);
/* Writes a value without the spaces between its parts. */
void cli_written_put(FILE *to, answer_part value);

#endif
