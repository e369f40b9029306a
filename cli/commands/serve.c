/* mlx serve: models behind HTTP. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "serve/http/http.h"
#include "serve/sandbox.h"

/* --- what was given --------------------------------------------------------------------------- */

typedef struct setup {
    srv_source *sources; /* paths for free */
    size_t count;
    srv_keys *keys;
    mlx_string version;
    srv_server server;
    http_server http;
    bool open;
} setup;

static int fail(cli_call *c, const srv_fault *f) {
    return cli_fail(c, "%s", f->text);
}

static int find_models(cli_call *c, setup *s) {
    size_t options = 0, n = 0;
    const char *const *given = cli_texts(c, "model", &options);
    s->sources = calloc(options + (size_t)c->count + 1, sizeof *s->sources);
    if (!s->sources)
        return cli_fail(c, "out of memory");
    for (size_t i = 0; i < options + (size_t)c->count; i++) {
        const char *name = i < options ? given[i] : c->args[i - options];
        int status = cli_find(c, &s->sources[n].path, name);
        if (status != CLI_OK)
            return status;
        s->sources[n].name = name;
        s->count = ++n;
    }
    if (n > 1 && cli_text(c, "adapter-path", NULL))
        return cli_usage(c, "--adapter-path is of one model, and %zu are named", n);
    return n ? CLI_OK : cli_usage(c, "which model? mlx serve MODEL");
}

static int read_keys(cli_call *c, setup *s) {
    srv_fault f = {0};
    size_t n = 0;
    const char *const *keys = cli_texts(c, "api-key", &n);
    const char *file = cli_text(c, "api-key-file", NULL);
    if (n == 0 && !file)
        return CLI_OK;
    s->keys = srv_keys_new(keys, n, file, &f);
    return s->keys ? CLI_OK : fail(c, &f);
}

static bool is_loopback(const char *host) {
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

/* A quarter of the machine's memory: keys and values of prompts are kept until others need the
   place. */
static uint64_t kv_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages / 4 * (uint64_t)page : (uint64_t)1 << 30;
}

/* "*", or scheme://host[:port] as browsers write it: in small letters, without a path. */
static bool is_origin(const char *text) {
    const char *at = strstr(text, "://");
    bool known = at && at > text && at[3] && !at[3 + strcspn(at + 3, "/,? #")];
    for (const char *p = text; *p; p++)
        known &= !(*p >= 'A' && *p <= 'Z') && *p > ' ';
    return known || strcmp(text, "*") == 0;
}

static int check_origins(cli_call *c) {
    size_t n;
    const char *const *given = cli_texts(c, "cors", &n);
    for (size_t i = 0; i < n; i++)
        if (!is_origin(given[i]))
            return cli_usage(c, "--cors %s: an origin is needed, as https://app.example", given[i]);
    return CLI_OK;
}

static int open_engine(cli_call *c, setup *s) {
    srv_fault f = {0};
    srv_engine_options o = {.models = s->sources,
                            .model_count = s->count,
                            .adapter = cli_text(c, "adapter-path", NULL),
                            .parallel = cli_int(c, "parallel", 8),
                            .queue = cli_int(c, "queue", 64),
                            .context = cli_int(c, "context", 0),
                            .kv_bytes = cli_bytes(c, "kv-bytes", kv_bytes()),
                            .kv_bits = strtol(cli_text(c, "kv-bits", "16"), NULL, 10),
                            .idle = cli_real(c, "idle", 300)};
    const char *host = cli_text(c, "host", "127.0.0.1");
    if (mlx_library_version(&s->version))
        return cli_library(c);
    s->server = (srv_server){.o = {.most = cli_int(c, "max-tokens", 0),
                                   .body = cli_bytes(c, "max-body", 8 << 20),
                                   .local = is_loopback(host) && !s->keys,
                                   .page = !cli_flag(c, "no-page"),
                                   .version = mlx_string_data(s->version)},
                             .engine = srv_engine_open(&o, &f),
                             .keys = s->keys};
    s->server.o.cors = cli_texts(c, "cors", &s->server.o.cors_count);
    return s->server.engine ? CLI_OK : fail(c, &f);
}

