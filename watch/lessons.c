// SPDX-License-Identifier: MIT
#include "lessons.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define ENDING ".md"

static int is_lesson(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > strlen(ENDING) && strcmp(entry->d_name + length - strlen(ENDING), ENDING) == 0;
}

/* The rest of the first line at *at that begins with `word`, which *at then is behind; or "". */
static const char *take_line(char **at, const char *word)
{
    if (strncmp(*at, word, strlen(word)) != 0)
        return "";
    char *line = *at + strlen(word);
    *at = line + strcspn(line, "\n");
    if (**at)
        *(*at)++ = '\0';
    return line;
}

static void put_lesson(struct text *text, const char *folder, const char *file)
{
    char path[4096], name[256];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(ENDING)), file);
    char *content = file_read(path, NULL);
    if (!content)
        return;
    char *at = content;
    const char *title = take_line(&at, "# ");
    at += strspn(at, "\n");
    const char *program = take_line(&at, "program: ");
    at += strspn(at, "\n");
    json_open(text, '{');
    json_field_string(text, "name", name);
    json_field_string(text, "title", *title ? title : name);
    json_field_string(text, "program", program);
    json_field_string(text, "text", at);
    json_close(text, '}');
    free(content);
}

void lessons_put(struct text *text, const char *folder)
{
    struct dirent **files;
    int count = folder ? scandir(folder, &files, is_lesson, alphasort) : -1;

    json_open(text, '[');
    for (int i = 0; i < count; i++) {
        put_lesson(text, folder, files[i]->d_name);
        free(files[i]);
    }
    if (count >= 0)
        free(files);
    json_close(text, ']');
}
