/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the configuration spaces of the captured machine's real functions. */
#include "cm.h"

#include "base/attr.h"
#include "host/host.h"
#include "host/sysfs.h"
#include "vmm/vfio/policy.h"

#include <stdlib.h>
#include <string.h>

struct env {
	struct host *machine;
	struct pci_device pci;
	struct policy_view view;
	uint8_t config[PCI_CONFIG_BYTES];
};

static const struct pci_device_ops no_ops;

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	if (host_new_captured(HOSTS_DIR "/s4-nvme-vf.tar.gz", &e->machine, NULL) < 0)
		return -1;
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	host_free(e->machine);
	free(e);
	return 0;
}

static void apply(struct env *e, size_t len)
{
	struct pci_ids ids = { 0 };

	policy_ids(e->config, len, &ids);
	pci_device_init(&e->pci, &no_ops, "test", &ids);
	policy_apply(&e->pci, &e->view, e->config, len, true);
	pci_device_done(&e->pci);
}

static void load(struct env *e, const char *address)
{
	memset(e->config, 0, sizeof(e->config));
	assert_int_equal(sysfs_read_bytes(e->machine, e->config, sizeof(e->config),
				 "bus/pci/devices/%s/config", address),
		sizeof(e->config));
	apply(e, sizeof(e->config));
}

