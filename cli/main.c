/* mlx: what is in model files, and what this machine does with arrays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "help.h"
#include "output/output.h"
#include "parse/parse.h"

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data; // cli_library says it
}

/* A closed standard stream would give its number to the next file that is opened, a model, say,
   into which a message would then be written. What is opened here can only be failed on. */
static void hold_streams(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

static void start(void) {
    hold_streams();
    // Python and others leave it ignored: `mlx ... | head` ends as programs do
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_IGN); // a file beyond a limit is an error of its writing
    mlx_set_error_handler(keep_silent, NULL, NULL);
    cli_interrupt_begin();
}

/* What a full disk or a closed stream left unwritten is a failure of everything. */
static int finish(cli_call *c, int status) {
    if (c->json && status && !c->shown && c->error) {
        json_t *doc = json_pack("{s:o}", "error", cli_json_text(c->error));
        cli_json_print(doc);
        json_decref(doc);
    }
    cli_flush();
    int why = cli_say_error();
    if (why || ferror(stdout)) {
        fprintf(stderr, "mlx: writing to the standard output: %s\n", strerror(why ? why : EIO));
        status = status ? status : CLI_FAILED;
    }
    return status == CLI_FAILED && cli_interrupted() ? CLI_INTERRUPTED : status;
}

static int call(const cli_command *command, int argc, char **argv) {
    cli_call c = {.command = command};
    int status = cli_parse(&c, argc, argv);
    if (status == CLI_OK) {
        cli_style_choose(cli_text(&c, "color", "auto"));
        status = cli_flag(&c, "help") ? cli_help_command(command) : command->run(&c);
    }
    status = finish(&c, status);
    cli_call_free(&c);
    return status;
}

static const char *next_name(size_t i, const void *data) {
    (void)data;
    return cli_commands[i] ? cli_commands[i]->name : NULL;
}

static int unknown(const char *word, bool json) {
    char *shown = cli_escape(word, strlen(word));
    const char *near = cli_near(word, next_name, NULL);
    fprintf(stderr, "mlx: there is no %s '%s'", *word == '-' ? "option" : "command",
            shown ? shown : "");
    if (near)
        fprintf(stderr, "; did you mean '%s'?", near);
    fputs("\nSee 'mlx help'.\n", stderr);
    if (json) {
        json_t *doc = json_pack("{s:o}", "error", json_sprintf("there is no command '%s'", shown));
        cli_json_print(doc);
        json_decref(doc);
    }
    free(shown);
    return CLI_USAGE;
}

static bool is(const char *word, const char *one, const char *other) {
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv) {
    start();
    const char *word = argc > 1 ? argv[1] : "help";
    if (is(word, "--version", "-V"))
        return call(cli_command_find("help"), 2, (char *[]){"help", "--version", NULL});
    if (is(word, "--help", "-h"))
        word = "help";
    const cli_command *command = cli_command_find(word);
    return command ? call(command, argc > 1 ? argc - 1 : 1, argc > 1 ? argv + 1 : argv)
                   : unknown(word, cli_asks_json(argc, argv));
}
