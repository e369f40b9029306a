/* Whisper in C: what is said in a recording, and when.
 *
 *     whisper model-folder recording.wav
 *
 * The folder has tokenizer.json and model.safetensors, as Hugging Face has them, or model.bin, as
 * CTranslate2 has it; models of all sizes. The recording has 16-bit samples at 16 kHz. The language
 * is what the first 30 s sound like. A line for each segment:
 *
 *     [00:00.00 --> 00:08.00] And so my fellow Americans ...
 *
 * Always the likeliest token: examples/python/speech/whisper has beams, temperatures and the rest.
 */
#include <string.h>
#include <time.h>

#include "whisper.h"

enum { MOST = 224 }; /* tokens of a window */

mlx_stream on;
mlx_array *step_arrays;
size_t step_count, step_room;

void die(const char *path, const char *what) {
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

char *file_bytes(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *bytes = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!f || size < 0)
        die(path, "cannot be read");
    rewind(f);
    if (!bytes || fread(bytes, 1, (size_t)size, f) != (size_t)size)
        die(path, "cannot be read into memory");
    fclose(f);
    bytes[size] = 0;
    *n = (size_t)size;
    return bytes;
}

static double seconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- a window --------------------------------------------------------------------------------- */

/* Frames [at, at + FRAMES) as (1,FRAMES,bands); there are as many. */
static mlx_array window(const whisper *m, mlx_array features, int at) {
    int start[2] = {at, 0}, stop[2] = {at + FRAMES, m->bands}, one[2] = {1, 1};
    mlx_array part = mlx_array_new();
    need(mlx_slice(&part, features, start, 2, stop, 2, one, 2, on));
    return reshape3(owned(part), 1, FRAMES, m->bands);
}

/* Logits on the host, which belong to the open step. */
static const float *predict(const whisper *m, cache *c, const int *tokens, int n) {
    mlx_array logits = logits_after(m, c, tokens, n);
    need(mlx_array_eval(logits));
    return mlx_array_data_float32(logits);
}

/* The tokens that are said to the sound in the cache; their number. */
static int say(const whisper *m, const words *w, cache *c, int *language, int *said) {
    int prompt[3] = {w->start, 0, w->transcribe}, n = 0, next;
    size_t step = step_begin();
    const float *logits = predict(m, c, prompt, 1);
    if (w->multilingual) {
        *language = *language ? *language : language_of(w, logits);
        prompt[1] = *language;
        logits = predict(m, c, prompt + 1, 2);
    }
    while ((next = next_token(w, logits, said, n)) != w->end && n < MOST) {
        said[n++] = next;
        step_end(step);
        logits = predict(m, c, &next, 1);
    }
    step_end(step);
    return n;
}

/* --- segments --------------------------------------------------------------------------------- */

static void print_time(double t) {
    int hundredths = (int)(t * 100 + 0.5);
    printf("%02d:%02d.%02d", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
}

static void print_segment(const words *w, double start, double end, const int *tokens, int n) {
    putchar('[');
    print_time(start);
    fputs(" --> ", stdout);
    print_time(end);
    putchar(']');
    print_text(w, tokens, n);
    fflush(stdout);
}

/* The segments of a window that begins at frame `at` and has `frames` of sound. How many frames
   they cover: a segment whose end was not said is heard again in the next window, unless the window
   has no other. */
static int print_segments(const words *w, const int *said, int n, int at, int frames) {
    double begin = at * 0.01;
    int start = 0, covered = 0;
    for (int i = 1; i < n; i++)
        if (said[i] >= w->first_time && said[i - 1] < w->first_time) {
            double from = begin + (said[start] - w->first_time) * 0.02;
            covered = (said[i] - w->first_time) * FRAMES_PER_STEP;
            if (said[start] < w->first_time)
                from = begin;
            print_segment(w, from, begin + covered * 0.01, said + start, i - start);
            start = i + 1;
        }
    if (start < n && covered > 0)
        return covered;
    if (start < n)
        print_segment(w, begin, begin + frames * 0.01, said, n);
    return frames;
}

static void transcribe(const whisper *m, const words *w, mlx_array features, int frames) {
    static int said[MOST + 1];
    int language = 0;
    for (int at = 0; at < frames;) {
        cache c;
        int left = frames - at < FRAMES ? frames - at : FRAMES;
        size_t step = step_begin();
        cache_begin(m, &c, encode(m, window(m, features, at)));
        int n = say(m, w, &c, &language, said);
        cache_free(&c);
        step_end(step);
        at += print_segments(w, said, n, at, left);
    }
}

int main(int argc, char **argv) {
    whisper m;
    words w;
    size_t n;
    if (argc != 3) {
        fprintf(stderr, "usage: whisper model-folder recording.wav\n");
        return 2;
    }
    on = mlx_default_cpu_stream_new();
    load_weights(&m, argv[1]);
    words_open(&w, argv[1], m.vocab);
    float *samples = read_wav(argv[2], &n);
    double start = seconds();
    mlx_array features = keep(log_mel(samples, n, m.bands));
    step_end(0);
    transcribe(&m, &w, features, (int)((n + HOP - 1) / HOP));
    fprintf(stderr, "%.1f s in %.2f s\n", (double)n / RATE, seconds() - start);
    mlx_array_free(features);
    free(samples);
    mlx_tokenizer_free(w.tokenizer);
    mlx_map_string_to_array_free(m.weights);
    free(step_arrays);
    mlx_stream_free(on);
    return 0;
}
