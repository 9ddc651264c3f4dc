/* Every command of README.md and docs/, unless the page says why not, run as it stands there. A
 * page is one session of bash: its ```sh blocks run in their order, in a folder that looks like the
 * root of the tree, with relud on the PATH. A line that starts a server (`relud serve`, `make run`)
 * runs beside the lines that follow, until the next one. An ```output block is what the block
 * before it prints, where `…` stands for anything. <!-- test: COMMAND --> before a block is run
 * first; <!-- not run: REASON --> says why a block is not. The pages say port 8080, so the session
 * has a network of its own where the kernel gives one; else free ports take the place of theirs. */
#include "tests/http/pages.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include <dirent.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

/* ---- the session ---- */

/* `$!` is what a substitution runs. A server that is stopped has drained before the next one starts. */
static const char prelude[] = "set -eu\n"
                              "server=\n"
                              "stop() {\n"
                              "    [ -z \"$server\" ] || { kill \"$server\" 2>/dev/null && wait "
                              "\"$server\" || true; exec {log}<&-; }\n"
                              "    server=\n"
                              "}\n"
                              "serve() {\n"
                              "    stop\n"
                              "    exec {log}< <(exec \"$@\" 2>&1 </dev/null)\n"
                              "    server=$!\n"
                              "    local said=\n"
                              "    while read -r -u \"$log\" line; do\n"
                              "        said+=\"$line\"$'\\n'\n"
                              "        [[ $line != *'listening on http'* ]] || return 0\n"
                              "    done\n"
                              "    echo \"$* does not listen: $said\"\n"
                              "    return 1\n"
                              "}\n"
                              "trap stop EXIT\n";

/* Behind assignments such as RELUD_LOG_LEVEL=debug. */
static const char *command_of(const char *line)
{
    for (const char *blank; (blank = strchr(line, ' ')); line = blank + 1) {
        const char *equals = memchr(line, '=', (size_t)(blank - line));
        if (!equals || strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != (size_t)(equals - line))
            break;
    }
    return line;
}

static void write_block(FILE *script, const struct block *block)
{
    fprintf(script, "echo %zu > line\n", block->line);
    if (page_starts(block->remark, "test: "))
        fprintf(script, "%s\n", block->remark + strlen("test: "));
    fputs("{\n", script);
    const char *line = block->text;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *command = command_of(line);
        fwrite(line, 1, (size_t)(command - line), script);
        if (page_starts(command, "relud serve") || page_starts(command, "make run\n"))
            fputs("serve ", script);
        fwrite(command, 1, (size_t)(end + 1 - command), script);
    }
    fprintf(script, "} > out.%zu 2>&1\n", block->line);
}

static bool is_run(const struct block *block)
{
    return strcmp(block->kind, "sh") == 0 && !page_starts(block->remark, "not run");
}

/* ---- the folder ---- */

static void link_to(const char *root, const char *name, const char *dir)
{
    char target[1024], path[512];
    snprintf(target, sizeof target, "%s/%s", root, name);
    snprintf(path, sizeof path, "%s/%s", dir, strrchr(target, '/') + 1);
    ck_assert_msg(symlink(target, path) == 0, "%s: %s", path, strerror(errno));
}

static void link_all(const char *root, const char *dir, const char *but)
{
    DIR *handle = opendir(root);
    ck_assert_ptr_nonnull(handle);
    for (struct dirent *entry; (entry = readdir(handle));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, but) != 0)
            link_to(root, entry->d_name, dir);
    closedir(handle);
}

/* A folder that looks like the root of the tree, whose build/relud is the program under test. */
static void furnish(const char *dir)
{
    char root[512], build[600], relud[700];
    ck_assert_ptr_nonnull(getcwd(root, sizeof root));
    link_all(root, dir, "build");
    snprintf(build, sizeof build, "%s/build", dir);
    ck_assert_int_eq(mkdir(build, 0700), 0);
    snprintf(relud, sizeof relud, "%s/build", root);
    link_all(relud, build, "relud");
    ck_assert_ptr_nonnull(realpath(relud_path(), relud));
    link_to("", relud + 1, build);
}

/* ---- its network ---- */

static bool raise_loopback(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    close(fd);
    return is_up;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

/* Into a network of its own, with a loopback and nothing else; root needs no namespace of users for it. */
static bool leave_network(void)
{
    char map[64], groups[64];
    snprintf(map, sizeof map, "%u %u 1", getuid(), getuid());
    snprintf(groups, sizeof groups, "%u %u 1", getgid(), getgid());
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return false;
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/uid_map", map);
        write_text("/proc/self/gid_map", groups);
    }
    return raise_loopback();
}

