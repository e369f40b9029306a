/* Strings that grow, numbers that read back, maps and vectors. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/half.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "check.h"

static void test_building(void) {
    mx_text t = {0};
    CHECK_STR(mx_text_view(&t), "");
    mx_text_add(&t, "%s(%d", "f", 3);
    mx_text_char(&t, ',');
    mx_text_str(&t, " x)");
    CHECK_STR(mx_text_view(&t), "f(3, x)");
    for (int i = 0; i < 1000; i++)
        mx_text_add(&t, "%d ", i);
    CHECK_EQ_INT(t.len, 7 + 10 * 2 + 90 * 3 + 900 * 4);
    char *s = mx_text_take(&t);
    CHECK_HAS(s, " 998 999 ");
    mx_free(s);
    s = mx_text_take(&t);
    CHECK_STR(s, "");
    mx_free(s);
}

static void test_failure_sticks(void) {
    int64_t live = mx_alloc_live();
    mx_text t = {0};
    mx_text_str(&t, "abc");
    mx_alloc_fail_at(1);
    for (int i = 0; i < 500; i++)
        mx_text_add(&t, "%d", i);
    CHECK(mx_text_take(&t) == NULL);
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    mx_alloc_fail_at(0);
    mx_error_clear();
    CHECK_EQ_INT(mx_alloc_live(), live);
}

static const char *shown(double x, bool single) {
    static char text[64];
    mx_text t = {0};
    if (single)
        mx_text_f32(&t, (float)x);
    else
        mx_text_f64(&t, x);
    snprintf(text, sizeof text, "%s", mx_text_view(&t));
    mx_text_free(&t);
    return text;
}

static void test_numbers(void) {
    CHECK_STR(shown(0.1f, true), "0.1");
    CHECK_STR(shown(0.1, false), "0.1");
    CHECK_STR(shown(3, true), "3");
    CHECK_STR(shown(-0.0, true), "-0");
    CHECK_STR(shown(1e20, false), "1e+20");
    CHECK_STR(shown(16777216, true), "16777216");
    CHECK_STR(shown(1.0f / 3, true), "0.33333334");
    CHECK_STR(shown(1.0 / 3, false), "0.3333333333333333");
    CHECK_STR(shown(1e-5, false), "1e-05");
    CHECK_STR(shown(0.0001, false), "0.0001");
    CHECK_STR(shown(1234.5, true), "1234.5");
    CHECK_STR(shown(5e-324, false), "5e-324");
    CHECK_STR(shown(1e-45, true), "1e-45");
    CHECK_STR(shown(INFINITY, true), "inf");
    CHECK_STR(shown(-INFINITY, false), "-inf");
    CHECK_STR(shown(NAN, false), "nan");
    mx_text t = {0};
    mx_text_num(&t, 1.0 / 3, 6);
    mx_text_char(&t, ' ');
    mx_text_num(&t, 1234567, 6);
    CHECK_STR(mx_text_view(&t), "0.333333 1.23457e+06");
    mx_text_free(&t);
}

static void test_numbers_read_back(void) {
    uint64_t bits = check_seed(88172645463325252u);
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double d;
        memcpy(&d, &bits, 8);
        float f = mx_bits_f32((uint32_t)bits);
        if (isfinite(d) && strtod(shown(d, false), NULL) != d)
            wrong++;
        if (isfinite(f) && strtof(shown((double)f, true), NULL) != f)
            wrong++;
    }
    CHECK_EQ_INT(wrong, 0);
}

static void test_numbers_ignore_the_locale(void) {
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    bool found = false;
    for (int i = 0; i < 3 && !found; i++)
        found = setlocale(LC_NUMERIC, commas[i]) != NULL;
    CHECK_STR(shown(0.5, false), "0.5");
    CHECK_STR(shown(1.5e30, true), "1.5e+30");
    setlocale(LC_NUMERIC, "C");
}

static int freed;
static void count_free(void *p) {
    freed += p != NULL;
}

static void test_map(void) {
    mx_map m = {0};
    static int value[1000];
    char key[32];
    bool ok = true;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "layers.%d.weight", i);
        ok = ok && mx_map_set(&m, key, &value[i], NULL);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "layers.%d.weight", i);
        ok = ok && mx_map_get(&m, key) == &value[i] && strcmp(m.entry[i].key, key) == 0;
    }
    CHECK(ok);
    CHECK(!mx_map_get(&m, "layers") && !mx_map_has(&m, ""));
    void *former;
    CHECK(mx_map_set(&m, "layers.7.weight", &value[0], &former) && former == &value[7]);
    CHECK(mx_map_remove(&m, "layers.3.weight") == &value[3]);
    CHECK(mx_map_remove(&m, "layers.3.weight") == NULL);
    CHECK_EQ_INT(m.count, 999);
    CHECK_STR(m.entry[3].key, "layers.4.weight");
    CHECK(mx_map_get(&m, "layers.999.weight") == &value[999]);
    mx_map_free(&m, count_free);
    CHECK_EQ_INT(freed, 999);
    CHECK(!mx_map_get(&m, "x"));
}

static void test_map_without_memory(void) {
    int64_t live = mx_alloc_live();
    for (uint64_t n = 1; n <= 3; n++) {
        mx_map m = {0};
        mx_alloc_fail_at(n);
        CHECK(!mx_map_set(&m, "a", &freed, NULL));
        CHECK(mx_map_set(&m, "a", &freed, NULL));
        CHECK(mx_map_get(&m, "a") == &freed);
        mx_map_free(&m, NULL);
        mx_error_clear();
    }
    mx_alloc_fail_at(0);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

static void test_vec(void) {
    mx_vec v = {0};
    static int item[100];
    for (int i = 0; i < 100; i++)
        CHECK(mx_vec_add(&v, &item[i]));
    CHECK_EQ_INT(v.count, 100);
    for (int i = 99; i >= 0; i--)
        CHECK(mx_vec_pop(&v) == &item[i]);
    CHECK(mx_vec_pop(&v) == NULL);
    mx_vec_free(&v);
}

/* Every float16 reads back from float32; rounding is to nearest even. */
/* Between each two neighbours below an infinity: just below, at and just above the middle, which no
   float32 tells apart. */
