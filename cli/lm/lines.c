#include "lm/lines.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "cli.h"
#include "output/output.h"

/* What of libedit's interface (histedit.h, which is public) is used here. */
enum {
    EDIT_PROMPT = 0,
    EDIT_EDITOR = 2,
    EDIT_HISTORY = 10,
    EDIT_GET_CHARACTER = 13,
    HISTORY_SIZE = 1,
    HISTORY_ENTER = 10,
    HISTORY_LOAD = 17,
    HISTORY_SAVE = 18,
    HISTORY_UNIQUE = 20,
    REMEMBERED = 1000
};
typedef struct event {
    int number;
    const char *text;
} event;

struct cli_lines {
    void *edit, *history; /* NULL: plain lines */
    char *file;
    int (*set)(void *edit, int what, ...);
    const char *(*get)(void *edit, int *n);
    void (*end)(void *edit);
    int (*remember)(void *history, event *e, int what, ...);
    void (*forget)(void *history);
};

/* --- libedit --------------------------------------------------------------------------- */

static const char *shown; /* the prompt, which libedit asks for */

static char *prompt_of(void *edit) {
    (void)edit;
    return (char *)shown;
}

/* A byte of stdin; 0: the end, -1: Control-C came. (libedit's own reader would go on.) */
static int next_byte(char *byte) {
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    if (cli_interrupted() || poll(&in, 1, -1) < 0)
        return -1;
    return (int)read(STDIN_FILENO, byte, 1);
}

static int next_character(void *edit, wchar_t *out) {
    mbstate_t state = {0};
    char byte;
    (void)edit;
    for (int i = 0; i < 8; i++) {
        int n = next_byte(&byte);
        if (n <= 0)
            return n;
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1)
            memset(&state, 0, sizeof state); // no character: on with the next
        else if (used != (size_t)-2)
            return 1;
    }
    return -1;
}

/* The library stays: it and the terminal's, which it brings, keep memory that only they know. */
static bool find_functions(cli_lines *l) {
    void *(*begin)(const char *, FILE *, FILE *, FILE *);
    void *(*begin_history)(void);
    const cli_function all[] = {{&begin, "el_init"},        {&begin_history, "history_init"},
                                {&l->set, "el_set"},        {&l->get, "el_gets"},
                                {&l->end, "el_end"},        {&l->remember, "history"},
                                {&l->forget, "history_end"}};
    if (!cli_functions_find("libedit.so.2", all, sizeof all / sizeof *all))
        return false;
    l->history = begin_history();
    l->edit = begin("mlx", stdin, stdout, stderr);
    return l->history && l->edit;
}

static void set_up(cli_lines *l) {
    event e;
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    l->remember(l->history, &e, HISTORY_SIZE, REMEMBERED);
    l->remember(l->history, &e, HISTORY_UNIQUE, 1);
    if (l->file)
        l->remember(l->history, &e, HISTORY_LOAD, l->file);
    l->set(l->edit, EDIT_PROMPT, prompt_of);
    l->set(l->edit, EDIT_EDITOR, "emacs");
    l->set(l->edit, EDIT_HISTORY, l->remember, l->history);
    l->set(l->edit, EDIT_GET_CHARACTER, next_character);
}

static void let_go(cli_lines *l) {
    if (l->edit)
        l->end(l->edit);
    if (l->history)
        l->forget(l->history);
    l->edit = l->history = NULL;
}

cli_lines *cli_lines_open(const char *history) {
    cli_lines *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        setvbuf(stdin, NULL, _IONBF, 0); // what waits is seen by cli_readable
        return l;
    }
    l->file = history ? strdup(history) : NULL;
    if (find_functions(l))
        set_up(l);
    else
        let_go(l);
    return l;
}

void cli_lines_close(cli_lines *l) {
    event e;
    if (l && l->history && l->file)
        l->remember(l->history, &e, HISTORY_SAVE, l->file);
    if (l) {
        let_go(l);
        free(l->file);
    }
    free(l);
}

/* --- a line ---------------------------------------------------------------------------- */

static cli_typed edited_line(cli_lines *l, const char *prompt, char **text) {
    event e;
    int n = 0;
    shown = prompt;
    const char *line = l->get(l->edit, &n);
    if (cli_interrupted()) {
        printf("\n");
        return cli_interrupt_clear() ? CLI_TYPED_INTERRUPT : CLI_TYPED_END;
    }
    if (!line || n <= 0)
        return CLI_TYPED_END;
    if (strspn(line, " \t\n") < strlen(line))
        l->remember(l->history, &e, HISTORY_ENTER, line);
    *text = strndup(line, strcspn(line, "\n"));
    return *text ? CLI_TYPED_TEXT : CLI_TYPED_END;
}

static cli_typed plain_line(const char *prompt, char **text) {
    size_t room = 0;
    if (isatty(STDIN_FILENO)) {
        fputs(prompt, stdout);
        cli_flush();
    }
    *text = NULL;
    if (!cli_readable(STDIN_FILENO) && cli_interrupted()) {
        if (!isatty(STDIN_FILENO))
            return CLI_TYPED_END;
        printf("\n");
        return cli_interrupt_clear() ? CLI_TYPED_INTERRUPT : CLI_TYPED_END;
    }
    ssize_t n = getline(text, &room, stdin);
    if (n < 0) {
        free(*text);
        return CLI_TYPED_END;
    }
    (*text)[strcspn(*text, "\n")] = 0;
    return CLI_TYPED_TEXT;
}

static cli_typed one_line(cli_lines *l, const char *prompt, char **text) {
    return l->edit ? edited_line(l, prompt, text) : plain_line(prompt, text);
}

/* --- several --------------------------------------------------------------------------- */

/* Adds a line, which is taken over, to a text. */
static char *joined(char *text, char *line) {
    size_t n = strlen(text), m = strlen(line);
    char *both = realloc(text, n + m + 2);
    if (both) {
        both[n] = '\n';
        memcpy(both + n + 1, line, m + 1);
    } else {
        free(text);
    }
    free(line);
    return both;
}

/* Takes away what says whether a line is the last: three quotation marks, or a backslash. */
static bool goes_on(char *line, bool quoted) {
    size_t n = strlen(line), mark = quoted ? 3 : 1;
    bool marked = n >= mark && strcmp(line + n - mark, quoted ? "\"\"\"" : "\\") == 0;
    if (marked)
        line[n - mark] = 0;
    return marked != quoted;
}

cli_typed cli_lines_read(cli_lines *l, const char *prompt, char **text) {
    char *line = NULL;
    cli_typed t = one_line(l, prompt, &line);
    bool quoted = t == CLI_TYPED_TEXT && strncmp(line, "\"\"\"", 3) == 0;
    if (t != CLI_TYPED_TEXT)
        return t;
    if (quoted)
        memmove(line, line + 3, strlen(line + 3) + 1);
    bool more = goes_on(line, quoted);
    for (*text = line; more && *text;) {
        t = one_line(l, "... ", &line);
        if (t != CLI_TYPED_TEXT)
            break;
        more = goes_on(line, quoted);
        if (quoted && !more && !*line)
            free(line);
        else
            *text = joined(*text, line);
    }
    if (t == CLI_TYPED_INTERRUPT || !*text)
        free(*text);
    return *text ? t == CLI_TYPED_INTERRUPT ? t : CLI_TYPED_TEXT : CLI_TYPED_END;
}
