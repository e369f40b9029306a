/* mlx pull: a model of the hub into the cache. */
#include <string.h>

#include "model/model.h"

/* The bar begins when the sizes are known. */
typedef struct watcher {
    cli_call *c;
    cli_progress bar;
    bool begun;
} watcher;

static int watch(const mlx_hub_progress *now, void *payload) {
    watcher *w = payload;
    if (!w->begun)
        w->bar = cli_progress_begin("pulling", now->bytes, true, w->c->quiet);
    w->begun = true;
    // bytes that were of no use are taken back
    w->bar.done = now->bytes_done < w->bar.done ? now->bytes_done : w->bar.done;
    cli_progress_step(&w->bar, now->bytes_done - w->bar.done, now->file);
    return cli_interrupted();
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {{"path", "Folder", CLI_LOOK_TEXT}, {0}};
    (void)c;
    cli_pairs(doc, columns);
}

static int run(cli_call *c) {
    watcher w = {.c = c};
    mlx_string folder = mlx_string_new();
    mlx_hub_options o = {.revision = cli_text(c, "revision", NULL),
                         .connections = (int)cli_int(c, "connections", 0)};
    o.patterns = cli_texts(c, "include", &o.pattern_count);
    int status = mlx_hub_pull(&folder, c->args[0], &o, watch, &w);
    cli_progress_end(&w.bar);
    if (status)
        status = cli_library(c);
    else
        status = cli_show(c,
                          json_pack("{s:s, s:o}", "model", c->args[0], "path",
                                    cli_json_text(mlx_string_data(folder))),
                          show);
    mlx_string_free(folder);
    return status;
}

static const cli_option options[] = {
    {.name = "revision",
     .letter = 'r',
     .kind = CLI_TEXT,
     .value = "NAME",
     .help = "a branch, tag or commit (main)"},
    {.name = "include",
     .letter = 'i',
     .kind = CLI_TEXTS,
     .value = "PATTERN",
     .help = "files of these names alone, as a shell matches; may be given several times"},
    {.name = "connections",
     .letter = 'n',
     .kind = CLI_INT,
     .value = "N",
     .help = "files at a time (4)",
     .least = 1,
     .most = 32},
    {0}};

static const cli_example examples[] = {
    {"mlx pull HuggingFaceTB/SmolLM2-135M-Instruct", "all files of a model"},
    {"mlx pull org/model -i '*.safetensors' -i '*.json'", "some of them"},
    {"mlx info org/model", "what was pulled is found by its name"},
    {0}};

const cli_command cli_pull = {
    .name = "pull",
    .summary = "take a model from the Hugging Face Hub",
    .arguments = "ORG/MODEL",
    .least = 1,
    .most = 1,
    .takes = CLI_TAKES_NOTHING,
    .text =
        "Files go into the cache that Hugging Face's own programs use, and what these took is there "
        "already. What was interrupted goes on where it stopped; a file gets its name when its "
        "SHA-256 is right. HF_ENDPOINT says where the hub is, HF_TOKEN who asks, HF_HOME where the "
        "cache is; with HF_HUB_OFFLINE=1 nobody is asked.\n\nEvery command that takes a file takes "
        "ORG/MODEL as well, where there is no such path.",
    .options = options,
    .examples = examples,
    .run = run};
