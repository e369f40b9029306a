/* Options and arguments of a command: `-n 3`, `-n3`, `--limit 3`, `--limit=3`, flags of one letter
   together; `--` ends the options. */
#include <stdlib.h>
#include <string.h>

#include "parse/parse.h"

const cli_option cli_common_options[] = {
    {.name = "json", .letter = 'j', .help = "print one JSON document instead of text"},
    {.name = "quiet", .letter = 'q', .help = "no progress bars and notes"},
    {.name = "color",
     .kind = CLI_CHOICE,
     .value = "auto|always|never",
     .help = "colours: auto is on terminals, without NO_COLOR"},
    {.name = "help", .letter = 'h', .help = "explain the command"},
    {0}};

static size_t count_options(const cli_option *options) {
    size_t n = 0;
    while (options && options[n].name)
        n++;
    return n;
}

/* A row for each option; and room for as many values of each as there are words. */
static bool make_room(cli_call *c, int argc) {
    size_t own = count_options(c->command->options), common = count_options(cli_common_options);
    c->given = calloc(own + common, sizeof *c->given);
    c->args = calloc((size_t)argc + 1, sizeof *c->args);
    if (!c->given || !c->args)
        return false;
    c->given_count = own + common;
    for (size_t i = 0; i < c->given_count; i++) {
        c->given[i].option = i < own ? &c->command->options[i] : &cli_common_options[i - own];
        c->given[i].texts = calloc((size_t)argc, sizeof *c->given[i].texts);
        if (!c->given[i].texts)
            return false;
    }
    return true;
}

void cli_call_free(cli_call *c) {
    for (size_t i = 0; c->given && i < c->given_count; i++)
        free(c->given[i].texts);
    free(c->given);
    free(c->args);
    free(c->error);
}

static const char *next_option(size_t i, const void *data) {
    const cli_call *c = data;
    return i < c->given_count ? c->given[i].option->name : NULL;
}

static cli_given *find_name(cli_call *c, const char *name, size_t length) {
    for (size_t i = 0; i < c->given_count; i++) {
        const char *own = c->given[i].option->name;
        if (strlen(own) == length && memcmp(own, name, length) == 0)
            return &c->given[i];
    }
    return NULL;
}

static cli_given *find_letter(cli_call *c, char letter) {
    for (size_t i = 0; i < c->given_count; i++)
        if (letter && c->given[i].option->letter == letter)
            return &c->given[i];
    return NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

static int refuse(cli_call *c, const cli_option *o, const char *text, const char *wanted) {
    return cli_usage(c, "--%s wants %s, not '%s'", o->name, wanted, text);
}

static int check_bounds(cli_call *c, const cli_option *o, const char *text, double value) {
    if (o->most == 0 || (value >= o->least && value <= o->most))
        return CLI_OK;
    if (o->kind == CLI_BYTES)
        return cli_usage(c, "--%s is %.0f bytes or more, not %s", o->name, o->least, text);
    const char *form = o->kind == CLI_INT ? "--%s is between %.0f and %.0f, not %s"
                                          : "--%s is between %g and %g, not %s";
    return cli_usage(c, form, o->name, o->least, o->most, text);
}

static int check_value(cli_call *c, const cli_option *o, const char *text) {
    int64_t integer;
    double real;
    uint64_t bytes;
    switch (o->kind) {
    case CLI_INT:
        return cli_parse_int(&integer, text) ? check_bounds(c, o, text, (double)integer)
                                             : refuse(c, o, text, "a whole number");
    case CLI_SEED:
        return cli_parse_seed(&bytes, text) ? CLI_OK
                                            : refuse(c, o, text, "a whole number of 64 bits");
    case CLI_REAL:
        return cli_parse_real(&real, text) ? check_bounds(c, o, text, real)
                                           : refuse(c, o, text, "a number");
    case CLI_BYTES:
        return cli_parse_bytes(&bytes, text)
                   ? check_bounds(c, o, text, (double)bytes)
                   : refuse(c, o, text, "a size in bytes (4096, 512M, 4G)");
    case CLI_CHOICE:
        return cli_parse_choice(o->value, text) ? CLI_OK : refuse(c, o, text, o->value);
    default: return CLI_OK;
    }
}

static int give(cli_call *c, cli_given *g, const char *text) {
    g->texts[g->count++] = text;
    return check_value(c, g->option, text);
}

/* --- words ------------------------------------------------------------------------------------ */

static int no_such_option(cli_call *c, const char *name) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "="), name);
    const char *near = cli_near(word, next_option, c);
    if (near)
        return cli_usage(c, "there is no option --%s; did you mean --%s?", word, near);
    return cli_usage(c, "there is no option --%s", word);
}