static int open_http(cli_call *c, setup *s) {
    srv_fault f = {0};
    http_options o = {.host = cli_text(c, "host", "127.0.0.1"),
                      .port = (int)cli_int(c, "port", 8080),
                      .connections = cli_int(c, "connections", 256),
                      .read = cli_real(c, "read-timeout", 30),
                      .request = cli_real(c, "request-timeout", 600),
                      .drain = cli_real(c, "drain", 30),
                      .log = cli_flag(c, "log")};
    s->open = http_open(&s->http, &s->server, &o, &f);
    return s->open ? CLI_OK : fail(c, &f);
}

/* Sockets and libraries are open by now. */
static int close_in(cli_call *c) {
    srv_fault f = {0};
    return !cli_flag(c, "sandbox") || srv_sandbox(&f) ? CLI_OK : fail(c, &f);
}

/* --- what is said ----------------------------------------------------------------------------- */

static json_t *document(const setup *s) {
    char url[300];
    const char *host = s->http.o.host;
    snprintf(url, sizeof url, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d", host,
             s->http.port);
    json_t *models = json_array();
    for (size_t i = 0; i < srv_engine_count(s->server.engine); i++)
        json_array_append_new(models, cli_json_text(srv_engine_at(s->server.engine, i).id));
    return json_pack("{s:o, s:i, s:o, s:i}", "url", cli_json_text(url), "port", s->http.port,
                     "models", models, "keys", (int)srv_keys_count(s->keys));
}

static void show(cli_call *c, const json_t *doc) {
    const json_t *models = json_object_get(doc, "models"), *m;
    size_t i;
    cli_print("%s", json_string_value(json_object_get(doc, "url")));
    cli_print(c->quiet ? "\n" : " serves");
    json_array_foreach(models, i, m) {
        char *name = c->quiet ? NULL : cli_cell(m, CLI_LOOK_TEXT);
        if (name)
            cli_print(i ? ", %s" : " %s", name);
        free(name);
    }
    if (!c->quiet)
        cli_print("\n");
}

/* --- the command ------------------------------------------------------------------------------ */

static int serve(cli_call *c, setup *s) {
    int status = check_origins(c);
    if (status == CLI_OK)
        status = find_models(c, s);
    if (status == CLI_OK)
        status = read_keys(c, s);
    if (status == CLI_OK)
        status = open_engine(c, s);
    if (status == CLI_OK)
        status = open_http(c, s);
    if (status == CLI_OK)
        status = close_in(c);
    if (status == CLI_OK)
        status = cli_show(c, document(s), show);
    cli_flush(); // whoever started it reads where it is
    if (status == CLI_OK)
        http_run(&s->http);
    return status;
}

static int run(cli_call *c) {
    setup s = {.version = mlx_string_new()};
    int status = serve(c, &s);
    if (s.open)
        http_close(&s.http);
    srv_engine_close(s.server.engine);
    srv_keys_free(s.keys);
    mlx_string_free(s.version);
    for (size_t i = 0; i < s.count; i++)
        free(s.sources[i].path);
    free(s.sources);
    return status;
}

