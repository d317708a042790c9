// SPDX-License-Identifier: GPL-2.0-or-later
/* Each sign on a machine where it is and on one where it is not; what is forgiven; what is not. */
#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "health/health.h"
#include "lease/lease.h"

#include <stdio.h>

#define PF   "0000:01:00.0" /* igb, four VFs on igbvf */
#define VF   "0000:01:10.0"
#define VF2  "0000:01:10.2"
#define NVME "0000:03:00.0"
#define DEV  "/sys/bus/pci/devices/"

#define FATAL(n)    "DLP " #n "\nTOTAL_ERR_FATAL " #n "\n"
#define NONFATAL(n) "CmpltTO " #n "\nTOTAL_ERR_NONFATAL " #n "\n"
#define COR(n)	    "RxErr " #n "\nTOTAL_ERR_COR " #n "\n"

static struct host *kernel(void)
{
	return fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
}

static char *text_of(const struct health *health)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%s", health_state_name(health->state));
	for (size_t i = 0; i < health->n; i++)
		strbuf_add(&b, "; %s %s: %s (%s: %s) -> %s", health->v[i].sign->name,
			health_state_name(health->v[i].state), health->v[i].text,
			health->v[i].fact.file ? health->v[i].fact.file : "-",
			health->v[i].fact.value ? health->v[i].fact.value : "-",
			health->v[i].next ? health->v[i].next : "-");
	return strbuf_take(&b);
}

/* Everything that is found out about the function, on one line. */
static char *health(struct host *h, const char *address)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autohealths *all = NULL;
	const struct function *f;

	assert_int_equal(inventory_load(h, 0, &inv, NULL), 0);
	f = inventory_find_bdf(inv, at(address));
	assert_non_null(f);
	assert_int_equal(healths_look(h, inv, &f, 1, &all, NULL), 0);
	return text_of(healths_of(all, f));
}

static void is(struct host *h, const char *address, const char *expected)
{
	autofree char *text = health(h, address);

	assert_string_equal(text, expected);
}

static void has(struct host *h, const char *address, const char *state, const char *words)
{
	autofree char *text = health(h, address);

	if (!str_starts(text, state) || !strstr(text, words))
		fail_msg("'%s' and '%s' are not in '%s'", state, words, text);
}

static void put_ones(struct host *h, const char *address)
{
	char ones[65];

	memset(ones, 0xff, 64);
	ones[64] = '\0';
	fake_put(h, ones, DEV "%s/config", address);
}

static void nothing_wrong(void **state UNUSED)
{
	autohost *h = kernel();

	is(h, PF, "healthy");
	is(h, VF, "healthy");
	is(h, NVME, "healthy");
	assert_string_equal(fake_log(h), "");
}

static void all_ones(void **state UNUSED)
{
	autohost *h = kernel();

	put_ones(h, VF);
	is(h, VF,
		"unhealthy; device-gone unhealthy: it does not answer "
		"(" DEV VF "/config: all ones) -> vfctl recover " VF);
	is(h, VF2, "healthy");
	/* What has the PF has its VFs. */
	put_ones(h, PF);
	has(h, VF2, "unhealthy; pf unhealthy: its PF " PF ": it does not answer",
		"vfctl recover " PF);
}

static void counted_errors(void **state UNUSED)
{
	autohost *h = kernel();

	fake_put(h, COR(999), DEV VF "/aer_dev_correctable");
	is(h, VF, "healthy");
	fake_put(h, COR(1000), DEV VF "/aer_dev_correctable");
	has(h, VF, "degraded", "1000 correctable PCIe errors");
	fake_put(h, NONFATAL(1), DEV VF "/aer_dev_nonfatal");
	has(h, VF, "degraded; pcie-errors degraded: 1 non-fatal PCIe error (", "CmpltTO 1");
	fake_put(h, FATAL(2), DEV VF "/aer_dev_fatal");
	has(h, VF, "unhealthy; pcie-errors unhealthy: 2 fatal PCIe errors (", "DLP 2");
	is(h, VF2, "healthy");
	/* Garbage counts nothing. */
	fake_put(h, "TOTAL_ERR_FATAL many\n", DEV VF2 "/aer_dev_fatal");
	is(h, VF2, "healthy");
}

