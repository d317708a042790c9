/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acpi.h"

#include "base/checked.h"
#include "map.h"
#include "vmm/dev/platform.h"
#include "vmm/irq/irq.h"

#include <string.h>

/* dsdt_aml_code[], generated */
#include "dsdt.hex"

enum {
	GAS_IO = 1,
	GAS_BYTE_ACCESS = 1,
	FADT_WBINVD = 1 << 0,
	FADT_PWR_BUTTON = 1 << 4, /* no fixed power button … */
	FADT_SLP_BUTTON = 1 << 5, /* … and no fixed sleep button */
	FADT_RESET_REG = 1 << 10,
	FADT_HW_REDUCED = 1 << 20,
	ARCH_NO_VGA = 1 << 2,
	ARCH_NO_ASPM = 1 << 4,
	MADT_PCAT_COMPAT = 1, /* there are 8259s too */
	IOAPIC_ADDRESS = 0xfec00000,
};
#define LAPIC_ADDRESS 0xfee00000U

struct sdt {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} PACKED;

struct gas {
	uint8_t space, bits, offset, access;
	uint64_t address;
} PACKED;

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} PACKED;

/* ACPI 6.5, table 5.9. What a hardware-reduced machine does not have stays 0. */
struct fadt {
	struct sdt head;
	uint32_t facs, dsdt;
	uint8_t reserved1, profile;
	uint16_t sci;
	uint8_t fixed_hardware[109 - 48]; /* SMI command port to the century index */
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct gas reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct gas fixed_blocks[8];
	struct gas sleep_control, sleep_status;
	uint64_t hypervisor;
} PACKED;
_Static_assert(sizeof(struct fadt) == 276, "FADT revision 6");
_Static_assert(offsetof(struct fadt, boot_arch) == 109, "IAPC_BOOT_ARCH");
_Static_assert(offsetof(struct fadt, sleep_control) == 244, "SLEEP_CONTROL_REG");

struct madt {
	struct sdt head;
	uint32_t lapic, flags;
} PACKED;

struct madt_lapic {
	uint8_t type, length, processor, apic;
	uint32_t flags;
} PACKED;

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi;
} PACKED;

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} PACKED;

struct madt_nmi {
	uint8_t type, length, processor;
	uint16_t flags;
	uint8_t lint;
} PACKED;

struct mcfg {
	struct sdt head;
	uint64_t reserved;
	uint64_t ecam;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} PACKED;

/* What dsdt.asl's operation region CONF names. */
struct acpi_config {
	uint32_t mem32_start, mem32_last, mem32_size, ecam;
	uint64_t mem64_start, mem64_last, mem64_size;
	uint32_t hot_slots;
} PACKED;

enum { TABLES_BYTES = BOOT_ACPI_CONFIG - BOOT_ACPI, TABLES_MAX = 8 };

struct tables {
	uint8_t bytes[TABLES_BYTES];
	size_t used;
	uint64_t listed[TABLES_MAX]; /* for the XSDT */
	size_t n_listed;
};

uint8_t acpi_checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len--)
		sum += *p++;
	return (uint8_t)-sum;
}

static void fill_head(struct sdt *t, const char signature[4], uint8_t revision, size_t length)
{
	memcpy(t->signature, signature, 4);
	t->length = (uint32_t)length;
	t->revision = revision;
	memcpy(t->oem, "VFCTL ", 6);
	memcpy(t->oem_table, "VFCTLVMM", 8);
	t->oem_revision = 1;
	memcpy(t->creator, "VFCT", 4);
	t->creator_revision = 1;
	t->checksum = 0;
}

/* Copies a table behind the others and gives its guest-physical address, 0 if it does not fit. */
static uint64_t append(struct tables *t, const void *table, size_t len)
{
	size_t at = align_up(t->used, 16);

	if (!range_fits(at, len, sizeof(t->bytes)))
		return 0;
	memcpy(t->bytes + at, table, len);
	t->used = at + len;
	return BOOT_ACPI + at;
}

static uint64_t append_sdt(
	struct tables *t, void *table, const char signature[4], uint8_t revision, size_t len)
{
	struct sdt *head = table;

	fill_head(head, signature, revision, len);
	head->checksum = acpi_checksum(table, len);
	return append(t, table, len);
}

static struct gas io_byte(uint16_t port)
{
	return (struct gas) {
		.space = GAS_IO,
		.bits = 8,
		.access = GAS_BYTE_ACCESS,
		.address = port,
	};
}

static uint64_t append_fadt(struct tables *t, uint64_t dsdt)
{
	struct fadt f = {
		.dsdt = (uint32_t)dsdt,
		.boot_arch = ARCH_NO_VGA | ARCH_NO_ASPM,
		.flags = FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_RESET_REG |
			 FADT_HW_REDUCED,
		.reset_register = io_byte(PLATFORM_ACPI_RESET),
		.reset_value = PLATFORM_ACPI_RESET_VALUE,
		.minor = 5,
		.x_dsdt = dsdt,
		.sleep_control = io_byte(PLATFORM_ACPI_SLEEP_CONTROL),
		.sleep_status = io_byte(PLATFORM_ACPI_SLEEP_STATUS),
	};

	return append_sdt(t, &f, "FACP", 6, sizeof(f));
}

