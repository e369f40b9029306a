/* mlx split and mlx merge: one model in many files or few. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model.h"

enum { MOST_PARTS = 10000 }; // more are refused when they are written

static bool is_folder(const char *path) {
    struct stat s;
    return cli_ends_with(path, "/") || (stat(path, &s) == 0 && S_ISDIR(s.st_mode));
}

/* Where the files go: a folder gets "model.safetensors". For free; NULL: it cannot be, which was
   said. */
static char *target(cli_call *c, const char *to, const char *format) {
    char *path = malloc(strlen(to) + strlen(format) + 16);
    if (!path)
        return cli_fail(c, "out of memory"), NULL;
    if (!is_folder(to))
        return strcpy(path, to);
    if (mkdir(to, 0777) == 0) {
        cli_note(c, "made the folder '%s'", to);
    } else if (errno != EEXIST) {
        cli_fail(c, "the folder '%s' cannot be made: %s", to, strerror(errno));
        free(path);
        return NULL;
    }
    sprintf(path, "%s%smodel.%s", to, cli_ends_with(to, "/") ? "" : "/", format);
    return path;
}

/* The format is kept: it is another program's work to change it. */
static int check_format(cli_call *c, const char *format, const char *to) {
    bool safetensors = strcmp(format, "safetensors") == 0, gguf = strcmp(format, "gguf") == 0;
    if (!is_folder(to) &&
        (cli_has_ending(to, ".safetensors") ? !safetensors : cli_has_ending(to, ".gguf") && !gguf))
        return cli_fail(c, "'%s' is of the format %s, and '%s' would be another one", c->args[0],
                        format, to);
    return CLI_OK;
}

/* --- how large parts are ---------------------------------------------------------------------- */

/* How many files there are with `most` bytes in each, in the order of tensors, as the library cuts:
   what is empty finds room anywhere. */
static int64_t count_parts(mlx_file f, uint64_t most) {
    uint64_t in = 0;
    int64_t parts = 1;
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++) {
        if (mlx_file_get(&t, f, i))
            continue;
        if (in && t.bytes > (in < most ? most - in : 0))
            parts++, in = 0;
        in += t.bytes;
    }
    return parts;
}

/* The least size that gives no more than so many files. */
static uint64_t size_of_parts(mlx_file f, int64_t parts) {
    uint64_t low = 1, high = cli_tensor_bytes(f) + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (count_parts(f, middle) <= parts)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static uint64_t most_bytes(cli_call *c, mlx_file f) {
    int64_t parts = cli_int(c, "parts", 0);
    if (parts)
        return size_of_parts(f, parts);
    return cli_bytes(c, "max-size", (uint64_t)5 << 30);
}

/* --- what was written ------------------------------------------------------------------------- */

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {
        {"path", "File", CLI_LOOK_TEXT}, {"bytes", "Size", CLI_LOOK_SIZE}, {0}};
    (void)c;
    cli_table(json_object_get(doc, "files"), columns);
}

static json_t *list_files(mlx_file f) {
    json_t *files = json_array();
    const char *path;
    uint64_t bytes;
    for (int i = 0; i < mlx_file_part_count(f); i++)
        if (mlx_file_part(&path, &bytes, f, i) == 0)
            json_array_append_new(files, json_pack("{s:o, s:I}", "path", cli_json_text(path),
                                                   "bytes", (json_int_t)bytes));
    return files;
}

/* The path under which several files are opened as one model; NULL: there is one. For free. */
static char *entrance(const char *path, const char *format, int64_t parts) {
    char *name = parts > 1 ? malloc(strlen(path) + 32) : NULL;
    if (!name)
        return NULL;
    size_t stem = strlen(path) - (cli_has_ending(path, format) ? strlen(format) + 1 : 0);
    if (strcmp(format, "gguf") == 0)
        sprintf(name, "%.*s-00001-of-%05d.gguf", (int)stem, path, (int)parts);
    else
        sprintf(name, "%s.index.json", path);
    return name;
}

/* --- what is there already -------------------------------------------------------------------- */

