// SPDX-License-Identifier: MIT
/*
 * random_files.c - random operations on files, each told with what came of it: two file systems are the same if they let it say the same.
 *
 *     random_files SEED COUNT     in the present folder: operations until so many have succeeded, then a listing of all that is there
 *     random_files list           the listing alone, without what a copy of the tree would not have (links, times)
 *
 * There is no model: what an operation does to files that others have made, or that are gone, is for the file systems to agree on. What
 * they need not agree on is not told: sizes and links of folders, blocks, the order of names.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLOTS     6         // files that are kept open, with or without a name
#define REACH     1400000   // files are shorter: with blocks of 1 KiB they have a tree of two levels
#define PIECE     70000     // bytes that are read or written at once
#define OLD       1000000000// times before that were set, later ones are the clock's

static uint64_t state;
static int slots[SLOTS];
static int succeeded;
static char data[PIECE];

static uint32_t dice(uint32_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % sides;
}

static uint64_t sum(uint64_t hash, const void *from, size_t size)
{
    for (const unsigned char *at = from; size--; at++)
        hash = (hash ^ *at) * 0x100000001b3;
    return hash;
}


static void say(const char *what, const char *name, long result)
{
    printf("%s %s = %ld %d\n", what, name, result, result < 0 ? errno : 0);
    succeeded += result >= 0;
}

// ---- Choices ----

/*
 * A path of one to three names, mostly of what files, or folders, are called. Some names are long, so that folders become so, too.
 */
static const char *path(char *to, bool file)
{
    unsigned folders = dice(8) == 0 ? dice(4) : 1 + dice(2);
    char *at = to;

    for (unsigned i = 0; i < folders + file; i++) {
        bool last = file && i == folders;
        char name = (last != (dice(24) == 0) ? "fghI" : "abbC")[dice(4)];
        unsigned length = name < 'a' ? 120 : 1;

        memset(at, name, length);
        at += length;
        *at++ = '/';
    }
    if (at == to)
        *at++ = '.';
    at[*to == '.' ? 0 : -1] = '\0';
    return to;
}

static void fill(size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (char)dice(256);
}

static size_t piece(void)
{
    return 1 + (dice(3) ? dice(5000) : dice(PIECE));
}

static off_t place(void)
{
    return dice(4) ? dice(60000) : dice(REACH - PIECE);
}

// ---- Operations: each has a path at hand, and the files that are open ----

static int open_slot(void)
{
    return slots[dice(SLOTS)];
}

static void open_file(const char *name)
{
    static const int flags[] = {O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC, O_CREAT | O_APPEND, 0};
    unsigned slot = dice(SLOTS);
    int fd = open(name, O_RDWR | flags[dice(6)], 0600 + dice(64));

    say("open", name, fd < 0 ? -1 : 0);
    if (fd < 0)
        return;
    if (slots[slot] >= 0)
        close(slots[slot]);
    slots[slot] = fd;
}

static void write_file(const char *name)
{
    int fd = open_slot();
    size_t size = piece();

    fill(size);
    say("pwrite", "", pwrite(fd, data, size, place()));
    if (dice(32) == 0)
        say("fsync", "", fsync(fd));
}

static void append_file(const char *name)
{
    int fd = open(name, O_WRONLY | O_APPEND);
    size_t size = piece();
    struct iovec parts[] = {{data, size / 2}, {data + size / 2, size - size / 2}};

    fill(size);
    say("append", name, fd < 0 ? -1 : writev(fd, parts, 2));
    if (fd >= 0)
        close(fd);
}

static void read_file(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t got = pread(fd >= 0 ? fd : open_slot(), data, piece(), place());

    say("pread", name, got);
    printf("%016lx\n", sum(0, data, got > 0 ? got : 0));
    if (fd >= 0)
        close(fd);
}

static void truncate_file(const char *name)
{
    off_t size = dice(3) ? dice(70000) : dice(REACH);

    if (dice(2))
        say("truncate", name, truncate(name, size));
    else
        say("ftruncate", "", ftruncate(open_slot(), size));
}

/* => within the file: what lies behind its end in the last page is nobody's to compare */
static void change_mapping(char *at, size_t end)
{
    for (unsigned i = dice(6); i-- > 0;) {
        size_t start = dice(end), size = piece();

        if (size > end - start)
            size = end - start;
        fill(size);
        memcpy(at + start, data, size);
    }
}

