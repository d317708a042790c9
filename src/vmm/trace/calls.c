// SPDX-License-Identifier: GPL-2.0-or-later
#include "calls.h"

#include "say.h"

#include "base/str.h"
#include "vfio/abi.h"

#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

enum { FIELDS_MAX = 6 };

struct field {
	const char *name;
	uint16_t at, bytes;
};

enum rest {
	REST_NONE,
	REST_BYTES,  /* what follows the fixed part of the answer */
	REST_RANGES, /* what the answer points at: iommufd's ranges */
};

struct call_shape {
	unsigned long request;
	const char *name;
	uint16_t fixed; /* bytes; 0: `arg` is no pointer */
	bool sized;	/* begins with how many bytes there are */
	bool slow;
	enum rest rest;
	struct field in[FIELDS_MAX], out[FIELDS_MAX];
	void (*say)(struct call *c, struct strbuf *to);
	void (*learn)(struct call *c, int r);
};

static uint64_t get(const struct call *c, const struct field *f)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)c->arg + f->at, f->bytes);
	return v;
}

static bool is_there(const struct call *c, const struct field *f)
{
	return f->name && (uint32_t)f->at + f->bytes <= c->argsz;
}

static void say_fields(const struct call *c, const struct field *f, struct strbuf *to)
{
	for (size_t i = 0; i < FIELDS_MAX; i++)
		if (is_there(c, &f[i]))
			strbuf_add(to, " %s=0x%llx", f[i].name, (unsigned long long)get(c, &f[i]));
}

/* ---- What a table of fields cannot say ---- */

static void say_fds(struct call *c, const char *data, uint32_t n, struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, " fds=");
	for (uint32_t i = 0; i < n; i++) {
		int32_t fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		strbuf_add(to, "%s%s", i ? "," : "", names_event(c->names, c->of, fd, buf));
	}
}

static bool has_fds(const struct call *c, const struct vfio_irq_set *s)
{
	return c->argsz >= sizeof(*s) && s->flags & VFIO_IRQ_SET_DATA_EVENTFD &&
	       s->count <= (c->argsz - sizeof(*s)) / sizeof(int32_t);
}

static void irqs_say(struct call *c, struct strbuf *to)
{
	const struct vfio_irq_set *s = c->arg;

	if (has_fds(c, s))
		say_fds(c, (const char *)s->data, s->count, to);
}

static void irqs_learn(struct call *c, int r)
{
	const struct vfio_irq_set *s = c->arg;
	bool trigger = s->flags & VFIO_IRQ_SET_ACTION_TRIGGER;
	/* An INTx has two eventfds: the second one is as if it were a vector of its own. */
	uint32_t base = trigger ? 0 : 1U << 16;

	if (r >= 0 && trigger && s->flags & VFIO_IRQ_SET_DATA_NONE && !s->count)
		names_disconnect_all(c->names, c->fd, s->index);
	for (uint32_t i = 0; has_fds(c, s) && i < s->count; i++) {
		int32_t fd;

		memcpy(&fd, s->data + i * sizeof(fd), sizeof(fd));
		if (r >= 0)
			names_connect(c->names, c->of, c->fd, s->index, base + s->start + i, fd);
		else
			names_settle(c->names, fd);
	}
}

static void hot_reset_say(struct call *c, struct strbuf *to)
{
	const struct vfio_pci_hot_reset *q = c->arg;
	uint32_t most = (c->argsz - (uint32_t)MIN(sizeof(*q), c->argsz)) / sizeof(int32_t);

	for (uint32_t i = 0; i < MIN(q->count, most); i++) {
		const char *name = names_fd(c->names, q->group_fds[i]);

		strbuf_add(to, " %s", name ? name : "?");
	}
}

static void region_learn(struct call *c, int r)
{
	const struct vfio_region_info *i = c->arg;

	if (r >= 0 && i->size)
		names_add_region(c->names, c->fd, i->index, i->offset, i->size);
}

static void say_address(struct call *c, uint64_t at, struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, " %s", names_address(c->names, at, buf));
}

static void map_dma_say(struct call *c, struct strbuf *to)
{
	say_address(c, ((const struct vfio_iommu_type1_dma_map *)c->arg)->vaddr, to);
}

static void ioas_map_say(struct call *c, struct strbuf *to)
{
	say_address(c, ((const struct abi_map *)c->arg)->memory, to);
}

