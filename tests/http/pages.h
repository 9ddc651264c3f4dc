/* The pages that users read, README.md and others, and the fenced blocks in them. */
#ifndef TESTS_PAGES_H
#define TESTS_PAGES_H

#include "tests/unit/suite.h"
#include <stdbool.h>
#include <stdio.h>

/* Those whose ```sh blocks tests/http/test_docs.c runs as they stand: PAGE(name, path) of each. */
#define RUN_PAGES(PAGE)                                                                            \
    PAGE(readme, "README.md")                                                                      \
    PAGE(http, "docs/http.md")                                                                     \
    PAGE(models, "docs/models.md")                                                                 \
    PAGE(onnx, "docs/onnx.md")                                                                     \
    PAGE(training, "docs/training.md")                                                             \
    PAGE(operations, "docs/operations.md")                                                         \
    PAGE(inside, "docs/inside.md")                                                                 \
    PAGE(security, "docs/security.md")
#define RUN_PAGE(name, path) {path, true},

static const struct {
    const char *path;
    bool is_run;
} pages[] = {RUN_PAGES(RUN_PAGE){"docs/library.md", false},
             {"docs/activations.md", false},
             {"docs/building.md", false},
             {"deploy/README.md", false},
             {"ARCHITECTURE.md", false},
             {"docs/performance.md", false},
             {"CONTRIBUTING.md", false},
             {"deploy/scorecard.md", false},
             {"CHANGELOG.md", false},
             {"deploy/models/digits/README.md", false},
             {"deploy/models/penguins/README.md", false}};
enum { PAGES = sizeof pages / sizeof *pages };

/* One fenced block. Its texts belong to the page. */
struct block {
    size_t line;  /* of its opening fence, counted from 1 */
    char *kind;   /* "sh", "output", "json", … */
    char *text;   /* its lines, with their line ends */
    char *remark; /* the comment in the line before, or "" */
};

struct page {
    char *text;
    struct block *block;
    size_t blocks;
};

/* The file's text, or NULL if there is no such file. Tests run in the root of the tree. */
static inline char *page_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = malloc(1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

/* A copy of the text between two places. */
static inline char *page_copy(const char *from, const char *to)
{
    return strndup(from, (size_t)(to - from));
}

/* The words of a line that is only <!-- words -->, or "". */
static inline char *page_remark(const char *line, const char *end)
{
    bool is_comment =
        end - line > 9 && strncmp(line, "<!-- ", 5) == 0 && strncmp(end - 4, " -->", 4) == 0;
    return is_comment ? page_copy(line + 5, end - 4) : strdup("");
}

/* Finds the fenced blocks of the text and takes the text over. */
static inline struct page page_of(char *text)
{
    struct page page = {.text = text, .block = calloc(256, sizeof *page.block)};
    char *remark = strdup(""), *line = text;
    size_t number = 1;
    for (char *end; (end = strchr(line, '\n')); line = end + 1, number++) {
        if (strncmp(line, "```", 3) != 0) {
            free(remark);
            remark = page_remark(line, end);
            continue;
        }
        char *close = strstr(end, "\n```\n");
        ck_assert_msg(close && page.blocks < 256, "line %zu: the block does not end", number);
        page.block[page.blocks++] = (struct block){number, page_copy(line + 3, end),
                                                   page_copy(end + 1, close + 1), strdup(remark)};
        for (; end < close + 1; end = strchr(end + 1, '\n'))
            number++;
        number--;
        end = close + 4;
        number++;
    }
    free(remark);
    return page;
}

static inline void page_free(struct page *page)
{
    for (size_t i = 0; i < page->blocks; i++) {
        free(page->block[i].kind);
        free(page->block[i].text);
        free(page->block[i].remark);
    }
    free(page->block);
    free(page->text);
}

static inline bool page_starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

#endif
