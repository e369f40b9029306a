/* mlx help: all commands, one of them, or the manual page. */
#include <stdio.h>
#include <string.h>

#include "help.h"

static const cli_option options[] = {
    {.name = "man", .help = "print the manual page, mlx(1) or that of the command"},
    {.name = "version", .help = "print the versions of the library and of MLX's interface"},
    {0}};

static const cli_example examples[] = {{"mlx help", "all commands"},
                                       {"mlx help diff", "as mlx diff --help"},
                                       {"mlx help --man | man -l -", "the manual page"},
                                       {"mlx help --man info | man -l -", "that of a command"},
                                       {0}};

static const char *word(size_t i) {
    return cli_commands[i] ? cli_commands[i]->name : NULL;
}

static const char *next(size_t i, const void *data) {
    (void)data;
    return word(i);
}

static void show_version(cli_call *c, const json_t *doc) {
    (void)c;
    printf("mlx %s (interface of MLX %s)\n", json_string_value(json_object_get(doc, "version")),
           json_string_value(json_object_get(doc, "mlx")));
}

static int version(cli_call *c) {
    mlx_string library = mlx_string_new(), interface = mlx_string_new();
    json_t *doc = NULL;
    if (mlx_library_version(&library) == 0 && mlx_version(&interface) == 0)
        doc = json_pack("{s:s, s:s}", "version", mlx_string_data(library), "mlx",
                        mlx_string_data(interface));
    mlx_string_free(library), mlx_string_free(interface);
    return cli_show(c, doc, show_version);
}

static json_t *options_json(const cli_option *o) {
    json_t *list = json_array();
    for (; o && o->name; o++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s?, s:s}", "name", o->name, "value",
                                        o->kind == CLI_FLAG ? NULL : o->value, "help", o->help));
    return list;
}

static json_t *command_json(const cli_command *o) {
    return json_pack("{s:s, s:s, s:s?, s:o}", "name", o->name, "summary", o->summary, "arguments",
                     o->arguments, "options", options_json(o->options));
}

static void show_overview(cli_call *c, const json_t *doc) {
    (void)c, (void)doc;
    cli_help_overview();
}

static int overview(cli_call *c) {
    json_t *list = json_array();
    for (size_t i = 0; cli_commands[i]; i++)
        json_array_append_new(list, command_json(cli_commands[i]));
    return cli_show(c, json_pack("{s:o}", "commands", list), show_overview);
}

static void show_command(cli_call *c, const json_t *doc) {
    (void)doc;
    cli_help_command(cli_command_find(c->args[0]));
}

static int run(cli_call *c) {
    if (cli_flag(c, "version"))
        return version(c);
    bool man = cli_flag(c, "man");
    if (man && c->json)
        return cli_usage(c, "the manual page has no form in JSON");
    if (c->count == 0)
        return man ? cli_help_manual() : overview(c);
    const cli_command *command = cli_command_find(c->args[0]);
    if (command)
        return man ? cli_help_manual_of(command) : cli_show(c, command_json(command), show_command);
    const char *near = cli_near(c->args[0], next, NULL);
    return near ? cli_usage(c, "there is no command '%s'; did you mean '%s'?", c->args[0], near)
                : cli_usage(c, "there is no command '%s'", c->args[0]);
}

const cli_command cli_help = {.name = "help",
                              .summary = "list the commands, or explain one",
                              .arguments = "[COMMAND]",
                              .most = 1,
                              .takes = CLI_TAKES_WORDS,
                              .word = word,
                              .options = options,
                              .examples = examples,
                              .run = run};
