/* A moment in a loop that waits for another thread. */
#ifndef MX_BASE_PAUSE_H
#define MX_BASE_PAUSE_H

static inline void mx_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
