/* Requests to mlx serve, "PATH\n" and a body, answered by an engine without models: see fuzz.h. */
#include "fuzz.h"
#include "serve/job.h"

static srv_source models[] = {{"echo", "echo"},
                              {"params", "params"},
                              {"fails", "fails"},
                              {"vectors", "vectors"},
                              {"echo-hermes", "echo-hermes"},
                              {"echo-gpt-oss", "echo-gpt-oss"},
                              {"echo-mistral", "echo-mistral"}};

static srv_server server;

static bool start(void) {
    srv_fault f = {0};
    srv_engine_options o = {.models = models,
                            .model_count = sizeof models / sizeof *models,
                            .parallel = 4,
                            .queue = 200};
    if (!server.engine)
        server = (srv_server){.o = {.body = 1 << 20, .page = true, .version = "0"},
                              .engine = srv_engine_open(&o, &f)};
    return server.engine != NULL;
}

static void drain(srv_call *c) {
    while (c->stream && c->stream->next(c->stream, &c->out) && c->out.n)
        c->out.n = 0;
}

static void ask(const char *path, const char *body, size_t n) {
    srv_call c = {.server = &server,
                  .method = n ? "POST" : "GET",
                  .path = path,
                  .body = body,
                  .body_num = n,
                  .queue = srv_queue_new()};
    srv_call_id(&c);
    if (srv_handle(&c))
        drain(&c);
    srv_call_clear(&c);
    srv_queue_release(c.queue);
    srv_engine_tick(server.engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = memchr(data, '\n', size);
    if (!end || !start())
        return 0;
    size_t n = (size_t)(end - data);
    char *path = calloc(n + 1, 1), *body = malloc(size - n);
    if (path && body) {
        memcpy(path, data, n);
        memcpy(body, end + 1, size - n - 1); // no byte behind it
        ask(path, body, size - n - 1);
    }
    free(path);
    free(body);
    return 0;
}

#define TOOLS                                                               \
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", " \
    "\"parameters\": {\"type\": \"object\"}}}]"
#define ASK "\"messages\": [{\"role\": \"user\", \"content\": \"hi <think>x</think>\"}]"

void fuzz_seeds(fuzz_add *add) {
    static const char *const seeds[] = {
        "/v1/chat/completions\n{\"model\": \"echo-hermes\", " ASK ", " TOOLS
        ", \"tool_choice\": \"required\", \"stream\": true, \"n\": 2, \"stop\": [\"a\"]}",
        "/v1/chat/completions\n{\"model\": \"echo-hermes\", \"messages\": [{\"role\": \"user\", "
        "\"content\": \"<tool_call>{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": {}}</tool_call>\"}], " TOOLS
        "}",
        "/v1/chat/completions\n{\"model\": \"echo-gpt-oss\", \"messages\": [{\"role\": \"user\", "
        "\"content\": \"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary "
        "to=functions.f<|message|>{}<|call|>\"}], " TOOLS "}",
        "/v1/chat/completions\n{\"model\": \"params\", " ASK ", \"logit_bias\": {\"5\": 1}, "
        "\"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\", "
        "\"schema\": {}}}, \"temperature\": 0.5, \"logprobs\": true, \"top_logprobs\": 2}",
        "/v1/completions\n{\"model\": \"echo\", \"prompt\": [[97, 98], [99]], \"echo\": true, "
        "\"logprobs\": 1, \"stream\": true, \"stream_options\": {\"include_usage\": true}}",
        "/v1/responses\n{\"model\": \"echo-hermes\", \"stream\": true, \"input\": [{\"role\": \"user\", "
        "\"content\": [{\"type\": \"input_text\", \"text\": \"<think>a</think>b\"}]}, {\"type\": "
        "\"function_call\", \"call_id\": \"c\", \"name\": \"f\", \"arguments\": \"{}\"}, {\"type\": "
        "\"function_call_output\", \"call_id\": \"c\", \"output\": \"x\"}]}",
        "/v1/embeddings\n{\"model\": \"vectors\", \"input\": [\"a\", \"b\"], \"encoding_format\": "
        "\"base64\"}",
        "/v1/rerank\n{\"model\": \"vectors\", \"query\": \"a\", \"documents\": [\"b\", {\"text\": "
        "\"c\"}], \"top_n\": 1, \"return_documents\": true}",
        "/v1/messages\n{\"model\": \"echo\", \"max_tokens\": 50, \"stream\": true, \"system\": "
        "[{\"type\": \"text\", \"text\": \"s\"}], \"messages\": [{\"role\": \"assistant\", "
        "\"content\": [{\"type\": \"tool_use\", \"id\": \"a\", \"name\": \"f\", \"input\": {}}]}, "
        "{\"role\": \"user\", \"content\": [{\"type\": \"tool_result\", \"tool_use_id\": \"a\", "
        "\"content\": \"r\"}]}]}",
        "/v1/messages/count_tokens\n{\"model\": \"echo\", " ASK "}",
        "/api/chat\n{\"model\": \"echo:latest\", " ASK ", \"options\": {\"num_predict\": 9, "
        "\"top_k\": 3}, \"format\": \"json\", \"keep_alive\": \"5m\"}",
        "/api/generate\n{\"model\": \"fails\", \"prompt\": \"hello\", \"raw\": true}",
        "/api/show\n{\"model\": \"echo-mistral\"}",
        "/metrics\n",
        "/v1/models/echo\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        add(seeds[i], strlen(seeds[i]));
}
