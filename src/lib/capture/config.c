// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration that decides about functions: our own and other managers'. Of each file what is
 * read here and nothing else, line by line where it stood, so that who asks the capture is shown
 * the same places; above all no password, whatever else is pseudonymised.
 */
#include "parts.h"

#include "base/bdf.h"
#include "base/str.h"
#include "host/conf.h"

#include <json-c/json.h>
#include <stdio.h>

struct place {
	const char *const *dirs;
	const char *suffix;
	bool drop_ins; /* also NAME.d/x.conf */
	/* What is kept of a file's text. -EBADMSG: it cannot be understood. */
	int (*rewrite)(struct capture *c, const char *text, size_t len, struct strbuf *to);
};

/* ---- INI ---- */

/* By section; keys NULL: all of it, else a NULL-terminated list, "x*" what begins so. */
struct kept {
	const char *section;
	const char *const *keys;
};

static bool is_kept(const struct kept *kept, const char *section, const char *key)
{
	for (; kept->section; kept++) {
		if (!str_eq(kept->section, section))
			continue;
		for (const char *const *k = kept->keys; k && *k; k++)
			if (str_ends(*k, "*") ? strncmp(*k, key, strlen(*k) - 1) == 0
					      : str_eq(*k, key))
				return true;
		return !kept->keys;
	}
	return false;
}

/* A serial number's pseudonym depends on who tells it, so that all of them are given. */
static int add_pseudonyms(struct capture *c, const char *words, bool serial, struct strbuf *to)
{
	autofree char *copy = strdup(words);
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \t", &save) : NULL; w;
		w = strtok_r(NULL, " \t", &save)) {
		autofree char *name = redact_name(&c->redactor, w);

		if (!name)
			return -ENOMEM;
		strbuf_add(to, " %s", name);
		redact_bytes(&c->redactor, (uint8_t *)w, strlen(w));
		if (serial)
			strbuf_add(to, " %s", w);
	}
	return copy ? 0 : -ENOMEM;
}

static int add_line(struct capture *c, const char *key, const char *line, struct strbuf *to)
{
	static const char *const names[] = { "Serial", "Host", "SSID", "MachineTag", "StableSeed" };
	const char *value = strchr(line, '=');

	for (size_t i = 0; c->redactor.key && value && i < ARRAY_SIZE(names); i++)
		if (str_eq(key, names[i])) {
			strbuf_add(to, "%s=", key);
			return add_pseudonyms(c, value + 1, i == 0, to);
		}
	strbuf_add(to, "%s", line);
	return 0;
}

/* Where a reader of lines is. */
struct ini_reading {
	const struct kept *kept; /* NULL: all but comments */
	char section[64], key[64];
	bool keeps, goes_on; /* the line before ended in a backslash */
};

/* `line` is cut. */
static void enter(struct ini_reading *at, char *line)
{
	bool more = *line && line[strlen(line) - 1] == '\\';

	line = str_trim(line);
	if (at->goes_on) {
		/* kept, or not, as the line before */
	} else if (*line == '[') {
		line[strcspn(line, "]")] = '\0';
		(void)snprintf(at->section, sizeof(at->section), "%s", line + 1);
		at->key[0] = '\0';
		at->keeps = true;
	} else {
		bool comment = *line == '#' || *line == ';', plain = !strchr(line, '=');

		line[strcspn(line, "=")] = '\0';
		(void)snprintf(at->key, sizeof(at->key), "%s", str_trim(line));
		at->keeps = !comment &&
			    (!at->kept || (!plain && is_kept(at->kept, at->section, at->key)));
	}
	at->goes_on = more;
}

static int rewrite_ini(
	struct capture *c, const char *text, const struct kept *kept, struct strbuf *to)
{
	struct ini_reading at = { .kept = kept };

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		autofree char *copy = strndup(line, len), *whole = strndup(line, len);

		if (!copy || !whole)
			return -ENOMEM;
		enter(&at, copy);
		if (at.keeps && add_line(c, at.key, whole, to) < 0)
			return -ENOMEM;
		line += len;
		if (*line) {
			strbuf_add(to, "\n");
			line++;
		}
	}
	return 0;
}

static int rewrite_policy(struct capture *c, const char *text, size_t len UNUSED, struct strbuf *to)
{
	return rewrite_ini(c, text, NULL, to);
}

static int rewrite_systemd(
	struct capture *c, const char *text, size_t len UNUSED, struct strbuf *to)
{
	static const char *const link[] = { "SR-IOV*", "Name*", "AlternativeName*", NULL };
	static const struct kept kept[] = { { "Match", NULL }, { "SR-IOV", NULL }, { "Link", link },
		{ NULL, NULL } };

