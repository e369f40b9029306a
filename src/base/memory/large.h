/* Mapped files in large pages.
 *
 * A system keeps files in pages of 4 KB mostly, and a processor that reads much of them waits for
 * the tables of these. Here the bytes of a mapping are copied, a piece at a time, into memory with
 * large pages, which then takes the piece's place at its address: who reads meanwhile finds the
 * same bytes before, during and after. The process has no more memory than before; but the copy
 * is its own, where pages of the file are shared with other processes and may be dropped.
 */
#ifndef MX_BASE_LARGE_H
#define MX_BASE_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* May `bytes` of mappings be copied? Not where MLX_LARGE_PAGES is 0, where the system has no large
   pages for memory that asks for them, or for more than a quarter of the memory that is free. */
bool mx_large_allowed(size_t bytes);

/* Copies about `most` bytes of a mapping, from its offset *at on, and raises that; where the end
   is reached or memory is short, to n. One thread at a time; nobody writes to the mapping. */
void mx_large_copy(const void *mapping, size_t n, size_t *at, size_t most);

/* Of memory that nobody has written to yet (NULL is fine): what of it can lie in large pages is to.
   They are the system's to give or not. */
void mx_large_ask(void *p, size_t n);

#endif