static void map_file(const char *name)
{
    int fd = open(name, O_RDWR), used = fd >= 0 ? fd : open_slot();
    bool shared = dice(4);
    struct stat status;

    if (fstat(used, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        char *at = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, used, 0);
        change_mapping(at, status.st_size);
        say("pwrite", "", pwrite(used, "w", 1, dice(status.st_size)));
        printf("map %s %d %016lx\n", name, shared, sum(0, at, status.st_size));
        if (dice(16) == 0)
            say("msync", name, msync(at, status.st_size, MS_SYNC));
        munmap(at, status.st_size);
    }
    if (fd >= 0)
        close(fd);
}

static void tell_status(const char *name)
{
    struct stat status;
    int result = lstat(name, &status);

    say("lstat", name, result);
    if (result == 0 && S_ISREG(status.st_mode))
        printf("%o %ld %ld\n", status.st_mode, (long)status.st_size, (long)status.st_nlink);
}

static void set_attributes(const char *name)
{
    struct timespec times[2] = {{dice(OLD), 0}, {dice(OLD), 0}};

    say("chmod", name, chmod(name, 0700 + dice(64)));
    say("utimensat", name, utimensat(AT_FDCWD, name, times, 0));
}

static void read_folder(const char *name)
{
    DIR *folder = opendir(name);
    struct dirent *entry;
    uint64_t all = 0;

    say("opendir", name, folder ? 0 : -1);
    while (folder && (entry = readdir(folder)))
        all += sum(entry->d_type, entry->d_name, strlen(entry->d_name)); // in any order
    printf("%016lx\n", all);
    if (folder)
        closedir(folder);
}

static void move(const char *name)
{
    char to[PATH_MAX];

    path(to, strpbrk(name, "fghI"));
    printf("to %s: ", to);
    say("rename", name, rename(name, to));
}

static void link_file(const char *name)
{
    char to[PATH_MAX];

    path(to, true);
    printf("to %s: ", to);
    if (dice(3))
        say("link", name, link(name, to));
    else
        say("symlink", name, symlink(name, to));
}

static void remove_name(const char *name)
{
    say("unlink", name, unlink(name));
}

static void make_folder(const char *name)
{
    say("mkdir", name, mkdir(name, 0755));
}

static void remove_folder(const char *name)
{
    say("rmdir", name, rmdir(name));
}

static const struct {
    void (*operation)(const char *name);
    unsigned weight;
    bool file;      // so is what it is mostly done to
} choices[] = {
    {open_file, 3, true}, {write_file, 4, true}, {append_file, 2, true}, {read_file, 2, true}, {truncate_file, 1, true}, {map_file, 3, true},
    {tell_status, 1, true}, {set_attributes, 1, true}, {move, 2, true}, {link_file, 2, true}, {remove_name, 1, true},
    {make_folder, 2, false}, {remove_folder, 1, false}, {read_folder, 1, false}, {move, 1, false},
};

static void step(void)
{
    char name[PATH_MAX];
    unsigned choice = dice(27), i = 0;

    while (choice >= choices[i].weight)
        choice -= choices[i++].weight;
    choices[i].operation(path(name, choices[i].file));
}

// ---- The listing ----

static uint64_t sum_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    uint64_t hash = 0;
    ssize_t got;

    while ((got = read(fd, data, sizeof data)) > 0)
        hash = sum(hash, data, got);
    if (got < 0)
        say("read", path, got);
    close(fd);
    return hash;
}

static void list(const char *folder, bool all);

static void list_one(const char *path, bool all)
{
    struct stat status;
    char target[PATH_MAX] = "";

    if (lstat(path, &status))
        return say("lstat", path, -1);
    printf("%s %o", path, status.st_mode);
    if (S_ISDIR(status.st_mode)) {
        printf("\n");
        return list(path, all);
    }
    if (all)
        printf(" %ld links, %ld", (long)status.st_nlink, status.st_mtime < OLD ? status.st_mtime : 0L);
    if (S_ISLNK(status.st_mode))
        printf(" to %.*s\n", (int)readlink(path, target, sizeof target), target);
    else
        printf(" %ld %016lx\n", (long)status.st_size, sum_file(path));
}

static int is_listed(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && strcmp(entry->d_name, "lost+found");
}

static void list(const char *folder, bool all)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_listed, alphasort);
    char *path;

    for (int i = 0; i < count; i++) {
        asprintf(&path, "%s/%s", folder, entries[i]->d_name);
        list_one(path, all);
        free(path);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        list(".", false);
        return 0;
    }
    state = strtoul(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
    memset(slots, -1, sizeof slots);
    while (succeeded < atoi(argv[2]))
        step();
    printf("%d operations\n", succeeded);
    list(".", true);
    return 0;
}
