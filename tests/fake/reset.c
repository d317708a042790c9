// SPDX-License-Identifier: GPL-2.0-or-later
/* reset, reset_method and reset_subordinate, as drivers/pci/pci.c has them. */
#include "kernel.h"

enum { HEADER = 64, CONFIG_MAX = 4096 };

static const char *supported(struct kernel *k, const char *bdf)
{
	size_t len = strlen(bdf);

	STRV_FOREACH (it, k->reset_methods)
		if (str_starts(*it, bdf) && (*it)[len] == ' ')
			return *it + len + 1;
	return NULL;
}

/* The list shrinks when somebody chooses; what the device has is what it began with. */
static const char *remember(struct kernel *k, const char *bdf)
{
	if (!supported(k, bdf)) {
		autofree char *now = k_text(k, "/sys/bus/pci/devices/%s/reset_method", bdf);
		autofree char *line = need_printf("%s %s", bdf, now ? now : "");

		NEED(strv_add(&k->reset_methods, line) == 0);
	}
	return supported(k, bdf);
}

static bool has_word(const char *list, const char *word)
{
	autofree char *copy = need_printf("%s", list);
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (str_eq(w, word))
			return true;
	return false;
}

int reset_write_method(struct kernel *k, const char *bdf, const char *text)
{
	autofree char *value = without_newline(text), *words = without_newline(text), *path = NULL;
	autofree char *dir = device_dir(k, bdf);
	const char *has = remember(k, bdf);
	char *save = NULL;

	if (str_eq(value, "default")) {
		k_put(k, 0644, has, "/sys/%s/reset_method", dir);
		return 0;
	}
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!has_word(has, w))
			return -EINVAL;
	path = need_printf("%s\n", value);
	k_put(k, 0644, path, "/sys/%s/reset_method", dir);
	return 0;
}

struct heal {
	struct kernel *k;
	char *path;
	uint8_t config[CONFIG_MAX];
	size_t len;
};

static void heal(struct host *h, void *arg)
{
	struct heal *l = arg;

	k_put_bytes(kernel_of(h), 0644, l->config, l->len, l->path);
}

static void heal_free(void *arg)
{
	free(((struct heal *)arg)->path);
	free(arg);
}

static void damage(struct kernel *k, const struct reset_fault *f)
{
	struct heal *l = calloc(1, sizeof(*l));
	autofree char *dir = device_dir(k, f->bdf);
	uint8_t broken[CONFIG_MAX];
	ssize_t n;

	NEED(l && dir);
	l->path = need_printf("/sys/%s/config", dir);
	n = tree_read(k->tree, l->path, l->config, sizeof(l->config));
	NEED(n >= HEADER);
	l->len = (size_t)n;
	memcpy(broken, l->config, l->len);
	if (f->dead)
		memset(broken, 0xff, l->len);
	memset(broken + 0x04, f->dead ? 0xff : 0, 2);
	memset(broken + 0x10, f->dead ? 0xff : 0, 24);
	k_put_bytes(k, 0644, broken, l->len, l->path);
	if (f->ms)
		k_after(k, f->ms, heal, l, heal_free);
	else
		heal_free(l);
}

static void was_reset(struct kernel *k, const char *bdf, const char *method)
{
	autofree char *line = need_printf("%s %s", bdf, method);

	NEED(strv_add(&k->resets, line) == 0);
	for (struct reset_fault *f = k->reset_faults; f; f = f->next)
		if (str_eq(f->bdf, bdf))
			damage(k, f);
}

/* VF Enable goes off for a while, and nobody saves what the VFs had in their command registers. */
static void reset_vfs(struct kernel *k, const char *bdf)
{
	struct pf *pf = pf_find(k, bdf);

	for (unsigned i = 0; pf && i < pf->num_vfs; i++) {
		autofree char *dir = NULL, *path = NULL;
		uint8_t config[CONFIG_MAX];
		char vf[BDF_TEXT_MAX];
		ssize_t n;

		vf_bdf(k, pf, i, vf);
		dir = device_dir(k, vf);
		NEED(dir);
		path = need_printf("/sys/%s/config", dir);
		n = tree_read(k->tree, path, config, sizeof(config));
		NEED(n >= HEADER);
		memset(config + 0x04, 0, 2);
		k_put_bytes(k, 0644, config, (size_t)n, path);
	}
}

static bool is_one(const char *text)
{
	autofree char *value = without_newline(text);
	uint64_t v;

	return parse_u64(value, &v) == 0 && v == 1;
}

int reset_write(struct kernel *k, const char *bdf, const char *text)
{
	autofree char *now = k_text(k, "/sys/bus/pci/devices/%s/reset_method", bdf);

	if (!is_one(text))
		return -EINVAL;
	if (!now || !*now)
		return -ENOTTY;
	now[strcspn(now, " ")] = '\0';
	was_reset(k, bdf, now);
	reset_vfs(k, bdf);
	return 0;
}

int reset_write_subordinate(struct kernel *k, const char *bdf, const char *text)
{
	autofree char *dir = device_dir(k, bdf), *path = need_printf("/sys/%s", dir);
	autostrv char **names = NULL;

	if (!is_one(text))
		return -EINVAL;
	NEED(tree_list(k->tree, path, &names) >= 0);
	STRV_FOREACH (name, names) {
		struct bdf a;

		if (bdf_parse(*name, &a) == 0)
			was_reset(k, *name, "subordinate");
	}
	return 0;
}

void reset_forget(struct kernel *k)
{
	strv_free(k->resets);
	strv_free(k->reset_methods);
	while (k->reset_faults) {
		struct reset_fault *next = k->reset_faults->next;

		free(k->reset_faults->bdf);
		free(k->reset_faults);
		k->reset_faults = next;
	}
}

const char *fake_reset_method(struct host *h, const char *bdf)
{
	const char *last = NULL;
	size_t len = strlen(bdf);

	STRV_FOREACH (it, kernel_of(h)->resets)
		if (str_starts(*it, bdf) && (*it)[len] == ' ')
			last = *it + len + 1;
	return last;
}

unsigned fake_resets(struct host *h, const char *bdf)
{
	size_t len = strlen(bdf);
	unsigned n = 0;

	STRV_FOREACH (it, kernel_of(h)->resets)
		n += str_starts(*it, bdf) && (*it)[len] == ' ';
	return n;
}

void fake_reset_breaks(struct host *h, const char *bdf, bool dead, unsigned ms)
{
	struct reset_fault *f = calloc(1, sizeof(*f));

	NEED(f);
	f->bdf = need_printf("%s", bdf);
	f->dead = dead;
	f->ms = ms;
	f->next = kernel_of(h)->reset_faults;
	kernel_of(h)->reset_faults = f;
}
