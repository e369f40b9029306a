/* Control-C, and who else asks the process to end: the library and long loops stop at the next
   step, and what is half written is taken away. A second signal ends the process at once. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "cli.h"

static volatile sig_atomic_t interrupts;

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

static void interrupt(int number) {
    interrupts = number;
    signal(number, SIG_DFL); // who presses twice does not want to wait
}

bool cli_interrupted(void) {
    return interrupts;
}

bool cli_readable(int fd) {
    struct pollfd in = {.fd = fd, .events = POLLIN};
    while (!interrupts && poll(&in, 1, -1) < 0)
        if (errno != EINTR)
            return false;
    errno = interrupts ? EINTR : 0;
    return !interrupts;
}

static int asked(void *data) {
    (void)data;
    return interrupts;
}

static void listen(void) {
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART}, now;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &now) == 0 &&
            now.sa_handler != SIG_IGN) // as nohup wants it
            sigaction(numbers[i], &action, NULL);
}

bool cli_interrupt_clear(void) {
    if (interrupts != SIGINT)
        return interrupts == 0;
    interrupts = 0;
    listen();
    return true;
}

void cli_interrupt_begin(void) {
    listen();
    mlx_set_interrupt_check(asked, NULL);
    mlx_set_interrupt_check_within(asked, NULL);
}
