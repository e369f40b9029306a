/* mlx(1), and the pages of commands, from their table. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "help.h"

#define SOURCE "cmlx " MLX_VERSION_TEXT(MLX_LIBRARY_VERSION)

/* A text in roff: backslashes and what would begin a request are escaped, hyphens stay hyphens
   that can be copied. */
static void put(const char *text) {
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\n')
            fputs(text[1] == '\n' ? "\n.PP" : "\n", stdout);
        else
            putchar(*text);
    }
}

static void line(const char *request, const char *text) {
    fputs(request, stdout);
    put(text);
    putchar('\n');
}

static void put_options(const cli_option *options) {
    char text[80];
    for (const cli_option *o = options; o && o->name; o++) {
        cli_help_option(text, o);
        puts(".TP");
        line(".B ", text + strspn(text, " "));
        line("", o->help);
    }
}

static void put_examples(const cli_example *examples) {
    for (const cli_example *e = examples; e && e->line; e++) {
        puts(".TP");
        line(".B ", e->line);
        line("", e->what);
    }
}

static void put_summary(const cli_command *c) {
    fputs(c->summary, stdout);
    puts(".");
    if (c->text) {
        puts(".PP");
        line("", c->text);
    }
}

static void put_command(const cli_command *c) {
    fputs(".SS ", stdout);
    printf("\"mlx %s%s%s\"\n", c->name, c->arguments ? " " : "", c->arguments ? c->arguments : "");
    put_summary(c);
    put_options(c->options);
    if (c->examples && c->examples->line) {
        puts(".PP\nExamples:");
        put_examples(c->examples);
    }
}

static void put_statuses(void) {
    for (const cli_status_row *r = cli_status_rows; r->what; r++) {
        printf(".TP\n.B %d\n", r->status);
        line("", r->what);
    }
}

static void put_variables(void) {
    static const cli_example variables[] = {
        {"NO_COLOR", "if it is not empty: no colours, unless --color=always asks for them"},
        {"MLX_NUM_THREADS", "how many threads compute"},
        {"MLX_CPU_ISA", "the instruction set: baseline, avx2, avx512, neon"},
        {"HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE",
         "the hub, who asks it, the cache, and whether to ask at all"},
        {"MLX_PLUGINS", "shared libraries that add formats of files"},
        {0}};
    put_examples(variables);
}

int cli_help_manual(void) {
    puts(".TH MLX 1 \"\" \"" SOURCE "\" \"User commands\"");
    puts(".SH NAME\nmlx \\- what is in model files, and what this machine does with arrays");
    puts(".SH SYNOPSIS\n.B mlx\n.I command\n.RI [ options ]\n.RI [ arguments ]");
    puts(".SH COMMANDS");
    for (size_t i = 0; cli_commands[i]; i++)
        put_command(cli_commands[i]);
    puts(".SH OPTIONS OF EVERY COMMAND");
    put_options(cli_common_options);
    puts(".SH EXIT STATUS");
    put_statuses();
    puts(".SH ENVIRONMENT");
    put_variables();
    return CLI_OK;
}

static void put_heading(const cli_command *c) {
    printf(".TH \"MLX\\-");
    for (const char *p = c->name; *p; p++)
        putchar(toupper((unsigned char)*p));
    printf("\" 1 \"\" \"" SOURCE "\" \"User commands\"\n.SH NAME\nmlx\\-");
    put(c->name);
    fputs(" \\- ", stdout);
    line("", c->summary);
    fputs(".SH SYNOPSIS\n.B mlx ", stdout);
    line("", c->name);
    puts(".RI [ options ]");
    if (c->arguments)
        line("", c->arguments);
}

int cli_help_manual_of(const cli_command *c) {
    put_heading(c);
    puts(".SH DESCRIPTION");
    put_summary(c);
    puts(".SH OPTIONS");
    put_options(c->options);
    put_options(cli_common_options);
    if (c->examples && c->examples->line) {
        puts(".SH EXAMPLES");
        put_examples(c->examples);
    }
    puts(".SH EXIT STATUS");
    put_statuses();
    puts(".SH SEE ALSO\n.BR mlx (1)");
    return CLI_OK;
}
