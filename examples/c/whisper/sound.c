/* WAV files, and the log-mel spectrogram that Whisper hears: 80 or 128 bands, a column every 10 ms,
 * of windows of 25 ms. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "whisper.h"

enum { WINDOW = 400, BINS = WINDOW / 2 + 1, SILENCE = 30 * RATE, PCM = 1 };

static const double pi = 3.14159265358979323846;

static uint32_t number(const char *p, int bytes) {
    uint32_t n = 0;
    for (int i = bytes; i-- > 0;)
        n = n << 8 | (uint8_t)p[i];
    return n;
}

/* Whether chunks fill n bytes; the last need not be padded. */
static bool are_chunks(const char *data, size_t n) {
    while (n >= 8) {
        size_t size = number(data + 4, 4), left = n - 8;
        for (int i = 0; i < 4; i++)
            if (data[i] < ' ' || data[i] > '~')
                return false;
        if (size > left)
            return false;
        size += size % 2 && size < left;
        data += 8 + size;
        n = left - size;
    }
    return n == 0;
}

/* How many of the bytes left are a chunk's that says it has `size`. The header of a stream, whose
   end was not known, has 0xffffffff or 0 for data that go on to the end of the file; but of 0 with
   whole chunks behind there are none. */
static size_t size_of_chunk(const char *name, size_t size, const char *data, size_t left) {
    bool of_stream = size == 0 ? !are_chunks(data, left) : size >= 0xFFFFFF00;
    return of_stream && memcmp(name, "data", 4) == 0 ? left : size;
}

/* The chunk of a RIFF file with this name: its bytes, and how many. */
static const char *chunk(const char *data, size_t n, const char *name, size_t *size) {
    for (size_t at = 12; at + 8 <= n;) {
        size_t left = n - at - 8;
        *size = size_of_chunk(data + at, number(data + at + 4, 4), data + at + 8, left);
        if (memcmp(data + at, name, 4) == 0)
            return *size <= left ? data + at + 8 : NULL;
        if (*size >= left)
            return NULL;
        at += 8 + *size + *size % 2;
    }
    return NULL;
}

/* The mean of the channels. */
static float *mono(const char *data, size_t n, int channels) {
    float *samples = calloc(n + 1, sizeof *samples);
    if (!samples)
        die("sound", "out of memory");
    for (size_t i = 0; i < n * (size_t)channels; i++)
        samples[i / (size_t)channels] +=
            (float)(int16_t)number(data + 2 * i, 2) / 32768.0f / (float)channels;
    return samples;
}

float *read_wav(const char *path, size_t *n) {
    size_t size, head_size, data_size;
    char *bytes = file_bytes(path, &size);
    if (size < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0)
        die(path, "not a WAV file");
    const char *head = chunk(bytes, size, "fmt ", &head_size);
    const char *data = chunk(bytes, size, "data", &data_size);
    if (!head || head_size < 16 || !data)
        die(path, "the WAV file is cut short");
    int channels = (int)number(head + 2, 2);
    bool fits = number(head, 2) == PCM && channels > 0 && number(head + 14, 2) == 16;
    if (!fits || number(head + 4, 4) != RATE)
        die(path, "samples of 16 bits at 16000 Hz were expected");
    *n = data_size / 2 / (size_t)channels;
    if (*n == 0)
        die(path, "there are no samples in it");
    float *samples = mono(data, *n, channels);
    free(bytes);
    return samples;
}

/* --- the spectrogram -------------------------------------------------------------------------- */

/* Slaney's mel scale: linear below 1000 Hz, logarithmic above. */
static double mel_of(double hertz) {
    return hertz < 1000 ? hertz * 3 / 200 : 15 + log(hertz / 1000) * 27 / log(6.4);
}

static double hertz_of(double mel) {
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

/* Triangles of equal area on that scale: (BINS,bands). */
static mlx_array mel_filters(int bands) {
    int shape[2] = {BINS, bands};
    float *at = calloc((size_t)BINS * (size_t)bands, sizeof *at);
    double step = mel_of(RATE / 2.0) / (bands + 1);
    for (int b = 0; at && b < bands; b++) {
        double low = hertz_of(b * step), mid = hertz_of((b + 1) * step);
        double high = hertz_of((b + 2) * step);
        for (int i = 0; i < BINS; i++) {
            double f = i * (double)RATE / WINDOW;
            double y = fmin((f - low) / (mid - low), (high - f) / (high - mid));
            at[i * bands + b] = (float)(fmax(0, y) * 2 / (high - low));
        }
    }
    mlx_array filters = mlx_array_new_data(at, shape, 2, MLX_FLOAT32);
    need(!at || !filters.ctx);
    free(at);
    return owned(filters);
}

static mlx_array hann(void) {
    float window[WINDOW];
    int shape = WINDOW;
    for (int i = 0; i < WINDOW; i++)
        window[i] = (float)(0.5 - 0.5 * cos(2 * pi * i / WINDOW));
    return owned(mlx_array_new_data(window, &shape, 1, MLX_FLOAT32));
}

/* The samples and silence, both ends mirrored so that the first window has sample 0 in its
   middle. */
static mlx_array padded(const float *samples, size_t n, int *length) {
    size_t half = WINDOW / 2, all = n + SILENCE;
    float *x = calloc(all + 2 * half, sizeof *x);
    if (!x || all > INT32_MAX / 2)
        die("sound", "too long for memory");
    memcpy(x + half, samples, n * sizeof *x);
    for (size_t i = 1; i <= half; i++)
        x[half - i] = x[half + i];
    *length = (int)(all + 2 * half);
    mlx_array padded = mlx_array_new_data(x, length, 1, MLX_FLOAT32);
    need(!padded.ctx);
    free(x);
    return owned(padded);
}

static mlx_array power(mlx_array x, int frames) {
    int shape[2] = {frames, WINDOW};
    int64_t strides[2] = {HOP, 1};
    mlx_array windows = mlx_array_new(), spectrum = mlx_array_new(), size = mlx_array_new();
    need(mlx_as_strided(&windows, x, shape, 2, strides, 2, 0, on));
    mlx_array weighted = mul(owned(windows), hann());
    need(mlx_fft_rfft(&spectrum, weighted, WINDOW, 1, MLX_FFT_NORM_BACKWARD, on));
    need(mlx_abs(&size, owned(spectrum), on));
    return squared(owned(size));
}

static mlx_array larger(mlx_array a, mlx_array b) {
    EXPR(mlx_maximum(&r, a, b, on));
}

static mlx_array logarithm(mlx_array a) {
    EXPR(mlx_log10(&r, a, on));
}

static mlx_array largest(mlx_array a) {
    EXPR(mlx_max(&r, a, false, on));
}

mlx_array log_mel(const float *samples, size_t n, int bands) {
    int length;
    mlx_array x = padded(samples, n, &length);
    int frames = (length - WINDOW) / HOP;
    mlx_array sums = matmul(power(x, frames), mel_filters(bands));
    mlx_array logs = logarithm(larger(sums, scalar(1e-10f)));
    mlx_array high = larger(logs, sub(largest(logs), scalar(8)));
    mlx_array features = times(add(high, scalar(4)), 0.25f);
    need(mlx_array_eval(features));
    return features;
}
