/* Readers and writers of the program, and the handles of io.h, with good and bad arguments. */
#include "base/mem.h"
#include "io_files.h"

static mlx_stream none;

/* --- a stream in memory that can fail at any call --------------------------------- */

typedef struct memory {
    char bytes[4096];
    size_t at, size, room;
    int calls, fail_at; /* the fail_at-th call fails; 0 never */
    bool bad, closed;
    int freed;
    bool inner_error; /* a call of the library fails inside */
} memory;

static bool step(memory *m) {
    if (++m->calls == m->fail_at) {
        m->bad = true;
        if (m->inner_error)
            mlx_load(&(mlx_array){NULL}, "/nowhere/inner.npy", none);
    }
    return !m->bad;
}
static bool is_open(void *d) {
    return !((memory *)d)->closed;
}
static bool good(void *d) {
    return !((memory *)d)->bad;
}
static size_t tell(void *d) {
    step(d);
    return ((memory *)d)->at;
}
static void seek(void *d, int64_t to, int whence) {
    memory *m = d;
    if (step(m))
        m->at = (size_t)(to + (whence == SEEK_END   ? (int64_t)m->size
                               : whence == SEEK_CUR ? (int64_t)m->at
                                                    : 0));
}
static void read_at(void *d, char *to, size_t n, size_t at) {
    memory *m = d;
    m->bad |= at > m->size || n > m->size - at;
    if (step(m))
        memcpy(to, m->bytes + at, n);
}
static void read_on(void *d, char *to, size_t n) {
    memory *m = d;
    read_at(d, to, n, m->at);
    m->at += n;
}
static void write_on(void *d, const char *from, size_t n) {
    memory *m = d;
    m->bad |= n > m->room - m->at;
    if (!step(m))
        return;
    memcpy(m->bytes + m->at, from, n);
    m->at += n;
    m->size = m->at > m->size ? m->at : m->size;
}
static const char *label(void *d) {
    return d ? "some memory" : NULL;
}
static void let_go(void *d) {
    ((memory *)d)->freed++;
}
static const mlx_io_vtable table = {is_open, good,     tell,  seek,  read_on,
                                    read_at, write_on, label, let_go};

static memory m;

static void rewind_memory(void) {
    m.at = 0;
    m.bad = false;
    m.calls = m.fail_at = 0;
}

static bool same(mlx_array a, mlx_array b) {
    mlx_array equal = mlx_array_new();
    bool yes = false;
    mlx_array_equal(&equal, a, b, false, none);
    mlx_array_item_bool(&yes, equal);
    mlx_array_free(equal);
    return yes;
}

/* --- handles ---------------------------------------------------------------------- */

static void test_handles(void) {
    mlx_string s = mlx_string_new();
    void *desc = NULL;
    m = (memory){.room = sizeof m.bytes};
    mlx_io_reader r = mlx_io_reader_new(&m, table);
    mlx_io_writer w = mlx_io_writer_new(&m, table);
    CHECK_OK(mlx_io_reader_descriptor(&desc, r));
    CHECK(desc == &m);
    desc = NULL;
    CHECK_OK(mlx_io_writer_descriptor(&desc, w));
    CHECK(desc == &m);
    CHECK_OK(mlx_io_reader_tostring(&s, r));
    CHECK_STR(mlx_string_data(s), "some memory");
    CHECK_OK(mlx_io_writer_tostring(&s, w));
    CHECK_STR(mlx_string_data(s), "some memory");
    CHECK_FAILS(mlx_io_reader_descriptor(NULL, r), "NULL");
    CHECK_FAILS(mlx_io_writer_descriptor(NULL, w), "NULL");
    CHECK_FAILS(mlx_io_reader_descriptor(&desc, (mlx_io_reader){NULL}), "empty");
    CHECK_FAILS(mlx_io_writer_descriptor(&desc, (mlx_io_writer){NULL}), "empty");
    CHECK_FAILS(mlx_io_reader_tostring(&s, (mlx_io_reader){NULL}), "empty");
    CHECK_FAILS(mlx_io_writer_tostring(&s, (mlx_io_writer){NULL}), "empty");
    CHECK_FAILS(mlx_io_reader_tostring(NULL, r), "NULL");
    CHECK_OK(mlx_io_reader_free(r));
    CHECK_OK(mlx_io_writer_free(w));
    CHECK_EQ_INT(m.freed, 2);
    CHECK_OK(mlx_io_reader_free((mlx_io_reader){NULL}));
    CHECK_OK(mlx_io_writer_free((mlx_io_writer){NULL}));
    mlx_string_free(s);
}