static void link_and_carrier(void **state UNUSED)
{
	autohost *h = kernel();

	fake_put(h, "8\n", DEV PF "/max_link_width");
	fake_put(h, "16.0 GT/s PCIe\n", DEV PF "/max_link_speed");
	fake_put(h, "4\n", DEV "0000:00:01.0/max_link_width");
	has(h, PF, "degraded", "its link runs at 2.5 GT/s x1 where 16 GT/s x4 would do");
	has(h, VF, "degraded", "its PF " PF ": its link");
	/* Asleep it may be slow, and what cannot be read is no sign. */
	fake_put(h, "D3hot\n", DEV PF "/power_state");
	is(h, PF, "healthy");
	fake_put(h, "D0\n", DEV PF "/power_state");
	fake_put(h, "Unknown\n", DEV PF "/current_link_speed");
	is(h, PF, "healthy");
	fake_put(h, "error\n", DEV PF "/power_state");
	has(h, PF, "degraded", "power-state");
}

static void said_by_the_kernel(void **state UNUSED)
{
	autohost *h = kernel();

	fake_klog(h, 4, "pci 0000:01:10.2: not ready 65535ms after FLR; giving up");
	has(h, VF2, "unhealthy", "kernel log: pci 0000:01:10.2: not ready");
	is(h, VF, "healthy");
	/* A lesser complaint does not hide it; a stranger's words and other addresses mean nothing.
	 */
	fake_klog(h, 4, "igbvf 0000:01:10.2: PF still in reset state. Is the PF interface up?");
	has(h, VF2, "unhealthy", "did not come back");
	fake_klog_raw(h, "11,900,1,-;igb 0000:01:10.0: PCIe link lost");
	fake_klog(h, 4, "igb 10000:01:10.0: PCIe link lost, device now detached");
	is(h, VF, "healthy");
	/* Made anew, it has nothing to do with that. */
	fake_klog(h, 6, "pci 0000:01:10.2: [8086:10ca] type 00 class 0x020000");
	is(h, VF2, "healthy");
	fake_klog(h, 4,
		"vfio-pci 0000:01:10.2: AER: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=x");
	is(h, VF2, "healthy");
	fake_klog(h, 3,
		"vfio-pci 0000:01:10.2: AER: PCIe Bus Error: severity=Uncorrectable (Fatal), "
		"type=Inaccessible, (Unregistered Agent ID)");
	has(h, VF2, "unhealthy", "it had a fatal PCIe error");
	fake_klog(h, 6, "pci 0000:01:10.2: [8086:10ca] type 00 class 0x020000");
	fake_klog(h, 3, "igb 0000:01:00.0 eth0: PCIe link lost, device now detached");
	has(h, VF2, "unhealthy", "its PF " PF ": its driver has lost it");
}

static void dead_controller(void **state UNUSED)
{
	autohost *h = kernel();

	fake_put(h, "dead\n", DEV NVME "/nvme/nvme0/state");
	has(h, NVME, "unhealthy", "its controller nvme0 is dead");
	fake_put(h, "resetting\n", DEV NVME "/nvme/nvme0/state");
	has(h, NVME, "degraded", "resetting");
}

static void quarantined(void **state UNUSED)
{
	autohost *h = kernel();
	uint64_t incarnation;
	autofree char *record = NULL;

	assert_int_equal(lease_incarnation(h, at(VF), &incarnation), 0);
	for (unsigned i = 0; i < 2; i++) {
		free(record);
		record = str_printf(
			"{\"lease\":1,\"address\":\"" VF "\",\"incarnation\":%llu,\"pf\":\"" PF
			"\",\"vf\":0,\"pool\":null,\"state\":\"quarantine\",\"reason\":\"no FLR\","
			"\"owner\":{\"kind\":\"manual\",\"id\":\"x\",\"pid\":0,\"start\":0,\"path\":null},"
			"\"since\":1,\"since_boot_ms\":1,\"uid\":0,\"worker\":{\"pid\":0,\"start\":0},"
			"\"before\":{\"driver\":\"igbvf\",\"override\":\"\",\"settings\":[]},"
			"\"node\":{\"name\":null,\"uid\":0,\"gid\":0,\"mode\":0}}",
			(unsigned long long)incarnation + i);
		fake_put(h, record, "/run/vfctl/claims/" VF);
		/* Of another function that had the address, it says nothing. */
		if (i == 0)
			has(h, VF, "unhealthy; quarantine", "no FLR");
		else
			is(h, VF, "healthy");
	}
}

