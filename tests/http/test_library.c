/* The library as others use it: installed by `make install`, found by pkg-config, from C and from C++. Runs in the tree's root. */
#include "tests/http/server.h"
#include "tests/unit/files.h"
#include <relud/relud.h>
#include <stdarg.h>

static char output[1 << 16];

/* Runs a shell command that must succeed; output has what it wrote. */
__attribute__((format(printf, 1, 2))) static void sh(const char *format, ...)
{
    char words[4096], command[4200];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(command, sizeof command, "{ %s ; } 2>&1", words);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s\n%.2000s", words, output);
}

static char dir[64];

static void no_make_above(void)
{
    unsetenv("MAKEFLAGS"), unsetenv("MFLAGS"), unsetenv("MAKELEVEL");
}

/* To dir/usr. */
static void install(void)
{
    strcpy(dir, new_directory());
    no_make_above();
    sh("make -s install PREFIX=%s/usr", dir);
    char path[128];
    snprintf(path, sizeof path, "%s/usr/lib/pkgconfig", dir);
    setenv("PKG_CONFIG_PATH", path, 1);
}

static void remove_all(void)
{
    sh("rm -r %s", dir);
}

/* What a compiler is told of the library: both kinds are installed. */
static const struct {
    const char *name, *flags;
    bool is_shared;
} links[] = {
    {"shared", "$(pkg-config --cflags --libs relud)", true},
    {"static", "$(pkg-config --static --cflags --libs relud | sed s/-lrelud/-l:librelud.a/)",
     false},
};
enum { LINKS = sizeof links / sizeof *links };

enum { DIGITS_SHOWN = 32 };

/* Of `output`, each with an answer's numbers in it. */
static void check_lines(const char *who)
{
    size_t lines = 0;
    for (const char *line = output, *end; (end = strchr(line, '\n')); line = end + 1, lines++)
        ck_assert_msg(memchr(line, ',', (size_t)(end - line)), "%s: %.*s", who, (int)(end - line),
                      line);
    ck_assert_msg(lines == DIGITS_SHOWN, "%s: %zu lines\n%.2000s", who, lines, output);
}

/* The example's answers to the digits, with the library as it is installed; in `output`. */
static void run_example(const char *program)
{
    sh("LD_LIBRARY_PATH=%s/usr/lib %s/%s %s/usr/share/relud/models/digits/1 "
       "tests/data/digits-images-idx3-ubyte.gz >%s/answers && head -n %d %s/answers",
       dir, dir, program, dir, dir, DIGITS_SHOWN, dir);
    check_lines(program);
}

/* Names that the file exports, with their addresses left out. */
static void exported(const char *options, const char *file)
{
    sh("nm %s --defined-only $(dirname %s)/%s | awk 'NF == 3 {print $3}' | sort", options,
       relud_path(), file);
}

