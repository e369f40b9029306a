/* Characters as Python's str looks at them. All text is valid UTF-8. */
#ifndef MX_TEMPLATE_TEXT_H
#define MX_TEMPLATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* str.isspace of a character. */
bool tm_is_space(uint32_t c);
/* How many bytes at the beginning, and at the end, are spaces. */
size_t tm_space_left(const char *p, size_t n);
size_t tm_space_right(const char *p, size_t n);
bool tm_is_ascii(const char *p, size_t n);
/* Where character i begins, n where there are not so many. */
size_t tm_byte_of(const char *p, size_t n, size_t i);
/* How many characters. */
size_t tm_count(const char *p, size_t n);
/* Where a piece begins at or behind `from`; SIZE_MAX: nowhere. An empty one begins at `from`. */
size_t tm_find(const char *p, size_t n, const char *piece, size_t piece_n, size_t from);

#endif
