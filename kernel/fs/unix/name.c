// SPDX-License-Identifier: MIT
/*
 * name.c - what sockets are called: a path, whose inode counts and not its name; or bytes after a zero byte, which are
 * in no file system ("abstract"), for each type of socket apart.
 */
#include <linux/stat.h>
#include <stdatomic.h>

#include "fs/inode.h"
#include "fs/unix/private.h"
#include "fs/walk.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

// A name as the tree knows it.
struct name_key {
    const struct inode *inode;                  // of a path; else NULL, and these count:
    unsigned type;
    const struct socket_address *address;
};

static struct tree names = TREE_INIT;           // sockets_lock: every named socket

int address_check(const struct socket_address *address)
{
    if (address->length <= PATH_AT || address->length > sizeof(struct sockaddr_un))
        return -EINVAL;
    return address->un.sun_family == AF_UNIX ? 0 : -EINVAL;
}

static bool is_abstract(const struct socket_address *address)
{
    return address->un.sun_path[0] == 0;
}

// => NULL: no memory
static struct shared_address *address_create(const struct socket_address *address)
{
    struct shared_address *shared = slab_alloc(sizeof *shared);

    if (shared != NULL) {
        shared->refs = 1;
        shared->address = *address;
    }
    return shared;
}

struct shared_address *address_get(struct shared_address *address)
{
    if (address != NULL)
        atomic_fetch_add_explicit(&address->refs, 1, memory_order_relaxed);
    return address;
}

void address_put(struct shared_address *address)
{
    if (address != NULL && atomic_fetch_sub_explicit(&address->refs, 1, memory_order_acq_rel) == 1)
        slab_free(address);
}

void address_tell(const struct shared_address *address, struct socket_address *out)
{
    if (address != NULL)
        *out = address->address;
    else
        *out = (struct socket_address){.length = PATH_AT, .un.sun_family = AF_UNIX};
}

static struct name_key key_of(const struct socket *socket)
{
    const struct path *path = &socket->path;

    return (struct name_key){path->dentry != NULL ? path_inode(path) : NULL, socket->type, &socket->address->address};
}

// => below 0, 0, above 0
static int key_compare(const struct name_key *a, const struct name_key *b)
{
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    if (a->inode != NULL)
        return 0;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->address->length != b->address->length)
        return a->address->length < b->address->length ? -1 : 1;
    return memcmp(a->address->un.sun_path, b->address->un.sun_path, a->address->length - PATH_AT);
}

static struct socket *named(struct tree_node *node)
{
    return container_of(node, struct socket, by_name);
}

// => sockets_lock held; NULL: nobody is called so; *parent and *link: where it would be
static struct socket *find_locked(const struct name_key *key, struct tree_node **parent, struct tree_node ***link)
{
    struct tree_node **at = &names.root;

    *parent = NULL;
    while (*at != NULL) {
        struct name_key other = key_of(named(*at));
        int order = key_compare(key, &other);

        if (order == 0)
            return named(*at);
        *parent = *at;
        at = order < 0 ? &(*at)->left : &(*at)->right;
    }
    *link = at;
    return NULL;
}

void socket_forget_name(struct socket *socket)
{
    if (socket->named)
        tree_remove(&names, &socket->by_name);
    socket->named = false;
}

// => a reference, or NULL
static struct socket *find(const struct name_key *key)
{
    struct tree_node *parent, **link;
    struct socket *socket;

    spin_lock(&sockets_lock);
    socket = find_locked(key, &parent, &link);
    if (socket != NULL)
        socket_get(socket);
    spin_unlock(&sockets_lock);
    return socket;
}

static int find_path(const char *name, const struct socket_caller *caller, struct socket **out)
{
    struct path path;
    int error = vfs_lookup(caller->lookup, name, LOOKUP_FOLLOW, &path);

    if (error != 0)
        return error;
    error = inode_permission(path_inode(&path), MAY_WRITE, caller->lookup->credentials);
    if (error == 0) {
        struct name_key key = {.inode = path_inode(&path)};

        *out = inode_is(path_inode(&path), S_IFSOCK) ? find(&key) : NULL;
        error = *out != NULL ? 0 : -ECONNREFUSED;
    }
    path_put(&path);
    return error;
}

// Bytes of the path, which need not end in a zero.
static uint32_t path_length(const struct socket_address *address)
{
    return (uint32_t)strnlen(address->un.sun_path, address->length - PATH_AT);
}

int socket_find(const struct socket_address *address, unsigned type, const struct socket_caller *caller,
                struct socket **out)
{
    struct name_key key = {.type = type, .address = address};
    char name[UNIX_PATH_MAX + 1];
    int error;