static void bind_say(struct call *c, struct strbuf *to)
{
	const char *name = names_fd(c->names, ((const struct abi_bind *)c->arg)->iommufd);

	strbuf_add(to, " %s", name ? name : "?");
}

static void slot_say(struct call *c, struct strbuf *to)
{
	const struct kvm_userspace_memory_region *m = c->arg;

	if (m->memory_size)
		say_address(c, m->userspace_addr, to);
}

/* What the guest gets: a pin, or a message. */
static void say_target(const struct names *n, uint32_t gsi, struct strbuf *to)
{
	for (uint32_t i = 0; n->routes && i < n->routes->nr; i++) {
		const struct kvm_irq_routing_entry *e = &n->routes->entries[i];

		if (e->gsi != gsi || e->type != KVM_IRQ_ROUTING_MSI)
			continue;
		strbuf_add(to, " message 0x%llx 0x%x",
			(unsigned long long)e->u.msi.address_hi << 32 | e->u.msi.address_lo,
			e->u.msi.data);
		return;
	}
	strbuf_add(to, " pin %u", gsi);
}

static void irqfd_say(struct call *c, struct strbuf *to)
{
	const struct kvm_irqfd *q = c->arg;
	char buf[PLACE_BYTES];

	strbuf_add(to, " %s %s", q->flags & KVM_IRQFD_FLAG_DEASSIGN ? "off" : "on",
		names_event(c->names, c->of, (int)q->fd, buf));
	if (q->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return;
	say_target(c->names, q->gsi, to);
	if (q->flags & KVM_IRQFD_FLAG_RESAMPLE)
		strbuf_add(
			to, " resample %s", names_event(c->names, c->of, (int)q->resamplefd, buf));
}

static void irqfd_learn(struct call *c, int r)
{
	const struct kvm_irqfd *q = c->arg;
	bool resamples = q->flags & KVM_IRQFD_FLAG_RESAMPLE;

	if (q->flags & KVM_IRQFD_FLAG_DEASSIGN)
		names_irqfd_gone(c->names, q->gsi, (int)q->fd);
	else if (r >= 0)
		names_irqfd_added(
			c->names, c->of, q->gsi, (int)q->fd, resamples ? (int)q->resamplefd : -1);
	names_settle(c->names, (int)q->fd);
	if (resamples)
		names_settle(c->names, (int)q->resamplefd);
}

static void device_learn(struct call *c, int r)
{
	if (r >= 0)
		names_add_fd(
			c->names, (int)((const struct kvm_create_device *)c->arg)->fd, "kvm-vfio");
}

static void attr_say(struct call *c, struct strbuf *to)
{
	const struct kvm_device_attr *a = c->arg;
	const char *name;
	int32_t fd;

	if (a->group != KVM_DEV_VFIO_GROUP || !a->addr)
		return;
	memcpy(&fd, (const void *)(uintptr_t)a->addr, sizeof(fd));
	name = names_fd(c->names, fd);
	strbuf_add(to, " %s", name ? name : "?");
}

/* ---- The table ---- */

#define F(type, member, text)                                                                      \
	{                                                                                          \
		text, offsetof(struct type, member), sizeof(((struct type *)0)->member)            \
	}
#define SIZED(r, type) .request = (r), .name = #r, .fixed = sizeof(struct type), .sized = true
#define PLAIN(r, type) .request = (r), .name = #r, .fixed = sizeof(struct type)
#define NAMED(r, type, text)                                                                       \
	.request = (r), .name = (text), .fixed = sizeof(struct type), .sized = true

static const struct call_shape shapes[] = {
	{ .request = VFIO_GET_API_VERSION, .name = "VFIO_GET_API_VERSION" },
	{ .request = VFIO_CHECK_EXTENSION, .name = "VFIO_CHECK_EXTENSION" },
	{ SIZED(VFIO_IOMMU_GET_INFO, vfio_iommu_type1_info),
		.in = { F(vfio_iommu_type1_info, argsz, "argsz") },
		.out = { F(vfio_iommu_type1_info, argsz, "argsz"),
			F(vfio_iommu_type1_info, flags, "flags"),
			F(vfio_iommu_type1_info, iova_pgsizes, "pages"),
			F(vfio_iommu_type1_info, cap_offset, "caps") },
		.rest = REST_BYTES },
	{ SIZED(VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map),
		.in = { F(vfio_iommu_type1_dma_map, flags, "flags"),
			F(vfio_iommu_type1_dma_map, iova, "iova"),
			F(vfio_iommu_type1_dma_map, size, "size") },
		.say = map_dma_say, .slow = true },
	{ SIZED(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap),
		.in = { F(vfio_iommu_type1_dma_unmap, flags, "flags"),
			F(vfio_iommu_type1_dma_unmap, iova, "iova"),
			F(vfio_iommu_type1_dma_unmap, size, "size") },
		.out = { F(vfio_iommu_type1_dma_unmap, size, "size") }, .slow = true },
	{ SIZED(VFIO_DEVICE_GET_INFO, vfio_device_info),
		.in = { F(vfio_device_info, argsz, "argsz") },
		.out = { F(vfio_device_info, argsz, "argsz"), F(vfio_device_info, flags, "flags"),
			F(vfio_device_info, num_regions, "regions"),
			F(vfio_device_info, num_irqs, "irqs") } },
	{ SIZED(VFIO_DEVICE_GET_REGION_INFO, vfio_region_info),
		.in = { F(vfio_region_info, argsz, "argsz"), F(vfio_region_info, index, "index") },
		.out = { F(vfio_region_info, argsz, "argsz"), F(vfio_region_info, flags, "flags"),
			F(vfio_region_info, cap_offset, "caps"), F(vfio_region_info, size, "size"),
			F(vfio_region_info, offset, "offset") },
		.rest = REST_BYTES, .learn = region_learn },
	{ SIZED(VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info),
		.in = { F(vfio_irq_info, index, "index") },
		.out = { F(vfio_irq_info, flags, "flags"), F(vfio_irq_info, count, "count") } },
	{ SIZED(VFIO_DEVICE_SET_IRQS, vfio_irq_set),
		.in = { F(vfio_irq_set, flags, "flags"), F(vfio_irq_set, index, "index"),
			F(vfio_irq_set, start, "start"), F(vfio_irq_set, count, "count") },
		.say = irqs_say, .learn = irqs_learn },
	{ .request = VFIO_DEVICE_RESET, .name = "VFIO_DEVICE_RESET", .slow = true },
	{ SIZED(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, vfio_pci_hot_reset_info),
		.in = { F(vfio_pci_hot_reset_info, argsz, "argsz") },
		.out = { F(vfio_pci_hot_reset_info, argsz, "argsz"),
			F(vfio_pci_hot_reset_info, flags, "flags"),
			F(vfio_pci_hot_reset_info, count, "count") },
		.rest = REST_BYTES },
	{ SIZED(VFIO_DEVICE_PCI_HOT_RESET, vfio_pci_hot_reset),
		.in = { F(vfio_pci_hot_reset, flags, "flags"),
			F(vfio_pci_hot_reset, count, "count") },
		.say = hot_reset_say, .slow = true },
	{ SIZED(VFIO_DEVICE_FEATURE, vfio_device_feature),
		.in = { F(vfio_device_feature, argsz, "argsz"),
			F(vfio_device_feature, flags, "flags") },
		.out = { F(vfio_device_feature, argsz, "argsz"),
			F(vfio_device_feature, flags, "flags") },
		.rest = REST_BYTES },
	{ NAMED(ABI_DEVICE_BIND_IOMMUFD, abi_bind, "VFIO_DEVICE_BIND_IOMMUFD"),
		.in = { F(abi_bind, flags, "flags") }, .out = { F(abi_bind, out_devid, "id") },
		.say = bind_say },
	{ NAMED(ABI_DEVICE_ATTACH_IOMMUFD_PT, abi_attach, "VFIO_DEVICE_ATTACH_IOMMUFD_PT"),
		.in = { F(abi_attach, flags, "flags"), F(abi_attach, pt_id, "pt") },
		.out = { F(abi_attach, pt_id, "pt") } },
	{ NAMED(ABI_IOMMU_DESTROY, abi_destroy, "IOMMU_DESTROY"),
		.in = { F(abi_destroy, id, "id") } },
	{ NAMED(ABI_IOAS_ALLOC, abi_ioas_alloc, "IOMMU_IOAS_ALLOC"),
		.in = { F(abi_ioas_alloc, flags, "flags") },
		.out = { F(abi_ioas_alloc, out_ioas_id, "id") } },
	{ NAMED(ABI_IOAS_IOVA_RANGES, abi_iova_ranges, "IOMMU_IOAS_IOVA_RANGES"),
		.in = { F(abi_iova_ranges, ioas_id, "id"), F(abi_iova_ranges, num_iovas, "n") },
		.out = { F(abi_iova_ranges, num_iovas, "n"),
			F(abi_iova_ranges, out_alignment, "alignment") },
		.rest = REST_RANGES },
	{ NAMED(ABI_IOAS_MAP, abi_map, "IOMMU_IOAS_MAP"),
		.in = { F(abi_map, flags, "flags"), F(abi_map, ioas_id, "id"),
			F(abi_map, iova, "iova"), F(abi_map, length, "size") },
		.out = { F(abi_map, iova, "iova") }, .say = ioas_map_say, .slow = true },
	{ NAMED(ABI_IOAS_UNMAP, abi_unmap, "IOMMU_IOAS_UNMAP"),
		.in = { F(abi_unmap, ioas_id, "id"), F(abi_unmap, iova, "iova"),
			F(abi_unmap, length, "size") },
		.out = { F(abi_unmap, length, "size") }, .slow = true },
	{ NAMED(ABI_OPTION, abi_option, "IOMMU_OPTION"),
		.in = { F(abi_option, option, "option"), F(abi_option, op, "op"),
			F(abi_option, object, "id"), F(abi_option, value, "value") },
		.out = { F(abi_option, value, "value") } },
	{ PLAIN(KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region),
		.in = { F(kvm_userspace_memory_region, guest_phys_addr, "guest"),
			F(kvm_userspace_memory_region, memory_size, "size"),
			F(kvm_userspace_memory_region, flags, "flags") },
		.say = slot_say },
	{ PLAIN(KVM_IRQFD, kvm_irqfd), .say = irqfd_say, .learn = irqfd_learn },
	{ PLAIN(KVM_CREATE_DEVICE, kvm_create_device), .in = { F(kvm_create_device, type, "type") },
		.learn = device_learn },
	{ PLAIN(KVM_SET_DEVICE_ATTR, kvm_device_attr),
		.in = { F(kvm_device_attr, group, "group"), F(kvm_device_attr, attr, "attr") },
		.say = attr_say },
};

static const struct call_shape *find_shape(unsigned long request)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (shapes[i].request == request)
			return &shapes[i];
	return NULL;
}

