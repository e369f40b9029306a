/* Whisper (Radford et al. 2022) on the C API: what the files of this folder share.
 *
 *     main.c      the command; windows of 30 s
 *     decode.c    what is said in one: beams, and other temperatures where that is no text
 *     sound.c     WAV files and log-mel features
 *     weights.c   the weights of safetensors and of CTranslate2's model.bin
 *     network.c   encoder and decoder
 *     words.c     tokens, and which may follow which
 */
#ifndef WHISPER_H
#define WHISPER_H

#define EXPR_SHARED
#include "../expr.h"

/* Features of a window: 3000 frames of 10 ms; two of them are a timestamp's step. */
enum { RATE = 16000, HOP = 160, FRAMES = 3000, FRAMES_PER_STEP = 2, MAX_LAYERS = 64 };
enum { MOST = 224, MOST_ROWS = 16 }; /* tokens of a window; rows of a search */

typedef struct whisper {
    mlx_map_string_to_array weights; /* float32, by the names of Hugging Face without "model." */
    int bands, dims, heads, vocab, positions, encoder_layers, decoder_layers;
} whisper;

/* What the decoder keeps of a window: keys and values (1,H,n,D) of the sound, and (R,H,n,D) of the
   tokens so far of each row. Arrays of one's own. */
typedef struct cache {
    int layers, length;
    mlx_array sound_keys[MAX_LAYERS], sound_values[MAX_LAYERS];
    mlx_array keys[MAX_LAYERS], values[MAX_LAYERS];
} cache;

typedef struct words {
    mlx_tokenizer tokenizer;
    int end, start, transcribe, translate, previous, no_times, no_speech, first_time, vocab;
    bool multilingual, *never; /* never: of each token, whether it is not said */
} words;

typedef struct options {
    int beam;           /* rows of the search, 1: always the likeliest token */
    double temperature; /* of all windows; below 0: 0, then 0.2 to 1 where the text does not do */
    int language;       /* its token; 0: what the first window sounds like */
    bool translate;     /* into English */
    bool previous;      /* what was said before is part of the prompt */
} options;

/* What is said in a window. */
typedef struct decoded {
    int said[MOST + 1], n;
    double mean, no_speech, temperature; /* mean: of a token's logarithmic probability */
    bool good;                           /* neither repeats itself nor is unlikely */
} decoded;

/* What was said before, at most as many tokens as a prompt has. */
typedef struct history {
    int said[MOST], n;
} history;

/* Ends the program with a sentence. */
_Noreturn void die(const char *path, const char *what);
/* A file's bytes and a zero behind them; to be freed. */
char *file_bytes(const char *path, size_t *n);

/* sound.c: samples at 16 kHz, to be freed; features (frames,bands) of them and of 30 s of silence,
   of the open step. */
float *read_wav(const char *path, size_t *n);
mlx_array log_mel(const float *samples, size_t n, int bands);

/* weights.c */
void load_weights(whisper *m, const char *folder);

/* network.c: the sound of features (1,3000,bands) as (1,1500,dims); logits (R,V) behind n tokens of
   each of r rows, which follow those in the cache; of several tokens r is 1. Arrays of the open
   step. cache_take: n rows that are those of `parents`; cache_forget: no tokens, the same sound. */
mlx_array encode(const whisper *m, mlx_array features);
void cache_begin(const whisper *m, cache *c, mlx_array encoded);
void cache_take(cache *c, const int *parents, int n);
void cache_forget(cache *c);
void cache_free(cache *c);
mlx_array logits_after(const whisper *m, cache *c, const int *tokens, int r, int n);

/* words.c: the logarithms of the probabilities (V) of what may follow the n tokens said so far;
   the probability of a token by its logits; the text of tokens, to stdout. */
void words_open(words *w, const char *folder, int vocab);
int language_of(const words *w, const float *logits);
int language_named(const words *w, const char *name); /* 0: there is none */
void follow_scores(const words *w, const float *logits, const int *said, int n, float temperature,
                   float *scores);
double chance_of(const words *w, const float *logits, int token);
void print_text(const words *w, const int *tokens, int n);

/* decode.c: what is said to the sound in the cache; finds o->language where it is 0. */
decoded decode(const whisper *m, const words *w, cache *c, options *o, const history *before);
bool is_silent(const decoded *d);

#endif
