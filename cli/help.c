/* What --help and `mlx help` print. */
#include <stdio.h>
#include <string.h>

#include "help.h"

const cli_status_row cli_status_rows[] = {
    {CLI_OK, "done; of diff: both are equal; of verify: the model is sound"},
    {CLI_FAILED, "it could not be done; of diff: they differ; of verify: there are faults"},
    {CLI_USAGE, "there is no such command, option or value"},
    {CLI_NO_ANSWER, "of diff: one of the two could not be read"},
    {CLI_INTERRUPTED, "interrupted by Control-C, or asked to end (SIGTERM)"},
    {141, "the reader of the output went away (SIGPIPE)"},
    {0, NULL}};

enum { MARGIN = 80 };

/* Words of a text, wrapped, each line behind `indent` blanks; the first one begins at `column`. */
static void wrap(const char *text, int indent, int column) {
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)word > MARGIN)
            column = printf("\n%*s", indent, "") - 1;
        else if (column > indent)
            column += printf(" ");
        column += printf("%.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
        for (; *text == '\n'; text++) // an end of line is one here, too
            column = printf("\n%*s", indent, "") - 1;
    }
    putchar('\n');
}

static void title(const char *text) {
    printf("\n%s%s%s\n", cli_styled(CLI_BOLD), text, cli_styled(CLI_PLAIN));
}

/* "    left      right, wrapped" */
static void entry(const char *left, int width, const char *right) {
    printf("  %-*s", width, left);
    wrap(right, width + 4, printf("  ") + width + 2);
}

void cli_help_option(char *out, const cli_option *o) {
    int n = o->letter ? sprintf(out, "-%c, ", o->letter) : sprintf(out, "    ");
    n += sprintf(out + n, "--%.24s", o->name);
    if (o->kind != CLI_FLAG)
        sprintf(out + n, "=%.40s", o->value ? o->value : "VALUE");
}

static int widest(const cli_option *options, int width) {
    char line[80];
    for (const cli_option *o = options; o && o->name; o++) {
        cli_help_option(line, o);
        if ((int)strlen(line) > width)
            width = (int)strlen(line);
    }
    return width;
}

static void print_options(const cli_option *options, int width) {
    char line[80];
    for (const cli_option *o = options; o && o->name; o++) {
        cli_help_option(line, o);
        entry(line, width, o->help);
    }
}

static void print_examples(const cli_example *examples) {
    for (const cli_example *e = examples; e && e->line; e++) {
        printf("  %s\n", e->line);
        printf("      %s", cli_styled(CLI_DIM));
        wrap(e->what, 6, 6);
        fputs(cli_styled(CLI_PLAIN), stdout);
    }
}

int cli_help_command(const cli_command *c) {
    printf("mlx %s: %s\n", c->name, c->summary);
    title("Usage");
    printf("  mlx %s [options]%s%s\n", c->name, c->arguments ? " " : "",
           c->arguments ? c->arguments : "");
    if (c->examples && c->examples->line) {
        title("Examples");
        print_examples(c->examples);
    }
    if (c->text) {
        putchar('\n');
        wrap(c->text, 0, 0);
    }
    int width = widest(cli_common_options, widest(c->options, 0));
    title("Options");
    print_options(c->options, width);
    print_options(cli_common_options, width);
    return CLI_OK;
}

int cli_help_overview(void) {
    printf("mlx: what is in model files, and what this machine does with arrays\n");
    title("Usage");
    printf("  mlx COMMAND [options] [arguments]\n");
    title("Commands");
    for (size_t i = 0; cli_commands[i]; i++)
        entry(cli_commands[i]->name, 12, cli_commands[i]->summary);
    title("Examples");
    for (size_t i = 0; cli_commands[i] && i < 3; i++)
        if (cli_commands[i]->examples)
            print_examples((const cli_example[]){*cli_commands[i]->examples, {0}});
    printf("\n'mlx COMMAND --help' explains a command by example; most take --json.\n");
    title("Exit status");
    for (const cli_status_row *r = cli_status_rows; r->what; r++) {
        char number[16];
        sprintf(number, "%d", r->status);
        entry(number, 4, r->what);
    }
    return CLI_OK;
}