	return rewrite_ini(c, text, kept, to);
}

static int rewrite_networkmanager(
	struct capture *c, const char *text, size_t len UNUSED, struct strbuf *to)
{
	static const char *const connection[] = { "type", "interface-name", NULL };
	static const char *const match[] = { "interface-name", "driver", "path", NULL };
	static const char *const ethernet[] = { "mac-address", NULL };
	static const struct kept kept[] = { { "connection", connection }, { "match", match },
		{ "ethernet", ethernet }, { "802-3-ethernet", ethernet }, { "sriov", NULL },
		{ NULL, NULL } };

	return rewrite_ini(c, text, kept, to);
}

/* ---- Others ---- */

/*
 * Which card was configured. Serial numbers have pseudonyms that depend on who tells them: without
 * them only the addresses are compared.
 */
static int rewrite_identity(
	struct capture *c, const char *text, size_t len UNUSED, struct strbuf *to)
{
	static const char *const all[] = { "*", NULL }, *const redacted[] = { "Vendor", "Device",
		"Subsystem*", "PermanentMACAddress", "StableSeed", NULL };
	const struct kept kept[] = { { "", c->redactor.key ? redacted : all }, { NULL, NULL } };

	return rewrite_ini(c, text, kept, to);
}

/* "KEY yes", "KEY no 95" */
static int rewrite_learned(
	struct capture *c UNUSED, const char *text, size_t len UNUSED, struct strbuf *to)
{
	strbuf_add(to, "%s", text);
	return 0;
}

/* Commands that modprobe would run may hold anything. */
static int rewrite_modprobe(
	struct capture *c UNUSED, const char *text, size_t len UNUSED, struct strbuf *to)
{
	static const char *const commands[] = { "options", "blacklist", "softdep" };
	bool keeps = false, goes_on = false;

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n"), blanks = strspn(line, " \t");

		for (size_t i = 0; !goes_on && i < ARRAY_SIZE(commands); i++) {
			keeps = str_starts(line + blanks, commands[i]);
			if (keeps)
				break;
		}
		if (keeps)
			strbuf_add_bytes(to, line, n);
		goes_on = n && line[n - 1] == '\\';
		line += n;
		if (*line) {
			strbuf_add(to, "\n");
			line++;
		}
	}
	return 0;
}

static int rewrite_driverctl(
	struct capture *c UNUSED, const char *text, size_t len UNUSED, struct strbuf *to)
{
	strbuf_add(to, "%.*s\n", (int)strcspn(text, "\n"), text);
	return 0;
}

static int rewrite_mdevctl(
	struct capture *c UNUSED, const char *text, size_t len UNUSED, struct strbuf *to)
{
	static const char *const keys[] = { "mdev_type", "start" };
	json_object *from = json_tokener_parse(text), *kept = json_object_new_object(), *v;
	int r = kept ? 0 : -ENOMEM;

	if (!json_object_is_type(from, json_type_object))
		r = -EBADMSG;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++)
		if (json_object_object_get_ex(from, keys[i], &v) &&
			json_object_is_type(v, json_type_string))
			json_object_object_add(kept, keys[i], json_object_get(v));
	if (r == 0)
		strbuf_add(to, "%s\n", json_object_to_json_string(kept));
	json_object_put(kept);
	json_object_put(from);
	return r;
}

/* ---- Places ---- */

/* What cannot be read, for another reason than that it is not ours to read, still cannot be. */
static int put_unreadable(struct capture *c, const char *path)
{
	char target[256];
	struct stat st;
	int r = host_read_link(c->h, path, target, sizeof(target));

	if (r == 0)
		return capture_put_link(c, path, target);
	if (c->h->ops->stat(c->h, path, &st) == 0 && S_ISDIR(st.st_mode))
		return capture_put_dir(c, path);
	return 0;
}

/* No text has NUL bytes; what finds fault with one does so with another control character. */
static void without_nul(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = '\1';
}

/* A file, or the link to /dev/null that takes its name away. What is not understood is broken. */
static int copy_file(struct capture *c, const struct place *p, const char *folder, const char *name)
{
	autofree char *path = str_printf("%s/%s", folder, name), *text = NULL;
	autostrbuf b = { 0 };
	size_t len = 0;
	int r;

	if (!path)
		return -ENOMEM;
	if (conf_is_masked(c->h, path))
		return capture_put_link(c, path, "/dev/null");
	r = conf_read(c->h, path, &text, &len);
	if (r < 0)
		return r == -ENOMEM ? r : put_unreadable(c, path);
	without_nul(text, len);
	r = p->rewrite(c, text, len, &b);
	if (r == -EBADMSG)
		return capture_put_text(c, path, "[\n");
	if (r < 0)
		return r;
	return b.failed ? -ENOMEM : capture_put_text(c, path, b.s ? b.s : "");
}

