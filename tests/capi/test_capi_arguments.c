/* Every public function, with good arguments and with bad ones.
 *
 * The table of all functions is made from the headers (make_calls.py), arguments by capi_values.c.
 * Each function must succeed with good arguments, except where `fails` says why not. Then, one
 * argument at a time, NULL, an empty handle, an address that no object has and a number that an
 * enumeration does not have must be refused; where the documentation says that nothing means
 * something (tools/docs/nothing.py) it must be accepted. After an error the function returns what
 * the documentation says, and results are as they were. Every allocation must be able to fail. The
 * error handler unwinds out of the library as programs' handlers do, and nothing may be left
 * behind.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "capi_values.h"
#include "check.h"
#include "mlx/c/mlx.h"

/* --- what is allowed --------------------------------------------------------------------- */

typedef struct pair {
    const char *function, *parameter; /* "" fits any; a function's name may end in * */
} pair;

static bool named(const char *pattern, const char *name) {
    size_t n = strlen(pattern);
    return !n || !strcmp(pattern, name) ||
           (pattern[n - 1] == '*' && !strncmp(pattern, name, n - 1));
}

static bool listed(const pair *list, size_t n, const char *function, const char *parameter) {
    for (size_t i = 0; i < n; i++)
        if (named(list[i].function, function) && named(list[i].parameter, parameter))
            return true;
    return false;
}
#define LISTED(list, function, parameter) \
    listed(list, sizeof list / sizeof *list, function, parameter)

/* Not called: they change the test itself. */
static const pair left_out[] = {{"mlx_set_error_handler", ""}, {"mlx_format_register", ""},
                                {"mlx_storage_register", ""},  {"mlx_operation_register", ""},
                                {"mlx_debug_set", ""},         {"mlx_source_set_hook", ""}};

/* What no machine without such a device can do. */
static const pair fails[] = {{"mlx_default_gpu_stream_new", ""},
                             {"mlx_fast_cuda_kernel_apply", ""},
                             {"mlx_fast_metal_kernel_apply", ""},
                             {"mlx_distributed_send", ""},
                             {"mlx_distributed_recv*", ""},
                             {"mlx_profile_stop", ""}, // one that does not run
                             {"mlx_lm_embed", ""},     // a model that makes no vectors
                             {"mlx_lm_classify", ""}}; // or tells no classes

/* What means something only together with other arguments than these. */
static const pair in_other_calls[] = {{"mlx_fast_rope_f64", "base"}, // with freqs
                                      {"mlx_qqmm", "w_scales"},      // of w that is not quantized
                                      {"mlx_gather_qqmm", "w_scales"},
                                      {"mlx_dequantize", "mode"}, // with biases
                                      {"mlx_quantized_matmul", "mode"},
                                      {"mlx_gather_qmm", "mode"},
                                      {"mlx_dequantize", "scales"}, // of blocks of GGUF
                                      {"mlx_quantized_matmul", "scales"},
                                      {"mlx_gather_qmm", "scales"},
                                      {"mlx_convert", "options"}, // where nothing is at `out`
                                      {"mlx_fuse", "options"}};

/* --- one call -------------------------------------------------------------------------------- */

static char message[1024];
static int told;
static jmp_buf out;
static bool returns; /* the handler returns, and so the function does */

static void unwind(const char *text, void *data) {
    (void)data;
    told++;
    snprintf(message, sizeof message, "%s", text);
    if (!returns)
        longjmp(out, 1);
}

static const char *now; /* for a crash */
static char what[256];