static const cli_option options[] = {
    {.name = "model",
     .letter = 'm',
     .kind = CLI_TEXTS,
     .value = "MODEL",
     .help = "a model, as MODEL; may be given several times"},
    {.name = "adapter-path",
     .kind = CLI_FILE,
     .value = "FOLDER",
     .help = "a change of the one model, as mlx lora makes it"},
    {.name = "host",
     .kind = CLI_TEXT,
     .value = "NAME",
     .help = "listen there; 127.0.0.1 without it"},
    {.name = "port",
     .letter = 'p',
     .kind = CLI_INT,
     .value = "N",
     .help = "and at this port; 8080 without it, 0: one that is free",
     .most = 65535},
    {.name = "api-key",
     .kind = CLI_TEXTS,
     .value = "KEY",
     .help = "answer those who have such a key; a key here is seen in lists of processes"},
    {.name = "api-key-file", .kind = CLI_FILE, .value = "FILE", .help = "keys, one a line"},
    {.name = "cors",
     .kind = CLI_TEXT,
     .value = "ORIGIN",
     .help = "pages of this origin may ask, '*': all pages; without it none but the server's own; "
             "may be given again"},
    {.name = "no-page", .help = "no chat page at /"},
    {.name = "parallel",
     .kind = CLI_INT,
     .value = "N",
     .help = "answers of a model computed at once; 8 without it",
     .least = 1,
     .most = 1024},
    {.name = "queue",
     .kind = CLI_INT,
     .value = "N",
     .help = "answers that may wait; more are refused with 429; 64 without it",
     .least = 1,
     .most = 100000},
    {.name = "context",
     .kind = CLI_INT,
     .value = "N",
     .help = "tokens of a conversation at most; without it what the model was made for, beyond "
             "which none goes",
     .least = 2,
     .most = 1 << 30},
    {.name = "max-tokens",
     .kind = CLI_INT,
     .value = "N",
     .help = "tokens of an answer at most",
     .least = 1,
     .most = 1 << 30},
    {.name = "kv-bytes",
     .kind = CLI_BYTES,
     .value = "SIZE",
     .help = "keys and values of a model at most (0: any); a quarter of the memory without it"},
    {.name = "kv-bits",
     .kind = CLI_CHOICE,
     .value = "32|16|8|4",
     .help = "bits of a key or value; 16 without it"},
    {.name = "max-body",
     .kind = CLI_BYTES,
     .value = "SIZE",
     .help = "bytes of a request at most; 8M without it"},
    {.name = "connections",
     .kind = CLI_INT,
     .value = "N",
     .help = "connections at most; 256 without it",
     .least = 1,
     .most = 60000},
    {.name = "read-timeout",
     .kind = CLI_REAL,
     .value = "SECONDS",
     .help = "until a request has come; 30 without it",
     .least = 0.01,
     .most = 1e6},
    {.name = "request-timeout",
     .kind = CLI_REAL,
     .value = "SECONDS",
     .help = "until it is answered; 600 without it",
     .least = 0.01,
     .most = 1e6},
    {.name = "idle",
     .kind = CLI_REAL,
     .value = "SECONDS",
     .help = "until a model that nobody uses leaves memory, 0: never; 300 without it",
     .least = 0,
     .most = 1e9},
    {.name = "drain",
     .kind = CLI_REAL,
     .value = "SECONDS",
     .help = "for answers under way when the program is told to end; 30 without it",
     .least = 0,
     .most = 1e6},
    {.name = "sandbox",
     .help = "serve behind a filter of system calls: no programs, no writing, no connections out"},
    {.name = "log", .help = "a line to stderr for each request; never what was asked or answered"},
    {0}};

static const cli_example examples[] = {
    {"mlx serve model.gguf", "serve a model, with a page to chat at http://127.0.0.1:8080"},
    {"mlx serve -m org/model -m embedder --port 0", "two models, at any free port"},
    {"mlx serve models --host 0.0.0.0 --api-key-file keys --log",
     "all models of a folder, for other machines"},
    {0}};

const cli_command cli_serve = {
    .name = "serve",
    .summary = "answer requests for models over HTTP",
    .arguments = "[MODEL...]",
    .least = 0,
    .most = -1,
    .takes = CLI_TAKES_FILES,
    .text =
        "MODEL is a GGUF file, a model's folder, a folder of those, or a model of the hub's cache. "
        "Models are loaded when they are first asked for.\n\n"
        "It speaks the interfaces of OpenAI (/v1/chat/completions, completions, responses, "
        "embeddings, rerank, models), Anthropic (/v1/messages) and Ollama (/api/chat, generate, embed, "
        "tags, show). Options of requests that it does not have are refused, never ignored. "
        "/health and /metrics tell how it is.\n\n"
        "SIGTERM, SIGHUP and Control-C let answers under way end first; a second one does not wait.",
    .options = options,
    .examples = examples,
    .run = run};