static int wrong_middles(int infinity, double end, float (*value)(uint16_t),
                         uint16_t (*half)(double)) {
    int wrong = 0;
    for (int h = 0; h < infinity; h++) {
        double above = h == infinity - 1 ? end : (double)value((uint16_t)(h + 1));
        double middle = ((double)value((uint16_t)h) + above) / 2;
        wrong += half(middle * (1 - 0x1p-45)) != h;
        wrong += half(middle) != h + (h & 1);
        wrong += half(-middle * (1 + 0x1p-45)) != (0x8000 | (h + 1));
    }
    return wrong;
}

static void test_middles(void) {
    CHECK_EQ_INT(wrong_middles(0x7c00, 0x1p16, mx_f16_to_f32, mx_f64_to_f16), 0);
    CHECK_EQ_INT(wrong_middles(0x7f80, 0x1p128, mx_bf16_to_f32, mx_f64_to_bf16), 0);
    CHECK_EQ_INT(mx_f64_to_f16(-INFINITY), 0xfc00);
    CHECK_EQ_INT(mx_f64_to_bf16(1e300), 0x7f80);
    CHECK(isnan(mx_f16_to_f32(mx_f64_to_f16(NAN))) && isnan(mx_bf16_to_f32(mx_f64_to_bf16(NAN))));
    CHECK(mx_u64_to_f64_odd(UINT64_MAX) == 0x1p64 - 2048);
    CHECK(mx_i64_to_f64_odd(INT64_MIN) == -0x1p63);
    CHECK_EQ_INT(mx_f64_to_bf16(mx_i64_to_f64_odd((1LL << 62) + (1LL << 54) + 1)), 0x5e81);
    CHECK_EQ_INT(mx_f64_to_bf16(mx_i64_to_f64_odd(-(1LL << 62) - (1LL << 54))), 0xde80);
}

static void test_half(void) {
    int wrong = 0;
    for (unsigned h = 0; h < 65536; h++) {
        float f = mx_f16_to_f32((uint16_t)h), b = mx_bf16_to_f32((uint16_t)h);
        wrong += !isnan(f) && mx_f32_to_f16(f) != h;
        wrong += !isnan(b) && mx_f32_to_bf16(b) != h;
    }
    CHECK_EQ_INT(wrong, 0);
    CHECK_EQ_INT(mx_f32_to_f16(65520.0f), 0x7c00);
    CHECK_EQ_INT(mx_f32_to_f16(65519.0f), 0x7bff);
    CHECK_EQ_INT(mx_f32_to_f16(2.98e-8f), 0x0000);
    CHECK_EQ_INT(mx_f32_to_f16(2.99e-8f), 0x0001);
    CHECK(isnan(mx_f16_to_f32(mx_f32_to_f16(NAN))));
    CHECK_EQ_INT(mx_f32_to_bf16(mx_bits_f32(0x3f808000)), 0x3f80);
    CHECK_EQ_INT(mx_f32_to_bf16(mx_bits_f32(0x3f818000)), 0x3f82);
}

static void test_paths(void) {
    CHECK_EQ_INT(mx_path_length("a/b//"), 3);
    CHECK_EQ_INT(mx_path_length("a"), 1);
    CHECK_EQ_INT(mx_path_length("//"), 1);
    CHECK_EQ_INT(mx_path_length(""), 0);
}

int main(void) {
    RUN(test_building);
    RUN(test_failure_sticks);
    RUN(test_paths);
    RUN(test_numbers);
    RUN(test_numbers_read_back);
    RUN(test_numbers_ignore_the_locale);
    RUN(test_map);
    RUN(test_map_without_memory);
    RUN(test_vec);
    RUN(test_half);
    RUN(test_middles);
    return check_done();
}