static int take_next(cli_call *c, cli_given *g, int argc, char **argv, int *at) {
    if (*at + 1 >= argc)
        return cli_usage(c, "--%s wants a value: --%s %s", g->option->name, g->option->name,
                         g->option->value ? g->option->value : "VALUE");
    return give(c, g, argv[++*at]);
}

static int take_long(cli_call *c, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    cli_given *g = find_name(c, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!g)
        return no_such_option(c, name);
    if (g->option->kind == CLI_FLAG)
        return equals ? cli_usage(c, "--%s takes no value", g->option->name) : give(c, g, "");
    return equals ? give(c, g, equals + 1) : take_next(c, g, argc, argv, at);
}

static int take_short(cli_call *c, int argc, char **argv, int *at) {
    const char *letters = argv[*at] + 1;
    for (; *letters; letters++) {
        cli_given *g = find_letter(c, *letters);
        if (!g)
            return cli_usage(c, "there is no option -%c", *letters);
        if (g->option->kind != CLI_FLAG)
            return letters[1] ? give(c, g, letters + 1) : take_next(c, g, argc, argv, at);
        int status = give(c, g, "");
        if (status)
            return status;
    }
    return CLI_OK;
}

static int take_words(cli_call *c, int argc, char **argv) {
    bool options = true;
    int status = CLI_OK;
    for (int i = 1; i < argc && status == CLI_OK; i++) {
        const char *word = argv[i];
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && word[0] == '-' && word[1] == '-')
            status = take_long(c, argc, argv, &i);
        else if (options && word[0] == '-' && word[1])
            status = take_short(c, argc, argv, &i);
        else
            c->args[c->count++] = word;
    }
    return status;
}

static int check_count(cli_call *c) {
    const cli_command *o = c->command;
    if (c->count >= o->least && (o->most < 0 || c->count <= o->most))
        return CLI_OK;
    if (!o->arguments)
        return cli_usage(c, "it takes no argument; '%s' is one", c->args[0]);
    if (c->count < o->least)
        return cli_usage(c, "%s missing: mlx %s %s",
                         c->count ? "an argument is" : "the arguments are", o->name, o->arguments);
    return cli_usage(c, "'%s' is one argument too many: mlx %s %s", c->args[o->most], o->name,
                     o->arguments);
}

bool cli_asks_json(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
            return true;
    return false;
}

int cli_parse(cli_call *c, int argc, char **argv) {
    if (!make_room(c, argc))
        return cli_fail(c, "out of memory");
    int status = take_words(c, argc, argv);
    c->json = cli_flag(c, "json") || (status && cli_asks_json(argc, argv));
    c->quiet = cli_flag(c, "quiet");
    if (cli_flag(c, "help"))
        return CLI_OK; // whatever else is wrong: help is what is wanted
    status = status ? status : check_count(c);
    return status ? status : cli_check_effects(c);
}

/* --- reading them ----------------------------------------------------------------------------- */

static const char *last(const cli_call *c, const char *name) {
    cli_given *g = find_name((cli_call *)c, name, strlen(name));
    return g && g->count ? g->texts[g->count - 1] : NULL;
}

bool cli_flag(const cli_call *c, const char *name) {
    return last(c, name) != NULL;
}

const char *cli_text(const cli_call *c, const char *name, const char *otherwise) {
    const char *text = last(c, name);
    return text ? text : otherwise;
}

int64_t cli_int(const cli_call *c, const char *name, int64_t otherwise) {
    const char *text = last(c, name);
    if (text)
        cli_parse_int(&otherwise, text);
    return otherwise;
}

uint64_t cli_seed(const cli_call *c, const char *name, uint64_t otherwise) {
    const char *text = last(c, name);
    if (text)
        cli_parse_seed(&otherwise, text);
    return otherwise;
}

double cli_real(const cli_call *c, const char *name, double otherwise) {
    const char *text = last(c, name);
    if (text)
        cli_parse_real(&otherwise, text);
    return otherwise;
}

uint64_t cli_bytes(const cli_call *c, const char *name, uint64_t otherwise) {
    const char *text = last(c, name);
    if (text)
        cli_parse_bytes(&otherwise, text);
    return otherwise;
}

const char *const *cli_texts(const cli_call *c, const char *name, size_t *count) {
    cli_given *g = find_name((cli_call *)c, name, strlen(name));
    *count = g ? g->count : 0;
    return g ? g->texts : NULL;
}
