// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact.h"

#include "base/str.h"

#include <ctype.h>
#include <nettle/hmac.h>
#include <stdio.h>

enum { KEY_BYTES = 32 };

/* `kind` keeps pseudonyms of different things apart. */
static void hash(const struct redactor *r, const char *kind, const void *data, size_t len,
	uint8_t digest[SHA256_DIGEST_SIZE])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, KEY_BYTES, r->key);
	hmac_sha256_update(&ctx, strlen(kind) + 1, (const uint8_t *)kind);
	hmac_sha256_update(&ctx, len, data);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, digest);
}

static bool all_are(const uint8_t *data, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != value)
			return false;
	return true;
}

void redact_mac(const struct redactor *r, uint8_t mac[6])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	/* A locally administered address has no vendor, only its first byte has a meaning. */
	size_t kept = mac[0] & 2 ? 1 : 3;

	if (!r->key || mac[0] & 1 || all_are(mac, 6, 0))
		return;
	hash(r, "mac", mac, 6, digest);
	memcpy(mac + kept, digest, 6 - kept);
}

/* Two hexadecimal digits; negative: none. */
static int hex_byte(const char *s)
{
	unsigned v;

	if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]) ||
		sscanf(s, "%2x", &v) != 1)
		return -1;
	return (int)v;
}

/* Reads 6 bytes that stand `step` characters apart. */
static bool read_bytes(const char *s, size_t step, uint8_t mac[6])
{
	for (size_t i = 0; i < 6; i++) {
		int v;

		if (i && step == 3 && s[i * step - 1] != ':')
			return false;
		v = hex_byte(s + i * step);
		if (v < 0)
			return false;
		mac[i] = (uint8_t)v;
	}
	return true;
}

static void write_bytes(char *s, size_t step, const uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 6; i++) {
		s[i * step] = digits[mac[i] >> 4];
		s[i * step + 1] = digits[mac[i] & 15];
	}
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == ':';
}

void redact_text(const struct redactor *r, char *text)
{
	for (char *s = text; r->key && *s; s++) {
		size_t step = str_starts(s, "enx") ? 2 : 3;
		char *at = step == 2 ? s + 3 : s;
		uint8_t mac[6];

		if ((s != text && is_word(s[-1])) || !read_bytes(at, step, mac))
			continue;
		redact_mac(r, mac);
		write_bytes(at, step, mac);
		s = at + 6 * step - 2;
	}
}

