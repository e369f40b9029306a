/* Tokens: which may follow which, and their text. Times are tokens, too, in steps of 20 ms: they
 * come in pairs around text and never go back. */
#include <math.h>
#include <string.h>

#include "whisper.h"

enum { LATEST_BEGIN = 50, ENGLISH_ONLY = 51864 }; /* 1 s; the vocabulary of models ending in .en */

static int id_of(const words *w, const char *piece, const char *folder) {
    int id = -1;
    need(mlx_tokenizer_id(&id, w->tokenizer, piece, strlen(piece)));
    if (id < 0 || id >= w->vocab)
        die(folder, "its tokenizer.json is not Whisper's");
    return id;
}

void words_open(words *w, const char *folder, int vocab) {
    char path[4096];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    w->tokenizer = mlx_tokenizer_new();
    need(mlx_tokenizer_open(&w->tokenizer, path));
    w->vocab = vocab;
    w->end = id_of(w, "<|endoftext|>", folder);
    w->start = id_of(w, "<|startoftranscript|>", folder);
    w->transcribe = id_of(w, "<|transcribe|>", folder);
    w->no_times = id_of(w, "<|notimestamps|>", folder);
    w->first_time = w->no_times + 1;
    w->multilingual = vocab != ENGLISH_ONLY;
}

/* The languages stand between the start and the two tasks. */
int language_of(const words *w, const float *logits) {
    int best = w->start + 1;
    for (int t = best; t < w->transcribe - 1; t++)
        if (logits[t] > logits[best])
            best = t;
    return best;
}

/* --- what may follow -------------------------------------------------------------------------- */

typedef struct follow {
    bool text, end;
    int low, high; /* times, low <= t < high */
} follow;

static int last_time(const words *w, const int *said, int n) {
    while (n > 0 && said[n - 1] < w->first_time)
        n--;
    return n > 0 ? said[n - 1] : w->first_time - 1;
}

static follow what_may(const words *w, const int *said, int n) {
    if (n == 0)
        return (follow){false, false, w->first_time, w->first_time + LATEST_BEGIN + 1};
    bool last = said[n - 1] >= w->first_time, before = n < 2 || said[n - 2] >= w->first_time;
    if (last && before) // a segment begins
        return (follow){true, true, w->vocab, w->vocab};
    if (last) // one has ended: where the next begins, or nothing more
        return (follow){false, true, said[n - 1], w->vocab};
    return (follow){true, true, last_time(w, said, n) + 1, w->vocab};
}

static int best_text(const words *w, const float *logits, follow f) {
    int best = -1, n = f.text ? w->end + 1 : 0;
    for (int t = 0; t < n; t++)
        if (best < 0 || logits[t] > logits[best])
            best = t;
    return f.end && !f.text ? w->end : best;
}

/* The likeliest time, and in *all the logarithm of what all times have together. */
static int best_time(const words *w, const float *logits, follow f, double *all) {
    int best = -1;
    double sum = 0;
    int high = f.high < w->vocab ? f.high : w->vocab;
    for (int t = f.low; t < high; t++)
        if (best < 0 || logits[t] > logits[best])
            best = t;
    for (int t = f.low; t < high; t++)
        sum += exp((double)logits[t] - logits[best]);
    *all = best < 0 ? -INFINITY : logits[best] + log(sum);
    return best;
}

/* Where times together are likelier than each text, it is a time. */
int next_token(const words *w, const float *logits, const int *said, int n) {
    follow f = what_may(w, said, n);
    double times;
    int text = best_text(w, logits, f), time = best_time(w, logits, f, &times);
    if (text < 0 && time < 0)
        return w->end;
    return text < 0 || (time >= 0 && times > logits[text]) ? time : text;
}

void print_text(const words *w, const int *tokens, int n) {
    int kept[512], count = 0;
    for (int i = 0; i < n && count < 512; i++)
        if (tokens[i] < w->end)
            kept[count++] = tokens[i];
    mlx_string text = mlx_string_new();
    size_t size;
    need(mlx_tokenizer_decode(&text, &size, w->tokenizer, kept, (size_t)count, false));
    printf("%s\n", mlx_string_data(text));
    mlx_string_free(text);
}
