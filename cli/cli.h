/* What the commands of `mlx` are made of.
 *
 *     argv ──▶ parse ──▶ cli_call ──▶ command.run ──▶ json_t ──▶ text for people, or JSON
 *
 * A command is a file in commands/ that describes itself as data, and a row in commands.def:
 *
 *     static const cli_option options[] = {
 *         {.name = "limit", .letter = 'n', .kind = CLI_INT, .value = "N", .help = "show N rows"},
 *         {0}};
 *     static const cli_example examples[] = {{"mlx count model.gguf", "how many tensors it has"}, {0}};
 *
 *     static void show(cli_call *c, const json_t *doc) { ... cli_table(...) ... }
 *     static int run(cli_call *c) {
 *         json_t *doc = ...;                       all there is to say, once
 *         return cli_show(c, doc, show);           prints it either way
 *     }
 *     const cli_command cli_count = {.name = "count", .summary = "count the tensors of a model",
 *         .arguments = "FILE", .least = 1, .most = 1, .takes = CLI_TAKES_FILES,
 *         .options = options, .examples = examples, .run = run};
 *
 * --help, --json, --quiet, --color, completion and the manual page come from that. A command sees
 * the public C API (mlx/c/) and this header, nothing else of the library; it returns a cli_status
 * and never ends the process. What is printed to stdout goes through cli_show; what goes wrong
 * through cli_fail, cli_library or cli_usage, to stderr. Texts out of files are never printed as
 * they are: output.h escapes what a terminal would obey.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/mlx.h"
#include "output/output.h"

/* How the program ends. Scripts may count on it. */
typedef enum cli_status {
    CLI_OK = 0,           /* done; the two are equal; the model is sound */
    CLI_FAILED = 1,       /* it could not be done; the two differ; the model has faults */
    CLI_USAGE = 2,        /* there is no such command, option or value */
    CLI_NO_ANSWER = 3,    /* what was to be compared could not be read (diff) */
    CLI_INTERRUPTED = 130 /* by Control-C, SIGTERM; nothing half written is left */
} cli_status;

/* --- commands as data ------------------------------------------------------------------------- */

typedef enum cli_kind {
    CLI_FLAG,
    CLI_TEXT,
    CLI_TEXTS,  /* may be given several times */
    CLI_FILE,   /* a text that is completed as a path */
    CLI_CHOICE, /* one of the words in `value`, "text|html" */
    CLI_INT,
    CLI_REAL,
    CLI_SEED, /* 64 bits: -2^63 to 2^64 - 1 */
    CLI_BYTES /* 4096, 512K, 4G, 1.5GB: powers of 1024 */
} cli_kind;

typedef struct cli_option {
    const char *name; /* "limit": --limit; NULL ends a list */
    char letter;      /* 'n': -n; 0: none */
    cli_kind kind;
    const char *value;  /* what stands for the value in help, "N"; of a choice its words */
    const char *help;   /* a clause without a full stop */
    double least, most; /* of numbers; most 0: no bounds */
    const char *usual;  /* of a text the words that are completed, "a|b"; NULL: none */
    /* Options, "a|b": it has no effect without one of `needs`, nor beside one of `beside`, and is
       refused then; NULL: none. */
    const char *needs, *beside;
} cli_option;

typedef struct cli_example {
    const char *line; /* as typed; NULL ends a list */
    const char *what; /* what it does */
} cli_example;

typedef enum cli_takes { CLI_TAKES_NOTHING, CLI_TAKES_FILES, CLI_TAKES_WORDS } cli_takes;

typedef struct cli_call cli_call;

typedef struct cli_command {
    const char *name;
    const char *summary;   /* a clause without a full stop */
    const char *arguments; /* as the usage line shows them: "A B"; NULL: none */
    int least, most;       /* how many arguments; most -1: any number */
    cli_takes takes;       /* what completion offers for them */
    /* Words that completion offers, one by one until NULL; for CLI_TAKES_WORDS. */
    const char *(*word)(size_t i);
    const char *text;          /* paragraphs of the help, divided by empty lines; NULL: none */
    const cli_option *options; /* NULL: none of its own */
    const cli_example *examples;
    int (*run)(cli_call *c); /* returns a cli_status */
} cli_command;

