// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest with an assigned function, recorded: the text is what a person can read, and played again
 * it goes the same way. When the code goes another way, or the text does, the line is told.
 */
#include "cm.h"
#include "trace.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vfio/iommufd.h"
#include "vfio/irq.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/machine/space.h"
#include "vmm/pci/bus.h"
#include "vmm/trace/record.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"
#include "vmm/vfio/together.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ECAM SPACE_ECAM

enum { MSIX_AT = 0x70, TABLE = 0x2000, PBA = 0x3000, MSIX_INDEX = VFIO_PCI_MSIX_IRQ_INDEX };

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn;
	struct host *host; /* the recorder */
	int file, rom;
	struct vfio_session *session;
	struct kvm_vm *vm;
	struct guest_memory *memory;
	struct vmm_services s;
	struct pci_device *dev;
	bool lost;
	char note[160];
};

static void make_config(uint8_t *c)
{
	const uint8_t head[] = { 0x36, 0x1b, 0x10, 0x00, 0, 0, 0x10, 0, 2, 0x02, 0x08, 0x01 };

	memset(c, 0, 256);
	memcpy(c, head, sizeof(head));
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_CAPABILITY_LIST] = MSIX_AT;
	c[MSIX_AT] = PCI_CAP_ID_MSIX;
	c[MSIX_AT + 1] = 0x80;
	c[MSIX_AT + PCI_MSIX_FLAGS] = 2; /* 3 vectors */
	c[MSIX_AT + PCI_MSIX_TABLE + 1] = TABLE >> 8;
	c[MSIX_AT + PCI_MSIX_PBA + 1] = PBA >> 8;
	c[0x80] = PCI_CAP_ID_EXP;
	c[0x82] = 2;
}

static void take_note(void *arg, const char *text)
{
	struct env *e = arg;

	snprintf(e->note, sizeof(e->note), "%s", text);
}

/* One image for this device, 512 bytes, the last. */
static void make_rom(uint8_t *rom, size_t size)
{
	const uint8_t pcir[] = { 'P', 'C', 'I', 'R', 0x36, 0x1b, 0x10, 0x00, 0, 0, 0x18, 0, 0, 0, 0,
		0, 1, 0, 0, 0, 3, 0x80, 0, 0 };

	memset(rom, 0x5a, size);
	rom[0] = 0x55;
	rom[1] = 0xaa;
	rom[0x18] = 0x1c;
	rom[0x19] = 0;
	memcpy(&rom[0x1c], pcir, sizeof(pcir));
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	uint8_t config[256], rom[512];
	struct record_params p = { .about = "kernel Linux 6.1\nvmm test", .note = take_note };

	make_config(config);
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->v.iommufd = true;
	e->fn = fakevfio_add(&e->v, "0000:03:00.1", 15, config, sizeof(config));
	e->fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	fakevfio_bar(e->fn, 0, 0x4000);
	make_rom(rom, sizeof(rom));
	e->rom = memfd_create("rom", MFD_CLOEXEC);
	assert_int_equal(write(e->rom, rom, sizeof(rom)), sizeof(rom));
	e->file = p.fd = memfd_create("trace", MFD_CLOEXEC);
	p.arg = e;
	*state = e;
	return record_new(&e->v.host, &p, &e->host);
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	host_free(e->host);
	left = fakevfio_done(&e->v);
	fakekvm_done(&e->k);
	close(e->file);
	close(e->rom);
	free(e);
	return left ? -1 : 0;
}

