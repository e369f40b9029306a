/* mlx chat: a conversation with a language model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lm/lines.h"
#include "lm/lm.h"

typedef struct chat {
    cli_call *c;
    cli_lm m;
    mlx_sampler_options usual; /* as the model's files say */
    json_t *messages;          /* as a chat template has them */
    int turns, answers;
    bool over;
} chat;

/* --- messages --------------------------------------------------------------------------- */

static bool add_message(chat *t, const char *role, const char *text, size_t n) {
    json_t *message = json_pack("{s:s, s:o}", "role", role, "content", cli_json_said(text, n));
    return json_array_append_new(t->messages, message) == 0;
}

static void drop_last(chat *t) {
    json_array_remove(t->messages, json_array_size(t->messages) - 1);
}

static bool has_system(const chat *t) {
    const json_t *first = json_array_get(t->messages, 0);
    const char *role = json_string_value(json_object_get(first, "role"));
    return role && strcmp(role, "system") == 0;
}

/* Empty: none. */
static void set_system(chat *t, const char *text) {
    if (has_system(t))
        json_array_remove(t->messages, 0);
    if (!*text)
        return;
    json_t *message = json_pack("{s:s, s:o}", "role", "system", "content", cli_json_text(text));
    json_array_insert_new(t->messages, 0, message);
}

/* The system's message stays. */
static void clear(chat *t) {
    while (json_array_size(t->messages) > (size_t)has_system(t))
        drop_last(t);
}

/* --- an answer -------------------------------------------------------------------------- */

static int ask(chat *t, cli_lm_answer *a) {
    const int *ids;
    mlx_tokens prompt = mlx_tokens_new();
    mlx_sampler_options sampling;
    int status = cli_lm_sampling(t->c, t->usual, &sampling);
    sampling.seed += (uint64_t)t->turns; // another answer to the same question
    mlx_lm_request r = {.sampling = &sampling,
                        .most = (int)cli_int(t->c, "tokens", 0),
                        .save_cache = cli_text(t->c, "save-cache", NULL)};
    if (!t->turns++) // afterwards the text is in memory
        r.load_cache = cli_text(t->c, "load-cache", NULL);
    if (status == CLI_OK)
        status = cli_lm_prompt(t->c, &t->m, t->messages, &prompt);
    if (status == CLI_OK && mlx_tokens_data(&ids, &r.token_num, prompt))
        status = cli_library(t->c);
    if (status == CLI_OK) {
        r.tokens = ids;
        status = cli_lm_run(t->c, &t->m, r, a);
    }
    mlx_tokens_free(prompt);
    return status;
}

/* What cannot be answered is forgotten; what was answered in part stays so. */
static void say(chat *t, const char *text) {
    cli_lm_answer a = {0};
    if (!add_message(t, "user", text, strlen(text)) || ask(t, &a) != CLI_OK) {
        drop_last(t);
        free(a.text);
        return;
    }
    t->answers++;
    cli_say("\n", 1);
    int64_t most = cli_int(t->c, "tokens", 0);
    if (a.end.finish == MLX_LM_LENGTH && !(most && a.end.generated >= most))
        cli_note(t->c, "the context of %lld tokens is full: /clear begins anew",
                 (long long)t->m.info.context);
    add_message(t, "assistant", a.text, a.text_num);
    if (cli_flag(t->c, "verbose"))
        cli_lm_summary(t->c, &a);
    free(a.text);
}

/* --- commands --------------------------------------------------------------------------- */

static void save(chat *t, const char *path) {
    json_t *doc = json_pack("{s:O}", "messages", t->messages);
    if (!*path)
        cli_note(t->c, "/save FILE");
    else if (!doc || json_dump_file(doc, path, JSON_INDENT(1)))
        cli_note(t->c, "%s: %s", path, strerror(errno));
    json_decref(doc);
}

static bool is_message(const json_t *m) {
    return json_is_string(json_object_get(m, "role")) &&
           json_is_string(json_object_get(m, "content"));
}

static void load(chat *t, const char *path) {
    json_t *doc = *path ? cli_json_file(t->c, path) : NULL;
    json_t *list = json_object_get(doc, "messages"), *m;
    bool ok = json_is_array(list);
    size_t i;
    json_array_foreach(list, i, m) {
        ok = ok && is_message(m);
    }
    if (!*path)
        cli_note(t->c, "/load FILE");
    else if (doc && !ok)
        cli_note(t->c, "%s: that is no conversation", path);
    if (ok) {
        json_array_clear(t->messages);
        json_array_extend(t->messages, list);
        cli_note(t->c, "%zu messages", json_array_size(t->messages));
    }
    json_decref(doc);
}

static void help(void) {
    cli_print(
        "/clear          forget the conversation\n"
        "/system [TEXT]  what the model is told first; without TEXT nothing\n"
        "/save FILE      the conversation as JSON\n"
        "/load FILE      and back\n"
        "/exit           end, as Control-D\n"
        "/help           this\n"
        "A \\ at the end of a line goes on with the next one, and \"\"\" begins and ends several "
        "lines.\nControl-C ends an answer.\n");
}

