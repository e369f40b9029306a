/* Whisper (Radford et al. 2022) on the C API: what the files of this folder share.
 *
 *     main.c      the command; windows of 30 s
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

typedef struct whisper {
    mlx_map_string_to_array weights; /* float32, by the names of Hugging Face without "model." */
    int bands, dims, heads, vocab, positions, encoder_layers, decoder_layers;
} whisper;

/* What the decoder keeps of a window: keys and values (1,H,n,D) of the sound and of the tokens so
   far. Arrays of one's own. */
typedef struct cache {
    int layers, length;
    mlx_array sound_keys[MAX_LAYERS], sound_values[MAX_LAYERS];
    mlx_array keys[MAX_LAYERS], values[MAX_LAYERS];
} cache;

typedef struct words {
    mlx_tokenizer tokenizer;
    int end, start, transcribe, no_times, first_time, vocab;
    bool multilingual;
} words;

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

/* network.c: the sound of features (1,3000,bands) as (1,1500,dims); logits (V) behind n tokens that
   follow those in the cache. Arrays of the open step. */
mlx_array encode(const whisper *m, mlx_array features);
void cache_begin(const whisper *m, cache *c, mlx_array encoded);
void cache_free(cache *c);
mlx_array logits_after(const whisper *m, cache *c, const int *tokens, int n);

/* words.c: the likeliest token that may follow the n said so far; the text of tokens, to stdout. */
void words_open(words *w, const char *folder, int vocab);
int language_of(const words *w, const float *logits);
int next_token(const words *w, const float *logits, const int *said, int n);
void print_text(const words *w, const int *tokens, int n);

#endif
