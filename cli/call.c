/* What a command says when it is done, or cannot be. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_show(cli_call *c, json_t *doc, void (*show)(cli_call *c, const json_t *doc)) {
    if (!doc)
        return cli_fail(c, "out of memory");
    c->shown = true;
    if (c->json)
        cli_json_print(doc);
    else
        show(c, doc);
    json_decref(doc);
    return CLI_OK;
}

static char *formatted(const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *raw = n < 0 ? NULL : malloc((size_t)n + 1), *text = NULL;
    if (raw) {
        vsnprintf(raw, (size_t)n + 1, format, again);
        text = cli_escape(raw, (size_t)n);
    }
    va_end(again);
    free(raw);
    return text;
}

/* "mlx info: text", after whatever stdout got before. */
static void say(const cli_call *c, const char *text) {
    cli_flush();
    fprintf(stderr, "mlx %s: %s\n", c->command->name, text ? text : "out of memory");
}

/* The first error is the one that counts; text is taken over. */
static void remember(cli_call *c, char *text) {
    if (c->error)
        free(text);
    else
        c->error = text;
}

int cli_fail(cli_call *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = formatted(format, args);
    va_end(args);
    say(c, text);
    remember(c, text);
    return CLI_FAILED;
}

int cli_usage(cli_call *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = formatted(format, args);
    va_end(args);
    say(c, text);
    fprintf(stderr, "See 'mlx %s --help'.\n", c->command->name);
    remember(c, text);
    return CLI_USAGE;
}

/* "[open_file] the text" names a function, which the command's name stands for here. */
static const char *without_function(const char *message) {
    size_t n = *message == '[' ? strcspn(message, "] ") : 0;
    return n && strncmp(message + n, "] ", 2) == 0 ? message + n + 2 : message;
}

/* The message in one line; for free. NULL: no memory. */
static char *in_one_line(const char *message) {
    size_t n = 0;
    char *line = malloc(strlen(message) + 1);
    for (; line && *message; message++) {
        bool blank = *message == '\n' || *message == ' ';
        if (!blank || (n && line[n - 1] != ' '))
            line[n++] = blank ? ' ' : *message;
    }
    while (n && line[n - 1] == ' ')
        n--;
    if (line)
        line[n] = 0;
    return line;
}

int cli_library_said(cli_call *c, const char *file, const char *message) {
    char *line = in_one_line(without_function(message));
    int status =
        cli_fail(c, "%s%s%s", file ? file : "", file ? ": " : "", line ? line : "out of memory");
    free(line);
    return status;
}

int cli_library_about(cli_call *c, const char *file) {
    if (mlx_last_error_code() != MLX_ERROR_INTERRUPTED && !cli_interrupted())
        return cli_library_said(c, file, mlx_last_error_message());
    cli_fail(c, "interrupted");
    return CLI_INTERRUPTED;
}

int cli_library(cli_call *c) {
    return cli_library_about(c, NULL);
}

void cli_note(cli_call *c, const char *format, ...) {
    if (c->quiet)
        return;
    va_list args;
    va_start(args, format);
    char *text = formatted(format, args);
    va_end(args);
    say(c, text);
    free(text);
}
