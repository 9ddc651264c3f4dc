/* What is served by a path as it was written: its name, its folder, and paths that lead nowhere. */
#include "tests/unit/repositories.h"

#include "server/models/path.h"
#include <limits.h>

static void check_name(const char *path, const char *name)
{
    struct relud_error error = {0};
    struct model_path found;
    ck_assert_msg(model_path_find(path, &found, &error), "%s: %s", path, error.text);
    ck_assert_msg(strcmp(found.name, name) == 0, "%s: %s instead of %s", path, found.name, name);
    ck_assert(found.is_model);
}

START_TEST(a_name_has_letters_digits_and_few_signs)
{
    char name[80];
    memset(name, 'a', sizeof name);
    name[64] = '\0';
    ck_assert(model_path_is_name(name));
    name[64] = 'a', name[65] = '\0';
    ck_assert(!model_path_is_name(name));
    ck_assert(!model_path_is_name(""));
    ck_assert(!model_path_is_name(".a"));
    ck_assert(!model_path_is_name("a/b"));
    ck_assert(model_path_is_name("a.b_c-d e9"));
}
END_TEST

START_TEST(F12_a_path_that_says_no_name_has_the_real_ones)
{
    char here[PATH_MAX], path[256];
    make_repository();
    put_net("fraud/model.onnx", "y=Relu(x)");
    put_net("fraud/deep/model.json", "y=Relu(x)");
    put_net("sp@m/model.onnx", "y=Relu(x)");
    put_net("@.onnx", "y=Relu(x)");
    put_net("folder.onnx/1/model.onnx", "y=Relu(x)");
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    path_of("fraud", path);
    ck_assert_int_eq(chdir(path), 0);
    check_name("model.onnx", "fraud");
    check_name(".", "fraud");
    check_name("./", "fraud");
    check_name("deep/..", "fraud");
    check_name("deep/../", "fraud");
    check_name("deep//", "deep");
    check_name("../plain.onnx", "plain");
    check_name("../m//", "m");
    check_name("../sp@m", "model"); /* no name for a model */
    check_name("../@.onnx", "model");
    check_name("../folder.onnx", "folder.onnx"); /* a folder has no ending */
    struct relud_error error = {0};
    struct model_path found;
    path_of("empty/", path);
    ck_assert_int_eq(chdir(path), 0);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert(!model_path_find(".", &found, &error)); /* it has no path any more */
    ck_assert_str_eq(found.name, "model");
    ck_assert_int_eq(chdir(here), 0);
    ck_assert(!model_path_find("///", &found, &error));
    ck_assert_str_eq(found.name, "model");
    ck_assert_int_eq(error.code, RELUD_BAD_MODEL);
    drop("");
}
END_TEST

static bool count_place(void *user, const struct model_place *place, struct relud_error *error)
{
    size_t *places = user;
    (void)place, (void)error;
    ++*places;
    return true;
}

/* root/name with as many slashes that the path is `len` long; static. */
static const char *stretched(const char *name, size_t len)
{
    static char path[MODEL_PATH_BYTES + 8];
    size_t root_len = strlen(root), name_len = strlen(name);
    memset(path, '/', sizeof path);
    memcpy(path, root, root_len);
    strcpy(path + len - name_len, name);
    return path;
}

START_TEST(paths_as_long_as_the_system_takes)
{
    struct relud_error error = {0};
    struct model_path found;
    size_t places = 0;
    make_repository();
    put_net("one/model.onnx", "y=Relu(x)");
    ck_assert(model_path_find(stretched("plain.onnx", PATH_MAX - 1), &found, &error));
    ck_assert_str_eq(found.name, "plain");
    ck_assert_uint_eq(strlen(found.dir), PATH_MAX - 1);
    ck_assert(!model_path_find(stretched("plain.onnx", PATH_MAX), &found, &error));
    ck_assert_msg(strstr(error.text, "File name too long") != NULL, "%s", error.text);
    /* the folder can be looked into, what is in it has no path */
    ck_assert(!model_path_find(stretched("m", PATH_MAX - 2), &found, &error));
    ck_assert(!model_path_each(stretched("", PATH_MAX - 2), count_place, &places, &error));
    ck_assert_uint_eq(places, 0);
    /* room for the version's folder alone */
    ck_assert_msg(model_path_find(stretched("m", PATH_MAX - 20), &found, &error), "%s", error.text);
    ck_assert_uint_eq(strlen(found.dir), PATH_MAX - 18);
    drop("");
}
END_TEST

static bool note_place(void *user, const struct model_place *place, struct relud_error *error)
{
    char *names = user;
    (void)error;
    strcat(names, place->name);
    strcat(names, place->fault ? "! " : " ");
    return true;
}

/* Which of them is meant is not guessed. */
START_TEST(F14_a_newest_version_that_two_folders_mean_is_told)
{
    char path[256];
    size_t places = 0;
    struct relud_error error = {0};
    struct model_path found;
    make_repository();
    put_net("m/02/model.onnx", "y=Relu(x)");
    path_of("m", path);
    ck_assert(!model_path_find(path, &found, &error));
    ck_assert_msg(strstr(error.text, "both mean version 2") != NULL, "%s", error.text);
    ck_assert(found.is_model);
    ck_assert(model_path_each(path, count_place, &places, &error)); /* a model, and no repository */
    ck_assert_uint_eq(places, 1);
    drop("");
}
END_TEST

/* A file's link that leads nowhere for a moment is called as the file was. */
START_TEST(F12_a_link_to_no_file_keeps_its_name)
{
    char path[256], names[256] = "";
    struct relud_error error = {0};
    make_repository();
    drop("m"), drop("r"), drop("README");
    put_text_file("weights.safetensors", "no model by itself");
    put_net("sp@m/model.onnx", "y=Relu(x)");
    put_net("folder.onnx/1/model.onnx", "y=Relu(x)");
    path_of("gone.onnx", path);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    ck_assert_msg(model_path_each(root, note_place, names, &error), "%s", error.text);
    ck_assert_str_eq(names, "folder.onnx gone plain sp@m! ");
    drop("");
}
END_TEST

START_TEST(F12_a_served_file_behind_a_broken_link_is_served_on)
{
    char path[256];
    struct relud_error error = {0};
    make_repository();
    put_net("hidden/a.onnx", "y=Relu(x)");
    drop("m"), drop("r"), drop("plain.onnx");
    path_of("net.onnx", path);
    ck_assert_int_eq(symlink("hidden/a.onnx", path), 0);
    struct repository *repository = open_repository(&error);
    ck_assert_msg(strcmp(served(repository), "net:1") == 0, "%s", served(repository));
    drop("hidden");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "net:1");
    repository_free(repository);
    put_net("plain.onnx", "y=Abs(x)");
    repository = open_repository(&error); /* begun while it leads nowhere */
    ck_assert_msg(strcmp(served(repository), "plain:1") == 0, "%s", served(repository));
    put_net("hidden/a.onnx", "y=Relu(x)");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "net:1 plain:1");
    unlink(path);
    drop("plain.onnx");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "");
    repository_free(repository);
    drop("");
}
END_TEST

RUN_SUITE("model_path", a_name_has_letters_digits_and_few_signs,
          F12_a_path_that_says_no_name_has_the_real_ones, paths_as_long_as_the_system_takes,
          F14_a_newest_version_that_two_folders_mean_is_told, F12_a_link_to_no_file_keeps_its_name,
          F12_a_served_file_behind_a_broken_link_is_served_on)