static void by_group(struct env *e, struct vfio_fds *f)
{
	struct host *h = &e->v.host;
	char name[] = "0000:03:00.1";
	int32_t container = host_open(h, "/dev/vfio/vfio", 0);

	*f = (struct vfio_fds) { .container = container, .iommufd = -1, .name = e->fn->name };
	f->group = host_open(h, "/dev/vfio/15", 0);
	assert_int_equal(host_ioctl(h, f->group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(
		host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU), 0);
	f->device = host_ioctl(h, f->group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_true(f->device >= 0);
}

static void by_node(struct env *e, struct vfio_fds *f)
{
	*f = (struct vfio_fds) { .container = -1, .group = -1, .name = e->fn->name };
	f->iommufd = host_open(&e->v.host, "/dev/iommu", O_RDWR);
	f->device = host_open(&e->v.host, "/dev/vfio/devices/vfio0", O_RDWR);
	assert_true(f->iommufd >= 0 && f->device >= 0);
}

static void machine_up(struct env *e)
{
	const struct guest_memory_params m = { .size = 2 << 20 };
	struct pci_bus_params p = { .ecam = ECAM,
		.io = { SPACE_IO_START, SPACE_IO_END - SPACE_IO_START },
		.mem32 = { SPACE_MEM32_START, ECAM - SPACE_MEM32_START },
		.mem64 = { 0x1000000000, 1ULL << 38 } };

	e->s = (struct vmm_services) { .host = e->host };
	assert_int_equal(bus_new("pio", &e->s.pio), 0);
	assert_int_equal(bus_new("mmio", &e->s.mmio), 0);
	assert_int_equal(loop_new(&e->s.loop), 0);
	assert_int_equal(kvm_vm_new(e->host, e->k.fd, &e->vm, NULL), 0);
	e->s.kvm = e->vm;
	assert_int_equal(irq_chip_new(e->vm, &e->s.irq, NULL), 0);
	assert_int_equal(guest_memory_new(e->host, &m, &e->memory, NULL), 0);
	e->s.memory = e->memory;
	p.pio = e->s.pio;
	p.mmio = e->s.mmio;
	p.irq = e->s.irq;
	assert_int_equal(pci_bus_new(&p, &e->s.pci, NULL), 0);
}

static void machine_down(struct env *e)
{
	pci_bus_free(e->s.pci);
	irq_chip_free(e->s.irq);
	kvm_vm_free(e->vm);
	vfio_session_leave(e->session);
	guest_memory_free(e->memory);
	loop_free(e->s.loop);
	bus_free(e->s.mmio);
	bus_free(e->s.pio);
}

static void lose(void *arg, struct vfio_device *d UNUSED, enum function_loss how UNUSED)
{
	struct env *e = arg;

	e->lost = true;
	loop_quit(e->s.loop, 0);
}

static uint32_t get(struct env *e, unsigned at, unsigned len)
{
	uint64_t v;

	assert_true(bus_read(e->s.mmio, ECAM + (e->dev->slot << 15) + at, len, &v));
	return (uint32_t)v;
}

static void set(struct env *e, unsigned at, unsigned len, uint32_t v)
{
	assert_true(bus_write(e->s.mmio, ECAM + (e->dev->slot << 15) + at, len, v));
}

static uint64_t bar(struct env *e)
{
	return (uint64_t)get(e, PCI_BASE_ADDRESS_1, 4) << 32 |
	       (get(e, PCI_BASE_ADDRESS_0, 4) & ~15U);
}

static void entry(struct env *e, unsigned vector, uint32_t data, bool masked)
{
	uint64_t at = bar(e) + TABLE + 16 * vector;

	bus_write(e->s.mmio, at, 8, 0xfee00000);
	bus_write(e->s.mmio, at + 8, 4, data);
	bus_write(e->s.mmio, at + 12, 4, masked);
}

/* A driver comes up, an interrupt stays pending, BARs move, and it is reset. */
static void live(struct env *e)
{
	uint64_t v;

	get(e, 0, 4);
	set(e, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	get(e, PCI_BASE_ADDRESS_0, 4);
	set(e, PCI_BASE_ADDRESS_0, 4, 0x00800000);
	set(e, PCI_BASE_ADDRESS_1, 4, 0x10);
	set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	entry(e, 0, 0x41, true);
	entry(e, 2, 0x43, false);
	set(e, MSIX_AT + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_true(fakevfio_fire(e->fn, MSIX_INDEX, 0));
	assert_true(bus_read(e->s.mmio, bar(e) + PBA, 8, &v));
	assert_int_equal(v, 1);
	entry(e, 0, 0x51, false);
	assert_true(bus_read(e->s.mmio, bar(e) + PBA, 8, &v));
	assert_int_equal(v, 0);
	bus_write(e->s.mmio, bar(e) + TABLE + 0x100, 4, 0xcafe); /* beside the table: traps */
	set(e, PCI_BASE_ADDRESS_1, 4, 0x20);
	set(e, 0x80 + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	set(e, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

/* A life of the guest, and another after a reboot, in which the host takes the function back. */
static void story(struct env *e, void (*open)(struct env *e, struct vfio_fds *f))
{
	struct vfio_function_params p = {
		.lost = lose, .lost_arg = e, .rom = FUNCTION_ROM_FILE, .rom_fd = e->rom
	};
	struct vfio_fds f;

	open(e, &f);
	assert_int_equal(vfio_session_new(e->host, PEERS_AUTO, &e->session), 0);
	assert_int_equal(vfio_session_add(e->session, &f, NULL), 0);
	for (int boot = 0; boot < 2; boot++) {
		machine_up(e);
		vfio_reset_together(e->session, NULL, NULL);
		assert_int_equal(vfio_session_enter(e->session, e->vm, e->memory, NULL), 0);
		assert_int_equal(vfio_session_map_bank(e->session, 0, NULL), 0);
		p.device = vfio_session_device(e->session, 0);
		p.peers = vfio_session_peers(e->session);
		assert_int_equal(vfio_function_add(&e->s, &p, &e->dev, NULL), 0);
		live(e);
		if (boot) {
			assert_true(fakevfio_fire(e->fn, VFIO_PCI_REQ_IRQ_INDEX, 0));
			assert_int_equal(loop_run(e->s.loop), 0);
			assert_true(e->lost);
			pci_bus_remove(e->s.pci, e->dev);
			vfio_session_remove(e->session, vfio_session_device(e->session, 0));
		}
		machine_down(e);
	}
	vfio_session_free(e->session);
}

static char *text_of(struct env *e, size_t *ret_len)
{
	off_t len = lseek(e->file, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);

	assert_int_equal(pread(e->file, text, (size_t)len, 0), len);
	*ret_len = (size_t)len;
	return text;
}

static void must_play(const char *text, size_t len)
{
	struct replay_end end;

	replay(text, len, &end);
	if (!end.ok)
		fail_msg("line %u: %s", end.line, end.what);
	assert_true(end.things > 50 && end.calls > 100);
}

static void what_was_recorded_goes_the_same_way_again(void **state)
{
	struct env *e = *state;
	autofree char *text = NULL;
	size_t len;

	story(e, by_group);
	text = text_of(e, &len);
	if (getenv("SHOW_TRACE"))
		fputs(text, stderr);
	must_play(text, len);
	assert_non_null(strstr(text, "\n# kernel Linux 6.1\n# vmm test\n"));
	assert_non_null(strstr(text, " container VFIO_IOMMU_MAP_DMA flags=0x3 iova=0x0 "
				     "size=0x200000 memory = 0\n"));
	assert_non_null(strstr(text, " config-write 0000:03:00.1 0x72 2 0x8000\n"));
	assert_non_null(strstr(text, " vm KVM_IRQFD on e1 message 0xfee00000 0x43 = 0\n"));
	assert_non_null(
		strstr(text, " kvm-vfio KVM_SET_DEVICE_ATTR group=0x1 attr=0x1 group = 0\n"));
	assert_non_null(strstr(text, " read rom-file 0x0 "));
	assert_string_equal(e->note, "");
}

static void by_nodes_as_well(void **state)
{
	struct env *e = *state;
	autofree char *text = NULL;
	size_t len;

	story(e, by_node);
	text = text_of(e, &len);
	must_play(text, len);
	assert_non_null(strstr(text, " iommufd IOMMU_IOAS_MAP flags=0x7 id=0x1 iova=0x0"));
}

/* The regressions that the next two are about: see CMakeLists.txt, --wrap. */
static bool swap_irqs, forget_disable;
int __real_vfio_irq_connect(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, const int *fds, uint32_t n);
int __wrap_vfio_irq_connect(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, const int *fds, uint32_t n);
int __real_vfio_irq_disable(struct vfio_device *d, uint32_t index);
int __wrap_vfio_irq_disable(struct vfio_device *d, uint32_t index);

int __wrap_vfio_irq_connect(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, const int *fds, uint32_t n)
{
	/* INTx: first who unmasks, then who is told. */
	if (swap_irqs && index == VFIO_PCI_INTX_IRQ_INDEX)
		action = action == VFIO_IRQ_TRIGGER ? VFIO_IRQ_UNMASK : VFIO_IRQ_TRIGGER;
	return __real_vfio_irq_connect(d, index, action, start, fds, n);
}

int __wrap_vfio_irq_disable(struct vfio_device *d, uint32_t index)
{
	if (forget_disable && index == MSIX_INDEX)
		return 0;
	return __real_vfio_irq_disable(d, index);
}

static const char *line_at(const char *text, unsigned number)
{
	while (--number)
		text = strchr(text, '\n') + 1;
	return text;
}

static void assert_caught(const char *text, size_t len, const char *expected, const char *got)
{
	struct replay_end end;
	const char *line;

	replay(text, len, &end);
	assert_false(end.ok);
	assert_true(end.line > 10);
	assert_non_null(strstr(end.what, "expected: "));
	assert_non_null(strstr(end.what, got));
	line = line_at(text, end.line);
	assert_true(strstr(line, expected) && strstr(line, expected) < strchr(line, '\n'));
}

static void another_order_of_set_irqs_is_noticed(void **state)
{
	struct env *e = *state;
	autofree char *text = NULL;
	size_t len;

	story(e, by_group);
	text = text_of(e, &len);
	swap_irqs = true;
	assert_caught(text, len, "VFIO_DEVICE_SET_IRQS flags=0x24 index=0x0",
		"VFIO_DEVICE_SET_IRQS flags=0x14 index=0x0");
	swap_irqs = false;
	forget_disable = true;
	assert_caught(text, len, "VFIO_DEVICE_SET_IRQS flags=0x21 index=0x2", "got: ");
	forget_disable = false;
	must_play(text, len);
}

/* Ends at every byte: all that is there is played, and nothing else. */
static void a_trace_that_was_cut_is_played_to_its_end(void **state)
{
	struct env *e = *state;
	autofree char *text = NULL;
	unsigned lines = 0;
	size_t len;

	story(e, by_group);
	text = text_of(e, &len);
	for (size_t n = 0; n < len; n += 97) {
		struct replay_end end;

		replay(text, n, &end);
		if (end.ok)
			continue;
		assert_true(n < 20 || strstr(end.what, "the trace ends"));
		lines += end.line > 0;
	}
	assert_true(lines > 10);
}

/* Whatever byte is another one: it is played, or the line is told; never more. */
static void nothing_in_a_trace_is_believed(void **state)
{
	static const char bytes[] = "0=<x9 \n-e";
	struct env *e = *state;
	autofree char *text = NULL;
	unsigned refused = 0, seed = 42;
	size_t len;

	story(e, by_group);
	text = text_of(e, &len);
	for (unsigned i = 0; i < 1500; i++) {
		size_t at = (size_t)rand_r(&seed) % len;
		char was = text[at];
		struct replay_end end;

		text[at] = bytes[(unsigned)rand_r(&seed) % (sizeof(bytes) - 1)];
		replay(text, len, &end);
		assert_true(end.ok || *end.what);
		refused += !end.ok;
		text[at] = was;
	}
	assert_true(refused > 500);
}

static void assert_refused(const char *text, unsigned line, const char *why)
{
	struct replay_end end;

	replay(text, strlen(text), &end);
	assert_false(end.ok);
	assert_int_equal(end.line, line);
	if (!strstr(end.what, why))
		fail_msg("%s", end.what);
}

static void bad_lines_are_told_by_number(void **state UNUSED)
{
	const char *const v = RECORD_VERSION "\n";
	autofree char *many = calloc(1, 4096);
#define T(rest) (strcat(strcpy(many, v), rest))
#define S(rest) (strcat(strcat(strcpy(many, v), "1 > session - p2p=off\n1 <\n"), rest))

	assert_refused("", 0, "not one line");
	assert_refused("vfctl-trace 2\n", 1, "does not begin");
	assert_refused(T("nonsense\n"), 2, "no line of a trace");
	assert_refused(T("2 > add x\n"), 2, "one by one");
	assert_refused(T("1 <\n"), 2, "has not begun");
	assert_refused(T("1 > leave\n1 <\n1 read x y 4 = 0\n"), 4, "has ended");
	assert_refused(T("1 > leave\n1 read x y 4\n"), 3, "without an answer");
	assert_refused(T("99999999999 > leave\n"), 2, "no number");
	assert_refused(S("# all is well\n2 > dance\n2 <\n"), 5, "not known");
	assert_refused(S("2 > config-read 0000:01:00.0 0x0 4\n2 < 0x0\n"), 4, "no such function");
	assert_refused(S("2 > enter 0x0\n"), 4, "range");
	assert_refused(S("2 > enter 0x1000+0xffffffffffffffff\n"), 4, "range");
	assert_refused(S("2 > bank 7\n"), 4, "no such memory");
	assert_refused(S("2 > add 0000:01:00.0\n"), 4, "no function can be added");
	assert_refused(S("2 > leave\n2 <\n"), 4, "another way");
	assert_refused(S("2 > add a container=container group=- iommufd=- device=a\n"
			 "2 container VFIO_GET_API_VERSION = 0\n"
			 "2 container VFIO_CHECK_EXTENSION 3 = 1 flags=0x1\n"),
		6, "makes no sense");
	assert_refused(
		S("2 > add a container=container group=- iommufd=- device=a\n"
		  "2 container VFIO_GET_API_VERSION = 0\n"
		  "2 container VFIO_CHECK_EXTENSION 3 = 1\n"
		  "2 container VFIO_IOMMU_GET_INFO argsz=0x18 = 0 argsz=0x18 flags=0x100000001\n"),
		7, "makes no sense");
#undef S
#undef T
}

static void a_record_that_grows_too_large_ends_loudly(void **state)
{
	struct env *e = *state;
	const struct record_params p = {
		.fd = e->file, .limit = 4096, .note = take_note, .arg = e
	};
	autofree char *text = NULL;
	size_t len;

	host_free(e->host);
	assert_int_equal(ftruncate(e->file, 0), 0);
	assert_int_equal(lseek(e->file, 0, SEEK_SET), 0);
	assert_int_equal(record_new(&e->v.host, &p, &e->host), 0);
	story(e, by_group);
	text = text_of(e, &len);
	assert_true(len > 3000 && len < 4096 + 100);
	assert_non_null(strstr(text, "\n# the record ends here: "));
	assert_non_null(strstr(e->note, "limit"));
}

static void a_full_disk_ends_it_and_nothing_else(void **state)
{
	struct env *e = *state;
	struct record_params p = { .note = take_note, .arg = e };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	host_free(e->host);
	p.fd = full;
	assert_int_equal(record_new(&e->v.host, &p, &e->host), 0);
	assert_non_null(strstr(e->note, "No space left"));
	*e->note = '\0';
	story(e, by_group);
	assert_string_equal(e->note, ""); /* once is enough */
	close(full);
}

int main(void)
{
#define C(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		C(what_was_recorded_goes_the_same_way_again),
		C(by_nodes_as_well),
		C(another_order_of_set_irqs_is_noticed),
		C(a_trace_that_was_cut_is_played_to_its_end),
		C(nothing_in_a_trace_is_believed),
		cmocka_unit_test(bad_lines_are_told_by_number),
		C(a_record_that_grows_too_large_ends_loudly),
		C(a_full_disk_ends_it_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
