/* JSON Schema: which documents schemas allow, what is refused and where, failing allocations. */
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/text.h"
#include "check.h"
#include "models/structure/schema/schema.h"
#include "models/structure/structure.h"

static sg_vocabulary *bytes;

static sg_vocabulary *of_bytes(void) {
    static char byte[256];
    const char *text[256];
    size_t size[256];
    for (int i = 0; i < 256; i++) {
        byte[i] = (char)i;
        text[i] = &byte[i];
        size[i] = 1;
    }
    return sg_vocabulary_new(text, size, 256, NULL, 0);
}

static bool accepts(sg_grammar *g, const char *text) {
    bool fits = true;
    mx_matcher *m = mx_matcher_new(g, bytes);
    CHECK(m && mx_matcher_accept_bytes(m, text, strlen(text), &fits));
    fits = fits && mx_matcher_complete(m);
    mx_matcher_free(m);
    return fits;
}

typedef struct sample {
    const char *schema, *yes[6], *no[8];
} sample;

static const sample samples[] = {
    /* types */
    {"true",
     {"null", "{\"a\":[1,-2.5e+3,\"\\ud83d\\ude00\\/\"]}"},
     {"", "[1,]", "\"\\ud83d\"", "01", "\"\n\""}},
    {"{}", {"true", "[]", "{}", "\"\""}, {"[ ]", "nul"}},
    {"{\"type\":\"null\"}", {"null"}, {"false", "\"null\""}},
    {"{\"type\":\"boolean\"}", {"true", "false"}, {"null", "True"}},
    {"{\"type\":\"integer\"}",
     {"0", "-1", "123456789012345678901234567890"},
     {"1.0", "01", "-", "1e2", "-0"}},
    {"{\"type\":\"number\"}", {"0", "-0.50", "1e5", "1.25E-7"}, {"1.", ".5", "+1", "1e"}},
    {"{\"type\":[\"string\",\"null\"]}", {"\"\"", "null"}, {"0"}},
    {"{\"type\":\"string\",\"nullable\":true}", {"\"\"", "null"}, {"0"}},
    {"{\"type\":\"array\"}", {"[]", "[[],{},1]"}, {"{}", "[1 ,2]"}},
    {"{\"type\":\"object\"}", {"{}", "{\"\\u0061\":1,\"b\":{}}"}, {"[]", "{a:1}"}},
    /* strings */
    {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"\\n\\u00e9\"", "\"\xe2\x82\xac\xf0\x9f\x98\x80x\"", "\"\\ud83d\\ude00a\""},
     {"\"\"", "\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\""}},
    {"{\"minLength\":100,\"maxLength\":100000}", {NULL}, {"\"a\"", "1"}},
    {"{\"type\":\"string\",\"pattern\":\"^a+$\"}",
     {"\"a\"", "\"aaa\""},
     {"\"\"", "\"ab\"", "\"ba\""}},
    {"{\"type\":\"string\",\"pattern\":\"b\"}",
     {"\"b\"", "\"abc\"", "\"\xc3\xa9\\nb\\\"\""},
     {"\"\"", "\"a\"", "\"\\u0062\""}},
    {"{\"type\":\"string\",\"pattern\":\"^[^x]$\",\"maxLength\":1}",
     {"\"\\\"\"", "\"\\\\\"", "\"\\u0001\"", "\"/\""},
     {"\"x\"", "\"\"\"", "\"\\u0002b\""}},
    {"{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":3,\"maxLength\":4}",
     {"\"xxa\"", "\"aaaa\""},
     {"\"aa\"", "\"xxx\"", "\"aaaaa\""}},
    {"{\"pattern\":\"^\\\\s\\\\S.$\"}",
     {"\"\\tab\"", "\"\xc2\xa0zz\""},
     {"\" \xc2\xa0z\"", "\" a\\n\"", "\" a\xe2\x80\xa8\""}},
    {"{\"type\":\"string\",\"format\":\"date\"}",
     {"\"2024-02-29\"", "\"1999-12-31\"", "\"2000-02-29\""},
     {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\"", "\"2024-04-31\"", "\"24-01-01\""}},
    {"{\"format\":\"date-time\"}",
     {"\"2024-02-29T23:59:59Z\"", "\"2024-01-01T00:00:00.5+02:00\""},
     {"\"2024-01-01 00:00:00Z\"", "\"2024-01-01T24:00:00Z\"", "\"2024-01-01T00:00:00\""}},
    {"{\"format\":\"time\"}",
     {"\"00:00:00Z\"", "\"12:30:45.123-05:30\""},
     {"\"1:00:00Z\"", "\"12:60:00Z\"", "\"12:00Z\""}},
    {"{\"format\":\"duration\"}",
     {"\"P1D\"", "\"PT1H30M\"", "\"P1Y2M3DT4H5M6S\"", "\"P2W\""},
     {"\"P\"", "\"PT\"", "\"1D\"", "\"P1D2H\""}},
    {"{\"format\":\"uuid\"}",
     {"\"123e4567-e89b-12d3-a456-426614174000\""},
     {"\"123e4567e89b12d3a456426614174000\""}},
    {"{\"format\":\"email\"}",
     {"\"a.b@c.de\"", "\"x+1@localhost\""},
     {"\"a@\"", "\"@b\"", "\".a@b\"", "\"a..b@c\"", "\"a@-b\""}},
    {"{\"format\":\"ipv4\"}",
     {"\"0.0.0.0\"", "\"255.199.249.99\""},
     {"\"256.0.0.1\"", "\"01.0.0.1\"", "\"1.2.3\""}},
    {"{\"format\":\"ipv6\"}",
     {"\"::\"", "\"::1\"", "\"2001:db8::ff00:42:8329\"", "\"1:2:3:4:5:6:7:8\"",
      "\"::ffff:1.2.3.4\""},
     {"\":\"", "\"1::2::3\"", "\"1:2:3:4:5:6:7\"", "\"12345::\"", "\"1:2:3:4:5:6:7:8:9\""}},
    {"{\"format\":\"hostname\"}",
     {"\"localhost\"", "\"a-b.c0.example\"", "\"a.b.c.d.e.f.g\""},
     {"\"-a\"", "\"a-\"", "\"a..b\"", "\"\"", "\"a_b\""}},
    {"{\"format\":\"uri\"}",
     {"\"http://user@a.b:80/c?d=e#f\"", "\"mailto:a@b\"", "\"urn:x:y\""},
     {"\"/a\"", "\"http://a b\"", "\"1a:b\"", "\"a:%zz\""}},
    {"{\"format\":\"uri-reference\"}", {"\"/a\"", "\"../b?c\"", "\"\""}, {"\"a b\""}},
    {"{\"format\":\"json-pointer\"}", {"\"\"", "\"/a~0b/~1\""}, {"\"a\"", "\"/~2\""}},
    /* numbers */
    {"{\"type\":\"integer\",\"minimum\":-12,\"maximum\":345}",
     {"-12", "-1", "0", "99", "345"},
     {"-13", "-20", "-100", "346", "350", "1000", "-0", "1.0"}},
    {"{\"type\":\"integer\",\"exclusiveMinimum\":9,\"exclusiveMaximum\":11}",
     {"10"},
     {"9", "11", "1", "100", "-10"}},
    {"{\"type\":\"integer\",\"minimum\":1.5}", {"2", "10"}, {"1", "0", "-2"}},
    {"{\"type\":\"integer\",\"maximum\":-7}", {"-7", "-8", "-70"}, {"-6", "0", "7", "-1"}},
    {"{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":-21,\"maximum\":100}",
     {"-21", "-7", "0", "98"},
     {"1", "-6", "105", "-28"}},
    {"{\"type\":\"integer\",\"minimum\":9223372036854775807}",
     {"9223372036854775807", "9223372036854775808", "10000000000000000000"},
     {"9223372036854775806", "999999999999999999"}},
    {"{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
     {"0", "1", "0.5", "1.000", "0.000"},
     {"1.01", "-0.1", "2", "1e0", "-0"}},
    {"{\"type\":\"number\",\"exclusiveMinimum\":0.25}",
     {"0.250001", "0.3", "1", "10"},
     {"0.25", "0.250", "0.2", "0", "-1"}},
    {"{\"type\":\"number\",\"maximum\":-0.05}",
     {"-0.05", "-0.051", "-1", "-0.1"},
     {"-0.04", "-0.0499", "0", "0.1", "-0"}},
    {"{\"type\":\"number\",\"exclusiveMaximum\":0}", {"-0.1", "-1"}, {"0", "-0", "-0.0", "1"}},
    {"{\"type\":\"number\",\"minimum\":1e-7,\"maximum\":1.5e3}",
     {"0.0000001", "1500", "1500.0"},
     {"0.00000009", "1500.1", "0"}},
    {"{\"type\":\"number\",\"multipleOf\":0.01}",
     {"0.01", "12.5", "-3", "7.250"},
     {"0.001", "1.005"}},
    {"{\"type\":\"number\",\"multipleOf\":2.5}",
     {"0", "2.5", "5.0", "10", "12.500"},
     {"1", "2", "2.51"}},
    {"{\"type\":\"integer\",\"format\":\"int32\"}",
     {"2147483647", "-2147483648"},
     {"2147483648", "-2147483649"}},
    {"{\"type\":\"number\",\"format\":\"int32\"}",
     {"0", "2147483647", "-2147483648"},
     {"1.5", "1.0", "2147483648", "1e2", "-0"}},
    {"{\"format\":\"uint8\",\"minimum\":3}", {"3", "255"}, {"2", "256", "3.5", "\"a\""}},
    {"{\"type\":[\"number\",\"string\"],\"format\":\"int64\"}",
     {"9223372036854775807", "-9223372036854775808", "\"a\""},
     {"9223372036854775808", "0.5"}},
    {"{\"format\":\"uint64\"}", {"0", "18446744073709551615"}, {"-1", "18446744073709551616"}},
    {"{\"type\":\"number\",\"format\":\"float\"}",
     {"0.5", "340282346638528859811704183484516925440", "-340282346638528859811704183484516925440"},
     {"340282346638528859811704183484516925441", "1e39", "null"}},
    {"{\"format\":\"double\",\"minimum\":0}", {"0.25", "7"}, {"-1", "\"a\""}},
    {"{\"type\":\"number\",\"format\":\"int32\",\"enum\":[1.5,2,3.0]}", {"2", "3"}, {"1.5", "3.5"}},
    /* a format of another kind demands nothing */
    {"{\"type\":\"string\",\"format\":\"int32\"}", {"\"a\""}, {"1"}},
    {"{\"type\":\"integer\",\"format\":\"date\"}", {"1"}, {"\"2020-01-01\"", "1.5"}},
    {"{\"type\":\"string\",\"minLength\":2.0,\"maxLength\":3.0}",
     {"\"ab\"", "\"abc\""},
     {"\"a\"", "\"abcd\""}},
    /* enum and const */
    {"{\"enum\":[\"a\\n\",1,null,[1,{\"b\":false}],2.5]}",
     {"\"a\\n\"", "1", "null", "[1,{\"b\":false}]", "2.5"},
     {"\"a\"", "2", "[1]", "1.0"}},
    {"{\"const\":{\"a\":\"/\"}}", {"{\"a\":\"/\"}"}, {"{}", "{\"a\":\"\\/\"}"}},
    {"{\"type\":\"string\",\"enum\":[\"a\",\"bb\",\"ccc\",4],\"minLength\":2,\"pattern\":\"^b\"}",
     {"\"bb\""},
     {"\"a\"", "\"ccc\"", "4"}},
    {"{\"enum\":[1,2.0,3,4],\"maximum\":3,\"type\":\"integer\",\"allOf\":[{\"enum\":[2,3,4]}]}",
     {"2", "3"},
     {"1", "4", "2.0"}},
    /* arrays */
    {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":3}",
     {"[1]", "[1,2,3]"},
     {"[]", "[1,2,3,4]", "[\"a\"]"}},
    {"{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"items\":false}",
     {"[]", "[1]", "[1,\"a\"]"},
     {"[\"a\"]", "[1,\"a\",2]"}},
    {"{\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{\"type\":\"null\"},\"minItems\":2,\"maxItems\":3}",
     {"[1,null]", "[1,null,null]"},
     {"[1]", "[1,null,null,null]", "[1,2]"}},
    {"{\"type\":\"array\",\"items\":false}", {"[]"}, {"[1]"}},
    {"{\"prefixItems\":[true,false],\"type\":\"array\"}", {"[]", "[1]"}, {"[1,2]"}},
    {"{\"type\":\"array\",\"maxItems\":0}", {"[]"}, {"[1]"}},
    {"{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":6,\"maxItems\":7}",
     {"[null,null,null,null,null,null]"},
     {"[null]", "[null,null,null,null,null,null,null,null]"}},
    /* objects */
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"null\"},\"c\":{}},\"required\":[\"b\"]}",
     {"{\"b\":null}", "{\"a\":1,\"b\":null,\"c\":[]}", "{\"b\":null,\"c\":1}"},
     {"{}", "{\"a\":1}", "{\"b\":null,\"a\":1}", "{\"b\":null,\"d\":1}",
      "{\"b\":null,\"b\":null}"}},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}},\"additionalProperties\":{\"type\":\"null\"}}",
     {"{}", "{\"a\":1}", "{\"b\":null}", "{\"a\":1,\"b\":null,\"ab\":null,\"\":null}"},
     {"{\"a\":null}", "{\"b\":null,\"a\":1}", "{\"b\":1}", "{\"\\u0061\":null}"}},
    {"{\"properties\":{\"a\":{}}}", {"{}", "{\"a\":0}"}, {"{\"b\":0}"}},
    {"{\"type\":\"object\",\"required\":[\"x\",\"y\"]}",
     {"{\"x\":1,\"y\":2}", "{\"x\":1,\"y\":2,\"z\":3}"},
     {"{\"x\":1}", "{\"y\":1,\"x\":2}"}},
    {"{\"additionalProperties\":{\"type\":\"integer\"}}",
     {"{}", "{\"a\":1,\"\\u0062\":2}"},
     {"{\"a\":\"\"}"}},
    {"{\"additionalProperties\":false,\"type\":\"object\"}", {"{}"}, {"{\"a\":1}"}},
    {"{\"properties\":{\"a\":false,\"b\":{\"type\":\"integer\"}}}",
     {"{\"b\":1}", "{}"},
     {"{\"a\":1}"}},
    {"{\"patternProperties\":{\"^s_\":{\"type\":\"string\"},\"_i$\":{\"type\":[\"integer\",\"string\"]}}}",
     {"{\"s_a\":\"\"}", "{\"a_i\":1,\"s_i\":\"\"}", "{}"},
     {"{\"s_a\":1}", "{\"s_i\":1}", "{\"a_i\":null}", "{\"x\":1}"}},
    {"{\"patternProperties\":{\"^a\":{\"type\":\"integer\"}},\"properties\":{\"ab\":{\"minimum\":5},\"b\":{}},\"additionalProperties\":{\"type\":\"null\"}}",
     {"{\"ab\":5}", "{\"b\":\"\",\"ac\":1}", "{\"c\":null}"},
     {"{\"ab\":4}", "{\"ab\":\"\"}", "{\"c\":1}", "{\"ac\":null}"}},
    {"{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[a-z]+$\",\"maxLength\":2}}",
     {"{\"a\":1,\"zz\":2}"},
     {"{\"A\":1}", "{\"abc\":1}", "{\"\":1}"}},
    {"{\"type\":\"object\",\"minProperties\":1}", {"{\"a\":1}", "{\"a\":1,\"b\":2}"}, {"{}"}},
    {"{\"type\":\"object\",\"maxProperties\":2}",
     {"{}", "{\"a\":1}", "{\"a\":1,\"b\":2}"},
     {"{\"a\":1,\"b\":2,\"c\":3}"}},
    {"{\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"minProperties\":2}",
     {"{\"a\":1,\"b\":2}", "{\"b\":1,\"c\":2}", "{\"a\":1,\"b\":2,\"c\":3}"},
     {"{}", "{\"a\":1}", "{\"c\":1}"}},
    {"{\"properties\":{\"a\":{},\"b\":{},\"c\":{}},\"required\":[\"b\"],\"minProperties\":1,\"maxProperties\":2,\"additionalProperties\":true}",
     {"{\"b\":1}", "{\"a\":1,\"b\":2}", "{\"b\":1,\"x\":2}"},
     {"{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":1,\"x\":2,\"y\":3}", "{\"a\":1}"}},
    /* together */
    {"{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]},{\"properties\":{\"b\":{},\"a\":{\"minimum\":3}}}]}",
     {"{\"a\":3}", "{\"a\":4,\"b\":1}"},
     {"{\"a\":2}", "{\"b\":1}"}},
    {"{\"anyOf\":[{\"type\":\"string\",\"maxLength\":1},{\"type\":\"integer\"},false]}",
     {"\"a\"", "1"},
     {"\"ab\"", "null"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     {"{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":2}"},
     {"{}"}},
    {"{\"oneOf\":[{\"type\":\"integer\",\"minimum\":5},{\"type\":\"integer\",\"maximum\":4},{\"type\":\"string\"}]}",
     {"4", "5", "\"\""},
     {"null"}},
    {"{\"oneOf\":[{\"properties\":{\"k\":{\"const\":\"a\"},\"x\":{}},\"required\":[\"k\"]},{\"properties\":{\"k\":{\"const\":\"b\"},\"y\":{}},\"required\":[\"k\"]}]}",
     {"{\"k\":\"a\",\"x\":1}", "{\"k\":\"b\"}"},
     {"{\"k\":\"c\"}", "{\"k\":\"a\",\"y\":1}"}},
    {"{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/n\"}]}},\"required\":[\"v\",\"next\"]}},\"$ref\":\"#/$defs/n\"}",
     {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}"},
     {"{\"v\":1}", "{\"v\":1,\"next\":{}}"}},
    {"{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", {"[]", "[[],[[]]]"}, {"[1]"}},
    {"{\"$id\":\"http://x/y\",\"$defs\":{\"a/b~\":{\"$anchor\":\"here\",\"type\":\"null\"}},\"prefixItems\":[{\"$ref\":\"#/$defs/a~1b~0\"},{\"$ref\":\"#here\"},{\"$ref\":\"http://x/y#/%24defs/a~1b~0\"}],\"minItems\":3}",
     {"[null,null,null]"},
     {"[null,null]", "[null,null,1]"}},
    /* what has an $id is looked up in itself */
    {"{\"properties\":{\"a\":{\"$id\":\"http://x/a\",\"properties\":{\"v\":{\"$ref\":\"#/$defs/v\"},\"n\":{\"$ref\":\"#\"},\"w\":{\"$ref\":\"http://x/a#w\"}},\"$defs\":{\"v\":{\"const\":1},\"w\":{\"$anchor\":\"w\",\"const\":3}},\"type\":\"object\",\"additionalProperties\":false},\"b\":{\"$ref\":\"#/$defs/v\"},\"c\":{\"$ref\":\"#w\"},\"d\":{\"$ref\":\"#/properties/a/properties/v\"}},\"type\":\"object\",\"$defs\":{\"v\":{\"const\":2},\"w\":{\"$anchor\":\"w\",\"const\":4}}}",
     {"{\"a\":{\"v\":1,\"n\":{\"n\":{},\"w\":3}},\"b\":2,\"c\":4,\"d\":1}"},
     {"{\"a\":{\"v\":2}}", "{\"a\":{\"n\":{\"b\":2}}}", "{\"b\":1}", "{\"c\":3}", "{\"d\":2}",
      "{\"a\":{\"w\":4}}"}},
    {"{\"title\":1,\"x-a\":2,\"type\":\"integer\",\"description\":\"\",\"default\":3}",
     {"1"},
     {"\"\""}},
    {"{\"not\":false,\"uniqueItems\":false,\"type\":\"null\"}", {"null"}, {"1"}},
};

