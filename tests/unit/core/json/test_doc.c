/* JSON documents as trees: what a C string cannot hold, and what is no document. */
#include "tests/unit/scarcity.h"

#include "core/json/doc.h"

static json_node *open_text(const char *text, struct relud_error *error)
{
    char *exact = strdup(text); /* a sanitizer sees what is read beyond its NUL */
    json_node *root = json_doc_open(exact, strlen(exact), "x.json", error);
    free(exact);
    return root;
}

/* \u0000 and halves of surrogate pairs are no error in a document, but one can ask for them. */
START_TEST(what_a_c_string_cannot_hold_is_told)
{
    static const struct {
        const char *text, *value;
        bool is_whole;
    } cases[] = {
        {"{\"a\":\"b\"}", "b", true},
        {"{\"a\":\"b\\n\\u0041\\uFF21\\ue000\"}", "b\nA\xef\xbc\xa1\xee\x80\x80", true},
        {"{\"a\":\"\\u00e9\\\\u0000\"}", "\xc3\xa9\\u0000", true},
        {"{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80", true},
        {"{\"a\":\"b\\u0000c\"}",
         "b\xef\xbf\xbf"
         "c",
         false},
        {"{\"a\":\"\\u0000\\ud83d\\ude00\\udc00\"}", "\xef\xbf\xbf\xf0\x9f\x98\x80\xef\xbf\xbf",
         false},
        {"{\"a\":\"\\ud800\"}", "\xef\xbf\xbf", false},
        {"{\"a\":\"\\uDFFFb\"}",
         "\xef\xbf\xbf"
         "b",
         false},
        {"{\"a\":\"\\ud800 six characters\"}", "\xef\xbf\xbf six characters", false},
        {"{\"a\":\"\\ud800\\n five more\"}", "\xef\xbf\xbf\n five more", false},
        {"{\"a\":\"\\ud800\\ue000\"}", "\xef\xbf\xbf\xee\x80\x80", false},
        {"{\"a\":\"\\ud800\\u0041 \"}",
         "\xef\xbf\xbf"
         "A ",
         false},
        {"{\"a\":\"\\ud800\\ud800\\udc00\"}", "\xef\xbf\xbf\xf0\x90\x80\x80", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        json_node *root = open_text(cases[i].text, &error);
        ck_assert_msg(root != NULL, "%s: %s", cases[i].text, error.text);
        const json_node *node = json_member(root, "a");
        ck_assert(node && json_kind_of(node) == JSON_TEXT);
        ck_assert_str_eq(json_text_of(node), cases[i].value);
        ck_assert_int_eq(json_text_is_whole(json_text_of(node)), cases[i].is_whole);
        json_doc_close(root);
    }
}
END_TEST

START_TEST(what_is_no_document_is_refused)
{
    static const struct {
        const char *text, *words;
        size_t offset;
    } cases[] = {
        {"", "x.json: the text ends too early at byte 0", 0},
        {"[1]", "x.json: a JSON object is wanted", 0},
        {"{\"a\":1}}", "x.json: more text behind the end of the JSON value at byte 7", 7},
        {"{\"a\":1,\"a\":2}", "x.json: member \"a\" stands twice at byte 7", 7},
        {"{\"a\":\"\\", "x.json: the text ends inside a string at byte 7", 7},
        {"{\"a\":\"\\u", "x.json: \\u without four hexadecimal digits at byte 6", 6},
        {"{\"a\":\"\\u12g4\"}", "x.json: \\u without four hexadecimal digits at byte 6", 6},
        {"{\"a\":\"\\u0000\\ud800\\uzzzz\"}",
         "x.json: \\u without four hexadecimal digits at byte 18", 18},
        {"{\"a\":\"\\q\"}", "x.json: an escape that JSON does not have at byte 6", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        ck_assert_ptr_null(open_text(cases[i].text, &error));
        ck_assert_str_eq(error.text, cases[i].words);
        ck_assert_int_eq(error.code, RELUD_BAD_MODEL);
        ck_assert_uint_eq(error.offset, cases[i].offset);
        ck_assert_ptr_null(open_text(cases[i].text, NULL)); /* nobody wants to know why */
    }
    struct relud_error error = {0};
    ck_assert_ptr_null(json_doc_open("{\"a\":\"\\u00\0000\"}", 14, "x.json", &error));
    ck_assert_str_eq(error.text, "x.json: \\u without four hexadecimal digits at byte 6");
}
END_TEST

static bool opens(void *text, struct relud_error *why)
{
    json_node *root = json_doc_open(text, strlen(text), "x.json", why);
    json_doc_close(root);
    return root;
}

START_TEST(documents_take_memory_that_may_not_be_there)
{
    char plain[] = "{\"a\":[1,\"b\",{\"c\":null}]}", odd[] = "{\"a\":[1,\"\\u0000\",{\"c\":null}]}";
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, opens, plain);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, opens, odd);
}
END_TEST

START_TEST(whole_numbers_are_told_from_others)
{
    static const char text[] = "{\"a\":[0,7,9007199254740992,1e3,-0,0.5,-1,9007199254740994,1e300,"
                               "\"7\",true,null,[7],{}]}";
    static const enum json_kind kinds[] = {
        JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER,
        JSON_NUMBER, JSON_NUMBER, JSON_TEXT,   JSON_OTHER,  JSON_OTHER,  JSON_ARRAY,  JSON_OBJECT};
    static const size_t wanted[] = {0, 7, 9007199254740992, 1000, 0};
    struct relud_error error = {0};
    json_node *root = open_text(text, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    const json_node *list = json_member(root, "a"), *node = json_first(list);
    ck_assert_uint_eq(json_count(list), sizeof kinds / sizeof *kinds);
    for (size_t i = 0; i < json_count(list); i++, node = json_next(node)) {
        size_t value = 42;
        ck_assert_int_eq(json_kind_of(node), kinds[i]);
        ck_assert_int_eq(json_whole(node, &value), i < 5);
        ck_assert_uint_eq(value, i < 5 ? wanted[i] : 42);
    }
    json_doc_close(root);
}
END_TEST

RUN_SUITE("json_doc", what_a_c_string_cannot_hold_is_told, what_is_no_document_is_refused,
          documents_take_memory_that_may_not_be_there, whole_numbers_are_told_from_others)
