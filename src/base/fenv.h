/* What the library holds of the host's threads: their floating-point environment, and their
 * cancellation.
 *
 * The library computes in the default environment: rounding to nearest, no traps, subnormal numbers
 * kept. A host's thread may come with another one; its results must not differ from those of the
 * library's own threads, and it must not be stopped by a trap half way. So the public functions
 * hold what the thread came with and restore it, flags included:
 *
 *     mx_fenv_hold       the default environment, from the outermost call on
 *     mx_fenv_release    the host's again, at the end of the outermost call
 *     mx_fenv_leave      the host's while a function of the host runs; its calls hold again
 *     mx_fenv_enter      back, with what leave gave
 *
 * A thread that is cancelled (pthread_cancel) while it holds a lock would leave it held for ever:
 * meanwhile cancellation is held off too.
 *
 * Threads of the library begin with mx_fenv_default.
 */
#ifndef MX_BASE_FENV_H
#define MX_BASE_FENV_H

void mx_fenv_hold(void);
void mx_fenv_release(void);
int mx_fenv_leave(void);
void mx_fenv_enter(int depth);
void mx_fenv_default(void);

#endif
