// SPDX-License-Identifier: MIT
/*
 * describe_svg.c - the slides' picture of an address space, with its real pages.
 *
 * High addresses are at the top. A region is as many cells as it has pages (or groups of pages, where there are too many), so the areas
 * are to scale; the gaps between regions are not. Colours differ for people who confuse some, and letters in the legend name them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "mm/core_map.h"
#include "mm/vregion.h"
#include "pages.h"
#include "vector.h"

#define WIDTH   1160
#define MARGIN  24
#define GRID_X  196  // where the cells begin
#define COLUMNS 64
#define CELL    9
#define WORDS_X (GRID_X + COLUMNS * CELL + 44)
#define ROWS_MAX 140 // of all regions; more pages than that share cells
#define REGION_MIN 50 // height, so that what is written beside it has room
#define GAP     26
#define TOP     96

static const char *const colours[PAGE_STATES] = {
    [PAGE_UNTOUCHED] = "#ffffff", [PAGE_OWN] = "#0072b2",    [PAGE_COW] = "#e69f00",     [PAGE_ZEROS] = "#b8b8b8",
    [PAGE_FILE] = "#009e73",      [PAGE_SHARED] = "#cc79a7", [PAGE_SWAPPED] = "#8b1a1a",
};

/* The drawing of one space. */
struct drawing {
    struct text *text;
    const struct picture *picture;
    const struct picture_space *space;
    uint64_t pages_per_cell;
    uint64_t last_address; // that was told
    double y;
};

/* The cells of one region. */
struct cells {
    uint64_t start, pages_per_cell;
    uint32_t (*counts)[PAGE_STATES]; // of each cell
};

/* ---- Text ---- */

static void put_escaped(struct text *text, const char *string)
{
    for (; *string; string++) {
        if (*string == '<' || *string == '&')
            text_puts(text, *string == '<' ? "&lt;" : "&amp;");
        else if ((unsigned char)*string < 0x20 || (unsigned char)*string >= 0x7f)
            text_puts(text, "?"); // a name may be any bytes, a drawing may not
        else
            text_put(text, string, 1);
    }
}

static void put_words(struct drawing *drawing, double x, double y, const char *class, const char *words)
{
    text_printf(drawing->text, "<text x=\"%g\" y=\"%g\" class=\"%s\">", x, y, class);
    put_escaped(drawing->text, words);
    text_puts(drawing->text, "</text>\n");
}

/* ---- Scale ---- */

static uint64_t cells_of(const struct mirror_region *region, uint64_t pages_per_cell)
{
    return ((region->end - region->start) / PAGE_SIZE + pages_per_cell - 1) / pages_per_cell;
}

static uint64_t rows_of(const struct mirror_region *region, uint64_t pages_per_cell)
{
    return (cells_of(region, pages_per_cell) + COLUMNS - 1) / COLUMNS;
}

/* The smallest power of two that lets the drawing have a size to look at. */
static uint64_t choose_scale(const struct picture_space *space)
{
    for (uint64_t pages = 1;; pages *= 2) {
        uint64_t rows = 0;
        for (size_t i = 0; i < space->count; i++)
            rows += rows_of(&space->array[i], pages);
        if (rows <= ROWS_MAX + space->count)
            return pages;
    }
}

static double region_height(const struct drawing *drawing, const struct mirror_region *region)
{
    double height = (double)rows_of(region, drawing->pages_per_cell) * CELL;

    return height < REGION_MIN ? REGION_MIN : height;
}

static double drawing_height(const struct drawing *drawing)
{
    double height = TOP + MARGIN + GAP;

    for (size_t i = 0; i < drawing->space->count; i++)
        height += region_height(drawing, &drawing->space->array[i]) + GAP;
    return height;
}

/* ---- Cells ---- */

static void count_cell(void *arg, uint64_t va, const struct page_view *page)
{
    struct cells *cells = arg;

    cells->counts[(va - cells->start) / PAGE_SIZE / cells->pages_per_cell][page->state]++;
}

/* What most of a cell's touched pages are; untouched if none is touched. */
static enum page_state cell_state(const uint32_t counts[PAGE_STATES])
{
    enum page_state most = PAGE_UNTOUCHED;
    uint32_t count = 0;

    for (unsigned state = PAGE_OWN; state < PAGE_STATES; state++)
        if (counts[state] > count) {
            most = state;
            count = counts[state];
        }
    return most;
}

