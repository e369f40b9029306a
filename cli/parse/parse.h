/* From the words of a command line to a cli_call. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli.h"

/* argv[0] is the command's name. c->command is set, the rest empty. Returns CLI_OK, or CLI_USAGE
   after it has said what is wrong; cli_call_free lets go of what c got either way. */
int cli_parse(cli_call *c, int argc, char **argv);
void cli_call_free(cli_call *c);
/* Is --json among the words? Of lines that could not be read to their end. */
bool cli_asks_json(int argc, char **argv);

/* A number with unit: false where it is none. */
bool cli_parse_bytes(uint64_t *out, const char *text);
bool cli_parse_int(int64_t *out, const char *text);
bool cli_parse_seed(uint64_t *out, const char *text);
bool cli_parse_real(double *out, const char *text);
/* Is the text one of the words of "a|b|c"? */
bool cli_parse_choice(const char *words, const char *text);

/* CLI_USAGE, after it was said: an option has no effect beside the others, or without some. */
int cli_check_effects(cli_call *c);

#endif
