/* The handles that are not operations: strings, vectors, maps, errors and their handler. */
#include <setjmp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/status.h"
#include "capi/capi.h"
#include "check.h"

static int calls;
static char told[256];

static void remember(const char *message, void *data) {
    calls++;
    snprintf(told, sizeof told, "%s", message);
    if (data)
        ++*(int *)data;
}

static void count_call(void *data) {
    ++*(int *)data;
}

static int item(mlx_array a) {
    int32_t x = -1;
    mlx_array_item_int32(&x, a);
    return x;
}

/* --- strings ---------------------------------------------------------------------------------- */

static void test_strings(void) {
    mlx_string a = mlx_string_new(), copy;
    CHECK(a.ctx == NULL);
    CHECK_EQ_INT(mlx_string_free(a), 0);
    a = mlx_string_new_data("one %d");
    copy = a;
    mlx_string b = mlx_string_new_data("two");
    CHECK_STR(mlx_string_data(a), "one %d");
    CHECK_EQ_INT(mlx_string_set(&a, b), 0);
    CHECK(a.ctx == copy.ctx);
    CHECK_STR(mlx_string_data(copy), "two");
    CHECK_EQ_INT(mlx_string_set(&a, a), 0);
    CHECK_STR(mlx_string_data(a), "two");
    mlx_string_free(a);
    mlx_string_free(b);
}

static void test_version(void) {
    mlx_string v = mlx_string_new();
    CHECK_EQ_INT(mlx_version(&v), 0);
    CHECK_STR(mlx_string_data(v), "0.31.2");
    CHECK_EQ_INT(mlx_library_version(&v), 0);
    CHECK_HAS(mlx_string_data(v), ".");
    mlx_string_free(v);
}

/* --- vectors ---------------------------------------------------------------------------------- */

static void test_vector_of_ints(void) {
    int data[3] = {3, 1, 4}, x = 0;
    mlx_vector_int v = mlx_vector_int_new(), copy = v;
    CHECK(v.ctx != NULL);
    CHECK_EQ_INT(mlx_vector_int_size(v), 0);
    CHECK_EQ_INT(mlx_vector_int_append_data(v, data, 3), 0);
    CHECK_EQ_INT(mlx_vector_int_append_value(v, 15), 0);
    CHECK_EQ_INT(mlx_vector_int_size(v), 4);
    CHECK_EQ_INT(mlx_vector_int_get(&x, v, 3), 0);
    CHECK_EQ_INT(x, 15);
    CHECK_EQ_INT(mlx_vector_int_get(&x, v, 4), 1);
    CHECK_HAS(mlx_last_error_message(), "index 4 is out of range for size 4");
    CHECK_EQ_INT(mlx_vector_int_set_value(&v, 9), 0);
    CHECK(copy.ctx == v.ctx);
    CHECK_EQ_INT(mlx_vector_int_size(copy), 1);
    CHECK_EQ_INT(mlx_vector_int_set(&v, v), 0);
    CHECK_EQ_INT(mlx_vector_int_get(&x, v, 0), 0);
    CHECK_EQ_INT(x, 9);
    mlx_vector_int_free(v);
}

static void test_vector_of_strings(void) {
    const char *data[2] = {"a", "b"}, *bad[2] = {"c", NULL};
    char *x = NULL;
    mlx_vector_string v = mlx_vector_string_new_data(data, 2);
    CHECK_EQ_INT(mlx_vector_string_get(&x, v, 1), 0);
    CHECK_STR(x, "b");
    CHECK_EQ_INT(mlx_vector_string_append_value(v, x), 0);
    CHECK_EQ_INT(mlx_vector_string_append_data(v, bad, 2), 1);
    CHECK_EQ_INT(mlx_vector_string_size(v), 3);
    mlx_vector_string_free(v);
}

static void test_vector_of_arrays(void) {
    mlx_array a = mlx_array_new_int(7), b = mlx_array_new_int(8), x = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new_value(a);
    CHECK_EQ_INT(mlx_vector_array_append_value(v, b), 0);
    mlx_array_free(b);
    CHECK_EQ_INT(mlx_vector_array_get(&x, v, 1), 0);
    CHECK_EQ_INT(item(x), 8);
    void *box = x.ctx;
    CHECK_EQ_INT(mlx_vector_array_get(&x, v, 0), 0);
    CHECK(x.ctx == box);
    CHECK_EQ_INT(item(x), 7);
    CHECK_EQ_INT(mlx_vector_array_append_value(v, mlx_array_empty), 1);
    CHECK_EQ_INT(mlx_vector_array_size(v), 2);

    mlx_vector_vector_array vv = mlx_vector_vector_array_new_value(v);
    mlx_vector_array_append_value(v, a);
    CHECK_EQ_INT(mlx_vector_vector_array_append_value(vv, v), 0);
    mlx_vector_array back = mlx_vector_array_new();
    CHECK_EQ_INT(mlx_vector_vector_array_get(&back, vv, 0), 0);
    CHECK_EQ_INT(mlx_vector_array_size(back), 2);
    CHECK_EQ_INT(mlx_vector_vector_array_get(&back, vv, 1), 0);
    CHECK_EQ_INT(mlx_vector_array_size(back), 3);
    mlx_vector_vector_array other = {NULL};
    CHECK_EQ_INT(mlx_vector_vector_array_set(&other, vv), 0);
    CHECK_EQ_INT(mlx_vector_vector_array_size(other), 2);
    mlx_vector_vector_array_free(other);
    mlx_vector_vector_array_free(vv);
    mlx_vector_array_free(back);
    mlx_vector_array_free(v);
    mlx_array_free(x);
    mlx_array_free(a);
}

