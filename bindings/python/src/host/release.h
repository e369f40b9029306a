/* Letting go of Python's things from any thread (release.c). */
#ifndef MPY_RELEASE_H
#define MPY_RELEASE_H

#include "py.h"

/* Call call(payload) with the GIL held, now or soon. */
void mpy_release(void (*call)(void *payload), void *payload);

#endif
