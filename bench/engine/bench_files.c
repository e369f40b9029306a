/* Model files: opening one of 5 GB, of which the disk has the header alone, and writing and copying
 * one tensor at a time.
 *
 *     bench_files [folder]     prints name<tab>best milliseconds, or a rate; the folder (/tmp) gets
 *                              540 MB for a while
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mlx/c/mlx.h"

enum { TENSORS = 320, ROUNDS = 20, COPIED = 32 };
static const unsigned long long EACH = 16u << 20;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* A header, and a length that only the file's size knows. */
static int write_sparse(const char *path) {
    char *header = malloc(TENSORS * 160 + 64), *p = header;
    FILE *f = fopen(path, "wb");
    *p++ = '{';
    for (int i = 0; i < TENSORS; i++)
        p += sprintf(
            p,
            "%s\"model.layers.%d.mlp.weight\":{\"dtype\":\"BF16\",\"shape\":[4096,2048],\"data_offsets\":[%llu,%llu]}",
            i ? "," : "", i, EACH * (unsigned)i, EACH * (unsigned)(i + 1));
    strcpy(p++, "}");
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((unsigned long long)(p - header) >> 8 * i);
    int bad = !f || fwrite(length, 1, 8, f) != 8 ||
              fwrite(header, 1, (size_t)(p - header), f) != (size_t)(p - header);
    bad = (f && fclose(f)) || bad ||
          truncate(path, (off_t)(8 + (p - header)) + (off_t)(EACH * TENSORS));
    free(header);
    return bad;
}

static double open_once(const char *path) {
    mlx_file f = mlx_file_new();
    mlx_file_tensor t;
    double start = now_ms();
    int bad = mlx_file_open(&f, path, false);
    for (size_t i = 0; !bad && i < mlx_file_count(f); i++)
        bad = mlx_file_get(&t, f, i);
    double ms = now_ms() - start;
    mlx_file_free(f);
    return bad ? -1 : ms;
}

/* COPIED tensors of the sparse file into a new one; MB/s of what is written. */
static double copy_rate(const char *from, const char *to) {
    mlx_file f = mlx_file_new();
    mlx_file_writer w = mlx_file_writer_new();
    mlx_stream s = {NULL};
    double start = now_ms();
    int bad = mlx_file_open(&f, from, false) || mlx_file_writer_open(&w, to, "safetensors", 0);
    for (size_t i = 0; !bad && i < COPIED; i++) {
        mlx_file_tensor t;
        bad = mlx_file_get(&t, f, i) ||
              mlx_file_writer_declare(w, t.name, t.storage, t.shape, (size_t)t.ndim);
    }
    for (size_t i = 0; !bad && i < COPIED; i++) {
        mlx_array a = mlx_array_new();
        mlx_file_tensor t;
        bad = mlx_file_get(&t, f, i) || mlx_file_read_stored(&a, f, i, s) ||
              mlx_file_writer_put(w, t.name, a);
        mlx_array_free(a);
    }
    double put = now_ms();
    bad = bad || mlx_file_writer_finish(w);
    mlx_file_writer_free(w);
    mlx_file_free(f);
    return bad ? -1 : (double)EACH * COPIED / 1e6 / ((put - start) / 1e3);
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "/tmp";
    char sparse[512], copy[512];
    snprintf(sparse, sizeof sparse, "%s/bench_files.%ld.safetensors", folder, (long)getpid());
    snprintf(copy, sizeof copy, "%s/bench_files.%ld.copy", folder, (long)getpid());
    if (write_sparse(sparse))
        return perror(sparse), 1;
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double ms = open_once(sparse);
        best = ms < best ? ms : best;
    }
    size_t peak = 0;
    printf("open and list 5 GB safetensors\t%.3f ms\n", best);
    mlx_reset_peak_memory();
    double rate = copy_rate(sparse, copy);
    mlx_get_peak_memory(&peak);
    printf(
        "copy a tensor at a time, before the disk\t%.0f MB/s\npeak of that, tensors of 16.8 MB\t%.1f MB\n",
        rate, (double)peak / 1e6);
    unlink(sparse);
    unlink(copy);
    return 0;
}
