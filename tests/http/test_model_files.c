/* Files that are given to the program as models: what it says of them, and what it serves. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

/* What the program prints, which must be one line that begins with "relud: ". */
static void says_one_line(const char *words, int status, const char *says)
{
    runs(words, status, says);
    const char *end = strchr(output, '\n');
    ck_assert_msg(strncmp(output, "relud: ", 7) == 0 && end && !end[1], "relud %s: %s", words,
                  output);
}

START_TEST(F11_long_paths_leave_room_for_the_reason)
{
    static const size_t lengths[] = {230, 1000, 1500};
    static const char *const forms[] = {"serve %s",
                                        "serve --listen 127.0.0.1:0 %s",
                                        "check %s",
                                        "predict %s",
                                        "inspect %s",
                                        "convert %s out",
                                        "serve --config %s",
                                        "serve --api-keys %s " DIGITS,
                                        "serve --tls-cert %s --tls-key %s " DIGITS,
                                        "predict " DIGITS " %s",
                                        "inspect " DIGITS " --data %s",
                                        "train --data %s --layers 3,2 --out out",
                                        "bench --body %s http://127.0.0.1:1/"};
    static char path[2000], words[5000];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(path, 'd', sizeof path);
        for (size_t at = 0; at < lengths[i]; at += 200)
            path[at] = '/';
        strcpy(path + lengths[i] - 10, "/net.onnx");
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            char command[64];
            snprintf(command, sizeof command, "%s", forms[k]);
            char *first = strstr(command, "%s"), *second = strstr(first + 2, "%s");
            *first = '\0';
            if (second)
                *second = '\0';
            snprintf(words, sizeof words, "%s%s%s%s%s", command, path, first + 2,
                     second ? path : "", second ? second + 2 : "");
            int status = run(words);
            ck_assert_msg(status == 1 || status == 2, "%s: %d\n%s", forms[k], status, output);
            ck_assert_msg(strstr(output, "/net.onnx") != NULL, "%s: %s", forms[k], output);
            ck_assert_msg(strstr(output, "No such file") || strstr(output, "cannot be read"),
                          "%s: %s", forms[k], output);
        }
    }
}
END_TEST

START_TEST(F11_odd_names_are_shown_escaped)
{
    says_one_line("check \"$(printf '/nowhere/a\\nb\\033[31m.onnx')\"", 1,
                  "/nowhere/a\\nb\\x1b[31m.onnx: No such file or directory");
    says_one_line("predict \"$(printf -- '/nowhere/a\\nb.onnx')\"", 1, "a\\nb.onnx");
    runs("serve \"$(printf -- '/nowhere/a\\nb.onnx')\"", 1, "/nowhere/a\\nb.onnx: No such file");
    says_one_line("convert \"$(printf -- '/nowhere/a\\nb.onnx')\" out", 1, "a\\nb.onnx");
    says_one_line("inspect \"$(printf -- '--a\\nb')\"", 2, "--a\\nb");
    says_one_line("serve \"$(printf -- '--a\\nb')\"", 2, "--a\\nb");
    says_one_line("check \"$(printf -- '--a\\nb')\"", 2, "--a\\nb");
}
END_TEST

#define DICT "tests/data/faults/U3-state-dict.safetensors"

