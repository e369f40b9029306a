/* A tiny model with a tokenizer of letters, and texts for it to learn. */
#ifndef TRAIN_FILES_H
#define TRAIN_FILES_H

#include <sys/stat.h>

#include "mlx/c/train.h"
#include "tiny_models.h"

/* 61 letters, and </s>. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456.,";

static void write_into(const char *folder_path, const char *name, const char *text) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

/* 0 <unk>, 1 <s>, 2 </s>, 3 .. the letters. */
static void write_tokenizer(const char *folder_path) {
    char text[4096], *at = text;
    at += sprintf(at, "{\"added_tokens\": ["
                      "{\"id\": 0, \"content\": \"<unk>\", \"special\": true},"
                      "{\"id\": 1, \"content\": \"<s>\", \"special\": true},"
                      "{\"id\": 2, \"content\": \"</s>\", \"special\": true}],"
                      "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false,"
                      "\"use_regex\": true}, \"decoder\": {\"type\": \"ByteLevel\"},"
                      "\"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"merges\": [],"
                      "\"vocab\": {\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2");
    for (int i = 0; letters[i]; i++)
        at += sprintf(at, ", \"%c\": %d", letters[i], i + 3);
    strcpy(at, "}}}");
    write_into(folder_path, "tokenizer.json", text);
    write_into(folder_path, "tokenizer_config.json",
               "{\"eos_token\": \"</s>\", \"bos_token\": \"<s>\", \"unk_token\": \"<unk>\"}");
}

/* One of the fixtures with the tokenizer. */
static bool open_tiny(tiny_model *t, const char *name) {
    bool ok = tiny_open(t, name);
    if (ok)
        write_tokenizer(t->path);
    return ok;
}

/* The model in affine words with its tokenizer; where. */
__attribute__((unused)) static const char *in_words(const char *model, int bits) {
    static char path[400];
    mlx_convert_options o = {.mode = "affine", .bits = bits, .group_size = 32, .overwrite = true};
    static int number;
    char name[32];
    snprintf(name, sizeof name, "words%d_%d", bits, number++);
    snprintf(path, sizeof path, "%s", own_path(name));
    CHECK_MSG(mlx_convert(model, path, &o, NULL, NULL) == 0, "%s", mlx_last_error_message());
    return path;
}

/* A folder with these files; NULL: without one. */
__attribute__((unused)) static const char *data_folder(const char *name, const char *train,
                                                       const char *valid, const char *test) {
    const char *path = own_path(name);
    mkdir(path, 0777);
    if (train)
        write_into(path, "train.jsonl", train);
    if (valid)
        write_into(path, "valid.jsonl", valid);
    if (test)
        write_into(path, "test.jsonl", test);
    return path;
}

static const char lines[] = "{\"text\": \"abcabcabcabcabc\"}\n"
                            "{\"text\": \"the,cat,sat,on,the,mat.\"}\n"
                            "{\"text\": \"helloworldhelloworld\"}\n"
                            "\n"
                            "{\"text\": \"012345601234560123456\"}\n"
                            "{\"text\": \"zyxwvuzyxwvu\"}\n"
                            "{\"text\": \"ABCABC,ABCABC,ABC.\"}\n"
                            "{\"text\": \"abab\"}";

/* --- what is reported ------------------------------------------------------------------------- */

typedef struct seen {
    double loss[256]; /* of reports, in order */
    int losses;
    double valid[64];
    int valids, saved, notes, steps;
    char note[512];
    int stop_at; /* iterations; 0: never */
    int kill_at; /* the same, at a report: by a status of its own */
} seen;

__attribute__((unused)) static int see(const mlx_train_event *e, void *payload) {
    seen *s = payload;
    if (e->kind == MLX_TRAIN_REPORT && s->losses < 256)
        s->loss[s->losses++] = e->loss;
    if (e->kind == MLX_TRAIN_EVALUATED && s->valids < 64)
        s->valid[s->valids++] = e->loss;
    s->saved += e->kind == MLX_TRAIN_SAVED;
    s->steps += e->kind == MLX_TRAIN_STEP;
    if (e->kind == MLX_TRAIN_NOTE) {
        s->notes++;
        snprintf(s->note, sizeof s->note, "%s", e->text);
    }
    return s->stop_at && e->kind == MLX_TRAIN_STEP && e->iteration >= s->stop_at;
}

/* What the tests train with. */
__attribute__((unused)) static mlx_train_options quick(int iters) {
    mlx_train_options o = mlx_train_options_default();
    o.iters = iters;
    o.learning_rate = 2e-3;
    o.scale = 2;
    o.rank = 4;
    o.batch_size = 3;
    o.report_every = 1;
    o.eval_every = 1 << 20;
    o.save_every = 1 << 20;
    return o;
}

/* Opens, trains, and lets go; false: an error. */
__attribute__((unused)) static bool train(const char *model, const char *data,
                                          const mlx_train_options *o, seen *s) {
    mlx_train t = mlx_train_new();
    bool stopped = false;
    bool ok = mlx_train_open(&t, model, data, o) == 0 && mlx_train_run(&stopped, t, see, s) == 0;
    mlx_train_free(t);
    return ok;
}

/* An adapter's arrays, for mx_free_arrays. */
__attribute__((unused)) static mx_map arrays_of(const char *adapter) {
    char path[700];
    mx_map arrays = {0};
    snprintf(path, sizeof path, "%s/adapters.safetensors", adapter);
    CHECK_MSG(mx_load_safetensors(path, false, &arrays, NULL), "%s", mx_error_message());
    return arrays;
}

/* The same written. */
__attribute__((unused)) static void put_arrays(const char *adapter, const mx_map *arrays) {
    char path[700];
    snprintf(path, sizeof path, "%s/adapters.safetensors", adapter);
    CHECK(mx_save_safetensors(path, arrays, NULL));
}

#endif