static int64_t parts_of(mlx_file f, uint64_t most) {
    return most ? count_parts(f, most) : 1;
}

/* The i-th file that is to be written (from 1). For free. */
static char *path_of_part(const char *path, const char *format, int64_t parts, int64_t i) {
    char *name = malloc(strlen(path) + strlen(format) + 32);
    size_t stem = strlen(path) - (cli_has_ending(path, format) ? strlen(format) + 1 : 0);
    if (name && parts == 1)
        strcpy(name, path);
    else if (name)
        sprintf(name, "%.*s-%05d-of-%05d.%s", (int)stem, path, (int)i, (int)parts, format);
    return name;
}

/* Is it a file of the input? */
static int is_read(cli_call *c, mlx_file f, const char *path) {
    struct stat there, own;
    const char *part;
    uint64_t bytes;
    (void)c;
    for (int i = 0; stat(path, &there) == 0 && i < mlx_file_part_count(f); i++)
        if (mlx_file_part(&part, &bytes, f, i) == 0 && stat(part, &own) == 0 &&
            own.st_dev == there.st_dev && own.st_ino == there.st_ino)
            return true;
    return false;
}

/* A file of the input is never replaced, others where that was said. */
static int check_place(cli_call *c, mlx_file f, const char *path) {
    struct stat there;
    if (stat(path, &there))
        return CLI_OK;
    if (is_read(c, f, path))
        return cli_fail(c, "'%s' is read, and cannot be written", path);
    return cli_flag(c, "overwrite")
               ? CLI_OK
               : cli_fail(c, "'%s' exists, and may not be overwritten (--overwrite)", path);
}

/* Files of the model in another number of parts, which would be taken for what is written; those of
   the input, beside which it is written, say the same. */
static int other_forms(cli_call *c, mlx_file f, const char *path, const char *format, int64_t parts,
                       cli_form_fn *does) {
    if (cli_other_forms(c, f, path, format, parts, is_read))
        return CLI_OK;
    return cli_other_forms(c, f, path, format, parts, does);
}

static int check_places(cli_call *c, mlx_file f, const char *path, const char *format,
                        uint64_t most) {
    int64_t parts = parts_of(f, most);
    char *several = entrance(path, format, parts);
    int status = several ? check_place(c, f, several) : CLI_OK;
    for (int64_t i = 1; status == CLI_OK && i <= parts && i <= MOST_PARTS; i++) {
        char *name = path_of_part(path, format, parts, i);
        status = name ? check_place(c, f, name) : cli_fail(c, "out of memory");
        free(name);
    }
    free(several);
    return status ? status : other_forms(c, f, path, format, parts, check_place);
}

static int drop(cli_call *c, mlx_file f, const char *path) {
    (void)f;
    return remove(path) == 0 ? CLI_OK
                             : cli_fail(c, "'%s' cannot be removed: %s", path, strerror(errno));
}

/* Opens what was written, which tells that it can be. */
static int report(cli_call *c, const char *path, const char *format, int64_t parts) {
    char *several = entrance(path, format, parts);
    mlx_file f = mlx_file_new();
    int status = cli_open(c, &f, several ? several : path);
    if (status == CLI_OK)
        status = cli_show(c,
                          json_pack("{s:o, s:I}", "files", list_files(f), "tensors",
                                    (json_int_t)mlx_file_count(f)),
                          show);
    mlx_file_free(f);
    free(several);
    return status;
}

/* --- the commands ----------------------------------------------------------------------------- */

typedef int beside_fn(cli_call *c, mlx_file f, const char *folder, const char *to);

/* A folder of a model into a folder: with all that belongs to it. */
static int beside(cli_call *c, mlx_file f, beside_fn *does) {
    char *folder = NULL;
    int status = cli_find(c, &folder, c->args[0]);
    if (folder && is_folder(folder) && is_folder(c->args[1]))
        status = does(c, f, folder, c->args[1]);
    free(folder);
    return status;
}

