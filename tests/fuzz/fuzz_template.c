/* Chat templates: a text, and behind a zero the variables as JSON. See fuzz.h. */
#include "fuzz.h"
#include "models/template/template.h"

static const char usual[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": "
    "[{\"type\": \"text\", \"text\": \"\xC3\xA9\"}], \"n\": 1.5}], \"tools\": [{\"name\": \"f\"}], "
    "\"x\": 3, \"s\": \"a b\"}";

static void render(const mx_template *t, const char *json, size_t n) {
    const mx_template_limits limits = {100000, 1 << 20, 8 << 20, 1700000000};
    size_t size;
    mx_free(mx_template_render(t, json, n, &limits, &size));
    mx_error_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data, *zero = size ? memchr(text, 0, size) : NULL;
    size_t n = zero ? (size_t)(zero - text) : size;
    mx_template *t = mx_template_of("input", text, n);
    if (t && zero)
        render(t, zero + 1, size - n - 1);
    if (t)
        render(t, usual, sizeof usual - 1);
    mx_template_release(t);
    mx_error_clear();
    return 0;
}

void fuzz_seeds(fuzz_add *add) {
    static const char *const seeds[] = {
        "{% for m in messages if m.role != 'x' %}{{ m.role ~ ': ' + m.content|string }}{% if not "
        "loop.last %}, {% endif %}{% else %}none{% endfor %}",
        "{%- macro f(a, b=[1, 2], c={'k': 1}) -%}{{ a }}{{ b[::-1] }}{{ caller() }}{%- endmacro -%}"
        "{% call f(x) %}in{% endcall %}{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}",
        "{{ messages|map(attribute='role')|join(', ') }}{{ messages|selectattr('n', 'defined')|list "
        "}}{{ []|map('upper')|list }}{{ tools|tojson(indent=2) }}{{ '%5.2f|%s' % (x, s) }}{{ '{:>8}{!r}'.format(s, s) }}",
        "{{ s.upper().split(' ')[0][1:]|trim|replace('A', 'b')|indent(2)|truncate(3) }}{{ x ** 2 // 3 "
        "% 4 - 1.5e3 }}{{ s is string and x is not odd or not s in 'a b c' }}",
        "{% set v %}{{ strftime_now('%Y-%m-%d') }}{% endset %}{% filter upper %}{{ v }}{% endfilter "
        "%}{% raw %}{{ {% endraw %}{# c #}{% generation %}g{% endgeneration %}{% with a = 1, b = 2 %}"
        "{{ a }}{% endwith %}",
        "{% for a, b in [[1, 2], [3, 4]] recursive %}{{ loop.cycle(1, 2) }}{{ loop(b) if b is iterable "
        "}}{% if a %}{% continue %}{% endif %}{% break %}{% endfor %}",
        "{{ [3, 1, 2]|sort(reverse=true) }}{{ {'b': 1, 'a': (2,)}|dictsort }}{{ range(1, 9, 2)|batch(2, "
        "0)|list }}{{ messages|groupby('role') }}{{ raise_exception('no') if x > 5 }}",
    };
    static const char both[] = "{{ a }}{{ b.c }}\0{\"a\": [1, -2.5e3, null, true, \"\\u00e9\\n\"], "
                               "\"b\": {\"c\": {}}}";
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        add(seeds[i], strlen(seeds[i]));
    add(both, sizeof both - 1);
}
