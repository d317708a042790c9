// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the boxes stand. A box is as large as what is in it; what is in it is packed like bricks,
 * in order, each at the highest free place, with the width that makes the whole most like a screen.
 */
#include "picture.h"

#include "base/str.h"

enum {
	GRID_COLUMNS = 8,
	GRID_COLUMNS_MANY = 16,
	GRID_MANY = 64,
	GAP = PAD,
	WIDTHS_TRIED = 24,
};
/* Width to height, in tenths. */
enum { SCREEN = 16 };

int text_width(const char *s, int size, bool bold)
{
	long em = 0; /* in thousandths, of DejaVu Sans, which is a wide one */

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c & 0xc0) == 0x80)
			continue;
		if (strchr("ijlI.,:;'|! ", c))
			em += 318;
		else if (strchr("frt()[]-/\"", c))
			em += 395;
		else if (strchr("mwMW@%", c))
			em += 950;
		else
			em += c >= 'A' && c <= 'Z' ? 700 : c < 0x80 ? 630 : 800;
	}
	return (int)(em * size * (bold ? 11 : 10) / 10000) + 1;
}

char *text_fit(const char *s, int size, bool bold, int width)
{
	autofree char *cut = NULL;
	size_t n = strlen(s);

	if (text_width(s, size, bold) <= width)
		return strdup(s);
	cut = malloc(n + sizeof("…"));
	while (cut && n) {
		n--;
		while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
		memcpy(cut, s, n);
		strcpy(cut + n, "…");
		if (text_width(cut, size, bold) <= width)
			return TAKE_PTR(cut);
	}
	return strdup("");
}

int item_lines(const struct view_item *i)
{
	if (item_is_vf(i))
		return 0;
	if (item_is_bridge(i))
		return 1;
	return 3 + (view_holder(i) != NULL);
}

/* A row of the skyline: from x on, the next free y. */
struct step {
	int x, w, y;
};

struct sky {
	struct step *v;
	size_t n;
};

/* The y at which something of width `w` can stand at step i; -1 when it would stick out. */
static int height_at(const struct sky *s, size_t i, int w, int width)
{
	int left = w, y = 0;

	if (s->v[i].x + w > width)
		return -1;
	for (; left > 0 && i < s->n; i++) {
		y = MAX(y, s->v[i].y);
		left -= s->v[i].w;
	}
	return y;
}

/* Lifts the skyline over [x, x+w) to y. There is always room for one more step. */
static void lift(struct sky *s, size_t at, int w, int y)
{
	int x = s->v[at].x, end = x + w;
	size_t last = at;

	while (last < s->n && s->v[last].x + s->v[last].w <= end)
		last++;
	if (last < s->n) { /* cut the one that goes on */
		s->v[last].w -= end - s->v[last].x;
		s->v[last].x = end;
	}
	if (last == at) {
		memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(*s->v));
		s->n++;
	} else {
		memmove(&s->v[at + 1], &s->v[last], (s->n - last) * sizeof(*s->v));
		s->n -= last - at - 1;
	}
	s->v[at] = (struct step) { .x = x, .w = w, .y = y };
}

/* Places boxes[n] into `width`; what that takes comes back in *ret. */
static void pack(struct box *const *boxes, size_t n, int width, struct sky *s, struct box *ret)
{
	*ret = (struct box) { 0 };
	s->n = 1;
	s->v[0] = (struct step) { .w = width };
	for (size_t k = 0; k < n; k++) {
		struct box *b = boxes[k];
		size_t best = 0;
		int best_y = INT32_MAX;

		for (size_t i = 0; i < s->n; i++) {
			int y = height_at(s, i, b->w, width);

			if (y >= 0 && y < best_y) {
				best_y = y;
				best = i;
			}
		}
		b->x = s->v[best].x;
		b->y = best_y;
		ret->w = MAX(ret->w, b->x + b->w);
		ret->h = MAX(ret->h, b->y + b->h);
		lift(s, best, MIN(b->w + GAP, width - b->x), b->y + b->h + GAP);
	}
}

/* Tries widths from the widest box to all in a row. Positions are relative to the container. */
static int arrange(struct box **boxes, size_t n, struct box *ret)
{
	struct sky sky = { .v = calloc(2 * n + 2, sizeof(struct step)) };
	int widest = 0, row = 0, best_width = 0;
	long best = INT64_MAX;

	if (!sky.v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		widest = MAX(widest, boxes[i]->w);
		row += boxes[i]->w + (i ? GAP : 0);
	}
	for (int k = 0; k <= WIDTHS_TRIED; k++) {
		/* More candidates where they differ more: among the narrow ones. */
		int width = widest +
			    (int)((long)(row - widest) * k * k / (WIDTHS_TRIED * WIDTHS_TRIED));
		struct box used;
		long size;

		pack(boxes, n, width, &sky, &used);
		size = MAX((long)used.w * 10, (long)used.h * SCREEN);
		if (size < best) {
			best = size;
			best_width = width;
		}
	}
	pack(boxes, n, best_width, &sky, ret);
	free(sky.v);
	return 0;
}

