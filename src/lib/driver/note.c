// SPDX-License-Identifier: GPL-2.0-or-later
#include "note.h"

#include "base/str.h"
#include "host/procfs.h"
#include "pci/identity.h"
#include "store/store.h"

void note_done(struct note *n)
{
	free(n->driver);
	free(n->override);
	*n = (struct note) { 0 };
}

/*
 * Whom a note is about: "boot 0c4f… card 8086:10ca". Overrides and bindings do not survive a
 * reboot, and a note must not be applied to another card that came to the same address.
 */
static int about(struct host *h, struct bdf a, char **ret)
{
	autofree char *boot = NULL;
	struct identity id;
	char *text;
	int r = identity_read(h, a, &id);

	if (r < 0)
		return r;
	r = procfs_read(h, &boot, "sys/kernel/random/boot_id");
	if (r < 0 && r != -ENOENT)
		return r;
	text = str_printf(
		"boot %s card %04x:%04x", boot ? str_trim(boot) : "unknown", id.vendor, id.device);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int note_keep(struct host *h, struct bdf a, const char *dir, const struct note *n)
{
	autofree char *whom = NULL, *text = NULL;
	autonote old = { 0 };
	int r = dir ? note_read(h, a, dir, &old) : 0;

	if (r != -ENOENT)
		return r;
	r = about(h, a, &whom);
	if (r < 0)
		return r;
	text = str_printf("%s\ndriver %s\noverride %s\n", whom, n->driver ? n->driver : "",
		n->override ? n->override : "");
	if (!text)
		return -ENOMEM;
	/* It says of which boot it is, and is read as none when a power cut emptied it. */
	r = store_put_for_boot(dir, BDF_TEXT(a), text);
	return r < 0 ? r : 1;
}

/* The rest of the line that starts with `key`; NULL when there is none or it is empty. */
static char *line_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	size_t len;

	if (!at)
		return NULL;
	at += strlen(key);
	len = strcspn(at, "\n");
	return len ? strndup(at, len) : NULL;
}

int note_read(struct host *h, struct bdf a, const char *dir, struct note *ret)
{
	autofree char *text = NULL, *whom = NULL;
	int r = dir ? store_get(dir, BDF_TEXT(a), &text) : -ENOENT;

	if (r == 0)
		r = about(h, a, &whom);
	if (r < 0)
		return r;
	if (!str_starts(text, whom) || text[strlen(whom)] != '\n')
		return -ENOENT;
	*ret = (struct note) {
		.driver = line_of(text, "\ndriver "),
		.override = line_of(text, "\noverride "),
	};
	return 0;
}

int note_forget(struct bdf a, const char *dir)
{
	return dir ? store_remove(dir, BDF_TEXT(a)) : 0;
}
