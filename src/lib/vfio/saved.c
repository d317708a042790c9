// SPDX-License-Identifier: GPL-2.0-or-later
#include "saved.h"

#include "base/str.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <string.h>

enum { VERSION = 1, CHUNK_BYTES = 64 << 10 };

static const char magic[16] = "vfctl state\n";
static const uint64_t INCOMPLETE = UINT64_MAX;

struct head {
	char magic[16];
	uint32_t version, head_bytes;
	uint64_t bytes;
	uint32_t crc;
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision, zeros[15];
	uint32_t head_crc;
};
_Static_assert(sizeof(struct head) == VFIO_SAVED_HEAD, "the head of a file is as it is written");

/* `crc` is what it returned for the bytes before, 0 at first. */
static uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static int read_id(struct vfio_device *d, struct vfio_saved_id *ret)
{
	uint8_t b[PCI_SUBSYSTEM_ID + 2];
	int r = vfio_config_read(d, 0, b, sizeof(b));

	if (r < 0)
		return r;
	*ret = (struct vfio_saved_id) {
		.vendor = (uint16_t)(b[PCI_VENDOR_ID] | b[PCI_VENDOR_ID + 1] << 8),
		.device = (uint16_t)(b[PCI_DEVICE_ID] | b[PCI_DEVICE_ID + 1] << 8),
		.subsystem_vendor = (uint16_t)(b[PCI_SUBSYSTEM_VENDOR_ID] |
					       b[PCI_SUBSYSTEM_VENDOR_ID + 1] << 8),
		.subsystem = (uint16_t)(b[PCI_SUBSYSTEM_ID] | b[PCI_SUBSYSTEM_ID + 1] << 8),
		.revision = b[PCI_REVISION_ID],
	};
	return 0;
}

static void pack_head(const struct vfio_saved *s, uint32_t crc, struct head *h)
{
	*h = (struct head) {
		.version = htole32(VERSION),
		.head_bytes = htole32(VFIO_SAVED_HEAD),
		.bytes = htole64(s->bytes),
		.crc = htole32(crc),
		.vendor = htole16(s->id.vendor),
		.device = htole16(s->id.device),
		.subsystem_vendor = htole16(s->id.subsystem_vendor),
		.subsystem = htole16(s->id.subsystem),
		.revision = s->id.revision,
	};
	memcpy(h->magic, magic, sizeof(magic));
	h->head_crc = htole32(crc32_add(0, h, offsetof(struct head, head_crc)));
}

static int bad(struct problem **reterr, const char *what)
{
	return problem(reterr, -EBADMSG, PROBLEM_FAILED, NULL, "%s", what);
}

static int unpack_head(
	const struct head *h, struct vfio_saved *ret, uint32_t *ret_crc, struct problem **reterr)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0)
		return bad(reterr, "this is no saved state of a function");
	if (le32toh(h->version) != VERSION)
		return problem(reterr, -EPROTONOSUPPORT, PROBLEM_UNSUPPORTED,
			"use the vfctl that wrote it",
			"the state was saved in format %u, this program knows %u",
			le32toh(h->version), (unsigned)VERSION);
	if (le32toh(h->head_crc) != crc32_add(0, h, offsetof(struct head, head_crc)) ||
		le32toh(h->head_bytes) != VFIO_SAVED_HEAD)
		return bad(reterr, "the head of the saved state is damaged");
	if (le64toh(h->bytes) == INCOMPLETE)
		return bad(reterr, "the state was never saved to its end");
	*ret_crc = le32toh(h->crc);
	*ret = (struct vfio_saved) {
		.id = { le16toh(h->vendor), le16toh(h->device), le16toh(h->subsystem_vendor),
			le16toh(h->subsystem), h->revision },
		.bytes = le64toh(h->bytes),
	};
	return 0;
}

/* A place in the file while the state goes in or comes out. */
struct cursor {
	const struct vfio_saved_file *file;
	uint64_t at, end;
	uint32_t crc;
};

static int put(void *arg, const void *data, size_t len)
{
	struct cursor *c = arg;
	int r = c->file->write(c->file->arg, data, len, c->at);

	if (r < 0)
		return r;
	c->crc = crc32_add(c->crc, data, len);
	c->at += len;
	return 0;
}

static ssize_t get(void *arg, void *buf, size_t len)
{
	struct cursor *c = arg;
	size_t want = (size_t)MIN((uint64_t)len, c->end - c->at);
	ssize_t n = want ? c->file->read(c->file->arg, buf, want, c->at) : 0;

	if (n > 0)
		c->at += (size_t)n;
	return want && n == 0 ? -EBADMSG : n;
}

static int write_head(const struct vfio_saved_file *f, const struct vfio_saved *s, uint32_t crc)
{
	struct head h;

	pack_head(s, crc, &h);
	return f->write(f->arg, &h, sizeof(h), 0);
}

