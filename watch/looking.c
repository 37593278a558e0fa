// SPDX-License-Identifier: MIT
#include "looking.h"

#include <string.h>

#include "files.h"

void looking_open(struct looking *looking, const struct options *options)
{
    memset(looking, 0, sizeof *looking);
    const char *wrong = guest_open(&looking->guest, options->memory, options->machine, options->kernel);
    if (wrong)
        fail("%s", wrong);
    image_build_text(&looking->guest.image, looking->build);
    looking->about = (struct about){.build = looking->build, .memory = looking->guest.memory.size, .cpus = options->cpus,
                                    .machine = options->machine, .icount = options->icount, .lessons = options->lessons};
}

/* => whether the guest has come so far */
static bool begin(struct looking *looking)
{
    if (looking->begun)
        return true;
    if (guest_match(&looking->guest) == GUEST_DIFFERS)
        fail("the kernel in the guest is not the one whose ELF file was given: they are different builds");
    if (guest_match(&looking->guest) == GUEST_MATCHES && !guest_fits(&looking->guest))
        fail("the viewer was built from other sources than the kernel; `make watch` builds it again");
    if (!mirror_begin(&looking->mirror, &looking->guest))
        return false;
    picture_begin(&looking->picture, &looking->mirror);
    looking->about.frames = looking->mirror.frames;
    return looking->begun = true;
}

bool looking_look(struct looking *looking, unsigned microseconds)
{
    if (!begin(looking))
        return false;
    mirror_read(&looking->mirror, microseconds);
    picture_update(&looking->picture, &looking->mirror, &looking->change);
    looking->recount = recount_picture(&looking->picture, &looking->mirror, &looking->change);
    bool was_torn = looking->torn;
    looking->torn = change_is_torn(&looking->change);
    if (change_is_empty(&looking->change) && !was_torn && !looking->torn)
        return false;
    looking->number++;
    return true;
}

void looking_close(struct looking *looking)
{
    if (looking->begun) {
        picture_end(&looking->picture);
        mirror_end(&looking->mirror);
    }
    change_free(&looking->change);
}