/* One row of cells as few rectangles: those that follow one another and are alike. */
static void put_row(struct drawing *drawing, const struct cells *cells, uint64_t first, uint64_t count, double y)
{
    text_printf(drawing->text, "<g transform=\"translate(%d %g)\">\n", GRID_X, y);
    for (uint64_t i = 0; i < count;) {
        enum page_state state = cell_state(cells->counts[first + i]);
        uint64_t same = 1;
        while (i + same < count && cell_state(cells->counts[first + i + same]) == state)
            same++;
        text_printf(drawing->text, "<rect x=\"%llu\" width=\"%llu\" height=\"%d\" fill=\"%s\"/>\n", (unsigned long long)(i * CELL),
                    (unsigned long long)(same * CELL), CELL, colours[state]);
        i += same;
    }
    text_printf(drawing->text, "<rect width=\"%llu\" height=\"%d\" fill=\"url(#cell)\"/></g>\n", (unsigned long long)(count * CELL), CELL);
}

/* The lowest address is at the bottom on the left. */
static void put_cells(struct drawing *drawing, const struct mirror_region *region, double bottom)
{
    uint64_t count = cells_of(region, drawing->pages_per_cell);
    struct cells cells = {.start = region->start, .pages_per_cell = drawing->pages_per_cell,
                          .counts = vector_alloc(count, sizeof *cells.counts)};

    pages_visit(drawing->picture, drawing->space, region, count_cell, &cells);
    for (uint64_t first = 0, row = 1; first < count; first += COLUMNS, row++)
        put_row(drawing, &cells, first, MIN(count - first, (uint64_t)COLUMNS), bottom - (double)row * CELL);
    free(cells.counts);
}

/* ---- Regions ---- */

static void put_arrow(struct drawing *drawing, double middle, bool down)
{
    double x = GRID_X + COLUMNS * CELL + 20, tip = middle + (down ? 16 : -16), tail = middle - (down ? 16 : -16);

    text_printf(drawing->text, "<path d=\"M%g %gV%gM%g %gL%g %gL%g %g\" class=\"arrow\"/>\n", x, tail, tip, x - 5, tip + (down ? -7 : 7),
                x, tip, x + 5, tip + (down ? -7 : 7));
}

static void put_region_words(struct drawing *drawing, const struct mirror_region *region, double y)
{
    struct text line = {0};
    struct page_counts counts;
    char prot[4];
    uint64_t pages = (region->end - region->start) / PAGE_SIZE;

    region_prot_text(region, prot);
    text_printf(&line, "%s %s, %llu KiB, %llu %s%c", prot, region->shared ? "shared" : "private",
                (unsigned long long)(pages * PAGE_SIZE / 1024), (unsigned long long)pages, pages == 1 ? "page" : "pages", 0);
    put_words(drawing, WORDS_X, y, "strong", line.array);
    text_clear(&line);
    const char *backing = region->file ? region->file : "anonymous memory";
    size_t length = strlen(backing);
    text_printf(&line, "%s%s%s%c", region->purpose == VR_GENERAL ? "" : region->purpose == VR_HEAP ? "heap: " : "stack: ",
                length > 38 ? "..." : "", backing + (length > 38 ? length - 38 : 0), 0);
    put_words(drawing, WORDS_X, y + 16, "plain", line.array);
    text_clear(&line);
    pages_count(drawing->picture, drawing->space, region, &counts);
    const char *between = "";
    for (unsigned state = PAGE_OWN; state < PAGE_STATES; state++)
        if (counts.states[state]) {
            text_printf(&line, "%s%llu %s", between, (unsigned long long)counts.states[state], page_state_name(state));
            between = ", ";
        }
    text_printf(&line, "%s%s%c", line.count ? "" : "untouched", counts.huge ? " (huge)" : "", 0);
    put_words(drawing, WORDS_X, y + 32, "small", line.array);
    text_free(&line);
}

static void put_address(struct drawing *drawing, double y, uint64_t address)
{
    char words[32];

    snprintf(words, sizeof words, "%#llx", (unsigned long long)address);
    put_words(drawing, GRID_X - 10, y + 4, "address", words);
}

static void put_region(struct drawing *drawing, const struct mirror_region *region)
{
    double height = region_height(drawing, region), bottom = drawing->y + height;

    text_printf(drawing->text, "<rect x=\"%d\" y=\"%g\" width=\"%d\" height=\"%g\" class=\"room\"/>\n", GRID_X, drawing->y, COLUMNS * CELL, height);
    put_cells(drawing, region, bottom);
    text_printf(drawing->text, "<rect x=\"%d\" y=\"%g\" width=\"%d\" height=\"%g\" class=\"region\"/>\n", GRID_X, drawing->y, COLUMNS * CELL, height);
    if (region->end != drawing->last_address) // else the region above has told it
        put_address(drawing, drawing->y, region->end);
    put_address(drawing, bottom, region->start);
    drawing->last_address = region->start;
    put_arrow(drawing, drawing->y + height / 2, region->grows_down);
    put_region_words(drawing, region, drawing->y + height / 2 - 12);
    drawing->y = bottom;
}

