/* Texts made from the table of commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli.h"

/* `mlx info --help`. Each of these returns CLI_OK. */
int cli_help_command(const cli_command *command);
/* `mlx help`: all commands. */
int cli_help_overview(void);
/* mlx(1) in the man macros. */
int cli_help_manual(void);
/* mlx-info(1). */
int cli_help_manual_of(const cli_command *command);

/* "-n, --limit=N" of an option, into room for 80. */
void cli_help_option(char *out, const cli_option *option);

/* Where the manual and `mlx help` say what the exit status means. */
typedef struct cli_status_row {
    int status;
    const char *what;
} cli_status_row;
extern const cli_status_row cli_status_rows[]; /* ends with what NULL */

#endif