bool call_matters(unsigned long request)
{
	return request == KVM_SET_GSI_ROUTING || find_shape(request);
}

bool call_init(struct call *c, struct names *n, const char *of, bool inside, int fd,
	unsigned long request, void *arg)
{
	const struct call_shape *s = find_shape(request);
	bool named = names_fd(n, fd);

	if (!s || (!named && (_IOC_TYPE(request) != KVMIO || !inside)))
		return false;
	*c = (struct call) { n, of, fd, request, arg, s, s->fixed, 0 };
	if (s->sized)
		memcpy(&c->argsz, arg, sizeof(c->argsz));
	if (s->rest == REST_RANGES)
		c->room = ((const struct abi_iova_ranges *)arg)->num_iovas;
	return true;
}

bool call_is_slow(const struct call *c)
{
	return c->shape->slow;
}

void call_say(struct call *c, struct strbuf *to)
{
	const char *name = names_fd(c->names, c->fd);

	strbuf_add(to, "%s %s", name ? name : "vm", c->shape->name);
	if (!c->shape->fixed && c->arg)
		strbuf_add(to, " %lu", (unsigned long)(uintptr_t)c->arg);
	if (c->shape->fixed)
		say_fields(c, c->shape->in, to);
	if (c->shape->say)
		c->shape->say(c, to);
}