/* ---- Around them ---- */

static void size_words(uint64_t bytes, char words[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;

    for (bytes >>= 10; bytes >= 10240 && unit < 3; unit++)
        bytes >>= 10;
    snprintf(words, 32, "%llu %s unused", (unsigned long long)bytes, units[unit]);
}

static void put_gap(struct drawing *drawing, uint64_t bytes)
{
    char words[32];

    if (bytes > 0) {
        size_words(bytes, words);
        text_printf(drawing->text, "<path d=\"M%d %gv%d\" class=\"gap\"/>\n", GRID_X + COLUMNS * CELL / 2, drawing->y + 4, GAP - 8);
        put_words(drawing, GRID_X + COLUMNS * CELL / 2.0 + 8, drawing->y + GAP / 2.0 + 4, "small", words);
        drawing->y += GAP;
    }
}

static void put_legend(struct drawing *drawing)
{
    double x = MARGIN;

    for (unsigned state = 0; state < PAGE_STATES; state++) {
        text_printf(drawing->text, "<rect x=\"%g\" y=\"56\" width=\"12\" height=\"12\" fill=\"%s\" stroke=\"#555\"/>\n", x, colours[state]);
        put_words(drawing, x + 17, 66, "plain", page_state_name(state));
        x += 40 + 7.2 * (double)strlen(page_state_name(state));
    }
    struct text line = {0};
    text_printf(&line, "one cell: %llu KiB%c", (unsigned long long)(drawing->pages_per_cell * PAGE_SIZE / 1024), 0);
    put_words(drawing, x + 10, 66, "plain", line.array);
    text_free(&line);
}

static void put_head(struct drawing *drawing, const struct mirror_process *process, const struct about *about)
{
    struct node_counts nodes = pages_count_nodes(drawing->picture, drawing->space);
    struct text line = {0};
    double height = drawing_height(drawing);

    text_printf(drawing->text, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%g\" viewBox=\"0 0 %d %g\">\n", WIDTH, height, WIDTH, height);
    text_puts(drawing->text,
              "<style>text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:12px;fill:#1a1a1a}.title{font-size:19px;font-weight:600}"
              ".strong{font-weight:600}.small{font-size:11px;fill:#444}.address{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:11px;text-anchor:end}"
              ".room{fill:#ececec}.region{fill:none;stroke:#333;stroke-width:1.4}.gap{stroke:#777;stroke-width:2;stroke-dasharray:2 4;fill:none}"
              ".arrow{fill:none;stroke:#333;stroke-width:2}</style>\n"
              "<defs>");
    text_printf(drawing->text, "<pattern id=\"cell\" width=\"%d\" height=\"%d\" patternUnits=\"userSpaceOnUse\">"
                "<path d=\"M0 0H%dM0 0V%d\" fill=\"none\" stroke=\"#00000055\"/></pattern></defs>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", CELL, CELL, CELL, CELL);
    text_printf(&line, "The address space of %s (process %d)%c", process->name, process->pid, 0);
    put_words(drawing, MARGIN, 34, "title", line.array);
    text_clear(&line);
    text_printf(&line, "%u page tables of its own, %u shared; Gaur, %llu MiB, kernel %.12s%c", nodes.own, nodes.shared,
                (unsigned long long)about->memory >> 20, about->build, 0);
    put_words(drawing, MARGIN, 88, "small", line.array);
    text_free(&line);
}

void describe_svg(struct text *text, const struct about *about, const struct picture *picture, int pid)
{
    const struct mirror_process *process = describe_process(picture, pid);
    struct drawing drawing = {.text = text, .picture = picture, .space = picture_space_at(picture, process->space), .y = TOP + 8};
    uint64_t end = USER_END;

    drawing.pages_per_cell = choose_scale(drawing.space);
    put_head(&drawing, process, about);
    put_legend(&drawing);
    for (size_t i = drawing.space->count; i-- > 0;) {
        put_gap(&drawing, end - drawing.space->array[i].end);
        put_region(&drawing, &drawing.space->array[i]);
        end = drawing.space->array[i].start;
    }
    put_gap(&drawing, end);
    text_puts(text, "</svg>\n");
}