/* --- maps ------------------------------------------------------------------------------------- */

static void test_map_of_arrays(void) {
    mlx_map_string_to_array m = mlx_map_string_to_array_new(), copy = {NULL};
    mlx_array one = mlx_array_new_int(1), two = mlx_array_new_int(2), x = mlx_array_new();
    CHECK_EQ_INT(mlx_map_string_to_array_insert(m, "w", one), 0);
    CHECK_EQ_INT(mlx_map_string_to_array_insert(m, "b", one), 0);
    CHECK_EQ_INT(mlx_map_string_to_array_insert(m, "w", two), 0);
    CHECK_EQ_INT(mlx_map_string_to_array_get(&x, m, "w"), 0);
    CHECK_EQ_INT(item(x), 2);
    int before = calls;
    CHECK_EQ_INT(mlx_map_string_to_array_get(&x, m, "none"), 2);
    CHECK_EQ_INT(calls, before);
    CHECK_EQ_INT(mlx_map_string_to_array_set(&copy, m), 0);
    mlx_map_string_to_array_free(m);

    const char *key = NULL;
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(copy);
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_next(&key, &x, it), 0);
    CHECK_STR(key, "w");
    CHECK_EQ_INT(item(x), 2);
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_next(&key, &x, it), 0);
    CHECK_STR(key, "b");
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_next(&key, &x, it), 2);
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_free(it), 0);
    mlx_map_string_to_array_free(copy);
    mlx_array_free(one);
    mlx_array_free(two);
    mlx_array_free(x);
}

static void test_map_of_strings(void) {
    mlx_map_string_to_string m = mlx_map_string_to_string_new();
    const char *key = NULL, *value = NULL;
    mlx_map_string_to_string_iterator it = mlx_map_string_to_string_iterator_new(m);
    CHECK_EQ_INT(mlx_map_string_to_string_iterator_next(&key, &value, it), 2);
    mlx_map_string_to_string_iterator_free(it);
    CHECK_EQ_INT(mlx_map_string_to_string_insert(m, "k", "v"), 0);
    CHECK_EQ_INT(mlx_map_string_to_string_insert(m, "k", "u"), 0);
    CHECK_EQ_INT(mlx_map_string_to_string_get(&value, m, "k"), 0);
    CHECK_STR(value, "u");
    CHECK_EQ_INT(mlx_map_string_to_string_insert(m, "k", NULL), 1);
    CHECK_EQ_INT(mlx_map_string_to_string_insert(m, NULL, "v"), 1);
    mlx_map_string_to_string_free(m);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_empty_handles(void) {
    int n = calls, x;
    const char *key;
    char *text;
    mlx_array a = {NULL};
    CHECK(mlx_string_data((mlx_string){NULL}) == NULL);
    CHECK(mlx_string_new_data(NULL).ctx == NULL);
    CHECK_EQ_INT(mlx_vector_int_size((mlx_vector_int){NULL}), 0);
    CHECK_EQ_INT(mlx_vector_int_get(&x, (mlx_vector_int){NULL}, 0), 1);
    CHECK_EQ_INT(mlx_vector_string_get(&text, (mlx_vector_string){NULL}, 0), 1);
    CHECK_EQ_INT(mlx_vector_array_append_value((mlx_vector_array){NULL}, a), 1);
    CHECK(mlx_vector_array_new_value(a).ctx == NULL);
    CHECK(mlx_vector_int_new_data(NULL, 2).ctx == NULL);
    CHECK_EQ_INT(mlx_map_string_to_array_insert((mlx_map_string_to_array){NULL}, "k", a), 1);
    CHECK(mlx_map_string_to_array_iterator_new((mlx_map_string_to_array){NULL}).ctx == NULL);
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_next(
                     &key, &a, (mlx_map_string_to_array_iterator){NULL, NULL}),
                 1);
    CHECK_EQ_INT(mlx_version(NULL), 1);
    CHECK_EQ_INT(calls, n + 12);
    CHECK_EQ_INT(mlx_vector_array_free((mlx_vector_array){NULL}), 0);
    CHECK_EQ_INT(mlx_map_string_to_string_free((mlx_map_string_to_string){NULL}), 0);
}

static void test_handler_data_and_format(void) {
    int data = 0, dropped = 0;
    mlx_set_error_handler(remember, &data, NULL);
    mlx_error("the file %s", "100%d.npy");
    CHECK_EQ_INT(data, 1);
    CHECK_HAS(told, "the file 100%d.npy at ");
    CHECK_STR(mlx_last_error_message(), told);
    mlx_set_error_handler(remember, &dropped, count_call);
    CHECK_EQ_INT(dropped, 0);
    mlx_set_error_handler(remember, NULL, NULL);
    CHECK_EQ_INT(dropped, 1);
}

