/* Mapped files that are cut short while they are mapped.
 *
 * The system has no page for what lies behind the end of such a file, and ends the process that
 * touches it (SIGBUS). While files are mapped, this library's handler of that signal puts a page of
 * zeros there instead and notes the mapping as broken, and who reads asks afterwards: what was
 * computed meanwhile is an error. Signals of other addresses go to the handler that was there
 * before, or to the system's.
 */
#ifndef MX_BASE_GUARD_H
#define MX_BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Watch n mapped bytes of a file from now on; a number for the other functions, -1 where there is
   no room (4096 mappings), which all of them take. */
int mx_guard_add(const void *begin, size_t n, const char *file);
void mx_guard_remove(int guard);
/* Were its pages asked for in vain? Then false, and an error that names the file. */
bool mx_guard_check(const char *op, int guard);
/* How often that has happened to any mapping. */
unsigned mx_guard_faults(void);

/* The pages of all mapped files go, and are read again when they are touched: for when memory is
   short. Once a second at most; what a host has written into them stays. */
void mx_guard_cool(void);

#endif
