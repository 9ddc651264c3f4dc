/* What managed platforms set in a container's environment. */
#include "tests/unit/files.h"

#include "server/settings/config.h"
#include "server/settings/platform.h"

struct port_case {
    const char *aip, *sagemaker, *listen, *flag; /* NULL: not set */
    const char *wanted;                          /* NULL: refused */
};

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

START_TEST(P10_the_platforms_port_goes_before_the_environments_and_behind_a_flag)
{
    static const struct port_case cases[] = {
        {NULL, NULL, NULL, NULL, "127.0.0.1:8080"},
        {"9000", NULL, NULL, NULL, "0.0.0.0:9000"},
        {NULL, "9001", NULL, NULL, "0.0.0.0:9001"},
        {"9000", "9001", NULL, NULL, "0.0.0.0:9000"},
        {"", "9001", NULL, NULL, "0.0.0.0:9001"},
        {"9000", NULL, "0.0.0.0:8080", NULL, "0.0.0.0:9000"},
        {"9000", NULL, "127.0.0.1:1", NULL, "127.0.0.1:9000"},
        {"9000", NULL, "[::]:8080", NULL, "[::]:9000"},
        {"9000", NULL, ":8080", NULL, ":9000"},
        {"9000", NULL, "nowhere", NULL, "nowhere"}, /* which is refused when it is used */
        {"9000", NULL, "nowhere", "127.0.0.1:7", "127.0.0.1:7"},
        {"9000", NULL, "0.0.0.0:8080", "127.0.0.1:7", "127.0.0.1:7"},
        {"65535", NULL, NULL, NULL, "0.0.0.0:65535"},
        {"65536", NULL, NULL, NULL, NULL},
        {"0", NULL, NULL, NULL, NULL},
        {"-1", NULL, NULL, NULL, NULL},
        {"80 ", NULL, NULL, NULL, NULL},
        {NULL, "99999999999999999999", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct relud_error error = {0};
        char *argv[] = {(char *)(uintptr_t) "serve", (char *)(uintptr_t) "--listen",
                        (char *)(uintptr_t)cases[i].flag, NULL};
        set("AIP_HTTP_PORT", cases[i].aip);
        set("SAGEMAKER_BIND_TO_PORT", cases[i].sagemaker);
        set("RELUD_LISTEN", cases[i].listen);
        bool is_read = config_read(&config, cases[i].flag ? 3 : 1, argv, &error);
        ck_assert_msg(is_read == (cases[i].wanted != NULL), "case %zu: %s", i, error.text);
        if (is_read)
            ck_assert_str_eq(config.listen, cases[i].wanted);
        config_free(&config);
    }
    set("AIP_HTTP_PORT", NULL);
    set("SAGEMAKER_BIND_TO_PORT", NULL);
    set("RELUD_LISTEN", NULL);
}
END_TEST

START_TEST(P10_routes_begin_with_a_slash)
{
    struct config config = {0};
    struct relud_error error = {0};
    set("AIP_HEALTH_ROUTE", "/h");
    set("AIP_PREDICT_ROUTE", "");
    ck_assert(platform_read(&config, &error));
    ck_assert_str_eq(config.health_route, "/h");
    ck_assert_ptr_null(config.predict_route);
    set("AIP_HEALTH_ROUTE", "h");
    ck_assert(!platform_read(&config, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "AIP_HEALTH_ROUTE: 'h' does not begin with /"));
    set("AIP_HEALTH_ROUTE", NULL);
    set("AIP_PREDICT_ROUTE", NULL);
}
END_TEST

START_TEST(P10_a_model_is_found_where_none_is_named)
{
    struct config config;
    struct relud_error error = {0};
    const char *dir = new_directory();
    char *argv[] = {(char *)(uintptr_t) "serve", (char *)(uintptr_t) "named", NULL};
    set("SM_MODEL_DIR", dir);
    ck_assert(config_read(&config, 1, argv, &error));
    ck_assert(config.models_len == 1 && config.is_model_found);
    ck_assert_str_eq(config.models[0], dir);
    config_free(&config);
    ck_assert(config_read(&config, 2, argv, &error));
    ck_assert(config.models_len == 1 && !config.is_model_found);
    ck_assert_str_eq(config.models[0], "named");
    config_free(&config);
    remove_directory(dir);
    ck_assert(config_read(&config, 1, argv, &error));
    ck_assert(config.models_len == 0 && !config.is_model_found);
    config_free(&config);
    set("SM_MODEL_DIR", NULL);
}
END_TEST

RUN_SUITE("platform", P10_the_platforms_port_goes_before_the_environments_and_behind_a_flag,
          P10_routes_begin_with_a_slash, P10_a_model_is_found_where_none_is_named)
