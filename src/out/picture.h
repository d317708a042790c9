/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of a view: boxes within boxes as buses are within bridges, and VFs as a grid of small
 * ones within their PF. This file says where things stand and what they look like; svg.c and dot.c
 * write it down. Lengths are pixels.
 */
#pragma once

#include "out.h"
#include "view.h"

/* The view is one without folding: each VF is an item. */
int out_svg(const struct out *o, const struct view *v, struct problem **reterr);
int out_dot(const struct out *o, const struct view *v, struct problem **reterr);

/* ---- What svg.c and dot.c share ---- */

enum {
	PALETTE_MAX = 16, /* drivers with a colour of their own */
	LINE = 15,	  /* of text of FONT pixels */
	FONT = 11,
	PAD = 8,
	BOX_WIDTH = 240, /* of a function; PAD and eight cells fit */
	CELL_WIDTH = 25,
	CELL_HEIGHT = 17,
	CELL_STEP = 28,
};

struct palette {
	struct {
		const char *driver; /* NULL: none */
		const char *fill;
		size_t n;
	} v[PALETTE_MAX];
	size_t n;
	size_t n_others; /* functions whose drivers share OTHER_FILL */
};

#define OTHER_FILL     "#cfd8dc"
#define COLOR_ALONE    "#2e9e4f"
#define COLOR_TOGETHER "#e6a100"
#define COLOR_NEVER    "#8a8f98"
#define COLOR_FAKED    "#d62839"
#define COLOR_UNKNOWN  "#b9bec6"
#define COLOR_HELD     "#c1121f"
#define COLOR_USED     "#f07c00"
#define COLOR_FAINT    "#4a515c"

/* Drivers by how many functions they have; bridges and their drivers are no part of it. */
void palette_make(const struct view *v, struct palette *ret);
const char *palette_fill(const struct palette *p, const struct function *f);

bool item_is_vf(const struct view_item *i);
bool item_is_bridge(const struct view_item *i); /* a root bus, too */
const char *item_verdict_color(const struct view_item *i);
/* NULL: nobody holds it. */
const char *item_holder_color(const struct view_item *i);
/* The same, dark enough for letters. */
const char *item_holder_text_color(const struct view_item *i);
/* "ACS", "no ACS", "ACS lacks CR UF", "ACS ?"; NULL text when the hop has no say. */
int item_acs_badge(const struct view_item *i, char **ret_text, const char **ret_color);
/* The address without domain 0. */
const char *item_address(const struct view_item *i);
/* "group 10 with 2 others". */
char *item_group_text(const struct view_item *i) NODISCARD;
/* All that is known, line by line, for who points at it. */
char *item_tooltip(const struct view_item *i) NODISCARD;
/* "214 functions, 140 of them VFs". */
char *picture_title(const struct view *v) NODISCARD;

struct box {
	int x, y, w, h; /* from the picture's upper left corner */
};

struct picture {
	const struct view *view;
	struct palette palette;
	struct box *boxes; /* by item */
	int w, h;	   /* without title and legend */
};

int picture_layout(const struct view *v, struct picture *ret);
void picture_done(struct picture *p);

/* How wide `s` is in a sans-serif font of that size; rather too much than too little. */
int text_width(const char *s, int size, bool bold);
/* As much of `s` as fits, with an ellipsis where it was cut. */
char *text_fit(const char *s, int size, bool bold, int width) NODISCARD;
/* How many lines of text stand above what is in the item's box. */
int item_lines(const struct view_item *i);
