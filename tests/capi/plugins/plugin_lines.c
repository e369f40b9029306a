/* A plug-in that is built by itself, against the public headers alone: a format of one line of text
 * for each tensor,
 *
 *     LINES 1
 *     name storage offset ndim sizes ...        offset: of the elements; 0 where they stand as
 *                                               hexadecimal in a line below
 *     # key text
 *     .
 *
 * and a storage "nibbles": two numbers of four bits in a byte. -DBROKEN=n makes it one of the ways
 * to be wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlx/c/plugin.h"

#ifndef BROKEN
#define BROKEN 0
#endif
enum { HEAD = 4096 };

static bool detect(const void *head, size_t n) {
    return n >= 8 && memcmp(head, "LINES 1\n", 8) == 0;
}

static int add_tensor(const char *line, const mlx_plugin_bytes *in, const mlx_plugin_list *out) {
    char name[64], storage[64];
    unsigned long long offset;
    int shape[8], ndim, used, more;
    if (sscanf(line, "%63s %63s %llu %d%n", name, storage, &offset, &ndim, &used) != 4 ||
        ndim < 0 || ndim > 8)
        return in->fail(in->ctx, 8, "a line is no tensor");
    for (int i = 0; i < ndim; i++, used += more)
        if (sscanf(line + used, "%d%n", &shape[i], &more) != 1)
            return in->fail(in->ctx, 8, "a line has too few sizes");
    mlx_file_tensor t = {
        .name = name, .storage = storage, .shape = shape, .ndim = ndim, .offset = offset};
    return out->tensor(out->ctx, &t);
}

static int open_lines(void **state, const mlx_plugin_bytes *in, const mlx_plugin_list *out) {
    static char text[HEAD + 1];
    size_t n = in->size < HEAD ? (size_t)in->size : HEAD;
    *state = malloc(1);
    if (in->read(in->ctx, text, n, 0))
        return 1;
    text[n] = 0;
    for (char *line = strchr(text, '\n') + 1, *end; *line != '.'; line = end + 1) {
        if (!(end = strchr(line, '\n')))
            return in->fail(in->ctx, n, "the last line is missing");
        *end = 0;
        char *space = *line == '#' ? strchr(line + 2, ' ') : NULL;
        if (space)
            *space = 0;
        if (space ? out->text(out->ctx, line + 2, space + 1) : add_tensor(line, in, out))
            return 1;
    }
    return BROKEN == 8 ? 3 : 0;
}

static int write_lines(const mlx_plugin_head *h) {
    char line[256], zeros[HEAD] = {0};
    size_t n = (size_t)sprintf(line, "LINES 1\n");
    uint64_t at = HEAD;
    int status = h->put(h->ctx, line, n);
    size_t all = n;
    for (size_t i = 0; i < h->count && !status; i++) {
        const mlx_file_tensor *t = &h->tensors[i];
        n = (size_t)sprintf(line, "%.60s %s %llu %d", t->name, t->storage, (unsigned long long)at,
                            t->ndim);
        for (int k = 0; k < t->ndim; k++)
            n += (size_t)sprintf(line + n, " %d", t->shape[k]);
        n += (size_t)sprintf(line + n, "\n");
        status = h->put(h->ctx, line, n);
        all += n;
        h->offsets[i] = BROKEN == 9 ? 0 : at;
        at += t->bytes;
    }
    for (size_t i = 0; i < h->pairs && !status; i++) {
        n = (size_t)snprintf(line, sizeof line, "# %.60s %.100s\n", h->keys[i], h->texts[i]);
        status = h->put(h->ctx, line, n);
        all += n;
    }
    if (all + 2 > HEAD)
        return h->fail(h->ctx, "the head has more than 4096 bytes");
    return status || h->put(h->ctx, ".\n", 2) || h->put(h->ctx, zeros, HEAD - all - 2);
}

static void close_lines(void *state) {
    free(state);
}

/* --- the storage ------------------------------------------------------------------------ */

static int load(void *to, const void *from, size_t n) {
    unsigned char *e = to;
    const unsigned char *b = from;
    for (size_t i = 0; i < n; i++) {
        e[2 * i] = b[i] & 15;
        e[2 * i + 1] = b[i] >> 4;
    }
    return 0;
}

static int store(void *to, const void *from, size_t n) {
    unsigned char *b = to;
    const unsigned char *e = from;
    for (size_t i = 0; i < n; i++) {
        if (e[2 * i] > 15 || e[2 * i + 1] > 15)
            return 1;
        b[i] = (unsigned char)(e[2 * i] | e[2 * i + 1] << 4);
    }
    return 0;
}

/* --- the entry ----------------------------------------------------------------------------- */

static int init(const mlx_plugin_host *host) {
    mlx_plugin_format format = {sizeof format, "lines", ".lines",    detect,
                                open_lines,    NULL,    close_lines, write_lines};
    mlx_plugin_storage nibbles = {sizeof nibbles, "nibbles", 2, 1, MLX_UINT8, load, store};
    if (BROKEN == 1)
        format.size = 8;
    if (BROKEN == 2)
        format.detect = NULL;
    if (BROKEN == 3)
        format.name = "safetensors";
    if (BROKEN == 4)
        nibbles.load = NULL;
    if (BROKEN == 5)
        nibbles.items = 0;
    return host->storage_register(&nibbles) || host->format_register(&format);
}

#if BROKEN != 7
const mlx_plugin *mlx_plugin_entry(void) {
    static const mlx_plugin plugin = {BROKEN == 6 ? 99 : MLX_PLUGIN_ABI, "lines", init};
    return &plugin;
}
#endif
