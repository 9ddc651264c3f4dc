/* A doubly linked list whose elements belong to the caller. Each element is a struct that begins
 * with a list_node, so a pointer to the element is also one to its node. An element is in at most
 * one list. Zero-initialise a list. */
#ifndef SERVER_BASE_LIST_H
#define SERVER_BASE_LIST_H

#include <stddef.h>

struct list_node {
    void *next, *before; /* elements; NULL: there is none */
};

struct list {
    void *first, *last; /* elements; NULL while the list is empty */
};

static inline void list_append(struct list *list, void *element)
{
    struct list_node *node = element, *last = list->last;
    *node = (struct list_node){.before = last};
    *(last ? &last->next : &list->first) = element;
    list->last = element;
}

static inline void list_prepend(struct list *list, void *element)
{
    struct list_node *node = element, *first = list->first;
    *node = (struct list_node){.next = first};
    *(first ? &first->before : &list->last) = element;
    list->first = element;
}

/* The element must be in the list. */
static inline void list_remove(struct list *list, void *element)
{
    struct list_node *node = element, *next = node->next, *before = node->before;
    *(before ? &before->next : &list->first) = next;
    *(next ? &next->before : &list->last) = before;
}

/* Removes the first element and returns it; NULL if the list is empty. */
static inline void *list_take(struct list *list)
{
    struct list_node *first = list->first, *next = first ? first->next : NULL;
    list->first = next;
    *(next ? &next->before : &list->last) = NULL;
    return first;
}

#endif
