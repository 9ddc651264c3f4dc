/* /openapi.json: all routes, and no words that generators of clients cannot read. */
#include "tests/unit/requests.h"

#include <cjson/cJSON.h>

static cJSON *description(void)
{
    struct request request;
    const struct request_case with = ASK("GET /openapi.json", NULL, 200, "");
    ck_assert(requests_ask(&with, &request) && request.code == 200);
    cJSON *root = cJSON_ParseWithLength(request.out.at, request.out.len);
    ck_assert_ptr_nonnull(root);
    text_free(&request.out);
    return root;
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

START_TEST(P4_every_route_is_described)
{
    cJSON *root = description();
    const cJSON *paths = member(root, "paths");
    for (size_t i = 0; router_route(i); i++) {
        const struct route *route = router_route(i);
        char verb[8];
        snprintf(verb, sizeof verb, "%s", strcmp(route->verb, "GET") == 0 ? "get" : "post");
        const cJSON *operation = member(member(paths, route->path), verb);
        ck_assert_msg(operation != NULL, "openapi.json: no %s %s", route->verb, route->path);
        ck_assert_msg(member(operation, "operationId") && member(operation, "description") &&
                          member(operation, "tags"),
                      "%s %s: no name, words or tag", route->verb, route->path);
        bool is_public =
            member(operation, "security") && cJSON_GetArraySize(member(operation, "security")) == 0;
        ck_assert_msg(is_public == (route->scope == ROUTE_OPEN), "%s %s: whether it wants a key",
                      route->verb, route->path);
        ck_assert_msg(is_public != (member(member(operation, "responses"), "401") != NULL),
                      "%s %s: its 401", route->verb, route->path);
    }
    cJSON_Delete(root);
}
END_TEST

/* What made generated clients lose answers, or not compile. */
static void check_schema(const cJSON *node, const char *place, bool is_named)
{
    const cJSON *type = member(node, "type"), *child;
    bool is_false = cJSON_IsFalse(member(node, "additionalProperties"));
    if (cJSON_IsString(type) && strcmp(type->valuestring, "array") == 0)
        ck_assert_msg(member(node, "items") != NULL, "%s: an array without items", place);
    ck_assert_msg(!member(node, "anyOf") && !member(node, "oneOf") && !member(node, "allOf"),
                  "%s: a choice of schemas", place);
    ck_assert_msg(is_named || !is_false, "%s: an object that is closed, and has no name", place);
    cJSON_ArrayForEach(child, node)
    {
        bool is_binary = child->string && strncmp(child->string, "application/", 12) == 0 &&
                         !strstr(child->string, "json");
        const cJSON *schema = member(child, "schema");
        ck_assert_msg(!is_binary || member(schema, "type"), "%s: %s without a schema", place,
                      is_binary ? child->string : "");
        bool is_schemas = node->string && strcmp(node->string, "schemas") == 0;
        check_schema(child, is_schemas ? child->string : place, is_schemas);
    }
}

START_TEST(P4_generators_can_read_it)
{
    cJSON *root = description();
    ck_assert(!cJSON_HasObjectItem(member(root, "components"), "x-relud-row"));
    check_schema(root, "openapi.json", false);
    cJSON_Delete(root);
}
END_TEST

/* Numbers of answers may be null where --nonfinite says so, and only there. */
START_TEST(P4_null_is_told_where_it_may_come)
{
    enum nonfinite forms[] = {NONFINITE_ERROR, NONFINITE_NULL};
    for (size_t i = 0; i < 2; i++) {
        requests_service.config.nonfinite = (int)forms[i];
        cJSON *root = description();
        const cJSON *numbers = member(member(member(root, "components"), "schemas"), "Numbers");
        ck_assert_int_eq(cJSON_IsArray(member(member(numbers, "items"), "type")), i == 1);
        cJSON_Delete(root);
    }
    requests_service.config.nonfinite = (int)NONFINITE_ERROR;
}
END_TEST

/* Optional members of requests may be null, but an enum is not described so: see openapi.c. */
START_TEST(P4_optional_numbers_of_a_request_may_be_null)
{
    cJSON *root = description();
    const cJSON *schemas = member(member(root, "components"), "schemas");
    const cJSON *relu = member(member(schemas, "ReluRequest"), "properties");
    ck_assert(cJSON_IsArray(member(member(relu, "negative_slope"), "type")));
    ck_assert(cJSON_IsArray(member(member(relu, "gradient"), "type")));
    ck_assert(cJSON_IsString(member(member(relu, "approximate"), "type")));
    cJSON_Delete(root);
}
END_TEST

RUN_REQUESTS("openapi", P4_every_route_is_described, P4_generators_can_read_it,
             P4_null_is_told_where_it_may_come, P4_optional_numbers_of_a_request_may_be_null)