/* How much the kernel can have written behind the fixed part. */
static size_t rest_bytes(const struct call *c)
{
	uint32_t now = c->argsz;

	memcpy(&now, c->arg, sizeof(now));
	now = MIN(now, c->argsz);
	return now > c->shape->fixed ? now - c->shape->fixed : 0;
}

static uint32_t ranges_told(const struct call *c)
{
	uint32_t n = ((const struct abi_iova_ranges *)c->arg)->num_iovas;

	return MIN(n, c->room);
}

static void say_rest(const struct call *c, struct strbuf *to)
{
	const char *bytes = c->arg;
	size_t len = c->shape->rest == REST_BYTES ? rest_bytes(c) : 0;
	const struct abi_iova_range *r;

	if (len) {
		strbuf_add(to, " rest=:");
		for (size_t i = 0; i < len; i++)
			strbuf_add(to, "%02x", (uint8_t)bytes[c->shape->fixed + i]);
	}
	if (c->shape->rest != REST_RANGES)
		return;
	r = (const void *)(uintptr_t)((const struct abi_iova_ranges *)c->arg)->allowed;
	for (uint32_t i = 0; i < ranges_told(c); i++)
		strbuf_add(to, " 0x%llx-0x%llx", (unsigned long long)r[i].first,
			(unsigned long long)r[i].last);
}