static unsigned extended(const struct pci_device *d, uint16_t id)
{
	unsigned at = 0x100;

	for (int hops = 0; at && hops < 64; hops++) {
		uint32_t header = pci_get32(d, at);

		if ((header & 0xffff) == id)
			return at;
		at = header >> 20;
	}
	return 0;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static void an_igb_vf(void **state)
{
	struct env *e = *state;

	load(e, "0000:01:10.0");
	/* 0x70 MSI-X (3 vectors, BAR 3) and 0xa0 Express stay; ARI and AER go. */
	assert_int_equal(e->pci.config[PCI_CAPABILITY_LIST], 0xa0);
	assert_int_equal(pci_find_capability(&e->pci, PCI_CAP_ID_MSIX), 0x70);
	assert_int_equal(e->view.msix, 0x70);
	assert_int_equal(pci_get16(&e->pci, 0x72), 2);
	assert_int_equal(pci_get32(&e->pci, 0x74), 3);
	assert_int_equal(pci_get32(&e->pci, 0x78), 0x2003);
	assert_int_equal(pci_get16(&e->pci, 0xa2), PCI_EXP_TYPE_RC_END << 4 | 2);
	assert_int_equal(extended(&e->pci, PCI_EXT_CAP_ID_ARI), 0);
	assert_int_equal(extended(&e->pci, PCI_EXT_CAP_ID_ERR), 0);
	assert_int_equal(pci_get32(&e->pci, 0x100), 0);
	assert_true(pci_get16(&e->pci, PCI_STATUS) & PCI_STATUS_CAP_LIST);
	/* No link registers. */
	assert_int_equal(pci_get32(&e->pci, 0xa0 + PCI_EXP_LNKCAP), 0);
	assert_true(pci_get32(&e->pci, 0xa0 + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR);
}

static void an_nvme_vf(void **state)
{
	struct env *e = *state;

	load(e, "0000:03:00.1");
	assert_int_equal(e->view.msix, 0x40);
	assert_int_equal(pci_get32(&e->pci, 0x44), 0x2000);
	assert_int_equal(e->view.express, 0x80);
	assert_int_equal(pci_find_capability(&e->pci, PCI_CAP_ID_PM), 0x60);
	/* Power states are remembered and go nowhere. */
	assert_int_equal(e->pci.write_mask[0x64], PCI_PM_CTRL_STATE_MASK);
	assert_int_equal(e->view.to_device[0x64], 0);
	assert_true(pci_get16(&e->pci, 0x64) & PCI_PM_CTRL_NO_SOFT_RESET);
}

static void a_pf_loses_what_reaches_out_of_it(void **state)
{
	static const uint16_t hidden[] = { PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_ID_ARI,
		PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ID_ACS };
	struct env *e = *state;

	load(e, "0000:01:00.0");
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		assert_int_equal(extended(&e->pci, hidden[i]), 0);
	/* The igb PF has MSI as well; without SR-IOV's BARs nobody finds phantom ones. */
	assert_true(e->view.msi && e->view.msix && e->view.express);
	for (unsigned at = 0x100; at < PCI_CONFIG_BYTES; at++)
		assert_int_equal(e->view.to_device[at], 0);
}

/* The raw config of any function of the machine, and each with every byte broken. */
static void nothing_that_a_device_shows_breaks_us(void **state)
{
	struct env *e = *state;
	uint8_t good[PCI_CONFIG_BYTES];

	load(e, "0000:01:00.0");
	memcpy(good, e->config, sizeof(good));
	for (unsigned at = 0; at < 0x200; at++)
		for (unsigned v = 0; v < 256; v += 5) {
			memcpy(e->config, good, sizeof(good));
			e->config[at] = (uint8_t)v;
			apply(e, sizeof(e->config));
			assert_true(pci_find_capability(&e->pci, PCI_CAP_ID_EA) == 0);
		}
	memset(e->config, 0xff, sizeof(e->config));
	apply(e, sizeof(e->config));
	assert_int_equal(pci_get32(&e->pci, 0x100), 0);
	apply(e, 256);
}

static void chains_that_loop_end(void **state)
{
	struct env *e = *state;

	memset(e->config, 0, sizeof(e->config));
	e->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	e->config[PCI_CAPABILITY_LIST] = 0x40;
	e->config[0x40] = PCI_CAP_ID_PM;
	e->config[0x41] = 0x50;
	e->config[0x50] = PCI_CAP_ID_VNDR;
	e->config[0x51] = 0x40; /* back again */
	e->config[0x52] = 0x10;
	put32(&e->config[0x100], 0x14010003); /* DSN, next 0x140 */
	put32(&e->config[0x104], 0x11223344);
	put32(&e->config[0x140], 0x1001000b); /* VSEC, back to 0x100 */
	put32(&e->config[0x144], 0x00800001); /* 8 bytes */
	apply(e, sizeof(e->config));
	assert_int_equal(pci_find_capability(&e->pci, PCI_CAP_ID_PM), 0x40);
	assert_int_equal(pci_find_capability(&e->pci, PCI_CAP_ID_VNDR), 0x50);
	assert_int_equal(e->pci.config[0x51], 0);
	assert_int_equal(extended(&e->pci, PCI_EXT_CAP_ID_DSN), 0x100);
	assert_int_equal(pci_get32(&e->pci, 0x104), 0x11223344);
	assert_int_equal(e->view.to_device[0x104], 0);
	assert_int_equal(extended(&e->pci, PCI_EXT_CAP_ID_VNDR), 0x140);
	/* The vendor's own registers pass, its header does not. */
	assert_int_equal(e->view.to_device[0x52], 0xff);
	assert_int_equal(e->view.to_device[0x51], 0);
	assert_int_equal(e->view.to_device[0x144], 0xff);
	assert_int_equal(e->view.to_device[0x148], 0);
}

static void a_hidden_first_capability_keeps_the_chain(void **state)
{
	struct env *e = *state;

	memset(e->config, 0, sizeof(e->config));
	put32(&e->config[0x100], 0x15010010); /* SR-IOV, next 0x150 */
	put32(&e->config[0x150], 0x16010015); /* ReBAR, next 0x160 */
	put32(&e->config[0x160], 0x00010003); /* DSN */
	apply(e, sizeof(e->config));
	assert_int_equal(pci_get32(&e->pci, 0x100), 0x16000000);
	assert_int_equal(extended(&e->pci, PCI_EXT_CAP_ID_DSN), 0x160);
	assert_int_equal(pci_get32(&e->pci, 0x150), 0);
}

static void what_does_not_fit_is_hidden(void **state)
{
	struct env *e = *state;

	memset(e->config, 0, sizeof(e->config));
	e->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	e->config[PCI_CAPABILITY_LIST] = 0xf0;
	e->config[0xf0] = PCI_CAP_ID_EXP; /* 60 bytes, 16 are left */
	e->config[0xf1] = 0x48;
	e->config[0xf2] = 2;
	e->config[0x48] = PCI_CAP_ID_MSIX;
	apply(e, sizeof(e->config));
	assert_int_equal(e->view.express, 0);
	assert_int_equal(e->pci.config[PCI_CAPABILITY_LIST], 0x48);
}

static void registers_between_capabilities_pass(void **state)
{
	struct env *e = *state;

	memset(e->config, 0, sizeof(e->config));
	e->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	e->config[PCI_CAPABILITY_LIST] = 0x50;
	e->config[0x50] = PCI_CAP_ID_PM;
	e->config[0x51] = 0x60;
	e->config[0x60] = PCI_CAP_ID_HT; /* hidden, and what may belong to it too */
	e->config[0x61] = 0x80;
	e->config[0x80] = PCI_CAP_ID_MSIX;
	apply(e, sizeof(e->config));
	assert_int_equal(e->view.to_device[0x4c], 0xff);
	assert_int_equal(e->view.to_device[0x5c], 0xff);
	assert_int_equal(e->view.to_device[0x70], 0);
	assert_int_equal(e->view.from_device[0x70], 0);
	assert_int_equal(e->view.to_device[0x90], 0xff);
}

static void bridges_are_refused(void **state)
{
	struct env *e = *state;
	struct pci_ids ids;

	load(e, "0000:00:01.0");
	assert_int_equal(policy_ids(e->config, sizeof(e->config), &ids), -EINVAL);
	assert_int_equal(policy_ids(e->config, 64, &ids), -EINVAL);
	load(e, "0000:01:00.0");
	assert_int_equal(policy_ids(e->config, sizeof(e->config), &ids), 0);
	assert_int_equal(ids.vendor, 0x8086);
	assert_int_equal(ids.device, 0x10c9);
	assert_int_equal(ids.class, 0x020000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_igb_vf),
		cmocka_unit_test(an_nvme_vf),
		cmocka_unit_test(a_pf_loses_what_reaches_out_of_it),
		cmocka_unit_test(nothing_that_a_device_shows_breaks_us),
		cmocka_unit_test(chains_that_loop_end),
		cmocka_unit_test(a_hidden_first_capability_keeps_the_chain),
		cmocka_unit_test(what_does_not_fit_is_hidden),
		cmocka_unit_test(registers_between_capabilities_pass),
		cmocka_unit_test(bridges_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
