// SPDX-License-Identifier: MIT
#include "lib/tree.h"
#include "mirror.h"

#define DEPTH_MAX 64 // a red-black tree of that depth has more nodes than there is memory

bool read_tree(const struct memory *memory, uint64_t root, bool (*visit)(void *arg, uint64_t node), void *arg, unsigned limit)
{
    uint64_t above[DEPTH_MAX], at = root;
    struct tree_node node;
    unsigned depth = 0;

    while (at || depth > 0) {
        for (; at; at = (uint64_t)(uintptr_t)node.left) {
            if (depth == DEPTH_MAX || !memory_read(memory, at, &node, sizeof node))
                return false;
            above[depth++] = at;
        }
        at = above[--depth];
        if (limit-- == 0 || !visit(arg, at) || !memory_read(memory, at, &node, sizeof node))
            return false;
        at = (uint64_t)(uintptr_t)node.right;
    }
    return true;
}