    if (is_abstract(address)) {
        *out = find(&key);
        return *out != NULL ? 0 : -ECONNREFUSED;
    }
    memcpy(name, address->un.sun_path, path_length(address));
    name[path_length(address)] = 0;
    error = find_path(name, caller, out);
    if (error == 0 && (*out)->type != type) {
        socket_put(*out);
        error = -EPROTOTYPE;
    }
    return error;
}

/*
 * Give the socket its name. => takes over `address` and `path` if it succeeds
 * => 0, -EADDRINUSE, -EINVAL (it has one)
 */
static int name_commit(struct socket *socket, struct shared_address *address, const struct path *path)
{
    struct name_key key = {path->dentry != NULL ? path_inode(path) : NULL, socket->type, &address->address};
    struct tree_node *parent, **link;
    int error = -EINVAL;

    spin_lock(&sockets_lock);
    if (socket->address == NULL) {
        error = -EADDRINUSE;
        if (find_locked(&key, &parent, &link) == NULL) {
            socket->address = address;
            socket->path = *path;
            socket->named = true;
            tree_insert_at(&names, parent, link, &socket->by_name);
            error = 0;
        }
    }
    spin_unlock(&sockets_lock);
    return error;
}

static int bind_abstract(struct socket *socket, const struct socket_address *address)
{
    static const struct path nowhere = {NULL, NULL};
    struct shared_address *shared = address_create(address);
    int error;

    if (shared == NULL)
        return -ENOMEM;
    error = name_commit(socket, shared, &nowhere);
    if (error != 0)
        address_put(shared);
    return error;
}

int socket_autobind(struct socket *socket)
{
    static _Atomic uint32_t next;
    struct socket_address address = {.length = PATH_AT + 6, .un.sun_family = AF_UNIX};
    int error = -EADDRINUSE;

    if (socket->address != NULL)
        return 0;
    while (error == -EADDRINUSE) {
        char digits[6];

        snprintf(digits, sizeof digits, "%05x", atomic_fetch_add(&next, 1) & 0xfffff);
        memcpy(address.un.sun_path + 1, digits, 5);
        error = bind_abstract(socket, &address);
    }
    return error == -EINVAL ? 0 : error; // another thread was faster
}

// Make the inode of a name. => *out holds references
static int make_inode_at(const char *name, const struct socket_caller *caller, struct path *out)
{
    uint32_t mode = S_IFSOCK | (0777 & ~caller->umask);
    bool created = false;
    struct walk walk;
    int error = walk_begin(&walk, caller->lookup, name, 0);

    if (error != 0)
        return error;
    error = walk_to_last(&walk);
    if (error == 0 && walk_last_kind(&walk) != LAST_NAME)
        error = -EADDRINUSE;
    if (error == 0)
        error = vfs_create_at(&walk, mode, out, &created);
    if (error == 0 && !created) {
        path_put(out);
        error = -EADDRINUSE;
    }
    walk_end(&walk);
    return error;
}

static int bind_path(struct socket *socket, const struct socket_address *given, const struct socket_caller *caller)
{
    struct socket_address address = *given;
    struct shared_address *shared;
    uint32_t length = path_length(given);
    struct path path;
    int error;

    ((char *)&address.un)[PATH_AT + length] = 0;   // which may be `end`
    address.length = (uint32_t)PATH_AT + length + 1;
    shared = address_create(&address);
    if (shared == NULL)
        return -ENOMEM;
    error = make_inode_at(address.un.sun_path, caller, &path);
    if (error == 0) {
        error = name_commit(socket, shared, &path);
        if (error != 0) {
            (void)!vfs_unlink(caller->lookup, address.un.sun_path);
            path_put(&path);
        }
    }
    if (error != 0)
        address_put(shared);
    return error;
}

int socket_bind(struct file *file, const struct socket_address *address, const struct socket_caller *caller)
{
    struct socket *socket = socket_of(file);
    int error;

    if (address->length == PATH_AT && address->un.sun_family == AF_UNIX)
        return socket_autobind(socket);
    error = address_check(address);
    if (error != 0)
        return error;
    return is_abstract(address) ? bind_abstract(socket, address) : bind_path(socket, address, caller);
}

int socket_name(struct file *file, bool peer, struct socket_address *out)
{
    struct socket *socket = socket_of(file);
    int error = 0;

    spin_lock(&sockets_lock);
    if (peer)
        socket = socket->peer;
    if (socket != NULL)
        address_tell(socket->address, out);
    else
        error = -ENOTCONN;
    spin_unlock(&sockets_lock);
    return error;
}