/* relu([1,0; 0,1; 1,-1] x + [0,0,0.5]) · [1,2,-1] + 0.25 at [2,1]: 2 + 2 - 1.5 + 0.25 */
START_TEST(U3_a_state_dict_is_served_with_its_activation)
{
    char dir[64], words[256];
    runs("check " DICT, 1, "a state dict of 2 linear layers (2 -> 3 -> 1): what stands between");
    runs("check --activation relo " DICT, 2, "there is no activation 'relo'; did you mean 'relu'?");
    runs("serve --activation relo " DICT, 2, "there is no activation 'relo'");
    runs("check --activation relu " DICT, 0,
         "U3-state-dict version 1: 2 -> 1, 2 layers, 13 parameters");
    runs("check --activation relu " DICT, 0, "note: 2 linear layers by their names and shapes");
    runs("inspect --activation relu " DICT, 0, "fc1.weight");
    snprintf(words, sizeof words, "predict --activation relu " DICT " <<'E'\n[[2,1]]\nE\n#");
    runs(words, 0, "\"output\":[2.75]");
    strcpy(dir, new_directory());
    snprintf(words, sizeof words, "convert " DICT " %s/net --activation relu", dir);
    runs(words, 0, "written (2 layers, 13 parameters)");
    remove_folder(dir);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    runs(words, 0, "note: read as Linear(2, 3) -> ReLU -> Linear(3, 1)");
    remove_folder(dir);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    runs(words, 0, "/net/model.json\n");
    snprintf(words, sizeof words, "predict %s/net <<'E'\n[[2,1]]\nE\n#", dir);
    runs(words, 0, "\"output\":[2.75]");
    snprintf(words, sizeof words, "check %s/net/model.safetensors", dir);
    runs(words, 1, "the model.json beside it says what its layers are: name the folder");
    struct server server = server_start((const char *const[]){"--activation", "relu", DICT, NULL});
    struct reply *reply = server_post(&server, "/predict", "{\"inputs\":[[2,1]]}");
    ck_assert_msg(strstr(reply->body, "{\"model\":\"U3-state-dict\",\"version\":\"1\",\"outputs\":"
                                      "[[2.75]]}") != NULL,
                  "%s", reply->body);
    server_stop(&server);
    remove_folder(dir);
}
END_TEST

#define NORMS "tests/data/faults/F18-norms/model.safetensors"

/* Norms are never served by where they usually stand; convert tells it, and it can be corrected. */
START_TEST(norms_of_a_state_dict_are_converted_for_approval)
{
    char dir[64], words[512];
    strcpy(dir, new_directory());
    snprintf(words, sizeof words, "cp " NORMS " %s/net.safetensors", dir);
    ck_assert_int_eq(system(words), 0);
    snprintf(words, sizeof words, "check %s/net.safetensors --activation relu", dir);
    runs(words, 1,
         "'0.running_mean' is of a batch normalisation, and where that stands is not in the file: "
         "relud convert reads it by PyTorch's usual order and writes a model.json");
    snprintf(words, sizeof words, "convert %s/net.safetensors %s/net --activation relu", dir, dir);
    runs(words, 0,
         "note: read as BatchNorm1d(3) -> Linear(3, 4) -> BatchNorm1d(4) -> ReLU -> BatchNorm1d(4) "
         "-> LayerNorm(4) -> Linear(4, 2, bias=False) -> BatchNorm1d(2, affine=False)\n");
    snprintf(words, sizeof words, "check %s/net", dir);
    runs(words, 0, ": ok (net version 1: 3 -> 2");
    snprintf(words, sizeof words,
             "sed -i 's/\"eps\": 1e-5/\"eps\": 0.001/; s/\"relu\"/\"tanh\"/' %s/net/model.json",
             dir);
    ck_assert_int_eq(system(words), 0);
    snprintf(words, sizeof words, "inspect %s/net", dir);
    runs(words, 0, "tanh");
    remove_folder(dir);
}
END_TEST

START_TEST(U3_other_files_are_told_what_they_are)
{
    char dir[64], words[256];
    strcpy(dir, new_directory());
    write_file(dir, "net.h5", "\x89HDF\r\n\x1a\n", 8);
    snprintf(words, sizeof words, "serve %s/net.h5", dir);
    runs(words, 1,
         "an HDF5 file, as Keras writes its models; relud does not serve it as it is: in Python: "
         "import keras; net = keras.models.load_model('net.h5'); net.export('net.onnx', "
         "format='onnx')");
    snprintf(words, sizeof words, "predict %s/net.h5", dir);
    runs(words, 1, "an HDF5 file");
    snprintf(words, sizeof words, "mv %s/net.h5 %s/net.onnx", dir, dir);
    ck_assert_int_eq(system(words), 0);
    snprintf(words, sizeof words, "check %s/net.onnx", dir);
    runs(words, 1, "net.onnx: an HDF5 file");
    remove_folder(dir);
}
END_TEST

RUN_SUITE("model_files", U3_a_state_dict_is_served_with_its_activation,
          norms_of_a_state_dict_are_converted_for_approval, U3_other_files_are_told_what_they_are,
          F11_long_paths_leave_room_for_the_reason, F11_odd_names_are_shown_escaped)