/* With SG_OPEN, and with SG_SPACED. */
static const sample open[] = {
    {"{\"properties\":{\"a\":{}}}", {"{}", "{\"b\":0}"}, {"{\"b\":0,\"a\":0}"}},
};

static const sample spaced[] = {
    {"{\"properties\":{\"a\":{\"type\":\"array\"}},\"required\":[\"a\"]}",
     {"{\"a\":[]}", "{\"a\": [1, 2]}", "{\n  \"a\": [\n    1,\n    {}\n  ]\n}"},
     {"{\"a\" :[]}", "{  \"a\":[]}", " {\"a\":[]}", "{\"a\":\t[]}"}},
};

static void check_all(const sample *s, size_t n, int flags) {
    for (const sample *end = s + n; s < end; s++) {
        sg_grammar *g = mx_structure_schema(s->schema, strlen(s->schema), flags);
        if (!CHECK_MSG(g, "%s: %s", s->schema, mx_error_message())) {
            mx_error_clear();
            continue;
        }
        for (int j = 0; j < 6 && s->yes[j]; j++)
            CHECK_MSG(accepts(g, s->yes[j]), "%s: %s", s->schema, s->yes[j]);
        for (int j = 0; j < 8 && s->no[j]; j++)
            CHECK_MSG(!accepts(g, s->no[j]), "%s: not %s", s->schema, s->no[j]);
        sg_grammar_release(g);
    }
}