static void test_functions_left_out(void) {
    mlx_array a = mlx_array_new_int(3);
    mlx_string s = mlx_string_new();
    mlx_io_vtable few = {0};
    mlx_io_reader r = mlx_io_reader_new(&m, few);
    mlx_io_writer w = mlx_io_writer_new(&m, few);
    CHECK_FAILS(mlx_load_reader(&a, r, none), "the reader's table has no function read");
    CHECK_FAILS(mlx_save_writer(w, a), "the writer's table has no function write");
    CHECK_OK(mlx_io_reader_tostring(&s, r));
    mlx_io_reader_free(r);
    mlx_io_writer_free(w);
    few = (mlx_io_vtable){.tell = tell, .read = read_on};
    r = mlx_io_reader_new(&m, few);
    CHECK_FAILS(mlx_load_reader(&a, r, none),
                "no function seek: tell and seek are both there or neither is");
    mlx_io_reader_free(r);
    few = (mlx_io_vtable){.tell = tell, .seek = seek, .read = read_on, .write = write_on};
    m = (memory){.room = sizeof m.bytes};
    r = mlx_io_reader_new(&m, few);
    w = mlx_io_writer_new(&m, few);
    CHECK_OK(mlx_save_writer(w, a));
    rewind_memory();
    CHECK_OK(mlx_load_reader(&a, r, none));
    mlx_io_reader_free(r);
    mlx_io_writer_free(w);
    mlx_array_free(a);
    mlx_string_free(s);
}

/* --- npy -------------------------------------------------------------------------- */

static void test_npy(void) {
    mlx_array a = mlx_array_new(), b = mlx_array_new(), second = mlx_array_new_float(2.5f);
    m = (memory){.room = sizeof m.bytes};
    mlx_io_reader r = mlx_io_reader_new(&m, table);
    mlx_io_writer w = mlx_io_writer_new(&m, table);
    CHECK_OK(mlx_arange(&a, 0, 12, 1, MLX_INT16, none));
    CHECK_OK(mlx_save_writer(w, a));
    CHECK_OK(mlx_save_writer(w, second)); // one behind the other
    rewind_memory();
    CHECK_OK(mlx_load_reader(&b, r, none));
    CHECK(same(a, b));
    CHECK_OK(mlx_load_reader(&b, r, none));
    CHECK(same(second, b));
    CHECK_FAILS(mlx_load_reader(&b, r, none), "'some memory' at byte 0: it is not an npy file");
    CHECK(same(second, b)); // as it was
    CHECK_FAILS(mlx_load_reader(&b, (mlx_io_reader){NULL}, none), "empty");
    CHECK_FAILS(mlx_load_reader(NULL, (mlx_io_reader){NULL}, none), "empty");
    CHECK_FAILS(mlx_save_writer((mlx_io_writer){NULL}, a), "empty");
    CHECK_FAILS(mlx_save_writer(w, (mlx_array){NULL}), "empty");
    m.closed = true;
    CHECK_FAILS(mlx_load_reader(&b, r, none), "[load] some memory: it is not open");
    CHECK_FAILS(mlx_save_writer(w, a), "[save] some memory: it is not open");
    mlx_io_reader_free(r);
    mlx_io_writer_free(w);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(second);
}

/* Every call of the program's functions fails once: the library's call fails, and works the
   next time. */
static void fail_each(bool inner) {
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    m = (memory){.room = sizeof m.bytes, .inner_error = inner};
    mlx_io_reader r = mlx_io_reader_new(&m, table);
    mlx_io_writer w = mlx_io_writer_new(&m, table);
    CHECK_OK(mlx_arange(&a, 0, 12, 1, MLX_FLOAT32, none));
    const char *why = inner ? "/nowhere/inner.npy" : "[save] some memory: it failed to write";
    for (int i = 1; i <= 2; i++) {
        rewind_memory();
        m.fail_at = i;
        CHECK_FAILS(mlx_save_writer(w, a), why);
    }
    rewind_memory();
    CHECK_OK(mlx_save_writer(w, a));
    int calls = 0;
    for (int i = 1; i == 1 || i <= calls; i++) {
        rewind_memory();
        if (i == 1) {
            CHECK_OK(mlx_load_reader(&b, r, none));
            calls = m.calls;
            CHECK(calls >= 5);
            rewind_memory();
        }
        m.fail_at = i;
        CHECK_FAILS(mlx_load_reader(&b, r, none),
                    inner ? "/nowhere/inner.npy" : "[load] some memory: it ");
    }
    rewind_memory();
    CHECK_OK(mlx_load_reader(&b, r, none));
    CHECK(same(a, b));
    mlx_io_reader_free(r);
    mlx_io_writer_free(w);
    mlx_array_free(a);
    mlx_array_free(b);
}

