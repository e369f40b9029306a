/* mlx completion: scripts for shells, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* --- words ------------------------------------------------------------------------------------ */

typedef void option_fn(const cli_command *c, const cli_option *o);

static void each_option(const cli_command *c, option_fn *fn) {
    for (const cli_option *o = c->options; o && o->name; o++)
        fn(c, o);
    for (const cli_option *o = cli_common_options; o->name; o++)
        fn(c, o);
}

/* In single quotes of a POSIX shell, whose quotes `inside` stands for. */
static void quote(const char *text, const char *inside) {
    putchar('\'');
    for (; *text; text++)
        if (*text == '\'')
            fputs(inside, stdout);
        else
            putchar(*text);
    putchar('\'');
}

/* "a|b|c"; NULL: whatever is typed. */
static const char *words_of(const cli_option *o) {
    return o->kind == CLI_CHOICE ? o->value : o->usual;
}

/* The words of "a|b|c" between blanks. */
static void put_choice(const char *words) {
    for (; *words; words++)
        putchar(*words == '|' ? ' ' : *words);
}

/* Each word once: overloads of an operation stand side by side. */
static void put_words(const cli_command *c) {
    char last[64] = "";
    const char *word;
    for (size_t i = 0; c->word && (word = c->word(i)); i++) {
        if (strcmp(word, last) == 0)
            continue;
        printf("%s%s", *last ? " " : "", word);
        snprintf(last, sizeof last, "%s", word);
    }
}

/* --- bash ------------------------------------------------------------------------------------- */

static void bash_name(const cli_command *c, const cli_option *o) {
    (void)c;
    printf(" --%s%s", o->name, o->kind == CLI_FLAG ? "" : "=");
}

/* `mlx info --color <TAB>` and `mlx info --color=<TAB>` */
static void bash_value(const cli_command *c, const cli_option *o) {
    if (o->kind == CLI_FLAG)
        return;
    printf("        %s:--%s", c->name, o->name);
    if (o->letter)
        printf("|%s:-%c", c->name, o->letter);
    fputs(") ", stdout);
    if (words_of(o)) {
        fputs("COMPREPLY=($(compgen -W '", stdout);
        put_choice(words_of(o));
        puts("' -- \"$cur\"));;");
    } else
        puts(o->kind == CLI_FILE ? "_mlx_files;;" : "COMPREPLY=();;");
}

static void bash_arguments(const cli_command *c) {
    printf("        %s) ", c->name);
    if (c->takes == CLI_TAKES_FILES)
        puts("_mlx_files;;");
    else {
        fputs("COMPREPLY=($(compgen -W '", stdout);
        put_words(c);
        puts("' -- \"$cur\"));;");
    }
}

static void bash_options(const cli_command *c) {
    printf("        %s) COMPREPLY=($(compgen -W '", c->name);
    each_option(c, bash_name);
    puts("' -- \"$cur\"));;");
}

static void each_command(void (*fn)(const cli_command *c)) {
    for (size_t i = 0; cli_commands[i]; i++)
        fn(cli_commands[i]);
}

static void put_name(const cli_command *c) {
    printf(" %s", c->name);
}

static void bash_values(const cli_command *c) {
    each_option(c, bash_value);
}