static void whole_documents(void) {
    check_all(samples, sizeof samples / sizeof *samples, 0);
    check_all(open, sizeof open / sizeof *open, SG_OPEN);
    check_all(spaced, sizeof spaced / sizeof *spaced, SG_SPACED);
}

static const struct {
    const char *schema, *says[2];
} refusals[] = {
    {"{", {"'schema' at byte"}},
    {"3", {"at byte 1"}},
    {"{\"properties\":{\"a\":{\"x-y\":[1,\"]\"],\"maximum\":18446744073709551615}}}",
     {"'schema' at '/properties/a/maximum': the number 18446744073709551615 is out of range"}},
    {"{\"enum\":[{\"b\":1},2,-9223372036854775809]}",
     {"at '/enum/2': the number -9223372036854775809 is out of range"}},
    {"{\"minimum\":1e999}", {"at '/minimum': the number 1e999 is out of range"}},
    {"{\"a\":1,\"a\":2}", {"duplicate"}},
    {"false", {"nothing matches"}},
    {"{\"properties\":{\"a\":{\"foo\":1}}}", {"'/properties/a/foo'", "cannot be enforced"}},
    {"{\"type\":\"strin\"}", {"'/type'", "a type or a list"}},
    {"{\"items\":[{}]}", {"'/items'", "a schema is expected"}},
    {"{\"minLength\":-1}", {"'/minLength'", "whole number"}},
    {"{\"minLength\":1.5}", {"'/minLength'"}},
    {"{\"maxLength\":100001}", {"lengths above"}},
    {"{\"exclusiveMinimum\":true,\"minimum\":1}", {"'/exclusiveMinimum'", "a number"}},
    {"{\"multipleOf\":0}", {"'/multipleOf'", "above 0"}},
    {"{\"type\":\"integer\",\"multipleOf\":10007}", {"'/multipleOf'", "up to 10000"}},
    {"{\"uniqueItems\":true}", {"'/uniqueItems'", "cannot be enforced"}},
    {"{\"not\":{\"type\":\"null\"}}", {"'/not'", "cannot be enforced"}},
    {"{\"if\":{},\"then\":{}}", {"'/if'"}},
    {"{\"contains\":{}}", {"'/contains'"}},
    {"{\"dependentRequired\":{}}", {"'/dependentRequired'"}},
    {"{\"items\":{\"unevaluatedProperties\":false}}", {"'/items/unevaluatedProperties'"}},
    {"{\"$ref\":\"http://a/b\"}", {"'/$ref'", "outside"}},
    {"{\"$ref\":\"#/a\"}", {"'/$ref'", "not there"}},
    {"{\"$ref\":\"#\"}", {"refers to itself"}},
    {"{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#\"}]}", {"refers to itself"}},
    {"{\"$ref\":\"#/x\",\"x-y\":[],\"$defs\":{}}", {"not there"}},
    {"{\"prefixItems\":[{\"$id\":\"#a\"}]}", {"'/prefixItems/0/$id'", "names no schema"}},
    {"{\"$defs\":{\"v\":{}},\"prefixItems\":[{\"$id\":\"a\",\"items\":{\"$ref\":\"#/$defs/v\"}}]}",
     {"schema 'a' at '/items/$ref'", "not there"}},
    {"{\"prefixItems\":[{\"$id\":\"a\"},{\"$ref\":\"a\"}]}", {"'/prefixItems/1/$ref'", "outside"}},
    {"{\"$id\":\"a/b\",\"items\":{\"$ref\":\"a/b\"}}", {"'/items/$ref'", "outside"}},
    {"{\"items\":{\"$id\":\"a\",\"x\":1}}", {"schema 'a' at '/x'", "cannot be enforced"}},
    {"{\"pattern\":\"(a\"}", {"'/pattern'", ") is missing"}},
    {"{\"pattern\":\"(?=a)\"}", {"'/pattern'", "look-ahead"}},
    {"{\"pattern\":\"a\\\\b\"}", {"'/pattern'", "word boundary"}},
    {"{\"patternProperties\":{\"(?!a)\":{}}}", {"'/patternProperties'", "look-ahead"}},
    {"{\"format\":\"idn-email\"}", {"'/format'", "'idn-email'"}},
    {"{\"type\":\"integer\",\"format\":\"idn-email\"}", {"'/format'", "'idn-email'"}},
    {"{\"type\":\"number\",\"format\":\"float\",\"minimum\":1e39}", {"nothing"}},
    {"{\"type\":\"number\",\"format\":\"int64\",\"minimum\":0.1,\"maximum\":0.9}", {"nothing"}},
    {"{\"minLength\":2.5}", {"'/minLength'", "a whole number"}},
    {"{\"oneOf\":[{\"const\":1},{\"const\":1.0}]}", {"'/oneOf'", "alternatives 0 and 1"}},
    {"{\"oneOf\":[{\"enum\":[{\"a\":1,\"b\":2}]},{\"const\":{\"b\":2.0,\"a\":1}}]}",
     {"'/oneOf'", "alternatives 0 and 1"}},
    {"{\"oneOf\":[{\"type\":[\"object\",\"null\"],\"properties\":{\"k\":{\"const\":1}},"
     "\"required\":[\"k\"]},{\"type\":[\"object\",\"null\"],\"properties\":{\"k\":{\"const\":2}},"
     "\"required\":[\"k\"]}]}",
     {"'/oneOf'", "alternatives 0 and 1"}},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}",
     {"'/oneOf'", "alternatives 0 and 1"}},
    {"{\"properties\":{\"a\":{\"oneOf\":["
     "{\"type\":\"number\",\"minimum\":1},{\"type\":\"string\"},{\"type\":\"number\",\"maximum\":1}]}}}",
     {"'/properties/a/oneOf'", "alternatives 0 and 2"}},
    {"{\"required\":[\"a\"],\"properties\":{\"a\":false}}", {"nothing matches"}},
    {"{\"type\":\"string\",\"allOf\":[{\"type\":\"null\"}]}", {"nothing matches"}},
    {"{\"type\":\"object\",\"minProperties\":2}", {"'/minProperties'", "all names are given"}},
    {"{\"type\":\"object\",\"propertyNames\":{\"enum\":[\"a\"]}}", {"'/propertyNames'"}},
    {"{\"properties\":{\"a\":{}},\"type\":\"object\",\"enum\":[{\"a\":1}]}", {"enum or const"}},
    {"{\"properties\":{\"v\":{\"$ref\":\"#\"}},\"required\":[\"v\"]}", {"nothing matches"}},
    {"[]", {"no schema"}},
};