static void test_every_failure(void) {
    fail_each(false);
    fail_each(true); // the cause comes from a call of the library inside
}

/* --- safetensors ------------------------------------------------------------------ */

static void test_safetensors(void) {
    mlx_map_string_to_array arrays = mlx_map_string_to_array_new(),
                            got = mlx_map_string_to_array_new();
    mlx_map_string_to_string metadata = mlx_map_string_to_string_new(),
                             told = mlx_map_string_to_string_new();
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    const char *text = NULL;
    m = (memory){.room = sizeof m.bytes};
    mlx_io_reader r = mlx_io_reader_new(&m, table);
    mlx_io_writer w = mlx_io_writer_new(&m, table);
    CHECK_OK(mlx_arange(&a, 0, 12, 1, MLX_FLOAT32, none));
    CHECK_OK(mlx_map_string_to_array_insert(arrays, "a", a));
    CHECK_OK(mlx_map_string_to_string_insert(metadata, "k", "v"));
    CHECK_OK(mlx_save_safetensors_writer(w, arrays, metadata));
    for (int i = 0; i < 2; i++) { // the reader is left behind what it gave
        m.at = 0;
        CHECK_OK(mlx_load_safetensors_reader(&got, &told, r, none));
        CHECK_EQ_INT(m.at, m.size);
        CHECK_OK(mlx_map_string_to_array_get(&b, got, "a"));
        CHECK(same(a, b));
        CHECK_OK(mlx_map_string_to_string_get(&text, told, "k"));
        CHECK_STR(text, "v");
    }
    int calls = m.calls;
    for (int i = 1; i <= calls / 2; i++) {
        rewind_memory();
        m.fail_at = i;
        int code = mlx_load_safetensors_reader(&got, &told, r, none);
        CHECK(code == (m.bad ? 1 : 0));
        rewind_memory();
        m.fail_at = i;
        code = mlx_save_safetensors_writer(w, arrays, metadata);
        CHECK(code == (m.bad ? 1 : 0));
    }
    CHECK_FAILS(mlx_load_safetensors_reader(&got, &told, (mlx_io_reader){NULL}, none), "empty");
    CHECK_FAILS(mlx_save_safetensors_writer((mlx_io_writer){NULL}, arrays, metadata), "empty");
    CHECK_FAILS(mlx_save_safetensors_writer(w, (mlx_map_string_to_array){NULL}, metadata), "empty");
    CHECK_OK(mlx_save_safetensors(own_path("s"), arrays, metadata)); // gets .safetensors
    CHECK_OK(mlx_load_safetensors(&got, &told, own_path("s.safetensors"), none));
    CHECK_FAILS(mlx_load_safetensors(&got, &told, NULL, none), "NULL");
    CHECK_FAILS(mlx_save_safetensors(NULL, arrays, metadata), "NULL");
    mlx_io_reader_free(r);
    mlx_io_writer_free(w);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_map_string_to_array_free(arrays);
    mlx_map_string_to_array_free(got);
    mlx_map_string_to_string_free(metadata);
    mlx_map_string_to_string_free(told);
}

/* --- gguf handles ----------------------------------------------------------------- */

static void test_gguf_codes(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    mlx_array a = mlx_array_new_int(7), b = mlx_array_new();
    mlx_string s = mlx_string_new();
    mlx_vector_string v = mlx_vector_string_new(), keys = mlx_vector_string_new();
    mlx_vector_string_append_value(v, "x");
    CHECK_OK(mlx_io_gguf_set_array(g, "tensor", a));
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "array", a));
    CHECK_OK(mlx_io_gguf_set_metadata_string(g, "string", "text"));
    CHECK_OK(mlx_io_gguf_set_metadata_vector_string(g, "strings", v));
    CHECK_OK(mlx_io_gguf_get_array(&b, g, "tensor"));
    CHECK_OK(mlx_io_gguf_get_metadata_array(&b, g, "array"));
    CHECK_OK(mlx_io_gguf_get_metadata_string(&s, g, "string"));
    CHECK_OK(mlx_io_gguf_get_metadata_vector_string(&v, g, "strings"));
    CHECK_OK(mlx_io_gguf_get_keys(&keys, g));
    CHECK_EQ_INT(mlx_vector_string_size(keys), 1);
    told_times = 0;
    CHECK_EQ_INT(mlx_io_gguf_get_array(&b, g, "array"), 2);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_array(&b, g, "tensor"), 2);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_array(&b, g, "string"), 3);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_string(&s, g, "strings"), 3);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_string(&s, g, "absent"), 2);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_vector_string(&v, g, "array"), 3);
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_vector_string(&v, g, "absent"), 2);
    CHECK_EQ_INT(told_times, 0);
    CHECK_OK(mlx_io_gguf_set_metadata_string(g, "array", "now text")); // in place of the former
    CHECK_EQ_INT(mlx_io_gguf_get_metadata_array(&b, g, "array"), 3);
    mlx_io_gguf_free(g);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_string_free(s);
    mlx_vector_string_free(v);
    mlx_vector_string_free(keys);
}