/* One bit at a time, each by those before it: what had a common prefix has one as long. */
void redact_ip(const struct redactor *r, uint8_t *address, size_t len)
{
	uint8_t plain[16] = { 0 };
	size_t from = 0;

	if (!r->key || len > sizeof(plain) || all_are(address, len, 0) ||
		(len == 4 && address[0] == 127) ||
		(len == 16 && all_are(address, 15, 0) && address[15] == 1))
		return;
	memcpy(plain, address, len);
	if (len == 16 && plain[0] == 0xfe && (plain[1] & 0xc0) == 0x80)
		from = 64;
	for (size_t bit = from; bit < len * 8; bit++) {
		uint8_t digest[SHA256_DIGEST_SIZE], prefix[17] = { 0 };

		prefix[16] = (uint8_t)bit;
		memcpy(prefix, plain, bit / 8);
		prefix[bit / 8] |= (uint8_t)(plain[bit / 8] & ~(0xff >> bit % 8));
		hash(r, len == 4 ? "ip4" : "ip6", prefix, sizeof(prefix), digest);
		if (digest[0] & 1)
			address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

char *redact_name(const struct redactor *r, const char *name)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	if (!r->key || !*name)
		return strdup(name);
	hash(r, "name", name, strlen(name), digest);
	return str_printf("x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}

void redact_bytes(const struct redactor *r, uint8_t *data, size_t len)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t digest[SHA256_DIGEST_SIZE];

	if (!r->key)
		return;
	hash(r, "bytes", data, len, digest);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)letters[digest[i % sizeof(digest)] % 32];
}

char *redact_path(const struct redactor *r, const char *path)
{
	static const char *const usual[] = { "efi", "lib", "log", "tmp", "cache", "local", "swap" };
	autofree char *copy = strdup(path);
	autostrbuf b = { 0 };
	char *save = NULL;
	unsigned depth = 0;

	if (!copy || !r->key || path[0] != '/')
		return TAKE_PTR(copy);
	for (char *p = strtok_r(copy, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		autofree char *name = NULL;
		bool keep = depth++ == 0;

		for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
			keep = keep || str_eq(p, usual[i]);
		name = keep ? strdup(p) : redact_name(r, p);
		strbuf_add(&b, "/%s", name ? name : "x");
	}
	return b.len ? strbuf_take(&b) : strdup("/");
}

char *redact_disk(const struct redactor *r, const char *spec)
{
	static const char *const before[] = { "by-uuid/", "by-id/", "by-label/", "by-partuuid/",
		"by-partlabel/", "UUID=", "LABEL=", "ENTRY_NAME=" };

	for (size_t i = 0; r->key && i < ARRAY_SIZE(before); i++) {
		const char *at = strstr(spec, before[i]);
		autofree char *name = NULL;

		if (!at)
			continue;
		at += strlen(before[i]);
		name = redact_name(r, at);
		return name ? str_printf("%.*s%s", (int)(at - spec), spec, name) : NULL;
	}
	return strdup(spec);
}

/* What is said of devices stays, whatever it is; of the rest that it was said. */
static bool is_about_devices(const char *word)
{
	static const char *const keys[] = { "iommu", "intel_iommu", "amd_iommu", "vfio", "pci",
		"kvm", "hugepage", "default_hugepage", "mem=", "movable", "isolcpus", "nohz",
		"irqaffinity", "numa", "intremap", "swiotlb", "console=", "efi=", "noefi",
		"modprobe.", "module_blacklist", "nvme", "mlx", "ixgbe", "i40e", "ice.", "igb",
		"xe.", "i915." };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_starts(word, keys[i]))
			return true;
	return false;
}

char *redact_kernel_options(const struct redactor *r, const char *cmdline)
{
	autofree char *copy = strdup(cmdline);
	autostrbuf b = { 0 };
	char *save = NULL;

	if (!copy || !r->key)
		return TAKE_PTR(copy);
	for (char *w = strtok_r(copy, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
		size_t key = strcspn(w, "=");
		const char *gap = b.len ? " " : "";

		/* The rest is not the kernel's but the first program's. */
		if (str_eq(w, "--"))
			break;
		if (is_about_devices(w) || !w[key])
			strbuf_add(&b, "%s%s", gap, w);
		else
			strbuf_add(&b, "%s%.*s=x", gap, (int)key, w);
	}
	return strbuf_take(&b);
}

static uint32_t word_at(const uint8_t *b)
{
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Extended capabilities begin at 0x100; the device serial number is number 3 (PCIe 7.9.3). */
void redact_config(const struct redactor *r, uint8_t *config, size_t len)
{
	enum { FIRST = 0x100, SERIAL = 3, MOST = 960 };
	size_t at = FIRST;

	for (unsigned i = 0; r->key && i < MOST && at >= FIRST && at + 12 <= len; i++) {
		uint32_t header = word_at(config + at);

		if ((header & 0xffff) == SERIAL)
			redact_bytes(r, config + at + 4, 8);
		at = header >> 20 & 0xffc;
	}
}

/*
 * A list of resources (PCI 2.2, appendix I): the product's name stays, and of the fields the part
 * and engineering numbers. RV is a checksum over all before it, which is made right again.
 */
static void redact_fields(const struct redactor *r, uint8_t *vpd, size_t from, size_t to)
{
	for (size_t at = from; at + 3 <= to;) {
		uint8_t *field = vpd + at;
		size_t n = field[2];
		uint8_t sum = 0;

		if (at + 3 + n > to)
			return;
		if (memcmp(field, "RV", 2) == 0 && n) {
			for (size_t i = 0; i < at + 3; i++)
				sum = (uint8_t)(sum + vpd[i]);
			field[3] = (uint8_t)-sum;
		} else if (memcmp(field, "PN", 2) != 0 && memcmp(field, "EC", 2) != 0) {
			redact_bytes(r, field + 3, n);
		}
		at += 3 + n;
	}
}

void redact_vpd(const struct redactor *r, uint8_t *vpd, size_t len)
{
	enum { LARGE = 0x80, VPD_R = 0x90, VPD_W = 0x91 };
	size_t at = 0;

	while (r->key && at + 3 <= len && vpd[at] & LARGE) {
		size_t n = (size_t)vpd[at + 1] | (size_t)vpd[at + 2] << 8;
		size_t end = MIN(at + 3 + n, len);

		if (vpd[at] == VPD_R || vpd[at] == VPD_W)
			redact_fields(r, vpd, at + 3, end);
		at = end;
	}
	/* What is no list any more tells nothing that we read. */
	if (r->key && at < len)
		memset(vpd + at, vpd[at] == 0x78 ? 0x78 : 0, len - at);
}
