/* Storage that every thread has of its own. With glibc it lies at a fixed distance from the
 * thread's pointer: to read it is one instruction, and nothing is allocated when it is first used.
 * musl has no such place for libraries that are loaded later, as Python's modules are; there its
 * loader allocates it with the library, and to read it is a call. */
#ifndef MX_BASE_THREAD_LOCAL_H
#define MX_BASE_THREAD_LOCAL_H

#include <features.h>

#ifdef __GLIBC__
#define MX_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define MX_THREAD_LOCAL _Thread_local
#endif

#endif