static void bash(void) {
    puts("# mlx in bash: eval \"$(mlx completion bash)\", or a file in\n"
         "# ~/.local/share/bash-completion/completions/mlx\n"
         "_mlx_files() {\n"
         "    local word=${cur//\\\\/} name\n"
         "    word=${word#[\\\"\\']}\n"
         "    while IFS= read -r name; do COMPREPLY+=(\"$name\"); done "
         "< <(compgen -f -- \"$word\")\n"
         "    compopt -o filenames\n"
         "}\n"
         "_mlx() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
         "cmd=${COMP_WORDS[1]}\n"
         "    if [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; then "
         "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    fputs("        COMPREPLY=($(compgen -W '", stdout);
    each_command(put_name);
    puts("' -- \"$cur\"))\n        return\n    fi\n    case $cmd:$prev in");
    each_command(bash_values);
    puts("        *) case $cur in\n        -*) case $cmd in");
    each_command(bash_options);
    puts("            esac\n            [[ ${COMPREPLY-} == *= ]] && compopt -o nospace;;\n"
         "        *) case $cmd in");
    each_command(bash_arguments);
    puts("            esac;;\n        esac;;\n    esac\n}\ncomplete -F _mlx mlx");
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* What stands in brackets, or behind colons, of _arguments. */
static void zsh_text(const char *text) {
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            putchar('\\');
        if (*text == '\'')
            fputs("'\\'", stdout);
        putchar(*text);
    }
}

static void zsh_action(const cli_option *o) {
    printf(":%s:", o->name);
    if (o->kind == CLI_FILE)
        fputs("_files", stdout);
    if (words_of(o)) {
        putchar('(');
        put_choice(words_of(o));
        putchar(')');
    }
}

static void zsh_form(const cli_option *o, const char *name) {
    printf(" '%s%s[", o->kind == CLI_TEXTS ? "*" : "", name);
    zsh_text(o->help);
    putchar(']');
    if (o->kind != CLI_FLAG)
        zsh_action(o);
    putchar('\'');
}

static void zsh_option(const cli_command *c, const cli_option *o) {
    char name[64];
    (void)c;
    snprintf(name, sizeof name, "--%s%s", o->name, o->kind == CLI_FLAG ? "" : "=");
    zsh_form(o, name);
    snprintf(name, sizeof name, "-%c%s", o->letter, o->kind == CLI_FLAG ? "" : "+");
    if (o->letter)
        zsh_form(o, name);
}

static void zsh_command(const cli_command *c) {
    printf("        %s) _arguments -s", c->name);
    each_option(c, zsh_option);
    if (c->takes == CLI_TAKES_FILES)
        fputs(" '*:file:_files'", stdout);
    if (c->takes == CLI_TAKES_WORDS) {
        fputs(" '*:word:(", stdout);
        put_words(c);
        fputs(")'", stdout);
    }
    puts(";;");
}

static void zsh_name(const cli_command *c) {
    fputs("            '", stdout);
    printf("%s:", c->name);
    zsh_text(c->summary);
    puts("'");
}

static void zsh(void) {
    puts("#compdef mlx\n# mlx in zsh: a file _mlx in a folder of $fpath, or\n"
         "# source <(mlx completion zsh)\n"
         "_mlx() {\n    if (( CURRENT == 2 )); then\n        local -a commands=(");
    each_command(zsh_name);
    puts("        )\n        _describe command commands\n        return\n    fi\n"
         "    local cmd=${words[2]}\n    shift words\n    (( CURRENT-- ))\n    case $cmd in");
    each_command(zsh_command);
    puts(
        "    esac\n}\nif [ \"$funcstack[1]\" = _mlx ]; then _mlx \"$@\"; else compdef _mlx mlx; fi");
}

/* --- fish ------------------------------------------------------------------------------------- */

static void fish_option(const cli_command *c, const cli_option *o) {
    printf("complete -c mlx -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (o->kind != CLI_FLAG)
        fputs(o->kind == CLI_FILE ? " -rF" : " -x", stdout);
    if (words_of(o)) {
        fputs(" -a '", stdout);
        put_choice(words_of(o));
        putchar('\'');
    }
    fputs(" -d ", stdout);
    quote(o->help, "\\'");
    putchar('\n');
}

static void fish_command(const cli_command *c) {
    printf("complete -c mlx -n __fish_use_subcommand -a %s -d ", c->name);
    quote(c->summary, "\\'");
    putchar('\n');
    each_option(c, fish_option);
    if (c->takes == CLI_TAKES_FILES)
        printf("complete -c mlx -n '__fish_seen_subcommand_from %s' -F\n", c->name);
    if (c->takes == CLI_TAKES_WORDS) {
        printf("complete -c mlx -n '__fish_seen_subcommand_from %s' -a '", c->name);
        put_words(c);
        puts("'");
    }
}

static void fish(void) {
    puts("# mlx in fish: mlx completion fish >~/.config/fish/completions/mlx.fish\n"
         "complete -c mlx -f");
    each_command(fish_command);
}

/* --- the command ------------------------------------------------------------------------------ */

static const struct shell {
    const char *name;
    void (*script)(void);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
enum { SHELLS = sizeof shells / sizeof *shells };

static const char *word(size_t i) {
    return i < SHELLS ? shells[i].name : NULL;
}

static int run(cli_call *c) {
    if (c->json)
        return cli_usage(c, "a script has no form in JSON");
    for (size_t i = 0; i < SHELLS; i++)
        if (strcmp(shells[i].name, c->args[0]) == 0) {
            shells[i].script();
            return CLI_OK;
        }
    return cli_usage(c, "there are scripts for bash, zsh and fish, not for '%s'", c->args[0]);
}

static const cli_example examples[] = {
    {"eval \"$(mlx completion bash)\"", "in ~/.bashrc"},
    {"mlx completion zsh >~/.zfunc/_mlx", "where ~/.zfunc is in fpath"},
    {"mlx completion fish >~/.config/fish/completions/mlx.fish", "for fish"},
    {0}};

const cli_command cli_completion = {.name = "completion",
                                    .summary = "print a script that completes commands in a shell",
                                    .arguments = "bash|zsh|fish",
                                    .least = 1,
                                    .most = 1,
                                    .takes = CLI_TAKES_WORDS,
                                    .word = word,
                                    .examples = examples,
                                    .run = run};
