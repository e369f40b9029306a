/* Checksums, with a bar. */
#include <string.h>

#include "model/model.h"

typedef struct watcher {
    cli_progress *bar;
    uint64_t done;
} watcher;

static int step(const mlx_hub_progress *now, void *payload) {
    watcher *w = payload;
    cli_progress_step(w->bar, now->bytes_done - w->done, now->file);
    w->done = now->bytes_done;
    return 0;
}

int cli_sha256_file(cli_call *c, char hex[65], const char *path, cli_progress *p) {
    mlx_string text = mlx_string_new();
    watcher w = {p, 0};
    int status = mlx_hub_sha256(&text, path, step, &w) ? cli_library(c) : CLI_OK;
    if (status == CLI_OK)
        snprintf(hex, 65, "%s", mlx_string_data(text));
    mlx_string_free(text);
    return status;
}
