/* What README.md, docs/ and deploy/README.md name must exist: pages and headings that are linked,
 * options, commands, make's targets, metrics. And their form: README stays a front door, tables
 * stay readable, and no command hides where none is run. */
#include "server/cli/commands.h"
#include "tests/http/pages.h"
#include "tests/http/program.h"

#include <ctype.h>
#include <dirent.h>

enum { README_LINES = 180, CELL_CHARACTERS = 160, WORD = 256 };

/* The text is a copy to work in; it is freed afterwards. */
typedef void visit_fn(const char *path, char *text);

static void visit_pages(visit_fn *visit)
{
    for (size_t i = 0; i < PAGES; i++) {
        char *text = page_text(pages[i].path);
        ck_assert_msg(text != NULL, "%s cannot be read", pages[i].path);
        visit(pages[i].path, text);
        free(text);
    }
}

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* Characters of UTF-8. */
static size_t width(const char *from, const char *to)
{
    size_t count = 0;
    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

/* Empties the fenced blocks; the lines keep their numbers. */
static void leave_out_blocks(char *text)
{
    bool is_inside = false;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        bool is_fence = strncmp(line, "```", 3) == 0;
        if (is_fence || is_inside)
            memset(line, ' ', (size_t)(end - line));
        is_inside ^= is_fence;
    }
}

/* ---- form ---- */

START_TEST(readme_is_a_front_door)
{
    char *text = page_text("README.md");
    ck_assert_ptr_nonnull(text);
    size_t lines = line_of(text, text + strlen(text)) - 1;
    ck_assert_msg(lines <= README_LINES, "README.md has %zu lines; %d are its bound", lines,
                  README_LINES);
    free(text);
}
END_TEST

static bool is_measured(const char *path)
{
    return strcmp(path, "docs/performance.md") == 0 || strcmp(path, "deploy/scorecard.md") == 0 ||
           strcmp(path, "CHANGELOG.md") == 0 || strstr(path, "digits") != NULL;
}

/* Tables that programs write are as they are. */
static void hold_tables(const char *path, char *text)
{
    leave_out_blocks(text);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        char *cell = line;
        for (char *at = line + 1; *line == '|' && at <= end && !is_measured(path); at++)
            if (*at == '|' && at[-1] != '\\') {
                ck_assert_msg(width(cell, at) <= CELL_CHARACTERS,
                              "%s:%zu: a cell of more than two lines: make it a list", path,
                              line_of(text, line));
                cell = at;
            }
    }
}

START_TEST(tables_are_readable)
{
    visit_pages(hold_tables);
}
END_TEST

static bool is_command(const char *line)
{
    static const char *const names[] = {"relud ", "curl ", "make",      "docker ",
                                        "sudo ",  "$ ",    "systemctl "};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (page_starts(line, names[i]))
            return true;
    return false;
}

static bool is_run(const char *path)
{
    for (size_t i = 0; i < PAGES; i++)
        if (strcmp(pages[i].path, path) == 0)
            return pages[i].is_run;
    return false;
}

/* Commands stand in ```sh; one that is not run says why, and so do all of a page that is not run. */
static void hold_blocks(const char *path, char *text)
{
    struct page page = page_of(strdup(text));
    for (size_t i = 0; i < page.blocks; i++) {
        const struct block *block = &page.block[i];
        bool is_sh = strcmp(block->kind, "sh") == 0;
        ck_assert_msg(!is_sh || is_run(path) || page_starts(block->remark, "not run: "),
                      "%s:%zu: no test runs this page", path, block->line);
        ck_assert_msg(!page_starts(block->remark, "not run") ||
                          strlen(block->remark) > strlen("not run: because"),
                      "%s:%zu: why is it not run?", path, block->line);
        for (const char *line = block->text; !is_sh && *line; line = strchr(line, '\n') + 1)
            ck_assert_msg(!is_command(line), "%s:%zu: a command outside of ```sh", path,
                          block->line);
    }
    page_free(&page);
}

START_TEST(commands_are_where_they_are_run)
{
    visit_pages(hold_blocks);
}
END_TEST

START_TEST(every_page_is_read)
{
    DIR *handle = opendir("docs");
    ck_assert_ptr_nonnull(handle);
    for (struct dirent *entry; (entry = readdir(handle));) {
        char path[300];
        snprintf(path, sizeof path, "docs/%s", entry->d_name);
        bool is_known = !strstr(path, ".md");
        for (size_t i = 0; i < PAGES; i++)
            is_known |= strcmp(pages[i].path, path) == 0;
        ck_assert_msg(is_known, "%s is not in tests/http/pages.h", path);
    }
    closedir(handle);
}
END_TEST

/* ---- links ---- */

/* As GitHub makes it of a heading: small letters, blanks as dashes, and of other signs only - and _. */
static void anchor_of(const char *heading, char *anchor)
{
    for (; *heading && *heading != '\n'; heading++)
        if (isalnum((unsigned char)*heading) || strchr("-_ ", *heading))
            *anchor++ = *heading == ' ' ? '-' : (char)tolower((unsigned char)*heading);
    *anchor = '\0';
}