struct strip {
	uint8_t bytes[512];
	size_t len;
};

static void add(struct strip *s, const void *entry, size_t len)
{
	memcpy(s->bytes + s->len, entry, len);
	s->len += len;
}

static uint64_t append_madt(struct tables *t, unsigned cpus)
{
	const struct madt_ioapic ioapic = { 1, sizeof(ioapic), 0, 0, IOAPIC_ADDRESS, 0 };
	const struct madt_override timer = { 2, sizeof(timer), 0, 0, 2, 0 };
	/* Level and active high: the Generic Event Device's, see dsdt.asl. */
	const struct madt_override events = { 2, sizeof(events), 0, IRQ_ACPI_SCI, IRQ_ACPI_SCI,
		0xd };
	const struct madt_nmi nmi = { 4, sizeof(nmi), 0xff, 0, 1 };
	struct strip s = { .len = sizeof(struct madt) };
	struct madt head = { .lapic = LAPIC_ADDRESS, .flags = MADT_PCAT_COMPAT };

	memcpy(s.bytes, &head, sizeof(head));
	for (unsigned i = 0; i < cpus; i++) {
		struct madt_lapic l = { 0, sizeof(l), (uint8_t)i, (uint8_t)i, 1 };

		add(&s, &l, sizeof(l));
	}
	add(&s, &ioapic, sizeof(ioapic));
	add(&s, &timer, sizeof(timer));
	add(&s, &events, sizeof(events));
	add(&s, &nmi, sizeof(nmi));
	return append_sdt(t, s.bytes, "APIC", 5, s.len);
}

static uint64_t append_mcfg(struct tables *t, uint64_t ecam)
{
	struct mcfg m = { .ecam = ecam };

	return append_sdt(t, &m, "MCFG", 1, sizeof(m));
}

static uint64_t append_xsdt(struct tables *t)
{
	struct {
		struct sdt head;
		uint64_t tables[TABLES_MAX];
	} PACKED x = { 0 };

	memcpy(x.tables, t->listed, t->n_listed * sizeof(x.tables[0]));
	return append_sdt(t, &x, "XSDT", 1, sizeof(x.head) + t->n_listed * sizeof(x.tables[0]));
}

static void fill_rsdp(struct tables *t, uint64_t xsdt)
{
	struct rsdp r = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem = { 'V', 'F', 'C', 'T', 'L', ' ' },
		.revision = 2,
		.length = sizeof(r),
		.xsdt = xsdt,
	};

	r.checksum = acpi_checksum(&r, offsetof(struct rsdp, length));
	r.extended_checksum = acpi_checksum(&r, sizeof(r));
	memcpy(t->bytes, &r, sizeof(r));
}

static int write_config(const struct guest_memory *m, const struct acpi_params *p)
{
	struct acpi_config c = {
		.mem32_start = (uint32_t)p->mem32_start,
		.mem32_last = (uint32_t)(p->mem32_start + p->mem32_size - 1),
		.mem32_size = (uint32_t)p->mem32_size,
		.ecam = (uint32_t)p->ecam,
		.mem64_start = p->mem64_start,
		.mem64_last = p->mem64_start + p->mem64_size - 1,
		.mem64_size = p->mem64_size,
		.hot_slots = p->hot_slots,
	};

	return guest_memory_write(m, GPA(BOOT_ACPI_CONFIG), &c, sizeof(c));
}

int acpi_write(const struct guest_memory *m, const struct acpi_params *p, struct gpa *ret_rsdp)
{
	autofree struct tables *t = calloc(1, sizeof(*t));
	uint64_t dsdt, xsdt;
	int r;

	if (!t)
		return -ENOMEM;
	t->used = sizeof(struct rsdp);
	dsdt = append(t, dsdt_aml_code, sizeof(dsdt_aml_code));
	t->listed[0] = dsdt ? append_fadt(t, dsdt) : 0;
	t->listed[1] = append_madt(t, p->cpus);
	t->listed[2] = append_mcfg(t, p->ecam);
	t->n_listed = 3;
	xsdt = append_xsdt(t);
	for (size_t i = 0; i < t->n_listed; i++)
		if (!t->listed[i])
			return -ENOSPC;
	if (!xsdt)
		return -ENOSPC;
	fill_rsdp(t, xsdt);
	r = guest_memory_write(m, GPA(BOOT_ACPI), t->bytes, t->used);
	if (r == 0)
		r = write_config(m, p);
	if (r == 0)
		*ret_rsdp = GPA(BOOT_ACPI);
	return r;
}