/* Some answers are in the argument although the call failed: how much room would do. */
static bool answers(const struct call *c, int r)
{
	return c->shape->fixed && (r >= 0 || r == -ENOSPC || r == -EMSGSIZE);
}

void call_say_answer(struct call *c, int r, struct strbuf *to)
{
	bool makes = c->request == KVM_CREATE_DEVICE;

	say_code(to, makes && r > 0 ? 0 : r);
	if (answers(c, r))
		say_fields(c, c->shape->out, to);
	if (r >= 0 && c->shape->rest)
		say_rest(c, to);
	if (c->shape->learn)
		c->shape->learn(c, r);
}

static const struct field *find_field(const struct call *c, const char *word, size_t len)
{
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		const struct field *f = &c->shape->out[i];

		if (is_there(c, f) && strlen(f->name) == len && memcmp(f->name, word, len) == 0)
			return f;
	}
	return NULL;
}

static int take_rest(const struct call *c, const char *hex)
{
	size_t room = c->argsz > c->shape->fixed ? c->argsz - c->shape->fixed : 0;
	ssize_t n = parse_data(hex, (char *)c->arg + c->shape->fixed, room);

	return n < 0 || c->shape->rest != REST_BYTES ? -EINVAL : 0;
}

static int take_range(const struct call *c, const char *word, uint32_t i)
{
	struct abi_iova_range *r;
	unsigned long long first, last;

	if (c->shape->rest != REST_RANGES || i >= c->room ||
		sscanf(word, "0x%llx-0x%llx", &first, &last) != 2)
		return -EINVAL;
	r = (void *)(uintptr_t)((const struct abi_iova_ranges *)c->arg)->allowed;
	r[i] = (struct abi_iova_range) { first, last };
	return 0;
}

static int take_word(const struct call *c, char *word, uint32_t *ranges)
{
	size_t len = strcspn(word, "=");
	const struct field *f = find_field(c, word, len);
	uint64_t v;

	if (str_starts(word, "rest=:"))
		return take_rest(c, word + strlen("rest=:"));
	if (!word[len])
		return take_range(c, word, (*ranges)++);
	if (!f || parse_u64(word + len + 1, &v) < 0)
		return -EINVAL;
	if (f->bytes < 8 && v >> (8 * f->bytes))
		return -ERANGE;
	memcpy((char *)c->arg + f->at, &v, f->bytes);
	return 0;
}

int call_take_answer(struct call *c, const char *text, int made, int *ret)
{
	autofree char *copy = NULL;
	uint32_t ranges = 0;
	const char *end;
	char *save = NULL;
	long code;
	int r = parse_code(text, &end, &code);

	if (r < 0)
		return r;
	copy = strdup(end);
	if (!copy)
		return -ENOMEM;
	for (char *w = strtok_r(copy, " ", &save); w && r >= 0; w = strtok_r(NULL, " ", &save))
		r = c->shape->fixed ? take_word(c, w, &ranges) : -EINVAL;
	if (r < 0)
		return -EINVAL;
	if (c->request == KVM_CREATE_DEVICE && code >= 0)
		((struct kvm_create_device *)c->arg)->fd = (uint32_t)made;
	if (c->shape->learn)
		c->shape->learn(c, (int)code);
	*ret = (int)code;
	return 0;
}

void call_note_routes(struct names *n, unsigned long request, const void *arg)
{
	if (request == KVM_SET_GSI_ROUTING)
		names_routes(n, arg);
}
