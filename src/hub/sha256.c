/* SHA-256 (FIPS 180-4) of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "hub/hub.h"

enum { BLOCK = 64, ROOM = 1 << 20 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static void schedule(uint32_t w[64], const unsigned char *at) {
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 |
               (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void take_block(uint32_t h[8], const unsigned char *at) {
    uint32_t w[64], v[8];
    schedule(w, at);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
        uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

/* The rest, a one, zeros, and the length in bits. */
static void take_end(uint32_t h[8], const unsigned char *rest, size_t n, uint64_t bytes) {
    unsigned char last[2 * BLOCK] = {0};
    memcpy(last, rest, n);
    last[n] = 0x80;
    size_t size = n + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    for (size_t i = 0; i < 8; i++)
        last[size - 1 - i] = (unsigned char)(8 * bytes >> 8 * i);
    for (size_t i = 0; i < size; i += BLOCK)
        take_block(h, last + i);
}

/* Fills the room, but at the end of the file; -1: reading failed. */
static ssize_t fill(int fd, unsigned char *room) {
    size_t have = 0;
    while (have < ROOM) {
        ssize_t n = read(fd, room + have, ROOM - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

typedef bool step_fn(void *ctx, uint64_t bytes);

/* 0, an errno, or -1: step said stop. */
static int digest(uint32_t h[8], int fd, unsigned char *room, step_fn *step, void *ctx) {
    uint64_t bytes = 0;
    for (;;) {
        ssize_t n = fill(fd, room);
        if (n < 0)
            return errno;
        if (step && !step(ctx, (uint64_t)n))
            return -1;
        bytes += (uint64_t)n;
        size_t whole = (size_t)n / BLOCK * BLOCK;
        for (size_t i = 0; i < whole; i += BLOCK)
            take_block(h, room + i);
        if (n < ROOM) {
            take_end(h, room + whole, (size_t)n - whole, bytes);
            return 0;
        }
    }
}

static void say(char failed[256], const char *path, int code) {
    char room[128];
    *failed = 0;
    if (code > 0)
        snprintf(failed, 256, "cannot read '%.100s': %s", path,
                 mx_errno_text(code, room, sizeof room));
}

bool mx_sha256_file(char hex[MX_HUB_HEX], const char *path, step_fn *step, void *ctx,
                    char failed[256]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    int fd = open(path, O_RDONLY | O_CLOEXEC), code = fd < 0 ? errno : 0;
    unsigned char *room = mx_malloc(ROOM);
    if (!code)
        code = room ? digest(h, fd, room, step, ctx) : ENOMEM;
    if (fd >= 0)
        close(fd);
    mx_free(room);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 8 * i, 9, "%08x", (unsigned)h[i]);
    say(failed, path, code);
    return code == 0;
}
