/* Lines that somebody types: with editing and history where stdin is a terminal and libedit is
 * there (it is loaded then), as they come elsewhere. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>

typedef struct cli_lines cli_lines;

/* history: a file that keeps what was typed; NULL: none. NULL: no memory. */
cli_lines *cli_lines_open(const char *history);
void cli_lines_close(cli_lines *l); /* NULL is fine */
typedef enum cli_typed { CLI_TYPED_TEXT, CLI_TYPED_END, CLI_TYPED_INTERRUPT } cli_typed;
/* What was typed, without the newline, for free; one text of several lines where a line ends in a
   backslash, or between lines of three quotation marks. */
cli_typed cli_lines_read(cli_lines *l, const char *prompt, char **text);

#endif
