/* The list of commands. */
#include <string.h>

#include "cli.h"

#define CLI_COMMAND(name) extern const cli_command cli_##name;
#include "commands.def"
#undef CLI_COMMAND

const cli_command *const cli_commands[] = {
#define CLI_COMMAND(name) &cli_##name,
#include "commands.def"
#undef CLI_COMMAND
    NULL};

const cli_command *cli_command_find(const char *name) {
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}