/* In the order of the help. */
extern const cli_command *const cli_commands[]; /* ends with NULL */
/* What every command takes. */
extern const cli_option cli_common_options[];
/* NULL: there is none. */
const cli_command *cli_command_find(const char *name);

/* --- a call ----------------------------------------------------------------------------------- */

/* What was given for an option, the command's own first and the common ones behind. */
typedef struct cli_given {
    const cli_option *option;
    size_t count;
    const char **texts; /* the last is what counts, but of CLI_TEXTS */
} cli_given;

struct cli_call {
    const cli_command *command;
    const char **args; /* as many as `count`, then NULL */
    int count;
    bool json, quiet;
    cli_given *given;
    size_t given_count;
    bool shown;  /* a document was printed */
    char *error; /* what cli_fail said, for --json */
};

/* The value of an option, by its name; `otherwise` where it was not given. Values were checked
   when the line was read. */
bool cli_flag(const cli_call *c, const char *name);
const char *cli_text(const cli_call *c, const char *name, const char *otherwise);
int64_t cli_int(const cli_call *c, const char *name, int64_t otherwise);
uint64_t cli_seed(const cli_call *c, const char *name, uint64_t otherwise);
double cli_real(const cli_call *c, const char *name, double otherwise);
uint64_t cli_bytes(const cli_call *c, const char *name, uint64_t otherwise);
/* Refuses what was given beside the option `with` but for these, "a|b", and it: it has no effect. */
int cli_check_only(cli_call *c, const char *with, const char *names);
/* All values of an option in the order given; *count of them. */
const char *const *cli_texts(const cli_call *c, const char *name, size_t *count);

/* Print a document, which is taken over: as JSON with --json, else by `show`. Once a call. Returns
   CLI_OK, or CLI_FAILED where it is NULL (no memory). */
int cli_show(cli_call *c, json_t *doc, void (*show)(cli_call *c, const json_t *doc));

/* "mlx info: ..." to stderr; what is in the texts is escaped. Each returns what run returns. */
int cli_fail(cli_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_usage(cli_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A function of the library failed: its message. CLI_INTERRUPTED after Control-C. */
int cli_library(cli_call *c);
/* The same of what a file has (NULL: none), which its message does not name. */
int cli_library_about(cli_call *c, const char *file);
/* The same of a message that came another way. */
int cli_library_said(cli_call *c, const char *file, const char *message);
/* A note to stderr that stops nothing; silent with --quiet. */
void cli_note(cli_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Was Control-C pressed, or the process asked to end? Long loops that are not in the library ask;
   the library asks itself. */
bool cli_interrupted(void);
/* Waits until there is something to read. False: Control-C was pressed, or errno says why. */
bool cli_readable(int fd);
bool cli_ends_with(const char *text, const char *ending);
/* Of files: behind a name, in small letters or capitals. */
bool cli_has_ending(const char *path, const char *ending);
void cli_interrupt_begin(void); /* main's */
/* Control-C was answered: the next one is the first again. False: the process is to end. */
bool cli_interrupt_clear(void);

/* Functions of a library that is loaded when it is needed. */
typedef struct cli_function {
    void *to; /* a pointer to the function, which is set */
    const char *name;
} cli_function;
/* False: there is no such library, or it lacks one of them. It stays until the program ends. */
bool cli_functions_find(const char *file, const cli_function *list, size_t n);

/* The word (`next` gives the i-th, NULL at the end) that was probably meant, valid until the next
   call; NULL: none is near. */
const char *cli_near(const char *word, const char *(*next)(size_t i, const void *data),
                     const void *data);

#endif