static bool has_anchor(char *text, const char *wanted)
{
    char anchor[WORD];
    leave_out_blocks(text);
    for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (*line == '#') {
            anchor_of(line + strspn(line, "# "), anchor);
            if (strcmp(anchor, wanted) == 0)
                return true;
        }
    return false;
}

static void hold_link(const char *path, size_t line, const char *link)
{
    char target[2 * WORD];
    const char *name = strrchr(path, '/'), *hash = strchr(link, '#');
    int dir_len = name && *link != '#' ? (int)(name + 1 - path) : 0;
    int link_len = hash ? (int)(hash - link) : (int)strlen(link);
    snprintf(target, sizeof target, "%.*s%.*s", dir_len, path, link_len, link);
    char *text = page_text(*link == '#' ? path : target);
    ck_assert_msg(text != NULL, "%s:%zu: %s does not exist", path, line, link);
    ck_assert_msg(!hash || has_anchor(text, hash + 1), "%s:%zu: %s: there is no such heading", path,
                  line, link);
    free(text);
}

static void hold_links(const char *path, char *text)
{
    leave_out_blocks(text);
    for (char *at = text; (at = strstr(at, "](")); at++) {
        char link[WORD];
        if (sscanf(at, "](%255[^)\n]", link) == 1 && !strstr(link, "://"))
            hold_link(path, line_of(text, at), link);
    }
}

START_TEST(links_lead_somewhere)
{
    visit_pages(hold_links);
}
END_TEST

/* ---- names ---- */

static char *helps;

static void read_helps(void)
{
    size_t len;
    FILE *all = open_memstream(&helps, &len);
    ck_assert_int_eq(run("help"), 0);
    fputs(output, all);
    for (const struct command *command = commands; command->name; command++) {
        char words[64];
        snprintf(words, sizeof words, "help %s", command->name);
        ck_assert_int_eq(run(words), 0);
        fputs(output, all);
    }
    fclose(all);
}

/* The word between two characters that are none of a name, somewhere in the text. */
static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at++) {
        char before = at > text ? at[-1] : ' ', after = at[len];
        if (!isalnum((unsigned char)after) && !strchr("-_", after) &&
            !isalnum((unsigned char)before) && !strchr("-_", before))
            return true;
    }
    return false;
}

static bool is_others(const char *option)
{
    static const char *const others[] = {"--help", "--deploy-hook", "--cflags",
                                         "--libs", "--publish",     "--input-data"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(option, others[i]) == 0)
            return true;
    return false;
}

static void hold_make(const char *place, const char *code, const char *makefile)
{
    char target[WORD], line[WORD + 8];
    if (sscanf(code, "make %63[a-z-]", target) != 1)
        return;
    snprintf(line, sizeof line, "\n%s:", target);
    ck_assert_msg(strstr(makefile, line), "%s: `make %s` does not exist", place, target);
}

static bool is_command_name(const char *word)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, word) == 0)
            return true;
    return false;
}

/* One `code`: a command, an option or more, a metric. */
static void hold_code(const char *place, const char *code, const char *makefile,
                      const char *metrics)
{
    char word[WORD];
    hold_make(place, code, makefile);
    if (sscanf(code, "relud %63[a-z]", word) == 1)
        ck_assert_msg(is_command_name(word), "%s: `relud %s` does not exist", place, word);
    for (const char *at = code; (at = strstr(at, "--")); at += 2)
        if (sscanf(at, "%63[a-z-]", word) == 1 && strlen(word) > 2 && !is_others(word))
            ck_assert_msg(has_word(helps, word), "%s: no command has %s", place, word);
    if (sscanf(code, "%63[a-z_]", word) == 1 && page_starts(word, "relud_") &&
        strlen(word) > strlen("relud_"))
        ck_assert_msg(has_word(metrics, word), "%s: there is no metric %s", place, word);
}

static void hold_names(const char *path, char *text)
{
    if (strcmp(path, "CHANGELOG.md") == 0) /* tells of what has been */
        return;
    char *makefile = page_text("Makefile"), *metrics = page_text("server/metrics/metrics_write.c");
    ck_assert(makefile && metrics);
    leave_out_blocks(text);
    for (char *at = text; (at = strchr(at, '`')); at++) {
        char *end = strchr(at + 1, '`'), place[WORD];
        ck_assert_msg(end != NULL, "%s:%zu: ` without its end", path, line_of(text, at));
        snprintf(place, sizeof place, "%s:%zu", path, line_of(text, at));
        char *code = page_copy(at + 1, end);
        hold_code(place, code, makefile, metrics);
        free(code);
        at = end;
    }
    free(makefile);
    free(metrics);
}

START_TEST(what_is_named_exists)
{
    read_helps();
    visit_pages(hold_names);
    free(helps);
}
END_TEST

RUN_SUITE("docs_words", readme_is_a_front_door, tables_are_readable,
          commands_are_where_they_are_run, every_page_is_read, links_lead_somewhere,
          what_is_named_exists)
