/* Lists of objects as tables, objects as pairs. */
#include <stdlib.h>
#include <string.h>

#include "output/output.h"

typedef struct table {
    const cli_column *columns;
    size_t rows, width; /* cells in a row */
    char **cells;       /* row by row; NULL: empty */
    size_t *widths;     /* in columns of the terminal; 0: no row has it */
} table;

static bool is_number(cli_look look) {
    return look != CLI_LOOK_TEXT && look != CLI_LOOK_SHAPE;
}

static size_t count_columns(const cli_column *columns) {
    size_t n = 0;
    while (columns[n].key)
        n++;
    return n;
}

static void measure(table *t, size_t column) {
    for (size_t r = 0; r < t->rows; r++) {
        const char *cell = t->cells[r * t->width + column];
        size_t w = cell ? cli_width(cell) : 0;
        if (w > t->widths[column])
            t->widths[column] = w;
    }
    size_t title = cli_width(t->columns[column].title);
    if (t->widths[column] && t->widths[column] < title)
        t->widths[column] = title;
}

static void free_table(table *t) {
    for (size_t i = 0; t->cells && i < t->rows * t->width; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t->widths);
}

static bool fill(table *t, const json_t *rows) {
    t->cells = calloc(t->rows * t->width + 1, sizeof *t->cells);
    t->widths = calloc(t->width + 1, sizeof *t->widths);
    if (!t->cells || !t->widths)
        return false;
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->width; c++) {
            json_t *v = json_object_get(json_array_get(rows, r), t->columns[c].key);
            t->cells[r * t->width + c] = v ? cli_cell(v, t->columns[c].look) : NULL;
        }
    for (size_t c = 0; c < t->width; c++)
        measure(t, c);
    return true;
}

static void pad(size_t n) {
    printf("%*s", (int)n, "");
}

/* A cell, with what separates it from the one before; the last one is not filled up. */
static void print_cell(const table *t, size_t column, const char *cell, bool first, bool last) {
    size_t gap = t->widths[column] - cli_width(cell);
    bool right = is_number(t->columns[column].look);
    pad((first ? 0 : 2) + (right ? gap : 0));
    fputs(cell, stdout);
    if (!right && !last)
        pad(gap);
}

/* The last column that `row` (NULL: the titles) has something in. */
static size_t last_cell(const table *t, char *const *row) {
    size_t last = 0;
    for (size_t c = 0; c < t->width; c++)
        if (t->widths[c] && (!row || (row[c] && *row[c])))
            last = c;
    return last;
}

static void print_row(const table *t, char *const *row) {
    size_t last = last_cell(t, row);
    bool first = true;
    for (size_t c = 0; c <= last && c < t->width; c++) {
        if (!t->widths[c])
            continue;
        const char *cell = row ? row[c] : t->columns[c].title;
        print_cell(t, c, cell ? cell : "", first, c == last);
        first = false;
    }
}

void cli_table(const json_t *rows, const cli_column *columns) {
    table t = {.columns = columns, .rows = json_array_size(rows), .width = count_columns(columns)};
    if (t.rows && fill(&t, rows)) {
        fputs(cli_styled(CLI_BOLD), stdout);
        print_row(&t, NULL);
        printf("%s\n", cli_styled(CLI_PLAIN));
        for (size_t r = 0; r < t.rows; r++) {
            print_row(&t, t.cells + r * t.width);
            putchar('\n');
        }
    }
    free_table(&t);
}

void cli_pairs(const json_t *object, const cli_column *columns) {
    size_t width = 0;
    for (const cli_column *c = columns; c->key; c++)
        if (json_object_get(object, c->key) && cli_width(c->title) > width)
            width = cli_width(c->title);
    for (const cli_column *c = columns; c->key; c++) {
        json_t *v = json_object_get(object, c->key);
        char *cell = v ? cli_cell(v, c->look) : NULL;
        if (cell)
            printf("%s%s%s%*s  %s\n", cli_styled(CLI_BOLD), c->title, cli_styled(CLI_PLAIN),
                   (int)(width - cli_width(c->title)), "", cell);
        free(cell);
    }
}

static size_t widest_first(const json_t *rows, const cli_column *columns) {
    size_t width = 0, i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        char *cell = cli_cell(json_object_get(row, columns->key), columns->look);
        size_t w = cell ? cli_width(cell) : 0;
        width = w > width ? w : width;
        free(cell);
    }
    return width;
}

static void print_record(const json_t *row, const cli_column *columns, size_t width) {
    for (const cli_column *c = columns; c->key; c++) {
        json_t *v = json_object_get(row, c->key);
        char *cell = v ? cli_cell(v, c->look) : NULL;
        if (cell)
            printf("%s%s", c == columns ? "" : "  ", cell);
        if (cell && c == columns)
            pad(width - cli_width(cell));
        free(cell);
    }
    putchar('\n');
}

void cli_records(const json_t *rows, const cli_column *columns) {
    size_t width = widest_first(rows, columns), i;
    json_t *row;
    json_array_foreach(rows, i, row) print_record(row, columns, width);
}

void cli_heading(const char *title) {
    printf("\n%s%s%s\n", cli_styled(CLI_BOLD), title, cli_styled(CLI_PLAIN));
}
