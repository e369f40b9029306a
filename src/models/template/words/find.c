/* Filters, tests and global functions by name. */
#include "models/template/words/native.h"

const tm_native *tm_find_filter(const char *p, size_t n) {
    const tm_native *f = tm_table_find(tm_text_filters, p, n);
    f = f ? f : tm_table_find(tm_list_filters, p, n);
    return f ? f : tm_table_find(tm_value_filters, p, n);
}

const tm_native *tm_find_test(const char *p, size_t n) {
    return tm_table_find(tm_tests, p, n);
}

const tm_native *tm_find_global(const char *p, size_t n) {
    return tm_table_find(tm_globals, p, n);
}