static void what_is_refused(void) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *schema = refusals[i].schema;
        sg_grammar *g = mx_structure_schema(schema, strlen(schema), 0);
        CHECK_MSG(!g, "%s", schema);
        for (int j = 0; j < 2 && refusals[i].says[j]; j++)
            CHECK_MSG(strstr(mx_error_message(), refusals[i].says[j]), "%s: %s", schema,
                      mx_error_message());
        CHECK_HAS(mx_error_message(), "[structure] ");
        sg_grammar_release(g);
        mx_error_clear();
    }
    CHECK(!mx_structure_schema(NULL, 0, 0));
    mx_error_clear();
}

static void any_json(void) {
    sg_grammar *g = mx_structure_json(true, 0), *v = mx_structure_json(false, SG_SPACED);
    CHECK(g && accepts(g, "{\"a\":[1,null]}") && !accepts(g, "[]") && !accepts(g, "{ }"));
    CHECK(v && accepts(v, "[1, \"\"]") && accepts(v, "-1.5") && !accepts(v, "[1,  2]"));
    sg_grammar_release(g);
    sg_grammar_release(v);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* before, n times `one` between `with`, after */
static bool refused(const char *before, const char *one, int n, const char *after,
                    const char *says) {
    mx_text t = {0};
    mx_text_str(&t, before);
    for (int i = 0; i < n; i++)
        mx_text_add(&t, one, i, i + 1);
    mx_text_str(&t, after);
    sg_grammar *g = mx_structure_schema(mx_text_view(&t), t.len, 0);
    bool ok = g ? !says : says && strstr(mx_error_message(), says);
    if (!ok)
        fprintf(stderr, "%s %s: %s\n", before, one, g ? "it was taken" : mx_error_message());
    mx_error_clear();
    sg_grammar_release(g);
    mx_text_free(&t);
    return ok;
}

static void limits(void) {
    /* long chains of references, wide and deep ones */
    CHECK(refused("{\"$ref\":\"#/$defs/a0\",\"$defs\":{", "\"a%d\":{\"$ref\":\"#/$defs/a%d\"},",
                  1000, "\"a1000\":{\"type\":\"null\"}}}", "256 schemas hold at once"));
    CHECK(refused("{\"$ref\":\"#/$defs/a0\",\"$defs\":{",
                  "\"a%d\":{\"items\":{\"$ref\":\"#/$defs/a%d\"}},", 1000,
                  "\"a1000\":{\"type\":\"null\"}}}", NULL));
    /* 2^60 branches */
    CHECK(refused("{\"allOf\":[", "{\"anyOf\":[{\"minLength\":%d},{\"maxLength\":%d}]},", 60,
                  "{}]}", "combinations"));
    /* lengths and patterns that multiply */
    CHECK(refused("{\"allOf\":[", "{\"pattern\":\"(a|b)*a(a|b){%d}c{%d}\"},", 12, "{}]}",
                  "states"));
    CHECK(refused("{\"pattern\":\"(a|b)*a(a|b){60}\",\"title\":[", "[%d,%d],", 1, "0]}", "steps"));
    CHECK(refused("{\"patternProperties\":{", "\"^[a-y]*%d[^%d]*z$\":{},", 100, "\"b\":{}}}",
                  "kinds of names"));
    CHECK(refused("", "[", 100, "", "nested too deeply"));
    CHECK(refused("{\"items\":{\"maxItems\":100000,\"items\":{\"maxItems\":100000}},\"x-\":[",
                  "%d,%d,", 1, "0]}", NULL));
    CHECK(refused("{\"properties\":{", "\"p%d\":{\"type\":\"integer\",\"minimum\":%d},", 1000,
                  "\"z\":{}}}", NULL));
}

/* --- many --------------------------------------------------------------------------------------
 */

/* "begin", n times the piece with its number, "end": each allowed text is one of the structure. */
static void many(const char *begin, const char *piece, int n, const char *end, const char *yes,
                 const char *no) {
    mx_text t = {0};
    mx_text_str(&t, begin);
    for (int i = 0; i < n; i++) {
        mx_text_str(&t, i ? "," : "");
        for (const char *c = piece; *c; c++)
            if (*c == '#')
                mx_text_add(&t, "%d", i);
            else
                mx_text_char(&t, *c);
    }
    mx_text_str(&t, end);
    sg_grammar *g = mx_structure_schema(mx_text_view(&t), t.len, 0);
    CHECK_MSG(g, "%s: %s", begin, mx_error_message());
    CHECK_MSG(g && accepts(g, yes) && !accepts(g, no), "%s", begin);
    sg_grammar_release(g);
    mx_text_free(&t);
    mx_error_clear();
}

#define KIND "\"properties\":{\"k\":{\"const\":\"#\"},\"x\":{}},\"required\":[\"k\"]"

/* What takes the square of their number takes minutes or is beyond a limit. */
static void many_of_them(void) {
    many("{\"enum\":[", "#", 50000, "]}", "49999", "50000");
    many("{\"enum\":[", "\"a#\"", 100000, "]}", "\"a77777\"", "\"a100000\"");
    many("{\"enum\":[", "[#,{\"a\":#}]", 10000, "]}", "[7,{\"a\":7}]", "[7,{\"a\":8}]");
    many("{\"allOf\":[{\"enum\":[7.0,-1,60000]}],\"enum\":[", "#", 50000, "]}", "7", "60000");
    many("{\"oneOf\":[", "{\"const\":#,\"title\":\"t\"}", 2000, "]}", "1999", "2000");
    many("{\"oneOf\":[", "{\"type\":\"object\"," KIND "}", 1000, "]}", "{\"k\":\"999\"}",
         "{\"k\":\"1000\"}");
    many("{\"oneOf\":[", "{" KIND "}", 1000, "]}", "{\"k\":\"9\",\"x\":1}", "{\"k\":\"x\"}");
    many("{\"oneOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/0\"},{\"$ref\":\"#/$defs/9\"}],"
         "\"$defs\":{",
         "\"#\":{\"type\":\"object\"," KIND "}", 1000, "}}", "{\"k\":\"9\"}", "{\"k\":\"8\"}");
}

/* The host's wish ends the making; the next one is made. */
static void interrupted(void) {
    static const char small[] = "{\"minLength\":3000}";
    mx_interrupt();
    sg_grammar *g = mx_structure_schema(small, sizeof small - 1, 0);
    CHECK_MSG(!g && mx_error_status() == MX_INTERRUPTED, "%s", mx_error_message());
    mx_error_clear();
    many("{\"enum\":[", "#", 5000, "]}", "4999", "5000");
}

static int second(void *asked) {
    return ++*(int *)asked == 2;
}

/* Few states, each of which takes many steps: the host is asked by steps, too. */
static void interrupted_by_steps(void) {
    static const char *const slow = "(a?){700}";
    int asked = 0;
    mx_interrupt_set_check_within(second, &asked);
    sg_grammar *g = mx_structure_regex(slow);
    CHECK_MSG(!g && mx_error_status() == MX_INTERRUPTED, "%s", mx_error_message());
    CHECK_EQ_INT(asked, 2);
    mx_error_clear();
    mx_interrupt_set_check_within(NULL, NULL);
    g = mx_structure_regex(slow);
    CHECK_MSG(g, "%s", mx_error_message());
    sg_grammar_release(g);
}

/* --- no memory -------------------------------------------------------------------------------- */

static const char large[] =
    "{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\",\"minimum\":3,"
    "\"multipleOf\":2},\"next\":{\"oneOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/n\"}]}},"
    "\"required\":[\"v\"],\"patternProperties\":{\"^x\":{\"enum\":[1,\"a\",[{}]]}},"
    "\"additionalProperties\":{\"type\":\"string\",\"pattern\":\"^a\",\"maxLength\":3}}},"
    "\"allOf\":[{\"$ref\":\"#/$defs/n\"},{\"propertyNames\":{\"maxLength\":4},\"maxProperties\":3}]}";

static void every_allocation_fails(void) {
    sg_grammar *g = mx_structure_schema(large, sizeof large - 1, SG_SPACED);
    CHECK_MSG(g, "%s", mx_error_message());
    sg_grammar_release(g);
    int64_t live = mx_alloc_live();
    g = NULL;
    for (uint64_t n = 1; !g && n < 100000; n += n < 400 ? 1 : 1 + n / 200) {
        mx_alloc_fail_at(n);
        g = mx_structure_schema(large, sizeof large - 1, SG_SPACED);
        mx_alloc_fail_at(0);
        CHECK_MSG(g || mx_error_status() == MX_NOMEM, "%llu: %s", (unsigned long long)n,
                  mx_error_message());
        mx_error_clear();
    }
    CHECK(g);
    sg_grammar_release(g);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    bytes = of_bytes();
    RUN(whole_documents);
    RUN(what_is_refused);
    RUN(any_json);
    RUN(limits);
    RUN(many_of_them);
    RUN(interrupted);
    RUN(interrupted_by_steps);
    RUN(every_allocation_fails);
    sg_vocabulary_release(bytes);
    return check_done();
}
