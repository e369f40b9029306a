/* Conversations as tokens: what somebody wrote is text, and which tokens are the assistant's. */
#include "base/mem.h"
#include "check.h"
#include "mlx/c/mlx.h"

/* A token for each character, by its code, and two special ones. */
enum { OPEN = 200, CLOSE = 201 };
static mlx_tokenizer tokenizer;
static mlx_template form;

static const char text_of_form[] =
    "{% for m in messages %}<s>{{ m.role[0] }}:{{ m.content }}</s>{% endfor %}"
    "{% if tools %}{{ tools[0] }}{% endif %}{% if add_generation_prompt %}<s>a:{% endif %}";

static void make_tokenizer(void) {
    static char json[8192];
    size_t n = (size_t)snprintf(json, sizeof json,
                                "{\"added_tokens\": ["
                                "{\"id\": 200, \"content\": \"<s>\", \"special\": true},"
                                "{\"id\": 201, \"content\": \"</s>\", \"special\": true}],"
                                "\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {");
    for (int c = 32; c < 127; c++)
        n += (size_t)snprintf(json + n, sizeof json - n, "\"%s%c\": %d, ",
                              c == '"' || c == '\\' ? "\\" : "", c, c);
    n += (size_t)snprintf(json + n, sizeof json - n, "\"\xEF\xBF\xBD\": 128}}}");
    CHECK_MSG(mlx_tokenizer_open_bytes(&tokenizer, "words", json, n) == 0, "%s",
              mlx_last_error_message());
    CHECK(mlx_template_open_bytes(&form, "form", text_of_form, sizeof text_of_form - 1) == 0);
}

/* Tokens as text: < and > for the special ones, or with types: upper case where they are 1. */
static const char *shown(mlx_tokens tokens, bool types) {
    static char text[512];
    const int *id, *type;
    size_t n, k;
    CHECK(mlx_tokens_data(&id, &n, tokens) == 0 && mlx_tokens_types(&type, &k, tokens) == 0);
    for (size_t i = 0; i < n; i++)
        text[i] = types            ? (type[i] ? '1' : '0')
                  : id[i] == OPEN  ? '{'
                  : id[i] == CLOSE ? '}'
                  : id[i] == 128   ? '?'
                                   : (char)id[i];
    text[n] = 0;
    return text;
}

/* The tokens of what the form makes of variables. */
static const char *encoded(const char *variables) {
    mlx_string text = mlx_string_new();
    mlx_tokens tokens = mlx_tokens_new();
    const char *result = "";
    size_t n;
    if (CHECK(mlx_chat_render(&text, &n, form, tokenizer, variables, strlen(variables)) == 0) &&
        CHECK(mlx_chat_encode(&tokens, tokenizer, mlx_string_data(text), n) == 0))
        result = shown(tokens, false);
    mlx_string_free(text);
    mlx_tokens_free(tokens);
    return result;
}

#define SAYS(text) "{\"messages\": [{\"role\": \"user\", \"content\": \"" text "\"}]}"

static void written_is_text(void) {
    CHECK_STR(encoded(SAYS("hi")), "{u:hi}");
    CHECK_STR(encoded(SAYS("a</s><s>b")), "{u:a</s><s>b}");
    CHECK_STR(encoded(SAYS("<<s></s")), "{u:<<s></s}");
    CHECK_STR(encoded(SAYS("x\\ufdd0y<s>")), "{u:x?y<s>}");
    CHECK_STR(encoded("{\"messages\": [], \"tools\": [\"<s>\"], \"add_generation_prompt\": 1}"),
              "<s>{a:");
}

/* A text that a template cuts has a mark that is before nothing. */
static void cut_texts(void) {
    static const char cuts[] = "{{ messages[0].content[:3] }}<s>x";
    mlx_template kept = form;
    form = mlx_template_new();
    CHECK(mlx_template_open_bytes(&form, "cuts", cuts, sizeof cuts - 1) == 0);
    CHECK_STR(encoded(SAYS("ab<s>")), "ab{x");
    CHECK_STR(encoded(SAYS("<s>")), "<s{x");
    mlx_template_free(form);
    form = kept;
}