static void test_last_error(void) {
    int x;
    mlx_vector_int v = mlx_vector_int_new_value(5);
    CHECK_EQ_INT(mlx_vector_int_get(&x, v, 1), 1);
    CHECK_EQ_INT(mlx_last_error_code(), MX_RANGE);
    CHECK_HAS(mlx_last_error_message(), "[mlx_vector_int_get]");
    CHECK_EQ_INT(mlx_vector_int_get(&x, v, 0), 0);
    CHECK_EQ_INT(mlx_last_error_code(), MX_RANGE);
    mlx_clear_last_error();
    CHECK_EQ_INT(mlx_last_error_code(), 0);
    CHECK_STR(mlx_last_error_message(), "");
    mlx_vector_int_free(v);
}

static jmp_buf out;

static void leap(const char *message, void *data) {
    (void)message;
    (void)data;
    longjmp(out, 1);
}

static void test_handler_may_unwind(void) {
    static int rounds;
    int64_t live = mx_alloc_live();
    mlx_set_error_handler(leap, NULL, NULL);
    if (setjmp(out) == 0 || ++rounds < 3)
        mlx_string_new_data(NULL);
    mlx_set_error_handler(remember, NULL, NULL);
    CHECK_EQ_INT(rounds, 3);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

/* Inside a callback the handler waits; the cause is what is reported. */
static void test_callbacks(void) {
    int n = calls;
    mlx_vector_int empty = {NULL};
    capi_callback c = capi_callback_begin();
    mlx_vector_int_size(empty);
    CHECK(!capi_callback_end(c, "closure_apply", 1));
    CHECK_EQ_INT(calls, n);
    CHECK_EQ_INT(capi_report(), 1);
    CHECK_EQ_INT(calls, n + 1);
    CHECK_HAS(told, "[mlx_vector_int] an empty handle");
    c = capi_callback_begin();
    CHECK(!capi_callback_end(c, "closure_apply", 3));
    CHECK_STR(mx_error_message(), "[closure_apply] the function returned 3");
    mx_error_clear();
    c = capi_callback_begin();
    mlx_vector_int_size(empty);
    CHECK(capi_callback_end(c, "closure_apply", 0));
    CHECK(!mx_failed());
    CHECK_EQ_INT(calls, n + 1);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void use_everything(void) {
    const char *text[2] = {"x", "y"}, *value;
    mlx_vector_string v = mlx_vector_string_new_data(text, 2), w = {NULL};
    mlx_vector_string_append_value(v, "z");
    mlx_vector_string_set(&w, v);
    mlx_map_string_to_string m = mlx_map_string_to_string_new(), copy = {NULL};
    mlx_map_string_to_string_insert(m, "k", "v");
    mlx_map_string_to_string_insert(m, "k", "u");
    mlx_map_string_to_string_set(&copy, m);
    mlx_map_string_to_string_get(&value, copy, "k");
    mlx_string s = mlx_string_new_data("s");
    mlx_version(&s);
    mlx_array a = mlx_array_new_int(1);
    mlx_vector_array va = mlx_vector_array_new_value(a);
    mlx_vector_vector_array vv = mlx_vector_vector_array_new_value(va), vv2 = {NULL};
    mlx_vector_vector_array_append_value(vv, va);
    mlx_vector_vector_array_set(&vv2, vv);
    mlx_vector_vector_array_free(vv);
    mlx_vector_vector_array_free(vv2);
    mlx_vector_array_free(va);
    mlx_array_free(a);
    mlx_string_free(s);
    mlx_map_string_to_string_free(copy);
    mlx_map_string_to_string_free(m);
    mlx_vector_string_free(w);
    mlx_vector_string_free(v);
}

static void test_every_allocation_may_fail(void) {
    use_everything();
    int64_t live = mx_alloc_live();
    mx_alloc_fail_at(0);
    uint64_t total, start = mx_alloc_count();
    use_everything();
    total = mx_alloc_count() - start;
    CHECK(total > 10);
    for (uint64_t n = 1; n <= total; n++) {
        mx_alloc_fail_at(n);
        use_everything();
        mx_alloc_fail_at(0);
        CHECK_EQ_INT(mx_alloc_live(), live);
    }
}

int main(void) {
    mlx_set_error_handler(remember, NULL, NULL);
    RUN(test_strings);
    RUN(test_version);
    RUN(test_vector_of_ints);
    RUN(test_vector_of_strings);
    RUN(test_vector_of_arrays);
    RUN(test_map_of_arrays);
    RUN(test_map_of_strings);
    RUN(test_empty_handles);
    RUN(test_handler_data_and_format);
    RUN(test_last_error);
    RUN(test_handler_may_unwind);
    RUN(test_callbacks);
    RUN(test_every_allocation_may_fail);
    return check_done();
}
