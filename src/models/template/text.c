/* Characters: see text.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "models/template/text.h"

#include <string.h>

#include "models/tokenizer/text.h"

bool tm_is_space(uint32_t c) {
    return (c >= 0x1C && c <= 0x1F) || tok_is_space(c);
}

size_t tm_space_left(const char *p, size_t n) {
    uint32_t c;
    size_t at = 0;
    while (at < n) {
        size_t k = tok_step(p + at, p + n, &c);
        if (!tm_is_space(c))
            break;
        at += k;
    }
    return at;
}

size_t tm_space_right(const char *p, size_t n) {
    uint32_t c;
    size_t end = n;
    while (end) {
        size_t at = end - 1;
        while (at && ((unsigned char)p[at] & 0xC0) == 0x80)
            at--;
        tok_step(p + at, p + end, &c);
        if (!tm_is_space(c))
            break;
        end = at;
    }
    return n - end;
}

bool tm_is_ascii(const char *p, size_t n) {
    uint64_t word, all = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        all |= word;
    }
    for (; i < n; i++)
        all |= (unsigned char)p[i];
    return !(all & 0x8080808080808080u);
}

size_t tm_byte_of(const char *p, size_t n, size_t i) {
    if (tm_is_ascii(p, n))
        return i < n ? i : n;
    for (size_t at = 0; at < n; at++)
        if (((unsigned char)p[at] & 0xC0) != 0x80 && i-- == 0)
            return at;
    return n;
}

size_t tm_count(const char *p, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count;
}

size_t tm_find(const char *p, size_t n, const char *piece, size_t piece_n, size_t from) {
    if (from > n || n - from < piece_n)
        return SIZE_MAX;
    if (!piece_n)
        return from;
    const char *found = memmem(p + from, n - from, piece, piece_n);
    return found ? (size_t)(found - p) : SIZE_MAX;
}
