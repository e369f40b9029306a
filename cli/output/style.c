/* Colours, where they are wanted. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/output.h"

static bool on;

static bool is_wanted(void) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(1) && !(no && *no) && term && *term && strcmp(term, "dumb");
}

void cli_style_choose(const char *when) {
    on = strcmp(when, "always") == 0 || (strcmp(when, "auto") == 0 && is_wanted());
}

const char *cli_styled(cli_style style) {
    static const char *const sequences[CLI_STYLES] = {
        [CLI_PLAIN] = "\x1b[0m", [CLI_BOLD] = "\x1b[1m", [CLI_DIM] = "\x1b[2m",
        [CLI_GOOD] = "\x1b[32m", [CLI_BAD] = "\x1b[31m", [CLI_WARN] = "\x1b[33m"};
    return on ? sequences[style] : "";
}
