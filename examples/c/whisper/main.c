/* Whisper in C: what is said in a recording, and when.
 *
 *     whisper [options] model-folder recording.wav
 *
 *     --language en      a language's code; without it the first 30 s tell
 *     --translate        into English
 *     --beam 5           rows of the search; 1: always the likeliest token
 *     --temperature T    of all windows; without it 0, then 0.2 to 1 where a text repeats itself or
 *                        is unlikely
 *     --no-previous-text each window without the text before it
 *
 * The folder has tokenizer.json and model.safetensors, as Hugging Face has them, or model.bin, as
 * CTranslate2 has it; models of all sizes. The recording may be long, has 16-bit samples at 16 kHz.
 * A line for each segment:
 *
 *     [00:00.00 --> 00:08.00] And so my fellow Americans ...
 *
 * Beside examples/python/speech/whisper it has no times of words, no subtitles, no other sound
 * files and rates; a text repeats itself where its tokens do, not where zlib packs it well.
 */
#include <string.h>
#include <time.h>

#include "../command.h"
#include "whisper.h"

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
    if (!f || size < 0 || size > 1L << 40) /* of a folder it is the largest number */
        die(path, "cannot be read");
    char *bytes = malloc((size_t)size + 1);
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

/* --- segments --------------------------------------------------------------------------------- */

static void print_time(double t) {
    int hundredths = (int)(t * 100 + 0.5);
    printf("%02d:%02d.%02d", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
}

/* Keep the last tokens that were said. */
static void remember(history *h, const int *tokens, int n) {
    for (int i = 0; i < n; i++) {
        if (h->n == MOST)
            memmove(h->said, h->said + 1, sizeof(int) * (size_t)--h->n);
        h->said[h->n++] = tokens[i];
    }
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
static int print_segments(const words *w, const decoded *d, int at, int frames, history *h) {
    double begin = at * 0.01;
    int start = 0, covered = 0;
    for (int i = 1; i < d->n; i++)
        if (d->said[i] >= w->first_time && d->said[i - 1] < w->first_time) {
            double from = begin + (d->said[start] - w->first_time) * 0.02;
            covered = (d->said[i] - w->first_time) * FRAMES_PER_STEP;
            if (d->said[start] < w->first_time)
                from = begin;
            print_segment(w, from, begin + covered * 0.01, d->said + start, i - start);
            remember(h, d->said + start, i - start + 1);
            start = i + 1;
        }
    if (start < d->n && covered > 0)
        return covered;
    if (start < d->n) {
        print_segment(w, begin, begin + frames * 0.01, d->said, d->n);
        remember(h, d->said, d->n);
    }
    return frames;
}

static void transcribe(const whisper *m, const words *w, options *o, mlx_array features,
                       int frames) {
    history before = {.n = 0};
    for (int at = 0; at < frames;) {
        cache c;
        int left = frames - at < FRAMES ? frames - at : FRAMES;
        size_t step = step_begin();
        cache_begin(m, &c, encode(m, window(m, features, at)));
        decoded d = decode(m, w, &c, o, &before);
        cache_free(&c);
        step_end(step);
        at += is_silent(&d) ? left : print_segments(w, &d, at, left, &before);
        if (!o->previous || d.temperature > 0.5)
            before.n = 0;
    }
}

/* --- the command ------------------------------------------------------------------------------ */

static double number_of(const char *option, const char *text, double least, double most) {
    char *end;
    double value = text ? strtod(text, &end) : 0;
    if (!text || end == text || *end || !(value >= least && value <= most)) {
        fprintf(stderr, "%s: a number from %g to %g was expected\n", option, least, most);
        exit(2);
    }
    return value;
}

/* The place of the model's folder among the arguments; the language is a text still. */
static int read_options(int argc, char **argv, options *o, const char **language) {
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--translate"))
            o->translate = true;
        else if (!strcmp(argv[i], "--no-previous-text"))
            o->previous = false;
        else if (!strcmp(argv[i], "--language") && next)
            *language = argv[++i];
        else if (!strcmp(argv[i], "--beam"))
            o->beam = (int)number_of(argv[i++], next, 1, MOST_ROWS);
        else if (!strcmp(argv[i], "--temperature"))
            o->temperature = number_of(argv[i++], next, 0, 10);
        else
            return argc;
    }
    return i;
}

static void check_language(const words *w, options *o, const char *language) {
    if (!w->multilingual && (o->translate || (language && strcmp(language, "en"))))
        die("the model", "it knows only English, a multilingual one is needed");
    if (language && w->multilingual && !(o->language = language_named(w, language)))
        die(language, "no language of the model");
}

static const char usage[] =
    "usage: whisper [--language xx] [--translate] [--beam n] [--temperature t] "
    "[--no-previous-text] model-folder recording.wav\n";

int main(int argc, char **argv) {
    whisper m;
    words w;
    options o = {.beam = 5, .temperature = -1, .previous = true};
    const char *language = NULL;
    size_t n;
    begin_command(argc, argv, usage, 2, argc);
    int at = read_options(argc, argv, &o, &language);
    if (argc - at != 2) {
        fputs(usage, stderr);
        return 2;
    }
    on = mlx_default_cpu_stream_new();
    load_weights(&m, argv[at]);
    words_open(&w, argv[at], m.vocab);
    check_language(&w, &o, language);
    float *samples = read_wav(argv[at + 1], &n);
    double start = seconds();
    mlx_array features = keep(log_mel(samples, n, m.bands));
    step_end(0);
    transcribe(&m, &w, &o, features, (int)((n + HOP - 1) / HOP));
    fprintf(stderr, "%.1f s in %.2f s\n", (double)n / RATE, seconds() - start);
    mlx_array_free(features);
    free(samples);
    mlx_tokenizer_free(w.tokenizer);
    free(w.never);
    mlx_map_string_to_array_free(m.weights);
    free(step_arrays);
    mlx_stream_free(on);
    return printed();
}