static void test_gguf_flags(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    bool flag = true;
    CHECK_OK(mlx_io_gguf_set_metadata_string(g, "string", "text"));
    CHECK_OK(mlx_io_gguf_has_metadata_string(&flag, g, "string"));
    CHECK(flag);
    CHECK_OK(mlx_io_gguf_has_metadata_array(&flag, g, "string"));
    CHECK(!flag);
    CHECK_OK(mlx_io_gguf_has_metadata_vector_string(&flag, g, "string"));
    CHECK(!flag);
    CHECK_OK(mlx_io_gguf_has_metadata_string(&flag, g, "absent"));
    CHECK(!flag);
    CHECK_FAILS(mlx_io_gguf_has_metadata_string(NULL, g, "string"), "NULL");
    CHECK_FAILS(mlx_io_gguf_has_metadata_array(&flag, g, NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_has_metadata_vector_string(&flag, (mlx_io_gguf){NULL}, "x"), "empty");
    mlx_io_gguf_free(g);
}

static void test_gguf_bad_arguments(void) {
    mlx_io_gguf g = mlx_io_gguf_new(), empty = {NULL};
    mlx_array a = mlx_array_new_int(7), no_array = {NULL};
    mlx_string s = mlx_string_new();
    mlx_vector_string v = mlx_vector_string_new(), no_vector = {NULL};
    CHECK_FAILS(mlx_io_gguf_get_keys(NULL, g), "NULL");
    CHECK_FAILS(mlx_io_gguf_get_keys(&v, empty), "empty");
    CHECK_FAILS(mlx_io_gguf_get_array(&a, empty, "x"), "empty");
    CHECK_FAILS(mlx_io_gguf_get_array(&a, g, NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_get_metadata_array(&a, g, NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_get_metadata_string(&s, g, NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_get_metadata_string(&s, empty, "x"), "empty");
    CHECK_FAILS(mlx_io_gguf_get_metadata_vector_string(&v, g, NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_set_array(g, "x", no_array), "empty");
    CHECK_FAILS(mlx_io_gguf_set_array(g, NULL, a), "NULL");
    CHECK_FAILS(mlx_io_gguf_set_array(empty, "x", a), "empty");
    CHECK_FAILS(mlx_io_gguf_set_metadata_array(g, "x", no_array), "empty");
    CHECK_FAILS(mlx_io_gguf_set_metadata_string(g, "x", NULL), "NULL");
    CHECK_FAILS(mlx_io_gguf_set_metadata_string(empty, "x", "y"), "empty");
    CHECK_FAILS(mlx_io_gguf_set_metadata_vector_string(g, "x", no_vector), "empty");
    CHECK_FAILS(mlx_io_gguf_set_metadata_vector_string(g, NULL, v), "NULL");
    CHECK_OK(mlx_io_gguf_set_array(g, "x", a));
    CHECK_FAILS(mlx_io_gguf_get_array(NULL, g, "x"), "NULL");
    CHECK_FAILS(mlx_load_gguf(NULL, own_path("absent.gguf"), none), "cannot open");
    CHECK_FAILS(mlx_load_gguf(&g, NULL, none), "NULL");
    CHECK_FAILS(mlx_save_gguf(NULL, g), "NULL");
    CHECK_FAILS(mlx_save_gguf(own_path("x.gguf"), empty), "empty");
    CHECK_OK(mlx_save_gguf(own_path("x.gguf"), g));
    CHECK_FAILS(mlx_load_gguf(NULL, own_path("x.gguf"), none), "NULL");
    CHECK_OK(mlx_io_gguf_free(empty));
    mlx_io_gguf_free(g);
    mlx_array_free(a);
    mlx_string_free(s);
    mlx_vector_string_free(v);
}

/* --- out of memory, at every allocation ----------------------------------------------- */

typedef struct things {
    mlx_array a, got;
    mlx_map_string_to_array arrays, got_arrays;
    mlx_io_gguf gguf, got_gguf;
} things;

static int npy_there_and_back(things *t) {
    return mlx_save(own_path("o.npy"), t->a) || mlx_load(&t->got, own_path("o.npy"), none);
}

static int npz_there_and_back(things *t) {
    return mlx_save_npz(own_path("o.npz"), t->arrays, true) ||
           mlx_load_npz(&t->got_arrays, own_path("o.npz"), none);
}

static int gguf_there_and_back(things *t) {
    return mlx_save_gguf(own_path("o.gguf"), t->gguf) ||
           mlx_load_gguf(&t->got_gguf, own_path("o.gguf"), none);
}

static int set_gguf(things *t) {
    return mlx_io_gguf_set_metadata_string(t->gguf, "string", "text") ||
           mlx_io_gguf_set_array(t->gguf, "array", t->a);
}

static int safetensors_there_and_back(things *t) {
    return mlx_save_safetensors(own_path("o"), t->arrays, (mlx_map_string_to_string){NULL}) ||
           mlx_load_safetensors(&t->got_arrays, NULL, own_path("o.safetensors"), none);
}

static int picture(things *t) {
    mlx_vector_array outputs = mlx_vector_array_new();
    mlx_node_namer namer = mlx_node_namer_new();
    FILE *f = fopen("/dev/null", "w");
    int code = mlx_vector_array_append_value(outputs, t->a) || mlx_print_graph(f, namer, outputs) ||
               mlx_export_to_dot(f, namer, outputs);
    fclose(f);
    mlx_node_namer_free(namer);
    mlx_vector_array_free(outputs);
    return code;
}

/* Fail the n-th allocation for every n: an error each time, until there are no more. */
static void starve(int (*make)(things *), things *t, const char *name) {
    CHECK_MSG(make(t) == 0, "%s", name);
    CHECK_MSG(make(t) == 0, "%s", name); // nothing is made for the first time from here on
    int64_t live = mx_alloc_live();
    for (uint64_t n = 1; n < 1000; n++) {
        mx_alloc_fail_at(n);
        int code = make(t);
        bool reached = mx_alloc_count() >= n;
        mx_alloc_fail_at(0);
        if (!reached)
            break;
        if (code == 0)
            CHECK_MSG(make(t) == 0, "%s %d", name, (int)n);
    }
    CHECK_MSG(make(t) == 0, "%s again", name);
    CHECK_MSG(mx_alloc_live() == live, "%s: %d allocations, %d before", name, (int)mx_alloc_live(),
              (int)live);
}

static void test_starving(void) {
    things t = {mlx_array_new(),
                mlx_array_new(),
                mlx_map_string_to_array_new(),
                mlx_map_string_to_array_new(),
                mlx_io_gguf_new(),
                mlx_io_gguf_new()};
    mlx_vector_string v = mlx_vector_string_new();
    mlx_vector_string_append_value(v, "x");
    CHECK_OK(mlx_ones(&t.a, (int[]){2, 64}, 2, MLX_FLOAT32, none));
    CHECK_OK(mlx_exp(&t.a, t.a, none));
    mlx_map_string_to_array_insert(t.arrays, "a", t.a);
    mlx_io_gguf_set_metadata_vector_string(t.gguf, "strings", v);
    mlx_io_gguf_set_metadata_array(t.gguf, "number", t.a);
    CHECK_OK(mlx_reshape(&t.got, t.a, (int[]){128}, 1, none));
    mlx_io_gguf_set_metadata_array(t.gguf, "number", t.got);
    starve(picture, &t, "picture");
    starve(set_gguf, &t, "set_gguf");
    starve(npy_there_and_back, &t, "npy");
    starve(npz_there_and_back, &t, "npz");
    starve(gguf_there_and_back, &t, "gguf");
    starve(safetensors_there_and_back, &t, "safetensors");
    mlx_vector_string_free(v);
    mlx_array_free(t.a);
    mlx_array_free(t.got);
    mlx_map_string_to_array_free(t.arrays);
    mlx_map_string_to_array_free(t.got_arrays);
    mlx_io_gguf_free(t.gguf);
    mlx_io_gguf_free(t.got_gguf);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_handles);
    RUN(test_functions_left_out);
    RUN(test_npy);
    RUN(test_every_failure);
    RUN(test_safetensors);
    RUN(test_gguf_codes);
    RUN(test_gguf_flags);
    RUN(test_gguf_bad_arguments);
    RUN(test_starving);
    files_done();
    return check_done();
}
