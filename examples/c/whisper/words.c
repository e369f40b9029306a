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

/* The whole numbers of the list under a key of JSON become true; whether there is the key. */
static bool mark(const char *json, const char *key, bool *marks, int n) {
    const char *at = strstr(json, key);
    if (!at)
        return false;
    at += strlen(key);
    at += strspn(at, ": \t\r\n");
    for (char *end; *at == '[' || *at == ','; at = end) {
        long id = strtol(++at, &end, 10);
        if (end == at)
            break;
        if (id >= 0 && id < n)
            marks[id] = true;
        end += strcspn(end, ",]");
    }
    return true;
}

/* What the model's configuration has never said: signs that are no speech. */
static void read_never(words *w, const char *folder) {
    const char *files[] = {"generation_config.json", "config.json"};
    bool found = false;
    char path[4096];
    size_t n;
    w->never = calloc((size_t)w->vocab, sizeof *w->never);
    if (!w->never)
        die(folder, "out of memory");
    for (int i = 0; i < 2 && !found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        FILE *f = fopen(path, "rb");
        if (!f)
            continue;
        fclose(f);
        char *json = file_bytes(path, &n);
        found = mark(json, "\"suppress_tokens\"", w->never, w->vocab) ||
                mark(json, "\"suppress_ids\"", w->never, w->vocab);
        free(json);
    }
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
    w->translate = id_of(w, "<|translate|>", folder);
    w->previous = id_of(w, "<|startofprev|>", folder);
    w->no_times = id_of(w, "<|notimestamps|>", folder);
    need(mlx_tokenizer_id(&w->no_speech, w->tokenizer, "<|nospeech|>", 12));
    if (w->no_speech < 0)
        need(mlx_tokenizer_id(&w->no_speech, w->tokenizer, "<|nocaptions|>", 14));
    w->first_time = w->no_times + 1;
    w->multilingual = vocab != ENGLISH_ONLY;
    read_never(w, folder);
}

/* The languages stand between the start and the two tasks. */
static int languages_end(const words *w) {
    return w->transcribe < w->translate ? w->transcribe : w->translate;
}

int language_named(const words *w, const char *name) {
    char piece[32];
    int id = -1;
    snprintf(piece, sizeof piece, "<|%s|>", name);
    need(mlx_tokenizer_id(&id, w->tokenizer, piece, strlen(piece)));
    return id > w->start && id < languages_end(w) ? id : 0;
}

int language_of(const words *w, const float *logits) {
    int best = w->start + 1;
    for (int t = best; t < languages_end(w); t++)
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

static bool may_follow(const words *w, follow f, int t) {
    if (w->never[t])
        return false;
    if (t >= w->first_time)
        return t >= f.low && t < f.high;
    return t == w->end ? f.end : t < w->end && f.text;
}

/* The logarithm of the sum of exponentials of tokens [low, high). */
static double log_sum(const float *x, int low, int high) {
    double most = -INFINITY, sum = 0;
    for (int t = low; t < high; t++)
        most = x[t] > most ? x[t] : most;
    if (most == -INFINITY)
        return most;
    for (int t = low; t < high; t++)
        sum += exp(x[t] - most);
    return most + log(sum);
}

/* Where times together are likelier than each text, it is a time. */
static bool is_time(const words *w, const float *scores) {
    double text = -INFINITY;
    for (int t = 0; t <= w->end; t++)
        text = scores[t] > text ? scores[t] : text;
    return log_sum(scores, w->first_time, w->vocab) > text;
}

void follow_scores(const words *w, const float *logits, const int *said, int n, float temperature,
                   float *scores) {
    follow f = what_may(w, said, n);
    for (int t = 0; t < w->vocab; t++)
        scores[t] = may_follow(w, f, t) ? logits[t] / temperature : -INFINITY;
    if (is_time(w, scores))
        for (int t = 0; t <= w->end; t++)
            scores[t] = -INFINITY;
    double all = log_sum(scores, 0, w->vocab);
    for (int t = 0; t < w->vocab; t++)
        scores[t] = (float)(scores[t] - all);
}

double chance_of(const words *w, const float *logits, int token) {
    return token < 0 ? 0 : exp(logits[token] - log_sum(logits, 0, w->vocab));
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
