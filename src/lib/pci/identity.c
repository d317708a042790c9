// SPDX-License-Identifier: GPL-2.0-or-later
#include "identity.h"

#include "base/str.h"
#include "host/sysfs.h"

enum {
	CLASS_STORAGE_NVME = 0x010802,
	BASE_NETWORK = 0x02,
	BASE_BRIDGE = 0x06,
	CLASS_PCI_BRIDGE = 0x0604,
	CLASS_CARDBUS_BRIDGE = 0x0607,
	CLASS_SEMITRANSPARENT_BRIDGE = 0x0609,
};

/* PCI code and ID assignment specification, 1.1; the words are this tool's. */
static const char *const class_words[] = {
	"unclassified",
	"storage",
	"network",
	"display",
	"multimedia",
	"memory",
	"bridge",
	"communication",
	"system",
	"input",
	"docking",
	"processor",
	"serial-bus",
	"wireless",
	"intelligent",
	"satellite",
	"encryption",
	"signal",
	"accelerator",
	"instrumentation",
};

const char *class_word(uint32_t class_code)
{
	uint32_t base = class_code >> 16;

	if (base == 0x40)
		return "coprocessor";
	return base < ARRAY_SIZE(class_words) ? class_words[base] : "other";
}

bool class_word_exists(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_words); i++)
		if (str_eq(class_words[i], word))
			return true;
	return str_eq(word, "coprocessor") || str_eq(word, "other");
}

bool class_is_network(uint32_t class_code)
{
	return class_code >> 16 == BASE_NETWORK;
}

bool class_is_nvme(uint32_t class_code)
{
	return class_code == CLASS_STORAGE_NVME;
}

bool class_is_bridge(uint32_t class_code)
{
	return class_code >> 16 == BASE_BRIDGE;
}

bool class_is_bus_bridge(uint32_t class_code)
{
	uint32_t sub = class_code >> 8;

	return sub == CLASS_PCI_BRIDGE || sub == CLASS_CARDBUS_BRIDGE ||
	       sub == CLASS_SEMITRANSPARENT_BRIDGE;
}

/* Reads exactly `digits` hexadecimal digits after `tag`; returns what follows, NULL on failure. */
static const char *take_field(const char *s, const char *tag, unsigned digits, uint32_t *ret)
{
	uint32_t v = 0;

	if (!s || !str_starts(s, tag))
		return NULL;
	s += strlen(tag);
	for (; digits; digits--, s++) {
		char c = *s;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return NULL;
	}
	*ret = v;
	return s;
}

/* "pci:v00008086d000010C9sv00001AF4sd00001100bc02sc00i00" */
int identity_parse_modalias(const char *text, struct identity *ret)
{
	uint32_t vendor, device, sv, sd, base, sub, interface;
	const char *s = text;

	s = take_field(s, "pci:v", 8, &vendor);
	s = take_field(s, "d", 8, &device);
	s = take_field(s, "sv", 8, &sv);
	s = take_field(s, "sd", 8, &sd);
	s = take_field(s, "bc", 2, &base);
	s = take_field(s, "sc", 2, &sub);
	s = take_field(s, "i", 2, &interface);
	if (!s || *s || (vendor | device | sv | sd) > UINT16_MAX)
		return -EINVAL;
	*ret = (struct identity) {
		.vendor = (uint16_t)vendor,
		.device = (uint16_t)device,
		.subsystem_vendor = (uint16_t)sv,
		.subsystem_device = (uint16_t)sd,
		.class_code = base << 16 | sub << 8 | interface,
	};
	return 0;
}

static int read_hex(struct folder *f, const char *file, uint64_t max, uint64_t *ret)
{
	char text[64];
	uint64_t v;
	int r = folder_read_text(f, file, text, sizeof(text));

	if (r < 0)
		return r == -EMSGSIZE ? -EINVAL : r;
	r = parse_hex(str_trim(text), &v);
	if (r < 0 || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int read_single_files(struct folder *f, struct identity *ret)
{
	uint64_t vendor, device, class_code, sv = 0, sd = 0;
	int r = read_hex(f, "vendor", UINT16_MAX, &vendor);

	if (r == 0)
		r = read_hex(f, "device", UINT16_MAX, &device);
	if (r == 0)
		r = read_hex(f, "class", 0xffffff, &class_code);
	if (r < 0)
		return r;
	(void)read_hex(f, "subsystem_vendor", UINT16_MAX, &sv);
	(void)read_hex(f, "subsystem_device", UINT16_MAX, &sd);
	*ret = (struct identity) {
		.vendor = (uint16_t)vendor,
		.device = (uint16_t)device,
		.subsystem_vendor = (uint16_t)sv,
		.subsystem_device = (uint16_t)sd,
		.class_code = (uint32_t)class_code,
	};
	return 0;
}

int identity_read_in(struct folder *f, struct identity *ret)
{
	char text[256];

	if (folder_read_text(f, "modalias", text, sizeof(text)) == 0 &&
		identity_parse_modalias(str_trim(text), ret) == 0)
		return 0;
	return read_single_files(f, ret);
}

int identity_read(struct host *h, struct bdf a, struct identity *ret)
{
	autofolder f;
	int r;

	folder_init(&f, h);
	r = sysfs_enter(&f, "bus/pci/devices/%s", BDF_TEXT(a));
	return r < 0 ? r : identity_read_in(&f, ret);
}

int identity_read_revision(struct host *h, struct bdf a, uint8_t *ret)
{
	autofolder f;
	uint64_t v;
	int r;

	folder_init(&f, h);
	r = sysfs_enter(&f, "bus/pci/devices/%s", BDF_TEXT(a));
	if (r == 0)
		r = read_hex(&f, "revision", UINT8_MAX, &v);
	if (r == 0)
		*ret = (uint8_t)v;
	return r;
}