START_TEST(U7_only_names_with_the_prefix_are_global)
{
    static const struct {
        const char *options, *file;
    } files[] = {{"-g", "librelud.a"}, {"-D", "librelud.so"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        exported(files[i].options, files[i].file);
        size_t names = 0;
        for (char *name = strtok(output, "\n"); name; name = strtok(NULL, "\n")) {
            ck_assert_msg(strncmp(name, "relud_", 6) == 0, "%s: %s is global", files[i].file, name);
            names++;
        }
        ck_assert_uint_gt(names, 50);
    }
}
END_TEST

/* What is exported is declared and described in a header, and what is declared is there, or is
 * inline. */
START_TEST(U7_the_headers_declare_what_the_library_exports)
{
    static char declared[sizeof output];
    sh("for header in include/relud/*.h; do cc -Iinclude -E -P $header; done | tr -d '\\n' | "
       "tr ';{}' '\\n' | grep -v typedef | awk '{ is_inline = /static inline/; "
       "while (match($0, /relud_[a-z0-9_]+\\(/)) { name = substr($0, RSTART, RLENGTH - 1); "
       "$0 = substr($0, RSTART + RLENGTH); if (is_inline) inlined[name]; else seen[name] } } "
       "END { for (name in seen) if (!(name in inlined)) print name }' | sort");
    strcpy(declared, output);
    exported("-D", "librelud.so");
    ck_assert_str_eq(declared, output);
}
END_TEST

START_TEST(U7_the_shared_library_has_the_soname_of_its_version)
{
    unsigned major, minor;
    char soname[64];
    ck_assert_int_eq(sscanf(RELUD_VERSION, "%u.%u", &major, &minor), 2);
    snprintf(soname, sizeof soname, major ? "librelud.so.%u" : "librelud.so.%u.%u", major, minor);
    install();
    sh("readelf -d %s/usr/lib/librelud.so | sed -n 's/.*soname: \\[\\(.*\\)\\]/\\1/p' | tr -d '\n'",
       dir);
    ck_assert_str_eq(output, soname);
    sh("cd %s/usr/lib && readlink librelud.so && readlink %s", dir, soname);
    char wanted[160];
    snprintf(wanted, sizeof wanted, "%s\nlibrelud.so." RELUD_VERSION "\n", soname);
    ck_assert_str_eq(output, wanted);
    remove_all();
}
END_TEST

START_TEST(U7_the_example_runs_from_c_and_cxx_shared_and_static_with_the_same_bits)
{
    static const char *const compilers[] = {"cc -std=c11 -xc", "g++ -std=c++11 -xc++",
                                            "g++ -std=c++17 -xc++", "g++ -std=c++20 -xc++"};
    static char wanted[sizeof output];
    install();
    sh("$(dirname %s)/relud predict %s/usr/share/relud/models/digits/1 "
       "tests/data/digits-images-idx3-ubyte.gz >%s/answers && head -n %d %s/answers | sed "
       "'s/.*\"output\":\\[\\([^]]*\\)\\].*/\\1/'",
       relud_path(), dir, dir, DIGITS_SHOWN, dir);
    check_lines("relud predict");
    strcpy(wanted, output);
    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++)
        for (size_t k = 0; k < LINKS; k++) {
            sh("cd %s && %s usr/share/relud/examples/predict.c -xnone -Wall -Wextra -pedantic "
               "-Werror "
               "-o a %s",
               dir, compilers[i], links[k].flags);
            sh("LD_LIBRARY_PATH=%s/usr/lib ldd %s/a | grep -c %s/usr/lib/librelud.so || true", dir,
               dir, dir);
            ck_assert_msg(atoi(output) == links[k].is_shared, "%s: %s", links[k].name, output);
            run_example("a");
            ck_assert_msg(strcmp(output, wanted) == 0, "%s, %s: other answers than relud's",
                          compilers[i], links[k].name);
        }
    sh("! LD_LIBRARY_PATH=%s/usr/lib %s/a /nonexistent", dir, dir);
    ck_assert_str_eq(output, "/nonexistent/model.json: No such file or directory\n");
    remove_all();
}
END_TEST

START_TEST(U7_the_example_says_that_memory_ran_out)
{
    install();
    sh("printf '#include <stdlib.h>\\nstatic void *none(size_t size) { return (void)size, NULL; }"
       "\\n#define malloc none\\n#include \"usr/share/relud/examples/predict.c\"\\n' >%s/a.c",
       dir);
    sh("cd %s && cc -o a a.c %s", dir, links[0].flags);
    sh("LD_LIBRARY_PATH=%s/usr/lib %s/a %s/usr/share/relud/models/digits/1 "
       "tests/data/digit-7.json; echo $?",
       dir, dir, dir);
    ck_assert_str_eq(output, "out of memory\n1\n");
    remove_all();
}
END_TEST

START_TEST(U7_pkg_config_tells_what_each_kind_needs)
{
    install();
    sh("pkg-config --modversion relud");
    ck_assert_str_eq(output, RELUD_VERSION "\n");
    sh("pkg-config --libs-only-l relud | xargs");
    ck_assert_str_eq(output, "-lrelud\n");
    sh("pkg-config --static --libs-only-l relud | xargs");
    ck_assert_str_eq(output, "-lrelud -lopenblas -lcjson -lz -lm -lpthread\n");
    remove_all();
}
END_TEST

/* The page shows the example as it is. */
START_TEST(U7_the_page_shows_the_example)
{
    sh("sed -n '/^```c$/,/^```$/p' docs/library.md | grep -v '^```' | diff - examples/predict.c");
    sh("wc -l <examples/predict.c");
    ck_assert_int_le(atoi(output), 36);
}
END_TEST

/* Each by itself, in every standard that relud.h names. */
START_TEST(U7_headers_stand_alone_in_c_and_cxx)
{
    static const char *const compilers[] = {"cc -std=c11 -xc", "cc -std=c17 -xc",
                                            "g++ -std=c++11 -xc++", "g++ -std=c++17 -xc++",
                                            "g++ -std=c++20 -xc++"};
    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++)
        sh("for header in include/relud/*.h; do echo \"#include \\\"$header\\\"\" | %s -Wall "
           "-Wextra "
           "-pedantic -Werror -fsyntax-only -Iinclude -I. - || exit 1; done",
           compilers[i]);
    sh("! grep -L 'extern \"C\" {' include/relud/*.h | grep .");
}
END_TEST