static bool may_leave_network(void)
{
    const char *wish = getenv("RELUD_TEST_NETWORK"); /* "shared": as where the kernel gives none */
    if (wish && strcmp(wish, "shared") == 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        _exit(leave_network() ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Five digits in the place of four, wherever the script has them. */
static char *with_port(char *script, const char *port, int own)
{
    char *out = malloc(2 * strlen(script) + 1), *to = out;
    const char *from = script;
    for (const char *at; (at = strstr(from, port)); from = at + strlen(port))
        to += sprintf(to, "%.*s%d", (int)(at - from), from, own);
    strcpy(to, from);
    free(script);
    return out;
}

static char *with_free_ports(char *script)
{
    static const char *const ports[] = {"8080", "8081", "8443"};
    char listen[32];
    for (size_t i = 0; i < 3; i++) {
        int own = free_port();
        script = with_port(script, ports[i], own);
        snprintf(listen, sizeof listen, "127.0.0.1:%d", own);
        if (i == 0) {
            setenv("RELUD_LISTEN", listen, 1);
            setenv("LISTEN", listen, 1);
        }
    }
    return script;
}

/* ---- what it prints ---- */

/* Whether the text is the pattern, in which … stands for anything; blanks at both ends do not count. */
static bool fits(const char *text, const char *pattern)
{
    static const char gap[] = "…";
    const char *end = strstr(pattern, gap);
    if (!end) {
        size_t len = strlen(pattern);
        while (len && pattern[len - 1] == '\n')
            len--;
        return strncmp(text, pattern, len) == 0 && text[len + strspn(text + len, "\n")] == '\0';
    }
    if (strncmp(text, pattern, (size_t)(end - pattern)) != 0)
        return false;
    text += end - pattern;
    do
        if (fits(text, end + strlen(gap)))
            return true;
    while (*text++);
    return false;
}

static char *output_of(const char *dir, size_t line)
{
    char path[256];
    snprintf(path, sizeof path, "%s/out.%zu", dir, line);
    return page_text(path);
}

static void hold_outputs(const char *path, const struct page *page, const char *dir)
{
    for (size_t i = 0; i < page->blocks; i++) {
        if (strcmp(page->block[i].kind, "output") != 0)
            continue;
        ck_assert_msg(i && is_run(&page->block[i - 1]), "%s:%zu: output of no command that runs",
                      path, page->block[i].line);
        char *found = output_of(dir, page->block[i - 1].line);
        ck_assert_msg(found && fits(found, page->block[i].text), "%s:%zu: it prints\n%s", path,
                      page->block[i].line, found);
        free(found);
    }
}

/* ---- the whole ---- */

static char *script_of(const struct page *page)
{
    char *text;
    size_t len;
    FILE *script = open_memstream(&text, &len);
    fputs(prelude, script);
    for (size_t i = 0; i < page->blocks; i++)
        if (is_run(&page->block[i]))
            write_block(script, &page->block[i]);
    fclose(script);
    return text;
}

/* bash's exit status. */
static int run_session(const char *dir, const char *script, bool has_network)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/build:%s", dir, getenv("PATH"));
    pid_t pid = fork();
    if (pid == 0) {
        setenv("PATH", path, 1);
        if (chdir(dir) == 0 && (!has_network || leave_network()))
            execlp("bash", "bash", "-c", script, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void run_page(const char *path)
{
    char *text = page_text(path), at_path[128];
    ck_assert_msg(text != NULL, "%s cannot be read: the tests run from the root of the tree", path);
    struct page page = page_of(text);
    char *script = script_of(&page);
    const char *dir = new_directory();
    furnish(dir);
    bool has_network = may_leave_network();
    if (!has_network)
        script = with_free_ports(script);
    int status = run_session(dir, script, has_network);
    snprintf(at_path, sizeof at_path, "%s/line", dir);
    char *line = page_text(at_path), *said = output_of(dir, line ? strtoul(line, NULL, 10) : 0);
    ck_assert_msg(status == 0, "%s:%d: exit status %d\n%s", path, line ? atoi(line) : 0, status,
                  said ? said : "");
    hold_outputs(path, &page, dir);
    free(line);
    free(said);
    free(script);
    page_free(&page);
    remove_folder(dir);
}

#define TEST_OF(name, path)                                                                        \
    START_TEST(the_commands_of_##name)                                                             \
    {                                                                                              \
        run_page(path);                                                                            \
    }                                                                                              \
    END_TEST

RUN_PAGES(TEST_OF)
#define NAME_OF(name, path) the_commands_of_##name,

/* What `fits` and the prelude promise, without which the rest would say little. */
START_TEST(a_page_that_is_wrong_is_told)
{
    ck_assert(fits("ab\n", "ab\n") && fits("a1b2c\n", "a…b…c\n") && fits("abc\n", "ab…\n"));
    ck_assert(!fits("ab\n", "a\n") && !fits("a1b2\n", "a…c\n") && !fits("xab\n", "ab\n"));
    const char *dir = new_directory();
    furnish(dir);
    struct page page = page_of(strdup("```sh\necho one\nfalse\n```\n"));
    char *script = script_of(&page);
    ck_assert_int_eq(run_session(dir, script, false), 1);
    free(script);
    page_free(&page);
    page = page_of(strdup("```sh\nrelud serve no-such-model\n```\n"));
    script = script_of(&page);
    ck_assert_int_eq(run_session(dir, script, false), 1);
    char *said = output_of(dir, 1);
    ck_assert_msg(said && strstr(said, "does not listen") && strstr(said, "no-such-model"), "%s",
                  said);
    free(said);
    free(script);
    page_free(&page);
    remove_folder(dir);
}
END_TEST

RUN_SUITE("docs", RUN_PAGES(NAME_OF) a_page_that_is_wrong_is_told)