static int copy_folder(
	struct capture *c, const struct place *p, const char *folder, const char *suffix)
{
	autostrv char **names = NULL;
	int r = conf_list(c->h, folder, suffix, &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r == 0 && *name; name++)
		r = copy_file(c, p, folder, *name);
	return r;
}

static int copy_drop_ins(struct capture *c, const struct place *p, const char *folder)
{
	autofree char *suffix = str_printf("%s.d", p->suffix);
	autostrv char **names = NULL;
	int r = suffix ? conf_list(c->h, folder, suffix, &names) : -ENOMEM;

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r == 0 && *name; name++) {
		autofree char *below = str_printf("%s/%s", folder, *name);

		r = below ? copy_folder(c, p, below, ".conf") : -ENOMEM;
	}
	return r;
}

static int copy_place(struct capture *c, const struct place *p)
{
	int r = 0;

	for (const char *const *dir = p->dirs; r == 0 && *dir; dir++) {
		r = copy_folder(c, p, *dir, p->suffix);
		if (r == 0 && p->drop_ins)
			r = copy_drop_ins(c, p, *dir);
	}
	return r;
}

/* A folder for each parent. */
static int copy_mediated(struct capture *c)
{
	static const struct place place = { .suffix = "", .rewrite = rewrite_mdevctl };
	static const char top[] = "/etc/mdevctl.d";
	autostrv char **parents = NULL;
	int r = conf_list(c->h, top, "", &parents);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = parents; r == 0 && *name; name++) {
		autofree char *below = str_printf("%s/%s", top, *name);
		struct bdf parent;

		if (!below)
			return -ENOMEM;
		if (bdf_parse(*name, &parent) == 0)
			r = copy_folder(c, &place, below, "");
	}
	return r;
}

static const char *const policy_dirs[] = { "/etc/vfctl/pf.d", "/run/vfctl/pf.d",
	"/usr/lib/vfctl/pf.d", NULL };
static const char *const learned_dirs[] = { "/var/lib/vfctl/learned", NULL };
static const char *const identity_dirs[] = { "/var/lib/vfctl/identities", NULL };
static const char *const systemd_dirs[] = { "/etc/systemd/network", "/run/systemd/network",
	"/usr/local/lib/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network",
	NULL };
static const char *const networkmanager_dirs[] = { "/etc/NetworkManager/system-connections",
	"/run/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections",
	NULL };
static const char *const netplan_dirs[] = { "/run/netplan", "/etc/netplan", "/usr/lib/netplan",
	"/lib/netplan", NULL };
static const char *const driverctl_dirs[] = { "/etc/driverctl.d", NULL };
static const char *const modprobe_dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
	"/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d", NULL };

/* Stable addresses are derived from it; of a pseudonym they are others, but there are some. */
static int copy_machine_id(struct capture *c)
{
	static const char path[] = "/etc/machine-id";
	autofree char *text = NULL;
	autostrbuf b = { 0 };
	size_t len;
	int r = conf_read(c->h, path, &text, &len);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	str_trim(text);
	for (size_t i = 0; c->redactor.key && i < strlen(text); i += 8) {
		autofree char *word = redact_name(&c->redactor, text + i);

		strbuf_add(&b, "%s", word ? word + 1 : "");
	}
	return b.failed ? -ENOMEM : capture_put_text(c, path, b.s ? b.s : text);
}

int capture_config(struct capture *c)
{
	static const struct place places[] = {
		{ policy_dirs, ".conf", true, rewrite_policy },
		{ systemd_dirs, ".link", true, rewrite_systemd },
		{ systemd_dirs, ".network", true, rewrite_systemd },
		{ networkmanager_dirs, ".nmconnection", false, rewrite_networkmanager },
		{ netplan_dirs, ".yaml", false, redact_netplan },
		{ driverctl_dirs, "", false, rewrite_driverctl },
		{ modprobe_dirs, ".conf", false, rewrite_modprobe },
		{ identity_dirs, "", false, rewrite_identity },
		{ learned_dirs, "", false, rewrite_learned },
	};
	/* Whether there is configuration at all is known only of a machine that has the folder. */
	int r = conf_is_there(c->h) ? capture_put_dir(c, "/etc") : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++)
		r = copy_place(c, &places[i]);
	if (r == 0)
		r = copy_machine_id(c);
	return r == 0 ? copy_mediated(c) : r;
}