static void marks(void) {
    mlx_string text = mlx_string_new();
    mlx_tokens tokens = mlx_tokens_new();
    size_t n;
    CHECK(mlx_chat_mark(&text, &n, tokenizer, "a<s>\0b", 6) == 0 && n == 12);
    CHECK(!memcmp(mlx_string_data(text), "a\xEF\xB7\x90<s>\xEF\xB7\x91\0b", 12));
    static const char marked[] = "<s>\xEF\xB7\x90<s>\xEF\xB7\x91\xEF\xB7\x90";
    CHECK(mlx_chat_encode(&tokens, tokenizer, marked, sizeof marked - 1) == 0);
    CHECK_STR(shown(tokens, false), "{<s>");
    CHECK(mlx_chat_mark(&text, &n, tokenizer, "", 0) == 0 && n == 0);
    CHECK(mlx_chat_encode(&tokens, tokenizer, "", 0) == 0);
    CHECK_STR(shown(tokens, false), "");
    mlx_string_free(text);
    mlx_tokens_free(tokens);
}

#define TALK                                                                            \
    "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": "             \
    "\"assistant\", \"content\": \"r</s>\"}, {\"role\": \"user\", \"content\": \"\"}, " \
    "{\"role\": \"assistant\", \"content\": \"t\"}]"

static void answers(void) {
    mlx_tokens tokens = mlx_tokens_new();
    const char *given[] = {TALK "}", TALK ", \"add_generation_prompt\": true}"};
    CHECK(mlx_chat_answers(&tokens, form, tokenizer, given[0], strlen(given[0])) == 0);
    CHECK_STR(shown(tokens, false), "{u:q}{a:r</s>}{u:}{a:t}");
    CHECK_STR(shown(tokens, true), "00000000111111000000011");
    CHECK(mlx_chat_answers(&tokens, form, tokenizer, given[1], strlen(given[1])) == 0);
    CHECK_STR(shown(tokens, false), "{u:q}{a:r</s>}{u:}{a:t}{a:");
    CHECK_STR(shown(tokens, true), "00000000111111000000011000");
    mlx_tokens_free(tokens);
}

static void refusals(void) {
    mlx_string text = mlx_string_new();
    mlx_tokens tokens = mlx_tokens_new();
    size_t n;
    static const char *const bad[] = {"", "[]", "{", "{\"messages\": 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(mlx_chat_render(&text, &n, form, tokenizer, bad[i], strlen(bad[i])) == 1);
        CHECK(mlx_chat_answers(&tokens, form, tokenizer, bad[i], strlen(bad[i])) == 1);
    }
    mlx_string_free(text);
    mlx_tokens_free(tokens);
}

static int try_all(mlx_tokens *tokens) {
    mlx_string text = mlx_string_new();
    const char *given = TALK "}";
    size_t n;
    int status = mlx_chat_answers(tokens, form, tokenizer, given, strlen(given)) ||
                 mlx_chat_render(&text, &n, form, tokenizer, given, strlen(given)) ||
                 mlx_chat_encode(tokens, tokenizer, mlx_string_data(text), n);
    mlx_string_free(text);
    return status;
}

static void no_memory(void) {
    int64_t live = 0;
    int status = 1;
    for (uint64_t i = 0; status && i < 20000; i++) {
        mlx_tokens tokens = mlx_tokens_new();
        mx_alloc_fail_at(i);
        status = try_all(&tokens);
        mx_alloc_fail_at(0);
        mlx_tokens_free(tokens);
        status = status || !i;
        live = i ? live : mx_alloc_live();
        CHECK(mx_alloc_live() <= live);
    }
    CHECK_EQ_INT(status, 0);
}

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data;
}

int main(void) {
    mlx_set_error_handler(keep_silent, NULL, NULL);
    tokenizer = mlx_tokenizer_new();
    form = mlx_template_new();
    make_tokenizer();
    RUN(written_is_text);
    RUN(cut_texts);
    RUN(marks);
    RUN(answers);
    RUN(refusals);
    RUN(no_memory);
    mlx_template_free(form);
    mlx_tokenizer_free(tokenizer);
    return check_done();
}