/* Into a file only tensors and metadata go. */
static void note_alone(cli_call *c, mlx_file f) {
    json_error_t why;
    json_t *config = is_folder(c->args[1]) ? NULL : cli_beside(f, "config.json", &why);
    if (config)
        cli_note(c,
                 "config.json and the tokenizer stay behind: name a folder, or take mlx convert, "
                 "whose file says how it is quantized");
    json_decref(config);
}

/* most 0: one file. */
static int copy(cli_call *c, mlx_file f, bool split) {
    const char *format = mlx_file_format(f), *to = c->args[1];
    int status = check_format(c, format, to);
    if (status)
        return status;
    char *path = target(c, to, format);
    if (!path)
        return CLI_FAILED;
    uint64_t most = split ? most_bytes(c, f) : 0;
    if (parts_of(f, most) > 1 && strcmp(format, "safetensors") && strcmp(format, "gguf"))
        status = cli_fail(c, "'%s' is of the format %s, of which several files are no model",
                          c->args[0], format);
    else
        status = check_places(c, f, path, format, most);
    status = status ? status : beside(c, f, cli_check_beside);
    if (status == CLI_OK)
        status = cli_copy(c, f, path, format, most);
    if (status == CLI_OK)
        status = other_forms(c, f, path, format, parts_of(f, most), drop);
    if (status == CLI_OK)
        status = beside(c, f, cli_copy_beside);
    if (status == CLI_OK)
        note_alone(c, f);
    if (status == CLI_OK)
        status = report(c, path, format, parts_of(f, most));
    free(path);
    return status;
}

static int open_and_copy(cli_call *c, bool split) {
    mlx_file f = mlx_file_new();
    int status = cli_open(c, &f, c->args[0]);
    status = status ? status : copy(c, f, split);
    mlx_file_free(f);
    return status;
}

static int run_split(cli_call *c) {
    return open_and_copy(c, true);
}

static int run_merge(cli_call *c) {
    return open_and_copy(c, false);
}

static const cli_option split_options[] = {
    {.name = "max-size",
     .letter = 's',
     .kind = CLI_BYTES,
     .value = "SIZE",
     .help = "the most bytes of tensors in one file: 500M, 5G (5G); a larger tensor has its own",
     .least = 1,
     .most = 0x1p63},
    {.name = "parts",
     .letter = 'n',
     .kind = CLI_INT,
     .value = "N",
     .help = "instead: N files at most, about equally large",
     .least = 1,
     .most = MOST_PARTS},
    {.name = "overwrite",
     .help = "replace files that are there, also those of another number of parts"},
    {0}};

static const cli_example split_examples[] = {
    {"mlx split model.safetensors out/ --max-size 5G",
     "out/model-00001-of-00003.safetensors and so on, and their index"},
    {"mlx split model.gguf small.gguf --parts 4", "small-00001-of-00004.gguf and so on"},
    {0}};

const cli_command cli_split = {
    .name = "split",
    .summary = "write a model as several files",
    .arguments = "MODEL OUT",
    .least = 2,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "The format stays, safetensors or GGUF (a plug-in's in one file), and every byte of every tensor. One tensor is in "
        "memory at a time. The files get their names when all of them are written. A folder into a folder: with its "
        "config.json, tokenizer and other files.",
    .options = split_options,
    .examples = split_examples,
    .run = run_split};

static const cli_option merge_options[] = {
    {.name = "overwrite", .help = "replace files that are there, also those of several parts"},
    {0}};

static const cli_example merge_examples[] = {
    {"mlx merge model/ model.safetensors", "the shards of a folder in one file"},
    {"mlx merge model-00001-of-00004.gguf model.gguf", "the parts of a GGUF model"},
    {0}};

const cli_command cli_merge = {
    .name = "merge",
    .summary = "write a model of several files as one",
    .arguments = "MODEL OUT",
    .least = 2,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "MODEL is a folder, its index (model.safetensors.index.json), or the first part of a GGUF "
        "model. The format stays, and every byte of every tensor. One tensor is in memory at a time. A folder into a folder: with "
        "its other files.",
    .options = merge_options,
    .examples = merge_examples,
    .run = run_merge};