/* A program may have functions of any name that the library's inside has. */
START_TEST(U7_a_programs_own_names_do_not_clash)
{
    install();
    sh("nm -g --defined-only $(dirname %s)/core/*/*.o | awk '$2 == \"T\" && $3 !~ /^relud_/ {print "
       "\"void \" $3 "
       "\"(void);\\nvoid \" $3 \"(void) { __builtin_trap(); }\"}' >%s/names.c; wc -l <%s/names.c",
       relud_path(), dir, dir);
    ck_assert_int_gt(atoi(output), 100);
    for (size_t k = 0; k < LINKS; k++) {
        sh("cd %s && cc -w -rdynamic -o a names.c usr/share/relud/examples/predict.c %s", dir,
           links[k].flags);
        run_example("a");
    }
    remove_all();
}
END_TEST

START_TEST(U7_a_package_is_built_under_destdir)
{
    strcpy(dir, new_directory());
    no_make_above();
    sh("make -s install DESTDIR=%s PREFIX=/opt/relud", dir);
    sh("head -n 1 %s/opt/relud/lib/pkgconfig/relud.pc; test -x %s/opt/relud/bin/relud", dir, dir);
    ck_assert_str_eq(output, "prefix=/opt/relud\n");
    sh("! grep @ %s/opt/relud/lib/pkgconfig/relud.pc", dir);
    sh("make -s install DESTDIR=%s PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu", dir);
    sh("sed -n s/^libdir=//p %s/usr/lib/x86_64-linux-gnu/pkgconfig/relud.pc; "
       "test -e %s/usr/lib/x86_64-linux-gnu/librelud.so",
       dir, dir);
    ck_assert_str_eq(output, "${prefix}/lib/x86_64-linux-gnu\n");
    sh("cd %s/opt/relud/share && grep -q max ./man/man1/relud.1 zsh/site-functions/_relud && "
       "bash -n bash-completion/completions/relud",
       dir);
    remove_all();
}
END_TEST

/* Whatever is to be built: one line, and nothing compiled. */
START_TEST(U1_what_is_missing_is_one_line)
{
    static const char *const goals[] = {"",
                                        "all",
                                        "-j2 all",
                                        "install PREFIX=$d/usr",
                                        "$d/librelud.a",
                                        "build/generated/powers.h -B",
                                        "$d/tests/unit/core/kernels/test_activation"};
    strcpy(dir, new_directory());
    no_make_above();
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
        sh("d=%s; ! PKG_CONFIG_LIBDIR=/nonexistent make B=$d %s", dir, goals[i]);
        ck_assert_msg(strstr(output, "missing:") && strstr(output, " zlib1g-dev") &&
                          strstr(output, " libmicrohttpd-dev") && strstr(output, "\"make deps\""),
                      "%s: %s", goals[i], output);
        ck_assert_msg(strchr(output, '\n') == strrchr(output, '\n'), "%s: %s", goals[i], output);
    }
    sh("! make B=%s CC=no-compiler", dir);
    ck_assert_ptr_nonnull(strstr(output, "the compiler 'no-compiler' or pkg-config does not work"));
    sh("PKG_CONFIG_LIBDIR=/nonexistent make help clean B=%s -n", dir); /* need nothing */
    remove_all();
}
END_TEST

START_TEST(U1_a_line_a_file_or_with_V_the_command)
{
    strcpy(dir, new_directory());
    no_make_above();
    sh("make B=%s %s/core/base/float16.o", dir, dir);
    ck_assert_ptr_nonnull(strstr(output, "CC   "));
    ck_assert_ptr_null(strstr(output, "-Wall"));
    sh("make B=%s %s/core/base/file.o V=1", dir, dir);
    ck_assert_ptr_nonnull(strstr(output, "-Wall"));
    sh("make -s B=%s %s/core/base/arena.o", dir, dir);
    ck_assert_str_eq(output, "");
    remove_all();
}
END_TEST

RUN_SUITE("library", U1_what_is_missing_is_one_line, U1_a_line_a_file_or_with_V_the_command,
          U7_only_names_with_the_prefix_are_global, U7_the_headers_declare_what_the_library_exports,
          U7_the_shared_library_has_the_soname_of_its_version,
          U7_the_example_runs_from_c_and_cxx_shared_and_static_with_the_same_bits,
          U7_the_example_says_that_memory_ran_out, U7_pkg_config_tells_what_each_kind_needs,
          U7_the_page_shows_the_example, U7_headers_stand_alone_in_c_and_cxx,
          U7_a_programs_own_names_do_not_clash, U7_a_package_is_built_under_destdir)
