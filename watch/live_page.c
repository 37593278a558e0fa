// SPDX-License-Identifier: MIT
/*
 * live_page.c - what a page is told when it comes, and what it may ask for.
 */
#include <jansson.h>
#include <string.h>

#include "control.h"
#include "live.h"

/* ---- Greeting ---- */

static void put_picture(struct live *live, struct text *text)
{
    struct looking *looking = &live->looking;
    struct moment moment = live_moment(live, true);

    picture_whole(&looking->picture, &looking->change);
    message_picture(text, &looking->picture, &looking->change, &moment);
}

void live_put_whole(struct live *live, struct text *text)
{
    message_hello(text, &live->looking.about);
    put_picture(live, text);
    live_put_state(live, text);
    if (live->console.said.count > live->said.count)
        message_console(text, live->console.said.array, live->console.said.count - live->said.count);
}

bool live_greet(void *arg, struct client *client, bool again)
{
    struct live *live = arg;
    struct text text = {0};

    if (!live->looking.begun)
        return false;
    if (again) {
        put_picture(live, &text);
        message_lost(&text, client->lost);
    } else {
        live_look(live);
        live_put_whole(live, &text);
    }
    stream_send(client, &text);
    text_free(&text);
    return true;
}

/* ---- Wishes. => NULL, or what is wrong ---- */

static const char *do_pause(struct live *live, const json_t *message)
{
    (void)message;
    qmp_pause(&live->qmp);
    return NULL;
}

static const char *do_go(struct live *live, const json_t *message)
{
    (void)message;
    control_step_end(&live->looking.guest);
    qmp_go(&live->qmp);
    live->holds = false;
    if (live->stepping && !live->qmp.paused) {
        live->stepping = false;
        live_tell_state(live);
    }
    live->stepping = false; // else QEMU's word brings the state
    return NULL;
}

static const char *do_step(struct live *live, const json_t *message)
{
    const json_t *count = json_object_get(message, "n");
    json_int_t faults = count ? json_integer_value(count) : 1;

    if (faults < 1 || faults > 1000000)
        return "step: n is a number from 1 to 1000000";
    if (!control_is_there(&live->looking.guest))
        return "step: the guest has no memory to be held at faults, or is still starting";
    bool begins = !live->stepping;
    live->stepping = true;
    if (begins)
        control_step_begin(&live->looking.guest);
    control_step(&live->looking.guest, (uint64_t)faults);
    if (live->qmp.paused)
        qmp_go(&live->qmp);
    else if (begins)
        live_tell_state(live);
    return NULL;
}

static const char *do_input(struct live *live, const json_t *message)
{
    const json_t *text = json_object_get(message, "text");

    if (!json_is_string(text))
        return "input: a text is wanted";
    console_type(&live->console, json_string_value(text), json_string_length(text));
    return NULL;
}

static const struct {
    const char *type;
    const char *(*obey)(struct live *live, const json_t *message);
} wishes[] = {{"pause", do_pause}, {"go", do_go}, {"step", do_step}, {"input", do_input}};

static const char *obey(struct live *live, const json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));

    if (!type)
        return "a message is a JSON object with a type";
    if (live->ended)
        return "the guest has ended";
    for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
        if (strcmp(type, wishes[i].type) == 0)
            return wishes[i].obey(live, message);
    return "no such type of message";
}

void live_hear(void *arg, struct client *client, const char *bytes, size_t length)
{
    json_t *message = json_loadb(bytes, length, JSON_ALLOW_NUL, NULL);
    const char *wrong = obey(arg, message);

    json_decref(message);
    if (!wrong)
        return;
    struct text text = {0};
    message_error(&text, wrong);
    stream_send(client, &text);
    text_free(&text);
}