/* The rest of a line that begins with a command's name; NULL: it does not. */
static const char *behind(const char *line, const char *name) {
    size_t n = strlen(name);
    return strncmp(line, name, n) || (line[n] && line[n] != ' ') ? NULL
                                                                 : line + n + (line[n] == ' ');
}

static void obey(chat *t, const char *line) {
    const char *rest;
    if (behind(line, "/clear"))
        clear(t);
    else if ((rest = behind(line, "/system")))
        set_system(t, rest);
    else if ((rest = behind(line, "/save")))
        save(t, rest);
    else if ((rest = behind(line, "/load")))
        load(t, rest);
    else if (behind(line, "/exit"))
        t->over = true;
    else {
        if (!behind(line, "/help"))
            cli_note(t->c, "there is no command %s", line);
        help();
    }
}

/* --- the conversation ------------------------------------------------------------------- */

/* A folder and those that it lies in. */
static bool make_folders(char *path) {
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* $XDG_STATE_HOME/mlx/chat, where what was typed is kept; for free. NULL: nowhere. */
static char *history_path(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char path[4096];
    int n = state && *state ? snprintf(path, sizeof path, "%s", state)
            : home          ? snprintf(path, sizeof path, "%s/.local/state", home)
                            : -1;
    if (n < 0 || n > (int)sizeof path - 16)
        return NULL;
    strcat(path, "/mlx");
    if (!make_folders(path))
        return NULL;
    strcat(path, "/chat");
    return strdup(path);
}

static void talk(chat *t, cli_lines *lines) {
    char *line = NULL;
    while (!t->over) {
        cli_typed typed = cli_lines_read(lines, "> ", &line);
        if (typed == CLI_TYPED_END)
            break;
        if (typed == CLI_TYPED_INTERRUPT)
            continue;
        if (*line == '/')
            obey(t, line);
        else if (strspn(line, " \t\n") < strlen(line))
            say(t, line);
        free(line);
    }
}

static int converse(chat *t) {
    char *history = history_path();
    cli_lines *lines = cli_lines_open(history);
    const char *system = cli_text(t->c, "system", NULL);
    t->messages = json_array();
    int status = lines && t->messages ? CLI_OK : cli_fail(t->c, "out of memory");
    if (system)
        set_system(t, system);
    if (status == CLI_OK)
        talk(t, lines);
    if (status == CLI_OK && t->turns && !t->answers)
        status = CLI_FAILED;
    if (status == CLI_OK && cli_interrupted())
        status = CLI_INTERRUPTED;
    cli_lines_close(lines);
    json_decref(t->messages);
    free(history);
    return status;
}

static int run(cli_call *c) {
    chat t = {.c = c};
    bool has = false;
    mlx_sampler_options sampling;
    if (c->json)
        return cli_usage(c, "a conversation is no one document: mlx generate --json is for that");
    int status = cli_lm_open(c, &t.m);
    if (status == CLI_OK && mlx_lm_usual_sampling(&t.usual, t.m.lm))
        status = cli_library(c);
    if (status == CLI_OK)
        status = cli_lm_sampling(c, t.usual, &sampling);
    if (status == CLI_OK)
        status = cli_lm_has_template(c, &t.m, &has);
    if (status == CLI_OK && !has)
        status = cli_fail(c, "%s has no chat template, which a conversation needs", t.m.path);
    if (status == CLI_OK)
        status = cli_lm_begin(c, &t.m,
                              (mlx_lm_batch_options){.requests = 1, .shift = cli_flag(c, "shift")});
    if (status == CLI_OK)
        status = converse(&t);
    cli_lm_close(&t.m);
    return status;
}

static const cli_option options[] = {
    CLI_LM_MODEL,
    CLI_LM_ADAPTER,
    {.name = "system", .kind = CLI_TEXT, .value = "TEXT", .help = "what the model is told first"},
    CLI_LM_TOKENS,
    {.name = "shift", .help = "beyond the context forget the oldest half of the text"},
    {.name = "verbose", .letter = 'v', .help = "a line about each answer"},
    CLI_LM_SAMPLING,
    CLI_LM_CACHE,
    CLI_LM_FILES,
    CLI_LM_GUESSES,
    {0}};

static const cli_example examples[] = {
    {"mlx chat -m model.gguf", "talk with a model"},
    {"mlx chat -m org/model --system \"You are a pirate.\" -t 1",
     "in a role, with other words each time"},
    {"mlx chat -m model.gguf --system \"You are a pirate.\" --save-cache pirate.kv",
     "keep what was computed with each answer; --load-cache pirate.kv goes on from there"},
    {"printf 'Hello\\nWho are you?\\n' | mlx chat -m model.gguf", "without a terminal"},
    {0}};

const cli_command cli_chat = {
    .name = "chat",
    .summary = "talk with a language model",
    .arguments = "[MODEL]",
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text =
        "Lines are sent through the model's chat template, which it must have; /help says what else "
        "they may be. Control-C ends an answer, not the conversation. What was typed is kept in "
        "$XDG_STATE_HOME/mlx/chat. Answers are drawn as the model's files say "
        "(generation_config.json, general.sampling of GGUF), else they are the likeliest; the seed "
        "counts up with each answer. Where nothing could be answered the status is 1.",
    .options = options,
    .examples = examples,
    .run = run};
