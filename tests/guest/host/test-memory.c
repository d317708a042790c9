/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest's memory comes from, and what the VMM takes for itself beside it. */
#include "vm.h"

#include "base/attr.h"
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (1ULL << 20)

/* ---- Pools of huge pages: root lets the kernel make some on demand, and takes it back ---- */

#define OVERCOMMIT "/proc/sys/vm/nr_overcommit_hugepages"

static char overcommit_before[32];

static bool write_number(const char *text)
{
	FILE *f = fopen(OVERCOMMIT, "w");
	bool ok = f && fputs(text, f) >= 0;

	return f && fclose(f) == 0 && ok;
}

static int allow_huge_pages(void **state UNUSED)
{
	FILE *f = fopen(OVERCOMMIT, "r");

	if (f && !fgets(overcommit_before, sizeof(overcommit_before), f))
		*overcommit_before = '\0';
	if (f)
		fclose(f);
	return 0;
}

static int forbid_huge_pages(void **state UNUSED)
{
	if (*overcommit_before)
		write_number(overcommit_before);
	return 0;
}

static void only_root_has_pools(void)
{
	if (geteuid() != 0)
		skip();
}

static void reserved_pages_are_all_there_before_it_runs(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=boot", .extra = { "--huge-pages", "2M", "-v" } };
	struct vm_result r;

	only_root_has_pools();
	assert_true(write_number("64"));
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "memory/huge_page_bytes"), 2 * MIB);
	assert_int_equal(vm_report(&r, "memory/in_huge_pages_bytes"), 64 * MIB);
	/* A fault for each of them, and what else a thread does when it starts. */
	assert_in_range(vm_report(&r, "memory/populate/faults"), 32, VM_RELAXED ? 4096 : 96);
	assert_non_null(strstr(r.errors, "64 MiB of it in pages of 2M"));
	assert_non_null(strstr(r.errors, "these were asked for"));
	assert_non_null(strstr(r.errors, "start: "));
	vm_result_done(&r);
}

static void too_few_pages_end_the_start(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=boot",
		.memory = 64ULL << 40, /* more than any machine has */
		.extra = { "--huge-pages", "2M" } };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_ended(&r, 1, "failed");
	assert_non_null(strstr(r.errors, "cannot get 33554432 huge pages of 2 MiB"));
	vm_result_done(&r);
}

static void memory_is_bound_to_a_node(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=boot", .extra = { "--numa", "0,only" } };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	s.extra[1] = "1000,only";
	vm_run(&s, &r);
	vm_assert_ended(&r, 1, "failed");
	assert_non_null(strstr(r.errors, "cannot be bound to NUMA node 1000"));
	vm_result_done(&r);
}

static void what_nobody_needs_at_once_comes_later(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=boot", .memory = 4096 * MIB, .extra = { "-v" } };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "memory/banks"), 2);
	assert_non_null(strstr(r.errors, "they come when the guest touches them"));
	assert_null(strstr(r.errors, "populated:"));
	vm_result_done(&r);
}

/* ---- The VMM's own; a sanitizer's run-time is not meant ---- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

struct usage {
	unsigned long rss_kib, anonymous_kib;
};

/* Everything but the mapping that is the guest's, which is by far the largest that is touched. */
static struct usage own_memory(pid_t pid, unsigned long guest_kib)
{
	autofree char *path = str_printf("/proc/%d/smaps", (int)pid);
	struct usage u = { 0 };
	unsigned long kib, size = 0;
	FILE *f = fopen(path, "r");
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %lu kB", &kib) == 1)
			size = kib;
		else if (size != guest_kib && sscanf(line, "Rss: %lu kB", &kib) == 1)
			u.rss_kib += kib;
		else if (size != guest_kib && sscanf(line, "Anonymous: %lu kB", &kib) == 1)
			u.anonymous_kib += kib;
	}
	fclose(f);
	return u;
}

static struct usage used;

static void look(pid_t vmm)
{
	used = own_memory(vmm, 64 * 1024);
	kill(vmm, SIGTERM);
}

/* With a disk, a random number generator and two CPUs. */
static void the_vmm_is_small(void **state UNUSED)
{
	struct vm_setup s = {
		.append = "test=spin", .rng = true, .cpus = 2, .when = "ok spinning", .then = look
	};
	struct vm_result r;

	s.disks[0].fd = vm_file(NULL, 1 << 20);
	vm_run(&s, &r);
	vm_assert_ended(&r, 11, "stopped");
	vm_result_done(&r);
	close(s.disks[0].fd);
	print_message("beside the guest's memory: RSS %lu KiB, anonymous %lu KiB\n", used.rss_kib,
		used.anonymous_kib);
	assert_in_range(used.anonymous_kib, 1, 640);
	assert_in_range(used.rss_kib, 1, 2048);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_pages_are_all_there_before_it_runs),
		cmocka_unit_test(too_few_pages_end_the_start),
		cmocka_unit_test(memory_is_bound_to_a_node),
		cmocka_unit_test(what_nobody_needs_at_once_comes_later),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(the_vmm_is_small),
#endif
	};

	return cmocka_run_group_tests(tests, allow_huge_pages, forbid_huge_pages);
}
