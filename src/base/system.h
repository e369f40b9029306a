/* What is asked of the kernel beyond POSIX, in two files of the same functions.
 *
 *     system_linux.c   Linux's answers
 *     system_alone.c   WebAssembly: one thread, so that nobody waits for another or is woken
 */
#ifndef MX_BASE_SYSTEM_H
#define MX_BASE_SYSTEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Sleeps while *word == seen, `most` at most (NULL: no limit); may return before. */
void mx_word_wait(atomic_int *word, int seen, const struct timespec *most);
/* Wakes `count` of those who sleep on it. A word that is no more is harmless. */
void mx_word_wake(atomic_int *word, int count);

/* The calling thread's number, as tools of the system show it. */
int32_t mx_thread_number(void);
/* Whether the process has such a thread. */
bool mx_thread_lives(int32_t number);

/* Where the calling thread runs; -1: nobody knows. */
int mx_processor(void);
/* How many the process may run on. */
int mx_processors_allowed(void);
/* A worker woken on its caller's processor is moved away at once: the kernel may take seconds to
   notice that another one is idle. The allowed set is as before afterwards. */
void mx_processor_leave(int processor);

/* n bytes that nobody foresees, for hashes that strangers' keys meet; early at the start of a
   machine those of the time and an address. */
void mx_secret(void *to, size_t n);

/* rename that replaces nothing; 0, or -1 and errno: EINVAL or ENOSYS where there is none. */
int mx_rename_new(const char *from, const char *to);

#endif
