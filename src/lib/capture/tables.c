// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of /proc, reduced to the lines and columns that somebody here reads. */
#include "parts.h"

#include "base/str.h"
#include "host/procfs.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t ip4(struct capture *c, uint32_t word)
{
	redact_ip(&c->redactor, (uint8_t *)&word, sizeof(word));
	return word;
}

/* 32 digits, in place. What lies behind the prefix of a route stays zero. */
static void ip6(struct capture *c, char *digits, unsigned prefix)
{
	uint8_t b[16];

	for (size_t i = 0; i < 16; i++) {
		unsigned v;

		if (sscanf(digits + 2 * i, "%2x", &v) != 1)
			return;
		b[i] = (uint8_t)v;
	}
	redact_ip(&c->redactor, b, sizeof(b));
	for (unsigned bit = prefix; bit < 128; bit++)
		b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", b[i]);
}

static void route4(struct capture *c, const char *line, struct strbuf *to)
{
	unsigned dest, gateway, mask, flags;
	char name[32], rest[128] = "";

	if (sscanf(line, "%31s %x %x %x %*d %*d %*d %x %127[^\n]", name, &dest, &gateway, &flags,
		    &mask, rest) < 5)
		return;
	strbuf_add(to, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t%s\n", name, ip4(c, dest) & mask,
		ip4(c, gateway), flags, mask, rest);
}

static void route6(struct capture *c, const char *line, struct strbuf *to)
{
	char dest[33], source[33], hop[33], rest[128];
	unsigned prefix, source_prefix;

	if (sscanf(line, "%32s %x %32s %x %32s %127[^\n]", dest, &prefix, source, &source_prefix,
		    hop, rest) != 6 ||
		strlen(dest) != 32 || strlen(source) != 32 || strlen(hop) != 32)
		return;
	ip6(c, dest, prefix);
	ip6(c, source, source_prefix);
	ip6(c, hop, 128);
	strbuf_add(to, "%s %02x %s %02x %s %s\n", dest, prefix, source, source_prefix, hop, rest);
}

static void address6(struct capture *c, const char *line, struct strbuf *to)
{
	char address[33], rest[128];

	if (sscanf(line, "%32s %127[^\n]", address, rest) != 2 || strlen(address) != 32)
		return;
	ip6(c, address, 128);
	strbuf_add(to, "%s %s\n", address, rest);
}

/* Words as the machine reads them; an IPv4 address in an IPv6 socket stays one. */
static void words(struct capture *c, char *digits)
{
	static const char mapped[] = "0000000000000000FFFF0000";
	size_t at = 0, n = strlen(digits);
	uint8_t b[16];

	if (n == 32 && strncasecmp(digits, mapped, 24) == 0)
		at = 24;
	for (size_t i = at; i < n; i += 8) {
		unsigned v;

		if (sscanf(digits + i, "%8x", &v) != 1)
			return;
		memcpy(b + (i - at) / 2, &v, 4);
	}
	redact_ip(&c->redactor, b, (n - at) / 2);
	for (size_t i = at; i < n; i += 8) {
		uint32_t v;
		char text[9];

		memcpy(&v, b + (i - at) / 2, 4);
		(void)snprintf(text, sizeof(text), "%08" PRIX32, v);
		memcpy(digits + i, text, 8);
	}
}

/* Of the connections only the established ones to the ssh server. */
static void connection(struct capture *c, const char *line, struct strbuf *to)
{
	enum { ESTABLISHED = 1, SSH = 22 };
	char near[33], far[33];
	unsigned near_port, far_port, state;

	if (sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x", near, &near_port, far,
		    &far_port, &state) != 5 ||
		near_port != SSH || state != ESTABLISHED || strlen(near) % 8 || strlen(far) % 8)
		return;
	words(c, near);
	words(c, far);
	strbuf_add(
		to, "   0: %s:%04X %s:%04X 01 00000000:00000000\n", near, near_port, far, far_port);
}

/* "36 35 259:1 /root /mnt options … - ext4 /dev/x …": of block devices. */
static void mount(struct capture *c, const char *line, struct strbuf *to)
{
	char number[32], where[1024], type[64], source[1024];
	const char *rest = strstr(line, " - ");
	autofree char *path = NULL, *disk = NULL;
	int id, parent;

	if (!rest || sscanf(line, "%d %d %31s %*s %1023s", &id, &parent, number, where) != 4 ||
		sscanf(rest, " - %63s %1023s", type, source) != 2 ||
		(str_starts(number, "0:") && !str_starts(source, "/")))
		return;
	path = redact_path(&c->redactor, where);
	disk = redact_disk(&c->redactor, source);
	strbuf_add(to, "%d %d %s / %s rw - %s %s rw\n", id, parent, number, path ? path : "x", type,
		disk ? disk : "x");
}

/* Of a swap file only that it is one: its file system is mounted, and that counts. */
static void swap(struct capture *c UNUSED, const char *line, struct strbuf *to)
{
	char node[1024], type[32];

	if (sscanf(line, "%1023s %31s", node, type) == 2 && str_eq(type, "partition"))
		strbuf_add(to, "%s %s 0 0 -2\n", node, type);
}

static int copy_table(struct capture *c, const char *file,
	void (*line)(struct capture *c, const char *line, struct strbuf *to))
{
	autofree char *text = NULL, *path = str_printf("/proc/%s", file);
	autostrbuf b = { 0 };
	char *save = NULL;
	int r = procfs_read(c->h, &text, "%s", file);

	if (r < 0 || !path)
		return r == -ENOMEM || !path ? -ENOMEM : 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		line(c, l, &b);
	return b.failed ? -ENOMEM : capture_put_text(c, path, b.s ? b.s : "");
}

static int copy_options(struct capture *c)
{
	autofree char *text = NULL, *kept = NULL;
	int r = procfs_read(c->h, &text, "cmdline");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	kept = redact_kernel_options(&c->redactor, text);
	return kept ? capture_put_text(c, "/proc/cmdline", kept) : -ENOMEM;
}

static int copy_name(struct capture *c, const char *file)
{
	autofree char *text = NULL, *name = NULL, *path = str_printf("/proc/%s", file);
	int r = procfs_read(c->h, &text, "%s", file);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	name = redact_name(&c->redactor, text);
	return name && path ? capture_put_text(c, path, name) : -ENOMEM;
}

int capture_tables(struct capture *c)
{
	static const struct {
		const char *file;
		void (*line)(struct capture *c, const char *line, struct strbuf *to);
	} tables[] = {
		{ "self/net/route", route4 },
		{ "self/net/ipv6_route", route6 },
		{ "self/net/if_inet6", address6 },
		{ "self/net/tcp", connection },
		{ "self/net/tcp6", connection },
		{ "self/mountinfo", mount },
		{ "swaps", swap },
	};
	static const char *const whole[] = { "/proc/meminfo", "/proc/modules", "/proc/interrupts",
		"/proc/version", "/proc/self/limits", "/proc/sys/kernel/osrelease",
		"/proc/sys/kernel/arch" };
	static const char *const names[] = { "sys/kernel/hostname", "sys/kernel/random/boot_id" };
	int r = copy_options(c);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tables); i++)
		r = copy_table(c, tables[i].file, tables[i].line);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(whole); i++)
		r = capture_copy(c, whole[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++)
		r = copy_name(c, names[i]);
	return r;
}