static void crashed(int signal_number) {
    static const char text[] = "crash in ";
    ssize_t ignored = write(2, text, sizeof text - 1);
    ignored += write(2, now, strlen(now));
    ignored += write(2, what, strlen(what));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

typedef struct change {
    int parameter; /* -1: none */
    uintptr_t address;
    uint64_t failing; /* allocation; 0: none */
} change;

static _Alignas(16) char slots[CAPI_MOST_PARAMETERS][CAPI_SLOT],
    given[CAPI_MOST_PARAMETERS][CAPI_SLOT];
static _Alignas(16) char result[512];
static const char *touched; /* a result that has changed, of the last call */

static bool consumes(const capi_call_row *row) {
    size_t n = strlen(row->name);
    return n > 5 && !strcmp(row->name + n - 5, "_free");
}

/* 0, or 1 where the handler was told. */
static int call(const capi_call_row *row, change c) {
    void *slot[CAPI_MOST_PARAMETERS];
    volatile bool done = false;
    for (int i = 0; i < row->n; i++) {
        slot[i] = slots[i];
        value_make(slots[i], row, i);
        memcpy(given[i], slots[i], CAPI_SLOT);
        if (i == c.parameter)
            memcpy(slots[i], &c.address, sizeof c.address);
    }
    memset(result, 0, sizeof result);
    told = 0;
    mx_alloc_fail_at(c.failing);
    if (!setjmp(out)) {
        row->call(result, slot);
        done = true;
    }
    mx_alloc_fail_at(0);
    touched = NULL;
    for (int i = 0; i < row->n; i++)
        touched = value_is_untouched(row, i) ? touched : row->parameter[i].name;
    if (done)
        value_free_result(result, row);
    bool gone = consumes(row) && done && c.parameter < 0;
    for (int i = 0; i < row->n; i++)
        if (!gone)
            value_free(given[i], row, i);
    return told;
}

static const change none = {-1, 0, 0};

/* --- nothing left behind ---------------------------------------------------------------------- */

/* The same call again and again: what grows every time is lost. (A first call may fill a cache.) */
static bool loses(const capi_call_row *row, change c) {
    int64_t before = 0, after = 0;
    for (int i = 0; i < 3; i++) {
        before = mx_alloc_live() + (int64_t)mx_mem_active();
        call(row, c);
        after = mx_alloc_live() + (int64_t)mx_mem_active();
        if (after <= before)
            return false;
    }
    return true;
}

static void check_change(const capi_call_row *row, change c, bool must_fail) {
    int failed = call(row, c);
    CHECK_MSG(failed || !must_fail, "%s%s is not refused", row->name, what);
    CHECK_MSG(failed <= 1, "%s%s tells the handler %d times", row->name, what, failed);
    CHECK_MSG(!failed || (message[0] == '[' && !strstr(message, "no reason recorded")),
              "%s%s says: %s", row->name, what, message);
    CHECK_MSG(!loses(row, c), "%s%s leaves memory behind", row->name, what);
}

/* What a function that returns after an error gives, and what its results hold. */
static void check_return(const capi_call_row *row, change c) {
    static const char zeros[sizeof result];
    int one = 1;
    returns = true;
    call(row, c);
    returns = false;
    CHECK_MSG(told == 1 && mlx_last_error_code() == MLX_ERROR_INVALID,
              "%s%s tells the handler %d times of an error %d", row->name, what, told,
              mlx_last_error_code());
    if (row->status)
        CHECK_MSG(!memcmp(result, &one, sizeof one), "%s%s does not return 1", row->name, what);
    else
        CHECK_MSG(!memcmp(result, zeros, sizeof result), "%s%s returns something", row->name, what);
    CHECK_MSG(!touched, "%s%s changes %s", row->name, what, touched);
}

/* --- tests ------------------------------------------------------------------------------------ */

#define EACH(row)                                                         \
    for (const capi_call_row *row = capi_calls;                           \
         row < capi_calls + capi_calls_count && (now = row->name); row++) \
        if (!LISTED(left_out, row->name, ""))

static void good_arguments(void) {
    what[0] = 0;
    EACH(row) {
        bool failed = call(row, none);
        CHECK_MSG(failed == LISTED(fails, row->name, ""), "%s: %s", row->name,
                  failed ? message : "succeeds");
        CHECK_MSG(!loses(row, none), "%s leaves memory behind", row->name);
    }
}

enum { NO_ENUMERATOR = 99 };

static void bad_argument(const capi_call_row *row, int i, uintptr_t address) {
    bool fine = address == 0 && row->parameter[i].may_be_nothing;
    change c = {i, address, 0};
    snprintf(what, sizeof what, "(%s %s = %#zx)", row->parameter[i].type, row->parameter[i].name,
             (size_t)address);
    if (LISTED(fails, row->name, ""))
        check_change(row, c, false);
    else if (fine && LISTED(in_other_calls, row->name, row->parameter[i].name))
        check_change(row, c, false);
    else if (fine)
        CHECK_MSG(!call(row, c), "%s%s: %s", row->name, what, message);
    else {
        check_change(row, c, true);
        check_return(row, c);
    }
}

static void bad_arguments(void) {
    EACH(row)
    for (int i = 0; i < row->n; i++) {
        bool handle = value_is_handle(row->parameter[i].type);
        if (handle || value_is_pointer(row->parameter[i].type))
            bad_argument(row, i, 0);
        if (handle)
            bad_argument(row, i, 1);
        if (row->parameter[i].enumeration)
            bad_argument(row, i, NO_ENUMERATOR);
    }
}

/* A freed stream is known as such until its place is taken. */
static void freed_stream(void) {
    mlx_stream s = mlx_default_cpu_stream_new();
    CHECK(!mlx_stream_free(s));
    told = 0;
    if (!setjmp(out))
        mlx_synchronize(s);
    CHECK_EQ_INT(told, 1);
    CHECK_HAS(message, "[stream]");
    if (!setjmp(out))
        mlx_stream_free(s);
    CHECK_EQ_INT(told, 2);
}

enum { MOST_ALLOCATIONS = 200 };

static void failing_allocations(void) {
    EACH(row) {
        bool failed = true;
        call(row, none); // caches are filled
        for (uint64_t k = 1; failed && k < MOST_ALLOCATIONS; k++) {
            snprintf(what, sizeof what, " without allocation %d", (int)k);
            failed = call(row, (change){-1, 0, k});
            CHECK_MSG(!failed || !row->succeeds, "%s%s fails", row->name, what);
            CHECK_MSG(!failed || message[0] == '[', "%s%s says: %s", row->name, what, message);
            CHECK_MSG(!failed || !loses(row, (change){-1, 0, k}), "%s%s leaves memory behind",
                      row->name, what);
            failed = failed && !LISTED(fails, row->name, "");
        }
    }
}

/* --- operations of the catalog: their adapters make values on the way ------------------------- */

static const mlx_operation *operation(const char *start) {
    for (size_t i = 0; i < mlx_catalog_size(); i++)
        if (!strncmp(mlx_catalog_get(i)->signature, start, strlen(start)))
            return mlx_catalog_get(i);
    return NULL;
}

/* concatenate(arrays, axis=None): each array is flattened first. */
static int join(uint64_t failing) {
    mlx_array one = mlx_array_new_float(1), few[3] = {one, one, one};
    mlx_value res = {0}, args[3] = {{.kind = MLX_VALUE_ARRAYS},
                                    {.kind = MLX_VALUE_NONE},
                                    {.kind = MLX_VALUE_STREAM}};
    args[0].as.arrays = mlx_vector_array_new_data(few, 3);
    args[0].owned = true;
    told = 0;
    mx_alloc_fail_at(failing);
    if (!setjmp(out))
        mlx_operation_call(&res, operation("concatenate("), args);
    mx_alloc_fail_at(0);
    mlx_value_free(&res);
    mlx_value_free(&args[0]);
    mlx_array_free(one);
    return told;
}

static void failing_adapter(void) {
    int failed = 1;
    join(0);
    for (uint64_t k = 1; failed && k < MOST_ALLOCATIONS; k++) {
        int64_t before = mx_alloc_live();
        failed = join(k);
        CHECK_MSG(failed <= 1, "the handler was told %d times", failed);
        CHECK_MSG(mx_alloc_live() <= before, "without allocation %d something is left behind",
                  (int)k);
    }
}

int main(void) {
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    if (!values_begin())
        return 77;
    mlx_set_error_handler(unwind, NULL, NULL);
    RUN(good_arguments);
    RUN(bad_arguments);
    RUN(freed_stream);
    RUN(failing_allocations);
    RUN(failing_adapter);
    mlx_set_error_handler(NULL, NULL, NULL);
    values_end();
    return check_done();
}