static void lay_grid(struct picture *p, int item, int top, struct box *b)
{
	const struct view *v = p->view;
	int n = 0, columns, k = 0;

	for (int i = v->v[item].first_child; i != VIEW_NONE; i = v->v[i].next)
		n += item_is_vf(&v->v[i]);
	if (!n)
		return;
	columns = n > GRID_MANY ? GRID_COLUMNS_MANY : GRID_COLUMNS;
	for (int i = v->v[item].first_child; i != VIEW_NONE; i = v->v[i].next) {
		if (!item_is_vf(&v->v[i]))
			continue;
		p->boxes[i] = (struct box) { .x = PAD + k % columns * CELL_STEP,
			.y = top + k / columns * (CELL_HEIGHT + 3),
			.w = CELL_WIDTH,
			.h = CELL_HEIGHT };
		k++;
	}
	columns = MIN(n, columns);
	b->w = MAX(b->w, 2 * PAD + columns * CELL_STEP - (CELL_STEP - CELL_WIDTH));
	b->h += (n + columns - 1) / columns * (CELL_HEIGHT + 3) + PAD - 3;
}

/*
 * Bridges first, so that single functions fill the room that those leave; beside bridges they are
 * made as wide as one with a function in it, for straight columns.
 */
static void collect(struct picture *p, int item, struct box **ret)
{
	const struct view_item *v = p->view->v;
	bool beside_bridges = false;
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int k = v[item].first_child; k != VIEW_NONE; k = v[k].next) {
			if (item_is_bridge(&v[k]) != (pass == 0))
				continue;
			beside_bridges |= pass == 0;
			if (beside_bridges && pass == 1)
				p->boxes[k].w = MAX(p->boxes[k].w, BOX_WIDTH + 2 * PAD);
			ret[n++] = &p->boxes[k];
		}
}

/* The children's boxes are known; sets the item's own size, and them within it. */
static int lay_item(struct picture *p, int item)
{
	const struct view_item *i = &p->view->v[item];
	struct box *b = &p->boxes[item], inner;
	autofree struct box **children = NULL;
	int top = PAD / 2 + item_lines(i) * LINE + PAD / 2;
	size_t n = 0;
	int r;

	if (item_is_vf(i))
		return 0; /* the PF has done it */
	*b = (struct box) { .w = BOX_WIDTH, .h = top };
	if (!item_is_bridge(i)) {
		lay_grid(p, item, top, b);
		return 0;
	}
	for (int k = i->first_child; k != VIEW_NONE; k = p->view->v[k].next)
		n++;
	if (!n)
		return 0;
	children = calloc(n, sizeof(struct box *));
	if (!children)
		return -ENOMEM;
	collect(p, item, children);
	r = arrange(children, n, &inner);
	for (size_t k = 0; k < n; k++) {
		children[k]->x += PAD;
		children[k]->y += top;
	}
	b->w = MAX(b->w, inner.w + 2 * PAD);
	b->h = top + inner.h + PAD;
	return r;
}

static int lay_roots(struct picture *p)
{
	autofree struct box **roots = calloc(p->view->n + 1, sizeof(struct box *));
	struct box all;
	size_t n = 0;
	int r;

	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; i < p->view->n; i++)
		if (p->view->v[i].kind == VIEW_ROOT)
			roots[n++] = &p->boxes[i];
	r = arrange(roots, n, &all);
	p->w = all.w;
	p->h = all.h;
	return r;
}

int picture_layout(const struct view *v, struct picture *ret)
{
	struct picture p = { .view = v, .boxes = calloc(v->n + 1, sizeof(struct box)) };
	int r = p.boxes ? 0 : -ENOMEM;

	/* Children stand behind their parents: from the end, all of them are known in time. */
	for (size_t i = v->n; r == 0 && i-- > 0;)
		r = lay_item(&p, (int)i);
	if (r == 0)
		r = lay_roots(&p);
	if (r < 0) {
		free(p.boxes);
		return r;
	}
	for (size_t i = 0; i < v->n; i++) {
		int parent = v->v[i].parent;

		if (parent != VIEW_NONE) {
			p.boxes[i].x += p.boxes[parent].x;
			p.boxes[i].y += p.boxes[parent].y;
		}
	}
	palette_make(v, &p.palette);
	*ret = p;
	return 0;
}

void picture_done(struct picture *p)
{
	free(p->boxes);
	*p = (struct picture) { 0 };
}