/* ---- Forgiving ---- */

static void forgive(struct host *h, const char *address, const char *run)
{
	struct health_mark mark;

	assert_int_equal(health_mark(h, at(address), &mark, NULL), 0);
	assert_int_equal(health_forgive(&mark, run, NULL), 0);
}

static void forgiven(void **state UNUSED)
{
	autohost *h = kernel();
	char dir[] = "/tmp/vfctl-health-XXXXXX", run[48], rm[48];
	autofree char *file = NULL;
	struct health_mark mark;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(run, sizeof(run), "%s/run", dir);
	(void)snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	fake_mirror(h, "/run/vfctl", run);
	fake_put(h, FATAL(2), DEV VF "/aer_dev_fatal");
	fake_klog(h, 4, "pci 0000:01:10.0: not ready 65535ms after FLR; giving up");
	has(h, VF, "unhealthy", "2 fatal");
	forgive(h, VF, run);
	is(h, VF, "healthy");
	/* What comes afterwards counts, and that alone. */
	fake_put(h, FATAL(3), DEV VF "/aer_dev_fatal");
	has(h, VF, "unhealthy; pcie-errors unhealthy: 1 fatal PCIe error (", "DLP 3");
	fake_put(h, FATAL(2), DEV VF "/aer_dev_fatal");
	fake_klog(h, 4, "pci 0000:01:10.0: not ready 65535ms after FLR; giving up");
	has(h, VF, "unhealthy; kernel-log", "giving up");
	/* Neither a dead device nor a record of garbage is forgiven. */
	forgive(h, VF, run);
	put_ones(h, VF);
	has(h, VF, "unhealthy", "does not answer");
	fake_put(h, FATAL(2), DEV VF2 "/aer_dev_fatal");
	forgive(h, VF2, run);
	is(h, VF2, "healthy");
	file = str_printf("echo health 1 1 2 3 4 >%s/health/" VF2, run);
	assert_int_equal(system(file), 0);
	has(h, VF2, "unhealthy", "2 fatal");
	assert_int_equal(health_mark(h, at("0000:77:00.0"), &mark, NULL), -ENOENT);
	assert_int_equal(system(rm), 0);
}

static void refused(void **state UNUSED)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autohost *h = kernel();
	autohealths *all = NULL;
	autoproblem *p = NULL;
	autofree char *text = NULL;
	const struct function *f[2];

	put_ones(h, VF);
	assert_int_equal(inventory_load(h, 0, &inv, NULL), 0);
	f[0] = inventory_find_bdf(inv, at(VF));
	f[1] = inventory_find_bdf(inv, at(VF2));
	assert_int_equal(healths_look(h, inv, f, 2, &all, NULL), 0);
	assert_null(healths_of(all, inventory_find_bdf(inv, at(PF))));
	assert_int_equal(health_refuse(healths_of(all, f[1]), VF2, &p), 0);
	assert_null(p);
	assert_int_equal(health_refuse(healths_of(all, f[0]), VF, &p), -EPERM);
	text = problem_text(p);
	assert_string_equal(
		text, VF " is unhealthy: it does not answer (" DEV VF "/config: all ones)");
	assert_string_equal(problem_best_hint(p), "vfctl recover " VF);
	assert_int_equal(problem_kind_exit_code(p->kind), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wrong),
		cmocka_unit_test(all_ones),
		cmocka_unit_test(counted_errors),
		cmocka_unit_test(link_and_carrier),
		cmocka_unit_test(said_by_the_kernel),
		cmocka_unit_test(dead_controller),
		cmocka_unit_test(quarantined),
		cmocka_unit_test(forgiven),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