static int blame_file(int code, const char *how, struct problem **reterr)
{
	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"the file for the state cannot be %s: %s", how, strerror(-code));
}

int vfio_saved_write(struct vfio_device *d, const struct vfio_saved_file *f, unsigned stall_ms,
	struct vfio_saved *ret, struct problem **reterr)
{
	struct cursor c = { .file = f, .at = VFIO_SAVED_HEAD };
	const struct vfio_state_io io = { .put = put, .arg = &c, .stall_ms = stall_ms };
	struct vfio_saved s = { .bytes = INCOMPLETE };
	int r = read_id(d, &s.id);

	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"the configuration space of %s cannot be read: %s", d->name, strerror(-r));
	/* So that what is there when we are killed is not taken for a state. */
	r = write_head(f, &s, 0);
	if (r < 0)
		return blame_file(r, "written", reterr);
	r = vfio_state_save(d, &io, &s.bytes, reterr);
	if (r < 0)
		return r;
	r = write_head(f, &s, c.crc);
	if (r < 0) {
		vfio_state_set(d, VFIO_STATE_RUNNING, NULL);
		return blame_file(r, "written", reterr);
	}
	*ret = s;
	return 0;
}

/* -EBADMSG: the file is shorter than that. */
static int sum_up(struct cursor *c, uint32_t *ret)
{
	autofree char *chunk = malloc(CHUNK_BYTES);
	ssize_t n = chunk ? 1 : -ENOMEM;
	uint32_t crc = 0;

	while (n > 0) {
		n = get(c, chunk, CHUNK_BYTES);
		crc = n > 0 ? crc32_add(crc, chunk, (size_t)n) : crc;
	}
	*ret = crc;
	return (int)n;
}

static bool goes_on_beyond(const struct vfio_saved_file *f, uint64_t end)
{
	char byte;

	return f->read(f->arg, &byte, 1, end) > 0;
}

int vfio_saved_check(
	const struct vfio_saved_file *f, struct vfio_saved *ret, struct problem **reterr)
{
	struct cursor c = { .file = f, .at = VFIO_SAVED_HEAD };
	uint32_t crc = 0, wanted = 0;
	struct vfio_saved s;
	struct head h;
	ssize_t n = f->read(f->arg, &h, sizeof(h), 0);
	int r;

	if (n < 0)
		return blame_file((int)n, "read", reterr);
	if (n != sizeof(h))
		return bad(reterr, "this is no saved state of a function");
	r = unpack_head(&h, &s, &wanted, reterr);
	if (r < 0)
		return r;
	if (__builtin_add_overflow(s.bytes, (uint64_t)VFIO_SAVED_HEAD, &c.end))
		return bad(reterr, "the head of the saved state is damaged");
	r = sum_up(&c, &crc);
	if (r < 0 && r != -EBADMSG)
		return blame_file(r, "read", reterr);
	if (r < 0 || goes_on_beyond(f, c.end))
		return bad(reterr, "the saved state is not as long as its head says");
	if (crc != wanted)
		return bad(reterr, "the saved state is damaged: its checksum is another");
	*ret = s;
	return 0;
}

static bool is_same_kind(const struct vfio_saved_id *a, const struct vfio_saved_id *b)
{
	return a->vendor == b->vendor && a->device == b->device &&
	       a->subsystem_vendor == b->subsystem_vendor && a->subsystem == b->subsystem &&
	       a->revision == b->revision;
}

static int check_kind(
	struct vfio_device *d, const struct vfio_saved_id *saved, struct problem **reterr)
{
	struct vfio_saved_id own;
	int r = read_id(d, &own);

	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"the configuration space of %s cannot be read: %s", d->name, strerror(-r));
	if (is_same_kind(saved, &own))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_FAILED, NULL,
		"the state is of a %04x:%04x (%04x:%04x, revision %02x), and %s is a %04x:%04x "
		"(%04x:%04x, revision %02x)",
		saved->vendor, saved->device, saved->subsystem_vendor, saved->subsystem,
		saved->revision, d->name, own.vendor, own.device, own.subsystem_vendor,
		own.subsystem, own.revision);
}

int vfio_saved_read(struct vfio_device *d, const struct vfio_saved_file *f, unsigned stall_ms,
	struct vfio_saved *ret, struct problem **reterr)
{
	struct cursor c = { .file = f, .at = VFIO_SAVED_HEAD };
	const struct vfio_state_io io = { .get = get, .arg = &c, .stall_ms = stall_ms };
	struct vfio_saved s;
	uint64_t bytes;
	int r = vfio_saved_check(f, &s, reterr);

	if (r == 0)
		r = check_kind(d, &s.id, reterr);
	if (r < 0)
		return r;
	c.end = VFIO_SAVED_HEAD + s.bytes;
	r = vfio_state_load(d, &io, &bytes, reterr);
	if (r == 0)
		*ret = s;
	return r;
}
